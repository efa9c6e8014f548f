#!/bin/sh
# guile.t: the Guile module does what its page says.
#
# Runs the programs in guile/t, interpreted and compiled, for constants of
# compiled code are no objects of the heap; a program that ends in each of the
# ways in which Guile can end; and the examples on the page, which must print
# what the page shows.

: "${srcdir:=.}" "${builddir:=.}" "${GUILE:=guile}"
programs=$srcdir/guile/t
page=$srcdir/doc/guile.md
extension=scm
word=scheme
GUILE_LOAD_PATH=$builddir/guile:$srcdir/guile
GUILE_EXTENSIONS_PATH=$builddir/guile/.libs:$builddir/.libs
LD_LIBRARY_PATH=$builddir/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
GUILE_AUTO_COMPILE=0
LC_ALL=C
# Not one of a gcweak that is installed already.
GUILE_SYSTEM_COMPILED_PATH=$("$GUILE" -c \
    "(display (assq-ref %guile-build-info 'ccachedir))")
export GUILE_SYSTEM_COMPILED_PATH
export GUILE_LOAD_PATH GUILE_EXTENSIONS_PATH LD_LIBRARY_PATH
export GUILE_AUTO_COMPILE LC_ALL

. "$srcdir/t/module.sh"

# --- Running programs --------------------------------------------------------

# compile FILE OUTPUT: what Guile warns of goes to stderr.
compile() {
    keep_output "$GUILE" -c "
        (use-modules (system base compile))
        (compile-file (or (%search-load-path \"$1\") \"$1\")
                      #:output-file \"$2\"
                      #:opts '(#:warnings (unbound-variable arity-mismatch
                                          use-before-definition format)))"
}

# compile_module FILE: so that compiled programs find it compiled.
compile_module() {
    compile "$1.scm" "$scratch/modules/$1.go"
    passes "the module in $1.scm compiles without a warning" compiles
}

compiles() {
    test "$status" -eq 0 && silent
}

