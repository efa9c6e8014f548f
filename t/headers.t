#!/bin/sh
# headers.t: every public header compiles alone, without a warning, in C99,
# C11 and C++11, in a program and in a shared object.

# Variables of flags are split on purpose.
# shellcheck disable=SC2086
: "${srcdir:=.}" "${CC:=cc}"
strict='-Wall -Wextra -Werror -pedantic -fsyntax-only'

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

# The second inclusion must be harmless; the macros must expand.
source_for()
{
    echo "#include <$1>"
    echo "#include <$1>"
    case $1 in
    gcweak.h | gcweak/method.h)
        cat <<'END'
struct thing { int n; };
static void *act(struct thing *self, int *arg, char *data)
{ return self->n + *arg == 0 ? self : (void *)data; }
GCW_METHOD(act, struct thing, int, char)
END
        ;;
    esac
}

# compiles HEADER LANGUAGE COMMAND...: one test.
compiles()
{
    count=$((count + 1))
    header=$1 language=$2
    shift 2
    source_for "$header" > "$dir/a.c"
    if "$@" -I"$srcdir/include" "$dir/a.c" > "$dir/log" 2>&1; then
        echo "ok $count - $header, $language"
    else
        echo "not ok $count - $header, $language"
        sed 's/^/# /' "$dir/log"
    fi
}

# The same for C++, or a skip if there is no compiler for it.
compiles_as_cxx()
{
    if [ -n "$CXX" ]; then
        compiles "$1" C++11 $CXX -std=c++11 $strict -x c++
    else
        count=$((count + 1))
        echo "ok $count - $1, C++11 # SKIP no C++ compiler"
    fi
}

headers=$(cd "$srcdir/include" && echo gcweak.h gcweak/*.h)
count=0
set -- $headers
echo "1..$(($# * 4))"
for header
do
    compiles "$header" C99 $CC -std=c99 $strict -x c
    compiles "$header" C11 $CC -std=c11 $strict -x c
    compiles "$header" 'C11 in a shared object' \
        $CC -std=c11 -fPIC $strict -x c
    compiles_as_cxx "$header"
done
