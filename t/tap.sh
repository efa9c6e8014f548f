# tap.sh: what the tests that are shell scripts share.  To be sourced.
#
# $dir is a directory for whatever they write; it goes at the end.

# shellcheck shell=sh

LC_ALL=C
export LC_ALL
count=0
[ -n "${dir-}" ] || dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

# passes WHAT COMMAND...: one test; what the command says is shown.
passes()
{
    count=$((count + 1))
    what=$1
    shift
    if "$@" > "$dir/log" 2>&1; then
        echo "ok $count - $what"
    else
        echo "not ok $count - $what"
        sed 's/^/# /' "$dir/log"
    fi
}

# skip_all WHY: no test can be made here.  Before the plan, which would have to
# be kept otherwise.
skip_all()
{
    echo "1..0 # SKIP $1"
    exit 0
}

# skip COUNT WHY: so many tests that cannot be made here.
skip()
{
    last=$((count + $1))
    while [ "$count" -lt "$last" ]
    do
        count=$((count + 1))
        echo "ok $count # SKIP $2"
    done
}

# keeps_objects: whether dlclose unloads nothing, as in musl.  Variables of flags
# are split on purpose.
# shellcheck disable=SC2086
keeps_objects()
{
    cat > "$dir/keeper.c" <<'END'
#include <dlfcn.h>
int main(int argc, char **argv)
{
    void *object = dlopen(argv[argc - 1], RTLD_NOW);
    return object == 0 || dlclose(object) != 0
           || dlopen(argv[argc - 1], RTLD_NOW | RTLD_NOLOAD) == 0;
}
END
    echo 'int it;' > "$dir/kept.c"
    $CC ${CFLAGS-} -fPIC -shared "$dir/kept.c" -o "$dir/kept.so" &&
        $CC ${CFLAGS-} ${LDFLAGS-} "$dir/keeper.c" -o "$dir/keeper" -ldl &&
        "$dir/keeper" "$dir/kept.so"
} > /dev/null 2>&1

# makes_alike COMPILER: whether it makes objects for the machine that $CC makes
# them for, as the beginning of an object says.  Both may have several words.
# shellcheck disable=SC2086
makes_alike()
{
    echo 'int it;' > "$dir/alike.c"
    $CC -c "$dir/alike.c" -o "$dir/alike-1.o" &&
        $1 -x c -c "$dir/alike.c" -o "$dir/alike-2.o" &&
        cmp -n 20 "$dir/alike-1.o" "$dir/alike-2.o"
} > /dev/null 2>&1

# compilers DEFAULT NAME...: a line each, the one that gcweak is built with, and
# those of these names that are here and build what can be linked with it.
compilers()
{
    default=$1
    shift
    echo "$default"
    for one
    do
        [ "$one" = "$default" ] || ! makes_alike "$one" || echo "$one"
    done
}

# build_program: makes $dir/program of $dir/program.c, with debugging symbols and
# with the library of this build.  Variables of flags are split on purpose; some
# come from who sources this.
# shellcheck disable=SC2086,SC2154
build_program()
{
    $CC ${CFLAGS-} -g -I"$srcdir/include" ${GC_CFLAGS-} -c "$dir/program.c" \
        -o "$dir/program.o" &&
        "$builddir/libtool" --silent --tag=CC --mode=link $CC ${CFLAGS-} -g \
            ${LDFLAGS-} -no-install "$dir/program.o" -o "$dir/program" \
            "$builddir/libgcweak.la" ${GC_LIBS-}
}

# is_within A B: whether every line of $dir/A, which has some, is in $dir/B;
# says which are not.  Both are sorted.
is_within()
{
    [ -s "$dir/$1" ] || echo 'nothing at all'
    comm -23 "$dir/$1" "$dir/$2"
    [ -s "$dir/$1" ] && [ -z "$(comm -23 "$dir/$1" "$dir/$2")" ]
}
