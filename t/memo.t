#!/bin/sh
# memo.t: feeds the example logs whose contents are known.  However many
# consumers ask, a line is parsed once, while it lives; and what it takes stays
# as it is while lines come and go, unless the memo is asked to hold them.

. "${srcdir-.}/t/ok.sh"

# complains PATTERN: a line of its complaints matches.
complains() {
    grep -Eq -e "$1" "$scratch/err"
}

# A log of 2,500 lines, of packages and of processes.  Every
# fifth tells of nothing; each name comes in a burst of eight lines, and comes
# back after 80, when the window is past it.  Line 7 is the widest.
write_log() {
    awk 'BEGIN {
        for (i = 0; i < 2500; i++) {
            name = "name" int(i / 8) % 10
            if (i == 6)
                print "2025-06-24 14:36:25 install", name ":amd64 a b"
            else if (i % 5 == 0)
                print "this line tells nothing"
            else if (i % 2 == 0)
                print "2025-06-24 14:36:25 install", name ":all"
            else
                print "Jun 24 14:36:25 host", name "[" i "]:"
        }
    }'
}

# row N COLUMN: of the table of tenths.
row() {
    awk -v row="$1" -v column="$2" '
        /^ *lines / { on = 1; next }
        /^$/        { on = 0 }
        on && ++n == row { print $column }' "$scratch/out"
}

# said LABEL WORD: the number before WORD in the line that LABEL begins.
said() {
    sed -n "s/^$1  *\(.*[^0-9]\)\{0,1\}\([0-9][0-9]*\) $2.*/\2/p" \
        "$scratch/out"
}

# The rows of the plots.
plot_rows() {
    sed -n 's/^[ 0-9]\{9\} |//p' "$scratch/out"
}

# Two plots of 12 rows with 60 columns.
plots_are_whole() {
    test "$(plot_rows | awk '{ print length($0) }' | uniq -c |
            awk '{ print $1, $2 }')" = '24 60'
}

# How many lines tell of what one of the 63 before told of, found by another
# way.
repeats_of() {
    awk '{
        topic = ""
        for (i = 1; i <= NF && topic == ""; i++)
            if ($i ~ /^[A-Za-z].*:/)
                topic = $i
        if (topic != "" && (topic in last) && NR - last[topic] < 64)
            n++
        if (topic != "")
            last[topic] = NR
    }
    END { print n + 0 }' "$1"
}

# Lines that are odd in one way or another.
odd_lines() {
    echo
    echo '   '
    printf '\377\376\200: bytes\n'
    awk 'BEGIN { while (i++ < 100000) printf "x"; print ":" }'
    awk 'BEGIN { while (i++ < 20000) printf "x "; print "" }'
    printf 'kernel: \000not read\n'
    printf 'kernel:\tno end of the line'
}

echo 1..37

run memo --help < /dev/null
ok '--help ends well' test $status -eq 0
ok 'and tells how it is used' says '^usage: memo .*FILE'
ok 'on standard output' silent

for bad in --no-such-option --lines '--lines 0' '--lines -1' '--lines 3x'
do
    # Some are two words.
    # shellcheck disable=SC2086
    run memo $bad < /dev/null
    ok "$bad is refused" test $status -eq 1
done
ok 'with the usage' complains '^usage: memo'

run memo "$scratch/no-such.log" < /dev/null
ok 'a log that is not there is an error' test $status -eq 1
ok 'that names it' complains 'no-such\.log: No such file'
ok 'and the other ways' complains 'memo FILE.*memo -$'

run memo - < /dev/null
ok 'a log without lines is an error' test $status -eq 1
ok 'that says so' complains 'no lines'
ok 'and nothing else is said' test ! -s "$scratch/out"

# A file read by redirection would be no pipe.
write_log > "$scratch/log"
# shellcheck disable=SC2002
status=$(cat "$scratch/log" | { run memo -; echo $status; })
ok 'a log from a pipe is read once' test "$status" -eq 0
ok 'to its end' says '^2500 lines of standard input, in 1 pass,'
ok 'all its words are found' \
    test "$(said words 'in all')" -eq "$(wc -w < "$scratch/log")"
ok 'and what tells of the same, in the window' \
    test "$(said repeats lines)" -eq "$(repeats_of "$scratch/log")"

run memo --lines 200000 "$scratch/log" < /dev/null
ok 'a log is read again until there are enough lines' \
    says '^200000 lines of .*/log, in 80 passes, in a memo with weak keys'
ok 'each line is parsed once' test "$(said parsed lines)" -eq 200000
ok 'though the index is asked for many times' \
    test "$(said asked times)" -gt 2000000
ok 'a tenth of the lines is parsed in a tenth of the time' \
    test "$(row 1 3) $(row 10 3)" = '20000 200000'
# The more static data a program has, as with sanitizers, the rarer it collects.
ok 'the memo stays far smaller than what came' \
    test "$(row 10 4)" -lt 50000
ok 'it is no larger in the end than after a half' \
    test "$(row 10 4)" -le $((2 * $(row 5 4)))
ok 'nor is the heap' test "$(row 10 5)" -le $((2 * $(row 5 5)))
ok 'a line that somebody holds is remembered for ever' \
    says '^widest +line 7 has 6 words; it is 199993 lines old'
ok 'and not parsed again' says 'index is still there$'
ok 'there are two plots' plots_are_whole

run memo --strong --lines 40000 "$scratch/log" < /dev/null
ok 'asked to hold all, it ends well, too' test $status -eq 0
ok 'the memo has every line that ever came' test "$(row 10 4)" -eq 40000
ok 'and grows with them' test "$(row 5 4)" -eq 20000
ok 'the heap grows as well' test "$(row 10 5)" -gt $((4 * $(row 1 5)))
ok 'which the plot shows' \
    test "$(plot_rows | sed -n 12p | tr -dc '#' | wc -c)" -gt \
         $((4 * $(plot_rows | sed -n 1p | tr -dc '#' | wc -c)))

{ cat "$scratch/log"; odd_lines; } > "$scratch/odd"
run memo --lines 2507 "$scratch/odd" < /dev/null
ok 'odd lines are read like others' test $status -eq 0
ok 'and are found again by their words' says 'line 2505 has 20000 words'
ok 'a short run is parsed once, too' test "$(said parsed lines)" -eq 2507
