#!/bin/sh
# cookbook.t: the cookbook shows the programs as they are; each builds without a
# warning, and what it says is what the text says.
#
# Below a program the text has a block "console": a line that begins with "$ "
# is what is done, the rest what is said, first on stderr and then on stdout.

# Variables of flags are split on purpose.
# shellcheck disable=SC2086
: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}"
. "$srcdir/t/tap.sh"
text=$srcdir/doc/cookbook.md
programs=$srcdir/doc/cookbook

shows_programs()
{
    sh "$srcdir/doc/cookbook.sh" "$text" > "$dir/wanted" &&
        diff "$text" "$dir/wanted"
}

# The names of the programs in the text, in order, one a line.
shown()
{
    sed -n 's/^<!-- program \(.*\) -->$/\1/p' "$text"
}

shows_all()
{
    shown | sort > "$dir/shown"
    (cd "$programs" && printf '%s\n' *.c) | sed 's/\.c$//' | sort |
        diff - "$dir/shown"
}

compile()
{
    name=$1
    shift
    $CC -std=gnu11 ${CFLAGS-} -Wall -Wextra -Werror -I"$srcdir/include" \
        ${GC_CFLAGS-} "$@" -c "$programs/$name.c" -o "$dir/$name.o"
}

builds()
{
    compile "$1" &&
        "$builddir/libtool" --silent --tag=CC --mode=link $CC ${CFLAGS-} \
            ${LDFLAGS-} -no-install "$dir/$1.o" -o "$dir/$1" \
            "$builddir/libgcweak.la" ${GC_LIBS--lgc} -pthread -ldl
}

# A shared object, which finds gcweak in the program.
builds_part()
{
    compile "$1" -fPIC &&
        $CC ${CFLAGS-} ${LDFLAGS-} -shared "$dir/$1.o" -o "$dir/$1.so"
}

# The block "console" that comes next after a program.
block()
{
    awk -v program="<!-- program $1 -->" '
        $0 == program { here = 1 }
        here && /^```$/ && inside { exit }
        inside
        here && /^```console$/ { inside = 1 }' "$text"
}

# Without what differs from run to run, and from system to system; and without
# what some shells say of a program that a signal has ended.
same_for_all()
{
    sed 's/0x[0-9a-f][0-9a-f]*/0x.../g; s/ [0-9]* bytes/ ... bytes/
        s/at offset [1-9][0-9]*/at offset .../
        /^\(.*: \)*Terminated/d'
}

# Does what the block says, and says what is said.
done_anew()
{
    sed -n 's/^\$ //p' "$1" | while read -r line
    do
        echo "\$ $line"
        (cd "$dir" && sh -c "$line") > "$dir/out" 2> "$dir/err"
        cat "$dir/err" "$dir/out" | same_for_all
    done
}

says_so()
{
    block "$1" > "$dir/block"
    grep '^\$ ' "$dir/block" && done_anew "$dir/block" > "$dir/said" &&
        diff "$dir/block" "$dir/said"
}

# does NAME: the test that it says what the text says, where that can be.
does()
{
    if [ "$1" = term ] && [ ! -e "$builddir/libgcweak-atexit.a" ]; then
        skip 1 'the C library has no on_exit, to be told the status by'
    else
        passes "$1 says what the text says" says_so "$1"
    fi
}

# recipe NAME: a program; NAME-part is the shared object of a program NAME, which
# is run at the end.
recipe()
{
    case $1 in
    *-part)
        passes "$1 builds" builds_part "$1" ;;
    plugin)
        passes "$1 builds" builds "$1" ;;
    *)
        passes "$1 builds" builds "$1"
        does "$1" ;;
    esac
}

# All are built, and all but one run.
echo "1..$((2 + 2 * $(shown | wc -l) - 1))"
passes 'the text shows the programs as they are' shows_programs
passes 'it shows all' shows_all
for name in $(shown)
do
    recipe "$name"
done
if [ ! -e "$builddir/.libs/libgcweak.so" ]; then
    skip 1 'no shared library was built'
elif keeps_objects; then
    skip 1 'dlclose unloads nothing here'
else
    does plugin
fi
