#!/bin/sh
# proxies.t: runs the two examples of proxies, and holds what they say against
# what they must.

. "${srcdir-.}/t/ok.sh"

# sorted STEP KEY...: the ships that this step shows are as sort has them.
sorted() {
    step=$1
    shift
    sed -n "/^$step\\. /,/^$((step + 1))\\. /s/^   \\([A-Z].*\\) m\$/\\1/p" \
        "$scratch/out" | sed 's/\([a-z]\) \([A-Z]\)/\1_\2/' > "$scratch/shown"
    test "$(wc -l < "$scratch/shown")" -eq 5 &&
        sort "$@" "$scratch/shown" | diff - "$scratch/shown" > "$scratch/err"
}

echo 1..15

run sortby
ok 'sortby ends well' test $status -eq 0
ok 'it has nothing to complain about' silent
ok 'its story has four steps' steps_to 4
ok 'ships are sorted by name' sorted 1 -k 1,1
ok 'then by year' sorted 2 -k 2,2n
ok 'then by length, the other way round' sorted 3 -k 3,3nr
ok 'a comparison that comes too late is refused' says 'says: ESTALE\.'
ok 'and heard of' says 'heard of 1 call that came too late'

run oldhook
ok 'oldhook ends well' test $status -eq 0
ok 'it has nothing to complain about, too' silent
ok 'its story has five steps' steps_to 5
ok 'all journals are written before a fork' \
    says '20 journals were written out first; 0 lines$'
ok 'nearly all die, though their hooks stay' \
    says 'All 20 hooks are called: 1[0-9] without a journal,'
ok 'those that live are written' says 'and ([1-9]|10) with one\.'
ok 'and so it goes on' says '^5\. .*: 1[0-9] stale, ([1-9]|10) live'
