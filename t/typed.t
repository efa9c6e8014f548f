#!/bin/sh
# typed.t: GCW_METHOD takes what fits and refuses what does not, in C11, in
# older C, and in C++; and so do the macros that make and connect, without a
# warning where it fits, and by an error, not a warning, where it does not.
#
# Each snippet that must be refused differs in one type from one that must be
# taken.  It is all done with each compiler that there is.

srcdir=${srcdir:-.}
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT

number=0

# Writes a source: the method's function with these parameters, the types
# that GCW_METHOD is told, and the object and data that make a method.
write_source()    # file parameters types object data
{
    cat >"$1" <<END
#include <gcweak.h>
struct player { int score; };
struct enemy { int score; };
struct player a_player;
struct enemy an_enemy;
int a_number;
double a_fraction;
void *greet($2);
GCW_METHOD(greet, $3)
gcw_method *make(void);
gcw_method *make(void)
{
    return a_number ? greet_method($4, $5) : greet_method_weak($4, $5);
}
END
}

compile()    # language file
{
    strict='-Wall -Wextra -Werror -fsyntax-only'
    # These are several words.
    # shellcheck disable=SC2086
    case $1 in
    c++) $cxx -x c++ $strict -I"$srcdir/include" "$2" ;;
    *)   $cc -x c -std="$1" $strict -I"$srcdir/include" "$2" ;;
    esac >"$scratch/log" 2>&1
}

report()    # whether it was good, what it was
{
    number=$((number + 1))
    if $1; then
        echo "ok $number - $2"
    else
        sed 's/^/# /' "$scratch/log"
        echo "not ok $number - $2"
    fi
}

taken()    # language name parameters types object data
{
    write_source "$scratch/source" "$3" "$4" "$5" "$6"
    good=true
    compile "$1" "$scratch/source" || good=false
    report "$good" "$who $1: $2 is taken"
}

refused()    # as taken
{
    write_source "$scratch/source" "$3" "$4" "$5" "$6"
    good=true
    compile "$1" "$scratch/source" && good=false
    report "$good" "$who $1: $2 is refused"
}

fit='struct player *self, int *arg, double *data'
types='struct player, int, double'

try_language()
{
    taken "$1" 'what fits' "$fit" "$types" '&a_player' '&a_fraction'
    taken "$1" 'a function of void pointers' \
        'void *self, void *arg, void *data' 'void, void, void' \
        '&an_enemy' '&a_number'
    refused "$1" 'a function with another object' \
        'struct enemy *self, int *arg, double *data' "$types" \
        '&a_player' '&a_fraction'
    refused "$1" 'a function with another argument' \
        'struct player *self, double *arg, double *data' "$types" \
        '&a_player' '&a_fraction'
    refused "$1" 'a function with other data' \
        'struct player *self, int *arg, int *data' "$types" \
        '&a_player' '&a_fraction'
    refused "$1" 'a function without data' 'struct player *self, int *arg' \
        "$types" '&a_player' '&a_fraction'
    refused "$1" 'another object' "$fit" "$types" '&an_enemy' '&a_fraction'
    refused "$1" 'other data' "$fit" "$types" '&a_player' '&a_number'
    refused "$1" 'a number as the object' "$fit" "$types" 'a_number + 1' \
        '&a_fraction'
}

# --- The macros that make and connect ---

# A source with all that fits, and one statement more.
write_calls()    # file statement
{
    cat >"$1" <<END
#include <gcweak.h>
struct player { int score; };
struct enemy { int score; };
struct document { int pages; };
static void *greet(struct player *self, struct document *arg, double *data)
{
    (void)self, (void)arg, (void)data;
    return 0;
}
GCW_METHOD(greet, struct player, struct document, double)
static void *admire(struct player const *self, const struct document *arg,
                    double const *data)
{
    (void)self, (void)arg, (void)data;
    return 0;
}
GCW_METHOD(admire, struct player const, const struct document, double const)
static void *follow(void *self, void *arg, void *data)
{
    (void)self, (void)arg, (void)data;
    return 0;
}
GCW_METHOD(follow, void, void, void)
static void *shoot(struct player *self, struct enemy *arg, double *data)
{
    (void)self, (void)arg, (void)data;
    return 0;
}
GCW_METHOD(shoot, struct player, struct enemy, double)
static void hear(const struct document *arg, double *data)
{
    (void)arg, (void)data;
}
GCW_LISTENER(hear, const struct document, double)
static void hear_enemy(struct enemy *arg, double *data)
{
    (void)arg, (void)data;
}
GCW_LISTENER(hear_enemy, struct enemy, double)
static void forget(double *data)
{
    (void)data;
}
GCW_CLEANUP(forget, double)
GCW_EVENT(saved, struct document)
GCW_EVENT(seen, const struct document)
GCW_EVENT(any, void)
void make(struct player *p, const struct player *cp, struct enemy *n,
          struct document *d, const struct document *cd, double *x,
          const double *cx);
void make(struct player *p, const struct player *cp, struct enemy *n,
          struct document *d, const struct document *cd, double *x,
          const double *cx)
{
    saved_event *saved = saved_event_new();
    seen_event *seen = seen_event_new();
    any_event *any = any_event_new();

    (void)p, (void)cp, (void)n, (void)d, (void)cd, (void)x, (void)cx;
    (void)saved, (void)seen, (void)any;
    $2;
}
END
}

