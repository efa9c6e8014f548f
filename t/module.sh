# module.sh: what the tests of modules for other languages share.  To be sourced
# by one that has set $page, $extension, that of its language's files, and $word,
# by which the page names the language, and has
#     run_program MODE NAME      runs a program that tests something itself
#     run_example MODE FILE      runs an example of the page
# MODE is interpreted or compiled.  What runs last leaves its output and its
# complaints in out and err of $scratch, and its status in $status.

# shellcheck shell=sh disable=SC2154

# passes WHAT COMMAND...: one test; a failure shows what was printed last.
passes() {
    what=$1
    shift
    if "$@"; then
        echo "ok - $what"
    else
        echo "not ok - $what"
        show_last
    fi
}

show_last() {
    echo "# status $status"
    head -n 40 "$scratch/out" "$scratch/err" | sed 's/^/# /'
}

# All tests write their lines without numbers; here they get them, and a plan
# if all were made.
number() {
    awk '
        $0 == "all tests were made" { whole = 1; next }
        /^(not )?ok - / { sub(/ok - /, "ok " ++count " - ") }
        { print; fflush() }
        END { print whole ? "1.." count : "Bail out! The test broke off." }'
}

# What the shell itself says when a signal ends the program is thrown away.
keep_output() {
    (
        ("$@" > "$scratch/out" 2> "$scratch/err" < /dev/null)
        exit $?
    ) 2> /dev/null
    status=$?
}

finished() {
    test "$status" -eq 0 && test "$(tail -n 1 "$scratch/out")" = finished
}

# A program of the module's own directory.
test_program() {
    for mode in interpreted compiled
    do
        run_program $mode "$1"
        sed -n "s/^\(\(not \)\{0,1\}ok - \)/\1$1, $mode: /p; /^#/p" \
            "$scratch/out"
        passes "$1, $mode: finished" finished
    done
}

# --- Ends of programs --------------------------------------------------------

said() {
    cmp -s "$scratch/expected" "$scratch/out"
}

silent() {
    test ! -s "$scratch/err"
}

# complains PATTERN...: each of these is on stderr; without any, nothing is.
complains() {
    test $# -gt 0 || silent || return 1
    for pattern
    do
        grep -Eq -e "$pattern" "$scratch/err" || return 1
    done
}

# ended MODE HOW STATUS LINES PATTERN...: what has run has ended so: its status,
# what it has said, with | for newlines, and complaints.
ended() {
    how="$2, $1"
    expected_status=$3
    printf '%s' "${4:+$4|}" | tr '|' '\n' > "$scratch/expected"
    shift 4
    passes "$how: status $expected_status" test "$status" -eq "$expected_status"
    passes "$how: what it says" said
    passes "$how: its complaints" complains "$@"
}

# --- The page ----------------------------------------------------------------

# Writes the blocks of the page: N with the extension, and N.expected, the text
# that follows.
extract_blocks() {
    awk -v dir="$scratch/page" -v extension="$extension" \
        -v begin="\`\`\`$word" '
        /^```$/ && out { close(out); out = ""; next }
        $0 == begin    { n++; out = dir "/" n "." extension; next }
        /^```text$/    { out = dir "/" n ".expected"; next }
        /^```/         { out = "/dev/null"; next }
        out            { print > out }' "$page"
}

# An example without a text prints nothing.
test_example() {
    touch "$scratch/page/$1.expected"
    cp "$scratch/page/$1.expected" "$scratch/expected"
    for mode in interpreted compiled
    do
        run_example $mode "$scratch/page/$1.$extension"
        passes "example $1 of the page, $mode: ends well" test "$status" -eq 0
        passes "example $1 of the page, $mode: prints what it says" said
        passes "example $1 of the page, $mode: does not complain" silent
    done
}

test_examples() {
    mkdir "$scratch/page"
    extract_blocks
    example=1
    while test -e "$scratch/page/$example.$extension"
    do
        test_example "$example"
        example=$((example + 1))
    done
    passes 'the page has examples' test "$example" -gt 5
}

scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
