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
extension=lisp
word=lisp
: "${GCWEAK_FAS:=$(cd "$builddir" && pwd)/ecl/gcweak.fas}"
LD_LIBRARY_PATH=$(cd "$builddir" && pwd)/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
LC_ALL=C
GCWEAK_PAGE=$page
export LD_LIBRARY_PATH LC_ALL GCWEAK_PAGE

. "$srcdir/t/module.sh"

# --- Running programs --------------------------------------------------------

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

# What a program is run by, or nothing.
under=

# evaluate FORM...: in a new ECL, which ends with status 1 after an error.
evaluate() {
    printf '%s\n' "(load \"$scratch/setup.lisp\" :verbose nil)" "$@" '(ext:quit 0)' \
        > "$scratch/main.lisp"
    # shellcheck disable=SC2086 # nothing, or a command
    keep_output $under "$ECL" --norc --shell "$scratch/main.lisp"
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

run_program() {
    run_again "$1" "$programs/$2.lisp"
}

# --- Ends of programs --------------------------------------------------------

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

ways_to_end() {
    ends end-of-script 0 'HANDLER 0'
    ends quit-3 3 'HANDLER 3'
    ends other-processes 4 'HANDLER 4'
    ends in-unwind-protect 5 'UNWOUND|HANDLER 5'
    ends c-exit 6 'METHOD 6'
    ends c-exit-function 6 'HANDLER 6'
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

levels() {
    ends levels 0 'FIRST|2|newest of 0|0|-1|LAST'
    ends levels-of-a-run 0 '(3 0 LAST)|THREE|ZERO|ABOVE|BELOW|LAST'
}

many_at_once() {
    ends take-off 0 \
        '2 0 2|3|1 0|CALLED (OTHER)|FUNCTION|2|0|1 1 0|FUNCTION'
    ends clear 0 '2 0|STAYS|1 0|used on'
    ends clear-within 3 '1'
    ends handlers 0 "SAY-STATUS 2 NIL|CALLED 0 NIL|NIL 0 NIL|given 0 NIL|\
REMOVED|3|T|given 0 T"
    ends age 0 'T'
    ends handlers-of-c 0 '(HANDLER NIL NAME NIL LEVEL 0 RUNNING NIL AGE NIL)'
}

hangs='hangs: it has run for [0-9]* ms,'

limits() {
    ends limit-of-handler 3 'in time|HANGS' \
        "exit: handler \"HANG\" .* $hangs its limit is 300 ms.*status 3\$"
    ends limit-of-exit 4 'HANGS' \
        "handler \"sticks\" .* $hangs the limit of the exit, 300 ms"
    ends limit-of-c-exit 5 'HANGS' \
        "handler \"HANG\" .* $hangs the limit of the exit, 300 ms"
    ends limit-of-run 6 'HANGS' \
        "handler \"HANG-BY-METHOD\" .* $hangs the limit of the run, 300 ms"
    ends limit-of-handler-in-run 7 'HANGS' \
        "handler \"HANG\" .* $hangs its limit is 300 ms.*status 7\$"
    ends limit-aborts 134 'HANGS' "handler \"HANG\" .* $hangs .*aborts\$"
    ends limit-taken-back 0 'SLOW|SLOW|2'
    ends limited-run 0 "INSIDE 8|T no such luck|FAILED no such luck|LAST 8|\
6|0 0" 'left by a transfer'
    ends limited-rest 0 'A 9|REST 1|OUTER 2|1'
    ends limited-after-shutdown 0 'HANDLER 9|HANDLER 0|1'
}

failures() {
    ends failing 2 'B|A' 'gcweak: .* failed: no such luck'
    ends failing-heard 2 'HEARD no such luck|A'
    ends escaping 0 'B|A|RETURNED' 'left by a transfer'
    ends quitting 0 'B|QUITS|A' 'left by a transfer'
    ends interrupts 0 'T|INSIDE|AFTER'
}

# How it ends is the last line that is said.
signals() {
    "${CC:-cc}" -o "$scratch/watch" "$srcdir/t/watch.c" || exit 99
    under=$scratch/watch
    ends signal-orderly 0 'HANDLER 143|killed by 15'
    ends signal-unwinds 0 'UNWOUND|HANDLER 143|killed by 15'
    ends signal-without-interrupts 0 'METHOD 143|killed by 15'
    ends signal-twice 0 'HANGS|killed by 15'
    ends signal-in-exit 0 'SIGNAL|GOES ON 15|HANDLER 3|killed by 15'
    ends signal-ignored 0 'NIL NIL|NIL NIL|T|killed by 1'
    ends signal-with-handler 0 'EBUSY|T|killed by 2'
    ends signal-refused 0 'EINVAL|EINVAL|status 0'
    ends signal-taken-back 0 'T NIL|killed by 15'
    ends signal-file-descriptor 0 'T|15|HANDLER 143|killed by 15'
    ends signal-by-hand 0 'METHOD 138|killed by 10'
    ends signal-in-a-process 0 'HANDLER|killed by 15'
    under=
}

all_ends() {
    ways_to_end
    what_runs
    levels
    many_at_once
    limits
    failures
    signals
}

# --- The page ----------------------------------------------------------------

# run_example MODE FILE: alone, as a user would.
run_example() {
    example_file=$2
    if test "$1" = compiled; then
        compile "$2"
        example_file=$compiled
    fi
    evaluate "(load \"$example_file\")"
}

all_tests() {
    for program in reference cleanup event hub process map guardian interrupt \
        argument names
    do
        test_program $program
    done
    all_ends
    test_examples
    echo 'all tests were made'
}

mkdir "$scratch/programs"
# The compiler leaves files where it runs.
cd "$scratch" || exit 99
write_setup
case ${1-} in
page) { test_examples; echo 'all tests were made'; } | number ;;
ends) { all_ends; echo 'all tests were made'; } | number ;;
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
