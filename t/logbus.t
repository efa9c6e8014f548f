#!/bin/sh
# logbus.t: feeds the example logs whose contents are known, and holds what it
# says against them: every event is there, and the hub stays small; unless it
# is asked to leak.

. "${srcdir-.}/t/ok.sh"

# complains PATTERN: a line of its complaints matches.
complains() {
    grep -Eq -e "$1" "$scratch/err"
}

# said LABEL WORD: the number before WORD in the line that LABEL begins.
said() {
    sed -n "s/^$1  *\(.*[^0-9]\)\{0,1\}\([0-9][0-9]*\) $2.*/\2/p" \
        "$scratch/out"
}

# A log of 3,000 lines that tell of packages in bursts and of processes; what
# type each must be goes to the file "types".
packages() {
    awk -v types="$scratch/types" '
    function tell(type, line) { print line; print type > types }
    BEGIN {
        split("install configure upgrade status remove", verbs, " ")
        for (i = 0; i < 3000; i++) {
            stamp = sprintf("2025-06-24 14:%02d:%02d", i / 60 % 60, i % 60)
            name = "package" int(i / 15) ":amd64"
            verb = verbs[i % 5 + 1]
            if (i % 7 == 0)
                tell("startup", stamp " startup archives unpack")
            else if (i % 7 == 1)
                tell("cron", "Jun 24 14:36:25 host cron[" int(i / 20) \
                     "]: (root) CMD (true)")
            else if (i % 7 == 2)
                tell("sshd", "2025-06-24T14:36:25+02:00 host sshd[" i \
                     "]: Connection closed: by 10.0.0.1")
            else if (verb == "status")
                tell(verb, stamp " status half-installed " name " 1:2.3-4")
            else
                tell(verb, stamp " " verb " " name " <none> 1:2.3-4")
        }
    }'
}

# Lines that are odd in one way or another.
odd_lines() {
    long=$(awk 'BEGIN { while (i++ < 100000) printf "x" }')
    echo
    echo '   '
    printf 'a colon in the sixth word: too late\n'
    printf '2025-06-24 14:36:25\n'
    printf '2025-06-24 14:36:2x install libc6:amd64\n'
    printf '\377\376\200: bytes\n'
    echo "$long"
    printf 'kernel: \000sshd[1]: not read\n'
    echo "2025-06-24 14:36:25 $long $long"
    printf 'kernel:\tno end of the line'
}

odd_types() {
    for type in line line line line line line line kernel \
        xxxxxxxxxxxxxxxxxxxxxxxx kernel
    do
        echo $type
    done
}

# The log of plain lines only: all of one type, without sources.
plain_lines() {
    awk 'BEGIN { while (i++ < 200) print "this is line " i }'
}

# counts_are FILE: the types reported, with their events, are those in FILE.
counts_are() {
    sort "$1" | uniq -c | awk '{ print $2, $1 }' > "$scratch/expected"
    awk '/^type /  { on = 1; next }
         /^\(all\)/ { on = 0 }
         on        { print $1, $2 }' "$scratch/out" |
    sort | diff "$scratch/expected" - > "$scratch/err"
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

echo 1..42

run logbus --help < /dev/null
ok '--help ends well' test $status -eq 0
ok 'and tells how it is used' says '^usage: logbus .*FILE'
ok 'on standard output' silent

run logbus --no-such-option < /dev/null
ok 'an unknown option is refused' test $status -eq 1
ok 'with the usage' complains '^usage: logbus'

run logbus "$scratch/no-such.log" < /dev/null
ok 'a log that is not there is an error' test $status -eq 1
ok 'that names it' complains 'no-such\.log: No such file'
ok 'and the other ways' complains 'logbus FILE.*logbus -$'
ok 'and nothing else is said' test ! -s "$scratch/out"

run logbus - < /dev/null
ok 'a log without lines is an error' test $status -eq 1
ok 'that says so' complains 'no lines'

# A file read by redirection would be no pipe.
packages > "$scratch/log"
# shellcheck disable=SC2002
status=$(cat "$scratch/log" | { run logbus --repeat 2 -; echo $status; })
ok 'a pipe cannot be read twice' test "$status" -eq 1
ok 'which is said' complains 'cannot read it repeatedly'

# shellcheck disable=SC2002
status=$(cat "$scratch/log" | { run logbus -; echo $status; })
ok 'a pipe is read once' test "$status" -eq 0
ok 'without complaint' silent
ok 'all lines are read' says '^3000 lines of standard input, in 1 pass,'
ok 'each type has all its events' counts_are "$scratch/types"
made=$(said subscribers made)
listeners=$(said hub listeners)
types=$(said hub types)
ok 'two subscribers come with each line' test "$made" -eq 6000
ok 'nearly all of them die' \
    test "$(said subscribers died)" -ge $((made * 9 / 10))
ok 'and nearly all of the sources' \
    test "$(said sources died)" -ge $(($(said sources made) * 9 / 10))
ok 'those that are held stay connected' \
    test "$listeners" -ge $((64 + 8))
ok 'and hardly others' test "$listeners" -le $((4 * 64))
ok 'with hardly more patterns than they have' \
    test "$(said hub patterns)" -le "$listeners"
ok 'the types stay, for they count' test "$types" -eq 8
ok 'nothing is plotted unless asked for' test -z "$(plot_rows)"
bytes=$(said hub bytes)

for _ in 1 2 3; do cat "$scratch/types"; done > "$scratch/types3"
run logbus --plot --repeat 3 "$scratch/log" < /dev/null
ok 'a log is read as often as asked' says '^9000 lines .* in 3 passes,'
ok 'and all of it counted' counts_are "$scratch/types3"
ok 'the hub has no more listeners' test "$(said hub listeners)" -le $((4 * 64))
ok 'there are two plots' plots_are_whole
ok 'the listeners are far fewer than ever connected' \
    test -z "$(plot_rows | head -n 6 | tr -d ' .')"

{ cat "$scratch/log"; odd_lines; } > "$scratch/odd"
{ cat "$scratch/types"; odd_types; } > "$scratch/odd-types"
run logbus --repeat 1 "$scratch/odd" < /dev/null
ok 'odd lines are read like others' test $status -eq 0
ok 'and counted' counts_are "$scratch/odd-types"

plain_lines > "$scratch/plain"
yes line | head -n 60000 > "$scratch/plain-types"
run logbus "$scratch/plain" < /dev/null
ok 'a short log is read until there are 60000 lines' \
    says '^60000 lines of .*/plain, in 300 passes, weak listeners'
ok 'which all count' counts_are "$scratch/plain-types"

run logbus --leak - < "$scratch/log" --repeat 1
ok 'asked to leak, it ends well, too' test $status -eq 0
ok 'half of the subscribers can never go' \
    test "$(said hub listeners)" -ge $((3000 + 8))
ok 'the hub takes much more memory' \
    test "$(said hub bytes)" -gt $((4 * bytes))

run logbus --leak --repeat 1 "$scratch/plain" < /dev/null
ok 'without sources that die, all stay' \
    test "$(said hub listeners)" -eq $((2 * 200 + 1))
ok 'no subscriber dies' test "$(said subscribers died)" -eq 0
ok 'line N is heard by 2 N of them, and by the counter' \
    says "^line +200 +$((200 * 200 + 2 * 200)) "
ok 'which the plots show' plots_are_whole
ok 'listeners grow to all that were connected' \
    test "$(plot_rows | head -n 12 | tr -d '# \n')" = ''