# run MODE FILE ARGUMENT...: MODE is interpreted or compiled.
run() {
    mode=$1
    file=$2
    shift 2
    if test "$mode" = interpreted; then
        keep_output "$GUILE" "$file" interpreted "$@"
    else
        output=$scratch/programs/${file##*/}.go
        test -e "$output" || compile "$file" "$output"
        keep_output env GUILE_LOAD_COMPILED_PATH="$scratch/modules" \
            "$GUILE" -c "(load-compiled \"$output\")" compiled "$@"
    fi
}

run_program() {
    run "$1" "$programs/$2.scm" "$page"
}

run_example() {
    run "$1" "$2"
}

# --- Ends of programs --------------------------------------------------------

# ends HOW STATUS LINES PATTERN...: what the program guile/t/exit.scm does when
# it ends so: its status, what it says, with | for newlines, and complaints.
ends() {
    for mode in interpreted compiled
    do
        run $mode "$programs/exit.scm" "$1"
        ended "$mode" "$@"
    done
}

ways_to_end() {
    ends end-of-script 0 'handler kept 0'
    ends exit-without 0 'handler kept 0'
    ends exit-3 3 'handler kept 3'
    ends exit-false 1 'handler kept 1'
    ends exit-true 0 'handler kept 0'
    ends quit-4 4 'handler kept 4'
    ends an-error 1 'handler kept 1' 'Wrong type .*no-pair'
    ends a-throw 1 'handler kept 1' 'unknown-key'
    ends primitive-exit-5 5 'handler kept 5'
    ends primitive-underscore-exit 6 ''
    ends signal-default 143 ''
    ends signal-handler 7 'handler kept 7'
    ends other-thread 8 'handler kept 8'
    ends run-away 0 ''
    ends quick-exit 16 'quick'
    ends busy-threads 17 'handler kept 17'
    ends in-dynamic-wind 9 'unwound|handler kept 9'
}

what_runs() {
    ends order 0 'c|b|new|a'
    ends dead 0 'handler kept 0'
    ends no-asyncs 0 'pending|handler'
    ends cleanups 0 'handler|second 2|first'
    ends mail 0 'second|first|handler'
    ends unregistered 0 'removed|gone|running'
    ends quit-inside 3 'b|quits|a'
    ends quit-twice 12 'handler kept 12'
    ends quit-in-cleanup 13 'cleanup|handler kept 13'
    ends quit-in-listener 14 'handler kept 14'
    ends quit-in-thread 15 'handler kept 15'
    ends late 0 'early|cleanup|late'
    ends registries 0 "#t#t#f#f|#t#f|handler kept 5|kept 5|once 5|failed 0|\
kept 0|failed 1|outside #f"
    ends run-early 0 'handler kept 3|failed 0|again|handler kept 0'
}

levels() {
    ends levels 0 'first|2|newest of 0|0|-1|last'
    ends levels-of-a-run 0 '(3 0 last)|three|zero|above|below|last'
}

many_at_once() {
    ends take-off 0 '202|2|10|called for #(other)|0|110'
    ends clear 0 '20|stays|used on'
    ends clear-within 3 '1'
    ends handlers 0 "#t|(#f 2 #f)|(#f 0 #f)|(#f 0 #f)|(given 0 #f)|\
(#f 0 #f)|(#f 0 #f)|(given 0 #f)|it is their turn|\
handler kept 0|(given 0 #t)"
    ends handlers-of-c 0 '(#f #f 0 #f)'
    ends age 0 '#t'
}

hangs='hangs: it has run for [0-9]* ms,'

limits() {
    ends limit-of-handler 3 'in time|hangs' \
        "exit: handler \"hang\" .* $hangs its limit is 300 ms.*status 3\$"
    ends limit-of-exit 4 'hangs' \
        "handler \"sticks\" .* $hangs the limit of the exit, 300 ms"
    ends limit-of-run 5 'hangs' \
        "handler \"sticking\" .* $hangs the limit of the run, 300 ms"
    ends limit-of-handler-in-run 6 'hangs' \
        "handler \"hang\" .* $hangs its limit is 300 ms.*status 6\$"
    ends limit-aborts 134 'hangs' "handler \"sticks\" .* $hangs .*aborts\$"
    ends limit-taken-back 0 'slow|slow|slow|failed 0'
    ends limited-run 0 "heard #t misc-error|heard #t some-key|last 8|\
inside 2|outer 7|failed 0|outside #f"
    ends limit-during-run 0 'left|rest|failed 0'
}

failures() {
    ends failing 2 'b|a' 'gcweak: exit handler.*bad-name' \
        'no such luck: 13' 'some-key'
    ends failing-method 0 'handler kept 0' \
        'gcweak: exit handler.*with-object' 'method of'
    ends failing-with-handler 0 'heard #t some-key (1 2)|a'
    ends leaving 0 'b 4|left|a 0'
    ends run-inside 0 'a 4|failed 0|kept 0'
    ends escaping 0 'b|a' 'gcweak: exit handler.*escapes' \
        'gcweak: exit handler.*continues' 'gcweak: exit handler.*aborts'
}

forks() {
    ends fork 0 "child's|inherited|child 20|\
inherited|parent's|parent's cleanup"
    ends fork-deaths 0 \
        'in the child|died in one|child 20|in the parent|died in one'
    ends fork-threads 0 \
        'died in the child|drained|child 20|died in the parent'
    ends fork-mail 0 \
        'in the child|second|first|child 20|second|first'
    ends fork-all 0 \
        'kept|heard 2|heard a3|dropped in the child|child 20|heard a3'
    ends fork-maps 0 '1 datum|2 #t|child 20|1 1'
    ends fork-guardian 0 'it #f|child 20|it #f'
}

signals() {
    ends signal-orderly 0 'handler kept 143|killed by 15, status #f'
    ends signal-unwinds 0 'unwound|killed by 15, status #f'
    ends signal-while-reading 0 'handler kept 143|killed by 15, status #f'
    ends signal-twice 0 'hangs|killed by 15, status #f'
    ends signal-in-exit 0 \
        'goes on, 15|handler kept 3|killed by 15, status #f'
    ends signal-ignored 0 '#f#f|#f#f|#t|killed by 1, status #f'
    ends signal-with-handler 0 '#t|15|killed by 15, status #f'
    ends signal-taken-back 0 '#t#f|killed by 15, status #f'
    ends signal-port 0 '#f|#t|handler kept 130|killed by 2, status #f'
    ends signal-by-hand 0 'handler kept 138|killed by 10, status #f'
    ends signal-in-child 0 "killed by 15, status #f|inherited|\
killed by 15, status #f|#f|inherited|killed by 15, status #f"
}

# says PATTERN: a line of the output matches.
says() {
    grep -q "$1" "$scratch/out"
}

# A read-eval-print loop, which ends with its input.
repl() {
    printf '%s\n' '(use-modules (gcweak))' \
        '(define (say) (display "ran"))' \
        '(define handler (exit-handler-register! say))' \
        "$1" > "$scratch/input"
    "$GUILE" -q < "$scratch/input" > "$scratch/out" 2> "$scratch/err"
    status=$?
}

repls() {
    repl ''
    passes 'the end of the input of a prompt runs handlers' says ran
    repl ',quit'
    passes 'a command of the prompt too' says ran
    repl '(exit 3)'
    passes 'and exit there' says ran
    passes 'with its status' test $status -eq 3
}

# As the page says: a copy of our module by the name of the SRFI.
srfi_124() {
    mkdir "$scratch/srfi"
    sed 's/(gcweak srfi-124)/(srfi srfi-124)/' \
        "$srcdir/guile/gcweak/srfi-124.scm" > "$scratch/srfi/srfi-124.scm"
    keep_output env GUILE_LOAD_PATH="$scratch:$GUILE_LOAD_PATH" "$GUILE" -c "
        (import (scheme base) (scheme write) (srfi 124))
        (display (ephemeron-datum (make-ephemeron 1 'a-datum)))"
    passes 'a copy of (gcweak srfi-124) will do for (srfi 124)' says a-datum
}

all_tests() {
    compile_module gcweak
    compile_module gcweak/srfi-124
    compile_module t/tap
    for program in method cleanup event hub step thread map ephemeron guardian \
        argument names
    do
        test_program $program
    done
    ways_to_end
    what_runs
    levels
    many_at_once
    limits
    failures
    forks
    signals
    repls
    srfi_124
    test_examples
    echo 'all tests were made'
}

all_tests | number
