#!/bin/sh
# mutants.sh: do the tests see when the library is wrong?
#
#     mutants.sh SOURCE NUMBER SEED TEST...
#
# Makes so many small changes to src/, one at a time, in a copy of the tree, and
# runs the tests until one fails: the first ones are those of the name of the
# changed file.  A change that no test sees survives, and is shown at the end;
# some do because they change nothing that anybody can see.
#
# The changes are taken from all rooms alike, at random; the same SEED makes the
# same ones.  Works in the directory mutants.dir.

set -u
LC_ALL=C
export LC_ALL
source=$(cd "$1" && pwd) || exit 2
number=$2 seed=$3
shift 3
work=$PWD/mutants.dir
rooms='ground collector weak deliver event exit proxy debug process'

# --- The copy ---------------------------------------------------------------

copy_and_build()
{
    rm -rf "$work"
    mkdir -p "$work/tree" "$work/build" || return
    (cd "$source" && tar -cf - --exclude=./build --exclude=./build-ci \
        --exclude=./.git .) |
        (cd "$work/tree" && tar -xf -) &&
        cd "$work/build" && ../tree/configure --quiet --disable-static &&
        make -s -j2 && make -s -j2 check TESTS= > /dev/null
}

# --- Which changes ----------------------------------------------------------

# FILE LINE CHANGE: all that could be changed in a room.
candidates()
{
    (cd "$work/tree" && awk '
        /^    / && !/\/\*|\*\/|^ \*|static const|GCW__DELAY|GCW__KEEP/ {
            at = FILENAME " " FNR " "
            if (/ == /) print at "not-equal"
            if (/ != /) print at "equal"
            if (/ < /) print at "at-most"
            if (/ >= /) print at "more"
            if (/ && /) print at "or"
            if (/ \|\| /) print at "and"
            if (/\(!/) print at "not-not"
            if (/ true/) print at "false"
            if (/ false/) print at "true"
            if (/ [+-] 1[^0-9]/) print at "no-one"
            if (/^ +(gcw__|pthread_)[a-z_]*\(.*\);$/) print at "nothing"
            if (/^ +[a-z_>.-]+ = [^;]*;$/) print at "nothing"
        }' "src/$1"/*.[ch])
}

# Those of the room in a random order, numbered.
shuffled()
{
    candidates "$1" |
        awk -v seed="$seed" 'BEGIN { srand(seed) } { print rand() " " $0 }' |
        sort -n | awk '{ print NR, $2, $3, $4 }'
}

chosen()
{
    for room in $rooms
    do
        shuffled "$room"
    done | sort -s -n -k 1,1 | head -n "$number" | cut -d ' ' -f 2-
}

# The line CHANGEd, in $work/tree/FILE.
change()
{
    awk -v line="$2" -v change="$3" '
        FNR == line {
            if (change == "not-equal") sub(/ == /, " != ")
            if (change == "equal") sub(/ != /, " == ")
            if (change == "at-most") sub(/ < /, " <= ")
            if (change == "more") sub(/ >= /, " > ")
            if (change == "or") sub(/ && /, " || ")
            if (change == "and") sub(/ \|\| /, " \\&\\& ")
            if (change == "not-not") sub(/\(!/, "(")
            if (change == "false") sub(/ true/, " false")
            if (change == "true") sub(/ false/, " true")
            if (change == "no-one") sub(/ [+-] 1/, "")
            if (change == "nothing") $0 = "    ;"
        }
        { print }' "$source/$1" > "$work/tree/$1"
}

# --- Whether it is seen -----------------------------------------------------

# The tests, those first whose names begin as the file's does.
ordered()
{
    base=$(basename "$1" .c)
    base=${base%%-*}
    for test in $tests
    do
        case $test in t/"$base"*) echo "$test";; esac
    done
    for test in $tests
    do
        case $test in t/"$base"*) ;; *) echo "$test";; esac
    done
}

run_test()
{
    case $1 in
    t/layers.t | t/locks.t | t/throw.t)
        srcdir=../tree builddir=. timeout -k 1 120 sh "../tree/$1";;
    *)
        timeout -k 1 120 "./$1";;
    esac
}

# The name of the first test that fails.
seen_by()
{
    for test in $(ordered "$1")
    do
        if ! run_test "$test" > log 2>&1 || grep -q '^not ok' log; then
            echo "$test"
            return
        fi
    done
}

show()
{
    diff "$source/$1" "$work/tree/$1" | sed -n 's/^\([<>]\)/    \1/p'
}

try()
{
    change "$@"
    if ! make -s libgcweak.la t/rare.t t/locks-held > log 2>&1; then
        echo "nonsense  $*"
    else
        test=$(seen_by "$1")
        echo "${test:-SURVIVED}  $*"
        [ -n "$test" ] || { echo "$*"; show "$1"; } >> "$work/survivors"
    fi
    cp -p "$source/$1" "$work/tree/$1"
    touch "$work/tree/$1"
}

tests=$*
copy_and_build || exit 2
cd "$work/build" || exit 2
: > "$work/survivors"
chosen > "$work/chosen"
while read -r file line change
do
    try "$file" "$line" "$change" < /dev/null
done < "$work/chosen" | tee "$work/results"
tried=$(grep -cv '^nonsense' "$work/results")
survived=$(grep -c '^SURVIVED' "$work/results")
echo "$tried tried, $((tried - survived)) seen, $survived survived:"
cat "$work/survivors"
