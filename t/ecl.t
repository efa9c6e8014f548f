#!/bin/sh
# ecl.t: the module for ECL does what its page says.
#
# With an argument, a program of ecl/t alone, or ends, or page.
#
# Runs the programs in ecl/t, interpreted and compiled; a program that ends in
# each of the ways in which ECL can end; and the examples on the page, which must
# print what the page shows.

: "${srcdir:=.}" "${builddir:=.}" "${ECL:=ecl}"
srcdir=$(cd "$srcdir" && pwd) || exit 99
programs=$srcdir/ecl/t
page=$srcdir/doc/ecl.md
: "${GCWEAK_FAS:=$(cd "$builddir" && pwd)/ecl/gcweak.fas}"
LD_LIBRARY_PATH=$(cd "$builddir" && pwd)/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
LC_ALL=C
GCWEAK_PAGE=$page
export LD_LIBRARY_PATH LC_ALL GCWEAK_PAGE

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

# --- Running programs --------------------------------------------------------

# What the shell itself says when a signal ends the program is thrown away.
keep_output() {
    (
        ("$@" > "$scratch/out" 2> "$scratch/err" < /dev/null)
        exit $?
    ) 2> /dev/null
    status=$?
}

# Has (require :gcweak) find the module in the build tree, not one that is
# installed already.
write_setup() {
    cat > "$scratch/setup.lisp" <<END
(push (lambda (name)
        (when (string-equal name "gcweak")
          (load "$GCWEAK_FAS" :verbose nil)))
      ext:*module-provider-functions*)
(setf *load-verbose* nil *compile-verbose* nil *compile-print* nil)
END
}

# evaluate FORM...: in a new ECL, which ends with status 1 after an error.
evaluate() {
    printf '%s\n' "(load \"$scratch/setup.lisp\" :verbose nil)" "$@" '(ext:quit 0)' \
        > "$scratch/main.lisp"
    keep_output "$ECL" --norc --shell "$scratch/main.lisp"
}

