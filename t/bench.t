#!/bin/sh
# bench.t: the benchmark, tiny and with one round, writes all that its README
# says, names what it does without, and refuses what it does not know.  How
# long anything takes is not looked at.

: "${srcdir:=.}" "${builddir:=.}"
number=0

# ok WHAT COMMAND...: one test, which passes if the command does.
ok()
{
    what=$1
    shift
    number=$((number + 1))
    if "$@" > "$scratch/said" 2>&1; then
        echo "ok $number - $what"
    else
        echo "not ok $number - $what"
        sed 's/^/# /' "$scratch/said" "$scratch/err"
    fi
}

# bench NAME ARGUMENT...: runs it; its tables are then in NAME.out, its results
# in NAME.json.
bench()
{
    name=$1
    shift
    "$builddir/bench/gcweak-bench" -r 1 -m 1000 -p "$srcdir/bench" \
        -c "$scratch" -o "$scratch/$name.json" "$@" \
        > "$scratch/$name.out" 2> "$scratch/err"
}

# Whoever is not where these say is not there.
without_languages()
{
    PYTHON=$scratch/none GUILE=$scratch/none JAVA=$scratch/none \
        LUA=$scratch/none NODE=$scratch/none bench "$@"
}

json()
{
    if command -v python3; then
        python3 -m json.tool "$1"
    elif command -v jq; then
        jq . "$1"
    else
        awk '/^[{]"scene"/ && !/[}],?$/ { bad = 1 } { last = $0 }
             END { exit bad || last != "]}" }' "$1"
    fi
}

rows()
{
    grep '^{"scene"' "$scratch/$1.json"
}

# Every row has the field, and what the pattern says in it.
all_rows_have()
{
    rows all | grep -Ev "\"$1\": ($2)[,}]" > "$scratch/bad"
    cat "$scratch/bad"
    test ! -s "$scratch/bad"
}

# The measures that the README names, but for what is skipped.
has_measures()
{
    for measure in "$@"; do
        rows all | grep -q "\"name\": \"$measure\"" || echo "no $measure"
    done > "$scratch/missing"
    cat "$scratch/missing"
    test ! -s "$scratch/missing"
}

has_gcweak()
{
    for measure in $(rows all | sed 's/.*"name": "\([^"]*\)".*/\1/' | sort -u)
    do
        rows all | grep "\"name\": \"$measure\"" > "$scratch/rows"
        grep -q '"contestant": "gcw' "$scratch/rows" || echo "$measure"
    done > "$scratch/missing"
    cat "$scratch/missing"
    test ! -s "$scratch/missing"
}

time_or_bytes()
{
    rows all | awk '
        /"median_ns": null/ == /"median_bytes": null/ { print; bad = 1 }
        END { exit bad || NR == 0 }'
}

occurs_once()
{
    rows all | sed 's/, "median_ns".*//; s/"per": "[^"]*"//' | sort | uniq -d \
        > "$scratch/bad"
    cat "$scratch/bad"
    test ! -s "$scratch/bad"
}

scenes()
{
    sed -n 's/^    { "\([a-z]*\)", bench_.*/\1/p' \
        "$srcdir/bench/gcweak-bench.c"
}

every_scene_is_told()
{
    for scene in $(scenes); do
        grep -q "^| \`$scene\` |" "$srcdir/bench/README.md" || echo "$scene"
    done > "$scratch/missing"
    cat "$scratch/missing"
    test -n "$(scenes)" && test ! -s "$scratch/missing"
}

skips()
{
    peer="{\"name\": \"$1\", \"skipped_needs\": \"$2\"}"
    grep "^skipped  *$1, which needs $2\$" "$scratch/all.out" &&
        grep "$peer" "$scratch/all.json"
}

refuses()
{
    bench refused "$@"
    test $? = 2 && test ! -e "$scratch/refused.json"
}

# The page's tables are made from the rows; a name that is unknown is an error,
# and leaves the page as it is.
page()
{
    printf 'a\n<!-- results %s by threads -->\nold\n<!-- end -->\nb\n' "$1" \
        > "$scratch/page"
    sh "$srcdir/bench/page.sh" "$scratch/some.json" "$scratch/page"
}

page_is_renewed()
{
    page method && cat "$scratch/page" &&
        grep '^| gcw_method_invoke | [0-9.]* (' "$scratch/page" &&
        test "$(grep -c old "$scratch/page")" = 0 &&
        test "$(sed -n '1p;$p' "$scratch/page")" = 'a
b'
}

page_is_left()
{
    ! page nothing && grep old "$scratch/page"
}

# Of the scene that was measured anew there are the new rows, of the others the
# old ones.
merges()
{
    awk -f "$srcdir/bench/merge.awk" "$scratch/some.json" "$scratch/all.json" \
        > "$scratch/merged.json" && json "$scratch/merged.json" &&
        rows merged | sed 's/,$//' | sort > "$scratch/there" &&
        { rows some; rows all | grep -v '"scene": "method"'; } |
        sed 's/,$//' | sort > "$scratch/wanted" &&
        cmp "$scratch/there" "$scratch/wanted"
}

keeps_machines_apart()
{
    sed 's/"processor": "/&another /' "$scratch/all.json" \
        > "$scratch/other.json"
    ! awk -f "$srcdir/bench/merge.awk" "$scratch/some.json" \
        "$scratch/other.json" > "$scratch/merged.json" &&
        test ! -s "$scratch/merged.json"
}

scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
: > "$scratch/err"
echo 1..22

ok 'all scenes run' without_languages all
ok 'the results are JSON' json "$scratch/all.json"
ok 'its measures are those of the README' has_measures \
    read-one read-many method create-first create-further create-random \
    create-first-uncollected create-further-uncollected \
    create-random-uncollected collect-1 collect-1-added collect-8 \
    collect-8-added notice-collection notice deaths exit-register \
    exit-unregister exit-register-unregister exit-run emit connect disconnect \
    connect-disconnect memory-handle memory-further memory-listener \
    memory-handler map-get map-miss map-replace map-setdefault map-put \
    map-remove map-collect map-collect-added map-collect-random \
    map-collect-random-added map-churn map-chain map-memory
ok 'each measure has a row of gcweak' has_gcweak
ok 'rows have a name' all_rows_have name '"[a-z0-9-]+"'
ok 'rows have a contestant' all_rows_have contestant '"[^"]+"'
ok 'rows have threads and size' \
    all_rows_have threads '[124], "size": [0-9]+'
value='(-?[0-9.]+(e[-+][0-9]+)?|null)'
ok 'rows have the median, the least and the most' \
    all_rows_have median_ns "$value, \"min_ns\": $value, \"max_ns\": $value"
ok 'rows have ratios' \
    all_rows_have ratio_to_raw "$value, \"ratio_to_limit\": $value"
ok 'each is a time or bytes' time_or_bytes
ok 'no row occurs twice' occurs_once
ok 'CPython is named as skipped' skips CPython python3
ok 'so is Guile' skips Guile guile-3.0
ok 'so is Java' skips Java default-jdk-headless
ok 'so is Lua' skips Lua lua5.4
ok 'so is Node' skips Node nodejs
ok 'every scene stands in the README' every_scene_is_told
ok 'an unknown scene is refused' refuses method nonsense
bench some method
ok 'a table of the page is renewed' page_is_renewed
ok 'a page with an unknown table is left as it was' page_is_left
ok 'new results of a scene take the place of old ones' merges
ok 'those of another machine do not' keeps_machines_apart