# Whether it compiles without a warning.
compiles_cleanly()    # language
{
    strict='-Wall -Wextra -Wpedantic -Wcast-qual -Werror -fsyntax-only'
    compile_with "$1" "$strict"
}

# Without -Werror: so what fails is an error.
compiles_at_all()    # language
{
    compile_with "$1" -fsyntax-only
}

compile_with()    # language options
{
    # These are several words.
    # shellcheck disable=SC2086
    case $1 in
    c++*) $cxx -x c++ -std="$1" -Wold-style-cast $2 -I"$srcdir/include" \
              "$scratch/source" ;;
    *)    $cc -x c -std="$1" $2 -I"$srcdir/include" "$scratch/source" ;;
    esac >"$scratch/log" 2>&1
}

fits()    # language statement
{
    write_calls "$scratch/source" "$2"
    good=true
    compiles_cleanly "$1" || good=false
    report "$good" "$who $1: $2: fits"
}

does_not_fit()    # language statement
{
    write_calls "$scratch/source" "$2"
    good=true
    compiles_at_all "$1" && good=false
    report "$good" "$who $1: $2: is an error"
}

try_calls()    # language
{
    fits "$1" '(void)GCW_NEW(greet, p, x)'
    fits "$1" '(void)GCW_NEW(greet, p, NULL)'
    fits "$1" '(void)GCW_NEW_WEAK(greet, p, x)'
    fits "$1" '(void)GCW_NEW(admire, cp, cx)'
    fits "$1" '(void)GCW_NEW(admire, p, x)'
    fits "$1" '(void)GCW_NEW(follow, n, d)'
    does_not_fit "$1" '(void)GCW_NEW(greet, n, x)'
    does_not_fit "$1" '(void)GCW_NEW(greet, p, d)'
    does_not_fit "$1" '(void)GCW_NEW(greet, p->score + 1, x)'
    does_not_fit "$1" '(void)GCW_NEW_WEAK(greet, n, x)'
    does_not_fit "$1" '(void)GCW_NEW_WEAK(greet, p, d)'
    fits "$1" '(void)GCW_CONNECT(saved, greet, p, x, GCW_ONCE)'
    fits "$1" '(void)GCW_CONNECT(saved, admire, cp, cx, 0)'
    fits "$1" '(void)GCW_CONNECT(seen, admire, cp, cx, 0)'
    fits "$1" '(void)GCW_CONNECT(saved, follow, n, NULL, 0)'
    fits "$1" '(void)GCW_CONNECT(any, follow, n, NULL, 0)'
    does_not_fit "$1" '(void)GCW_CONNECT(saved, greet, n, x, 0)'
    does_not_fit "$1" '(void)GCW_CONNECT(saved, greet, p, d, 0)'
    does_not_fit "$1" '(void)GCW_CONNECT(saved, shoot, p, x, 0)'
    does_not_fit "$1" '(void)GCW_CONNECT(seen, greet, p, x, 0)'
    does_not_fit "$1" '(void)GCW_CONNECT(seen, follow, n, NULL, 0)'
    does_not_fit "$1" '(void)GCW_CONNECT(any, greet, p, x, 0)'
    does_not_fit "$1" '(void)GCW_CONNECT(p, greet, p, x, 0)'
    fits "$1" '(void)GCW_CONNECT_FN(saved, hear, x, 0)'
    fits "$1" '(void)GCW_CONNECT_FN(seen, hear, NULL, 0)'
    does_not_fit "$1" '(void)GCW_CONNECT_FN(saved, hear, d, 0)'
    does_not_fit "$1" '(void)GCW_CONNECT_FN(saved, hear_enemy, x, 0)'
    fits "$1" '(void)GCW_EMIT(saved, d), (void)GCW_EMIT(saved, NULL)'
    fits "$1" '(void)GCW_EMIT(seen, d), (void)GCW_EMIT(seen, cd)'
    fits "$1" '(void)saved_emit(saved, d), (void)seen_emit(seen, cd)'
    does_not_fit "$1" '(void)GCW_EMIT(saved, p)'
    does_not_fit "$1" '(void)GCW_EMIT(p, d)'
    fits "$1" '(void)forget_cleanup(p, x)'
}

# --- All of it ---

methods=9 calls=33

skip_all()    # how many, why
{
    for _ in $(seq "$1"); do
        number=$((number + 1))
        echo "ok $number # SKIP $2"
    done
}

# Whether there is that compiler.  Its name may have several words.
there_is()    # language command
{
    echo 'int number;' >"$scratch/source"
    # shellcheck disable=SC2086
    $2 -x "$1" -fsyntax-only "$scratch/source" >/dev/null 2>&1
}

try_compiler()    # its name, for C, for C++
{
    who=$1 cc=$2 cxx=$3
    if there_is c "$cc"; then
        try_language c11
        try_language c99
        try_calls c11
        try_calls c99
    else
        skip_all $((2 * methods + 2 * calls)) "$who: no compiler for C"
    fi
    if there_is c++ "$cxx"; then
        try_language c++
        try_calls c++98
        try_calls c++17
    else
        skip_all $((methods + 2 * calls)) "$who: no compiler for C++"
    fi
}

echo "1..$((2 * (3 * methods + 4 * calls)))"
try_compiler usual "${CC:-cc}" "${CXX:-c++}"
try_compiler clang "${CLANG:-clang}" "${CLANGXX:-clang++}"