# compile FILE: into the directory of compiled programs, once.
compile() {
    compiled=$scratch/programs/${1##*/}.fas
    test -e "$compiled" || evaluate '(require :gcweak)' \
        '(require :cmp)' "(load \"$programs/tap.lisp\")" \
        "(setf c:*suppress-compiler-warnings* t
               c:*user-cc-flags* \"-fno-schedule-insns2\")" \
        "(compile-file \"$1\" :output-file \"$compiled\")"
}

# run MODE FILE: MODE is interpreted or compiled.
run() {
    file=$2
    GCWEAK_MODE=$1
    export GCWEAK_MODE
    if test "$1" = compiled; then
        compile "$2"
        file=$compiled
    fi
    evaluate '(require :gcweak)' "(load \"$programs/tap.lisp\")" \
        "(load \"$file\")"
}

finished() {
    test "$status" -eq 0 && test "$(tail -n 1 "$scratch/out")" = finished
}

# Whether ECL has ended a process of its own, and said so.
ecl_failed() {
    test "$status" -eq 75 &&
        cat "$scratch/out" "$scratch/err" |
            grep -q 'Detected write access to the environment'
}

# run_again MODE FILE: the same, but up to three times while ECL fails.
run_again() {
    for try in 1 2 3
    do
        run "$@"
        ecl_failed || break
        echo "# ECL has failed, try $try"
    done
}

# A program of the directory ecl/t that tests something itself.
test_program() {
    for mode in interpreted compiled
    do
        run_again $mode "$programs/$1.lisp"
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

# ends HOW STATUS LINES PATTERN...: what the program ecl/t/exit.lisp does when
# it ends so: its status, what it says, with | for newlines, and complaints.
ends() {
    GCWEAK_HOW=$1
    export GCWEAK_HOW
    for mode in interpreted compiled
    do
        run $mode "$programs/exit.lisp"
        ended "$mode" "$@"
    done
}

# The same for what has run.
ended() {
    how="$2, $1"
    expected_status=$3
    printf '%s' "${4:+$4|}" | tr '|' '\n' > "$scratch/expected"
    shift 4
    passes "$how: status $expected_status" test "$status" -eq "$expected_status"
    passes "$how: what it says" said
    passes "$how: its complaints" complains "$@"
}

ways_to_end() {
    ends end-of-script 0 'HANDLER 0'
    ends quit-3 3 'HANDLER 3'
    ends other-processes 4 'HANDLER 4'
    ends in-unwind-protect 5 'UNWOUND|HANDLER 5'
    ends c-exit 6 'METHOD 6'
    ends c-exit-in-a-process 7 'METHOD 7'
    run compiled "$programs/thread.lisp"
    ended compiled shutdown-in-a-thread 0 'method 7|cleanup'
    ends an-error 1 'HANDLER 1' 'no such luck'
    ends underscore-exit 8 ''
}

what_runs() {
    ends order 0 'C|B|NEW|A'
    ends dead 0 'HANDLER 0'
    ends cleanups 0 'PENDING|HANDLER|SECOND 2|FIRST'
    ends cleanup-of-a-cons 0 'CLEANUP'
    ends unregistered 0 'REMOVED|GONE|RUNNING'
    ends registry 0 "T|B 7|METHOD 7|A 7|3|B 0|1|CAUGHT|T no such luck|B 0|2|\
THROWN"
    ends shutdown 0 \
        'HANDLER 9|CLEANUP|REFUSED ESHUTDOWN|REFUSED ESHUTDOWN|0'
    ends drain-process 0 'HANDLER|CLEANUP'
    ends output 0 'through a stream'
}

failures() {
    ends failing 2 'B|A' 'gcweak: .* failed: no such luck'
    ends failing-heard 2 'HEARD no such luck|A'
    ends escaping 0 'B|A|RETURNED' 'left by a transfer'
    ends quitting 0 'B|QUITS|A' 'left by a transfer'
    ends interrupts 0 'T|INSIDE|AFTER'
}

# --- The page ----------------------------------------------------------------

# Writes the blocks of the page: N.lisp, and N.expected, the text that follows.
extract_blocks() {
    awk -v dir="$scratch/page" '
        /^```$/ && out { close(out); out = ""; next }
        /^```lisp$/    { n++; out = dir "/" n ".lisp"; next }
        /^```text$/    { out = dir "/" n ".expected"; next }
        /^```/         { out = "/dev/null"; next }
        out            { print > out }' "$page"
}

# run_example MODE FILE: alone, as a user would.
run_example() {
    example_file=$2
    if test "$1" = compiled; then
        compile "$2"
        example_file=$compiled
    fi
    evaluate "(load \"$example_file\")"
}

# An example without a text prints nothing.
test_example() {
    touch "$scratch/page/$1.expected"
    cp "$scratch/page/$1.expected" "$scratch/expected"
    for mode in interpreted compiled
    do
        run_example $mode "$scratch/page/$1.lisp"
        passes "example $1 of the page, $mode: ends well" test $status -eq 0
        passes "example $1 of the page, $mode: prints what it says" said
        passes "example $1 of the page, $mode: does not complain" silent
    done
}

test_examples() {
    mkdir "$scratch/page"
    extract_blocks
    example=1
    while test -e "$scratch/page/$example.lisp"
    do
        test_example $example
        example=$((example + 1))
    done
    passes 'the page has examples' test $example -gt 5
}

all_tests() {
    for program in reference cleanup event hub process map guardian interrupt \
        argument names
    do
        test_program $program
    done
    ways_to_end
    what_runs
    failures
    test_examples
    echo 'all tests were made'
}

scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/programs"
# The compiler leaves files where it runs.
cd "$scratch" || exit 99
write_setup
case ${1-} in
page) { test_examples; echo 'all tests were made'; } | number ;;
ends) { ways_to_end; what_runs; failures; echo 'all tests were made'; } |
    number ;;
'') all_tests | number ;;
*)
    {
        for program
        do
            test_program "$program"
        done
        echo 'all tests were made'
    } | number
    ;;
esac
