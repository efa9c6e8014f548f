#!/bin/sh
# headers.t: every public header compiles alone, and all of them together,
# without a warning, in each C and C++ from C99 and C++11 on, in a program and
# in a shared object, with the compilers that are here.

# Variables of flags are split on purpose.
# shellcheck disable=SC2086
: "${srcdir:=.}" "${CC:=cc}"
strict='-Wall -Wextra -Wpedantic -Werror'

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
count=0

# --- What is compiled --------------------------------------------------------

# What uses the macros, which must expand.
method()
{
    cat <<'C'
struct thing { int n; };
static void *act(struct thing *self, int *arg, char *data)
{ return self->n + *arg == 0 ? self : (void *)data; }
GCW_METHOD(act, struct thing, int, char)
C
}

# A file for each header, which is included twice, and one for all.
write_sources()
{
    mkdir "$dir/alone" "$dir/together" || exit 99
    for header in $(cd "$srcdir/include" && echo gcweak/*.h gcweak.h)
    do
        file=$dir/alone/${header##*/}.c
        echo "#include <$header>" > "$file"
        echo "#include <$header>" >> "$file"
        cat "$file" >> "$dir/together/all.c"
        case $header in
        gcweak.h | gcweak/method.h) method >> "$file" ;;
        esac
    done
    method >> "$dir/together/all.c"
}

# --- Compiling it ------------------------------------------------------------

skip()
{
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

# compiles WHAT COMMAND...: one test.
compiles()
{
    count=$((count + 1))
    what=$1
    shift
    if "$@" -I"$srcdir/include" -fsyntax-only > "$dir/log" 2>&1; then
        echo "ok $count - $what"
    else
        echo "not ok $count - $what"
        sed 's/^/# /' "$dir/log"
    fi
}

# accepts COMMAND...: the compiler knows these flags.
accepts()
{
    "$@" -fsyntax-only /dev/null > /dev/null 2>&1
}

# each_standard LANGUAGE COMPILER STANDARD...: three tests for each standard.
each_standard()
{
    language=$1 compiler=$2
    shift 2
    for standard
    do
        with="$standard, $compiler"
        if accepts $compiler -x $language -std=$standard; then
            command="$compiler -x $language -std=$standard $strict"
            compiles "each header, $with" $command "$dir"/alone/*.c
            compiles "all headers, $with" $command "$dir/together/all.c"
            compiles "all headers in a shared object, $with" \
                $command -fPIC "$dir/together/all.c"
        else
            skip "$with" 'the compiler does not know it'
        fi
    done
}

# A compiler that knows nothing but the standard.  It would warn of what is
# not used, for it cannot be told that it need not be.  Not every C library's
# headers bear it.
without_extensions()
{
    what="c99 without GNU extensions, $1"
    echo '#include <stdlib.h>' > "$dir/probe.h"
    if accepts $1 -x c -std=c99 -U__GNUC__ -include "$dir/probe.h"; then
        compiles "$what" $1 -x c -std=c99 -U__GNUC__ $strict -Wno-unused \
            "$dir"/alone/*.c
    else
        skip "$what" "the C library's headers need them here"
    fi
}

# compilers DEFAULT NAME...: the compilers of these names that are here, after
# the one that gcweak is built with.
compilers()
{
    default=$1
    shift
    [ -z "$default" ] || echo "$default"
    for name
    do
        [ "$name" = "$default" ] || ! command -v "$name" > /dev/null ||
            echo "$name"
    done
}

write_sources
compilers "$CC" gcc clang > "$dir/c"
compilers "$CXX" g++ clang++ > "$dir/cxx"
while read -r compiler
do
    each_standard c "$compiler" c99 c11 c17
    without_extensions "$compiler"
done < "$dir/c"
while read -r compiler
do
    each_standard c++ "$compiler" c++11 c++14 c++17 c++20
done < "$dir/cxx"
echo "1..$count"
