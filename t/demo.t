#!/bin/sh
# demo.t: runs the two examples, and holds what they say and do against what
# they must: every line of the story, and the files themselves.

. "${srcdir-.}/t/ok.sh"

files_left() {
    (cd "$scratch"/tmp/exitfiles-* 2> "$scratch/err" && echo *)
}

# What the README shows of the demo is what it says, but for the numbers, which
# are the collector's.
readme_shows_it()
{
    sed -n '/^1\. 40 players/,/^```$/p' "$srcdir/README.md" |
        sed '/^```$/d; s/[0-9][0-9]*/N/g' > "$scratch/shown"
    sed 's/[0-9][0-9]*/N/g' "$scratch/out" | diff "$scratch/shown" -
}

mkdir "$scratch/tmp"
TMPDIR=$scratch/tmp
export TMPDIR
echo 1..24

run weakmethod
ok 'weakmethod ends well' test $status -eq 0
ok 'it has nothing to complain about' silent
ok 'its story has eight steps' steps_to 8
ok 'the players outlive the first collection' \
    says 'All 40 players are alive'
ok 'their bound methods, weakly linked, do not' \
    says '(3[0-9]|40) of 40 bound$'
ok 'weak methods do' says '40 of 40 methods are alive'
ok 'a player reacts to a call' says 'Player 20: "I hear it say ding\."'
ok 'all players hear' says '40 of 40 players heard it'
ok 'the death callback comes' says 'Death callback: "Player [0-9]+ has died'
ok 'nearly all death callbacks come' says '(3[0-9]|40) of 40 callbacks'
ok 'the handle says dead' says 'handle of player [0-9]+ says: dead'
ok 'a late call is refused' says 'refused with ESTALE'

ok 'the README shows what it says' readme_shows_it

run exitfiles
ok 'exitfiles ends well' test $status -eq 0
ok 'it has nothing to complain about, too' silent
ok 'its story has seven steps' steps_to 7
ok 'the handler of the stolen file fails and says why' \
    says '^ +stolen\.tmp +failed +[0-9]+ +No such file'
ok 'the lock file goes' says '^ +server\.lock +ran +[0-9]+ +file removed$'
ok 'a plain atexit function runs' \
    says '^ +program\.log +ran +[0-9]+ +file removed, by a plain atexit'
ok 'the unregistered one is skipped' \
    says '^ +report\.txt +skipped +- +unregistered'
ok 'owners died before the end' \
    says '(all 20 owners had died|1[0-9] owners had died)'
ok 'nothing stays behind' test -z "$(ls "$scratch/tmp")"

run exitfiles keep
ok 'asked to keep the directory, it ends well' test $status -eq 0
ok 'exactly the kept file is left' test "$(files_left)" = report.txt
