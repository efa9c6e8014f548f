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

goals()
{
    grep '^{"goal"' "$scratch/$1.json"
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

# Where references are measured, both ways to hold them are.
has_both_ways()
{
    for measure in read-many create-first collect-1 deaths memory-handle; do
        rows all | grep "\"name\": \"$measure\"" |
            grep -q '"contestant": "gcw_[^"]*, links"' || echo "$measure"
    done > "$scratch/missing"
    cat "$scratch/missing"
    test ! -s "$scratch/missing"
}

# field NAME: of a row on the standard input, what the field says.
field()
{
    sed -n -e "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" -e t \
        -e "s/.*\"$1\": \([^,}]*\).*/\1/p"
}

# Whether it is reached, and whether within the noise, as the README says.
verdicts_follow()
{
    goals three > "$scratch/goals"
    for name in at_most came_out first_quartile third_quartile reached \
        within_noise; do
        field "$name" < "$scratch/goals" > "$scratch/$name"
    done
    (cd "$scratch" && paste at_most came_out first_quartile third_quartile \
        reached within_noise) | awk '
        function is(x) { return x ? "true" : "false" }
        NF != 6 || $5 != is($2 <= $1) ||
            $6 != is($2 <= $1 ? $4 > $1 : $3 <= $1) { print; bad = 1 }
        END { exit bad || NR == 0 }'
}

# A goal has a line in the table of all, and its verdict behind its row.
goals_are_printed()
{
    goals all | field goal | sort -u > "$scratch/goals"
    grep -E '^  (reached|missed|in part) +' "$scratch/all.out" \
        > "$scratch/lines"
    while read -r words; do
        grep -Fq " $words, at most " "$scratch/lines" || echo "$words"
    done < "$scratch/goals" > "$scratch/missing"
    cat "$scratch/missing"
    test -s "$scratch/goals" && test ! -s "$scratch/missing" &&
        test "$(grep -Eo '; [-0-9.e+]+, (reached|missed)' \
            "$scratch/all.out" | wc -l)" = "$(goals all | wc -l)"
}

# Of three rounds the tables have noise; of one, only the loop.
noise_is_told()
{
    grep -E '^noise of the machine: (quiet|noisy|so noisy)' \
        "$scratch/three.out" &&
        grep -E '; noise [0-9.]+ %$' "$scratch/three.out" &&
        grep -E '^"noise": .*"tables": [0-9.e-]+, "loop": [0-9.e-]+}' \
            "$scratch/three.json" &&
        grep '^"noise": .*"tables": null, "loop": [0-9.e-]*}' \
            "$scratch/all.json"
}

in_full()
{
    bench full -f method && grep '"rounds": 1, "full": true,' \
        "$scratch/full.json" && grep '"full": false,' "$scratch/all.json"
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
    printf 'a\n<!-- %s -->\nold\n<!-- end -->\nb\n' "$2" > "$scratch/page"
    sh "$srcdir/bench/page.sh" "$scratch/$1.json" "$scratch/page"
}

page_is_renewed()
{
    page some 'results method by threads' && cat "$scratch/page" &&
        grep '^| gcw_method_invoke | [0-9.]* (' "$scratch/page" &&
        test "$(grep -c old "$scratch/page")" = 0 &&
        test "$(sed -n '1p;$p' "$scratch/page")" = 'a
b'
}

page_is_left()
{
    ! page some 'results nothing by threads' && grep old "$scratch/page" &&
        ! page some 'goals of method' && grep old "$scratch/page"
}

# known GOAL SIZE CAME-OUT REACHED WITHIN-NOISE
known()
{
    printf '{"goal": "%s", "scene": "s", "threads": 1, "size": %s, ' "$1" "$2"
    printf '"at_most": 2, "unit": "", "of": "raw", "came_out": %s, ' "$3"
    printf '"reached": %s, "within_noise": %s},\n' "$4" "$5"
}

# The goals of one scene, and of all but another, with their verdicts.
page_has_goals()
{
    {
        known one 1000 1.5 true false
        known two 1000 1 true false
        known two 10000 2.5 false true
        known three 1 3 false true
    } > "$scratch/known.json"
    printf '%s\n' '| one | 2 of raw | 1.50 at 10^3 | reached |' \
        '| two | 2 of raw | 1.00, 2.50 at 10^3, 10^4 | reached at 10^3;'\
' within the noise at 10^4 |' \
        '| three | 2 of raw | 3.00 | missed; within the noise |' \
        > "$scratch/wanted"
    for which in 'of s' 'but t'; do
        page known "goals $which" || return
        grep -E '^\| (one|two|three) ' "$scratch/page" > "$scratch/there"
        cmp "$scratch/wanted" "$scratch/there" || return
    done
    ! page known 'goals but s'
}

page_tells_noise()
{
    page three noise && grep -E '^The machine was (quiet|noisy|so noisy)' \
        "$scratch/page" && page three 'results notice by size' &&
        grep -E '^\| \*noise\* \| [0-9.]+ % \|$' "$scratch/page"
}

# merge NEW OLD
merge()
{
    awk -f "$srcdir/bench/merge.awk" "$scratch/$1.json" "$scratch/$2.json" \
        > "$scratch/merged.json"
}

# Of the scenes that were measured anew there are the new rows and goals, of the
# others the old ones.
merges()
{
    merge some all && json "$scratch/merged.json" || return
    for kind in rows goals; do
        $kind merged | sed 's/,$//' | sort > "$scratch/there"
        { $kind some; $kind all | grep -Ev '"scene": "(method|emit)"'; } |
            sed 's/,$//' | sort > "$scratch/wanted"
        cmp "$scratch/there" "$scratch/wanted" && test -s "$scratch/there" ||
            return
    done
}

keeps_machines_apart()
{
    sed 's/"processor": "/&another /' "$scratch/all.json" \
        > "$scratch/other.json"
    ! merge some other && test ! -s "$scratch/merged.json" &&
        ! merge full all && test ! -s "$scratch/merged.json"
}

# If everything was measured anew there is nothing to keep apart.
takes_all_anew()
{
    merge all other && json "$scratch/merged.json" &&
        test "$(rows merged)" = "$(rows all)" &&
        test "$(goals merged)" = "$(goals all)"
}

scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
: > "$scratch/err"
echo 1..31

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
ok 'references are held in both ways' has_both_ways
ok 'rows have a name' all_rows_have name '"[a-z0-9-]+"'
ok 'rows have a contestant' all_rows_have contestant '"[^"]+"'
ok 'rows have threads and size' \
    all_rows_have threads '[124], "size": [0-9]+'
value='(-?[0-9.]+(e[-+][0-9]+)?|null)'
ok 'rows have the median, the least and the most' \
    all_rows_have median_ns "$value, \"min_ns\": $value, \"max_ns\": $value"
ok 'rows have ratios' \
    all_rows_have ratio_to_raw "$value, \"ratio_to_limit\": $value"
ok 'rows have the spread and the rounds' \
    all_rows_have spread "$value, \"rounds\": 1"
ok 'each is a time or bytes' time_or_bytes
ok 'no row occurs twice' occurs_once
ok 'CPython is named as skipped' skips CPython python3
ok 'so is Guile' skips Guile guile-3.0
ok 'so is Java' skips Java default-jdk-headless
ok 'so is Lua' skips Lua lua5.4
ok 'so is Node' skips Node nodejs
ok 'every scene stands in the README' every_scene_is_told
ok 'an unknown scene is refused' refuses method nonsense
bench three -r 3 notice
ok 'verdicts follow from the numbers' verdicts_follow
ok 'every goal is in the table of all' goals_are_printed
ok 'the noise is told' noise_is_told
ok 'so is whether all was measured' in_full
bench some method emit
ok 'a table of the page is renewed' page_is_renewed
ok 'a page with an unknown table is left as it was' page_is_left
ok 'the page has goals with their verdicts' page_has_goals
ok 'the page tells the noise' page_tells_noise
ok 'new results of a scene take the place of old ones' merges
ok 'those of another machine do not' keeps_machines_apart
ok 'but if nothing is kept of those' takes_all_anew
