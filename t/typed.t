#!/bin/sh
# typed.t: GCW_METHOD takes what fits and refuses what does not, in C11, in
# older C, and in C++.
#
# Each snippet that must be refused differs in one type from one that must be
# taken.

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
    c++) ${CXX:-c++} -x c++ $strict -I"$srcdir/include" "$2" ;;
    *)   ${CC:-cc} -x c -std="$1" $strict -I"$srcdir/include" "$2" ;;
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
    report "$good" "$1: $2 is taken"
}

refused()    # as taken
{
    write_source "$scratch/source" "$3" "$4" "$5" "$6"
    good=true
    compile "$1" "$scratch/source" && good=false
    report "$good" "$1: $2 is refused"
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

skip_language()
{
    for _ in 1 2 3 4 5 6 7 8 9; do
        number=$((number + 1))
        echo "ok $number # SKIP $1: no compiler"
    done
}

echo 1..27
try_language c11
try_language c99
if echo 'int number;' >"$scratch/source" && compile c++ "$scratch/source"; then
    try_language c++
else
    skip_language c++
fi
