#!/bin/sh
# loops.t: GLib's, libuv's and epoll's loops drain deaths, and dispatch a hub
# that threads of their pool post to; nothing is lost, and all runs on the
# loop's thread.

: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}" "${PKG_CONFIG:=pkg-config}"
. "$srcdir/t/tap.sh"

loops=$srcdir/examples/loops

# build NAME PACKAGES: the example, with the packages' flags, which are several
# words.
# shellcheck disable=SC2046,SC2086
build()
{
    for part in "$1" work
    do
        $CC -std=gnu11 ${CFLAGS-} -Wall -Wextra -Werror -I"$srcdir/include" \
            ${GC_CFLAGS-} $($PKG_CONFIG --cflags $2) -c "$loops/$part.c" \
            -o "$dir/$part.o" || return 1
    done
    "$builddir/libtool" --silent --tag=CC --mode=link $CC ${CFLAGS-} \
        ${LDFLAGS-} -no-install "$dir/$1.o" "$dir/work.o" -o "$dir/$1" \
        "$builddir/libgcweak.la" ${GC_LIBS--lgc} $($PKG_CONFIG --libs $2) \
        -pthread
}

# says LABEL NAME ARGUMENT...: what the example prints, and nothing else.
says()
{
    label=$1
    name=$2
    shift 2
    "$dir/$name" "$@" > "$dir/said" 2>&1
    echo "status $?" >> "$dir/said"
    cat > "$dir/expected" << END_OF_EXPECTED
$label: 8 of 8 jobs done, 4000 of 4000 steps heard, 0 out of order
$label: nearly all of 800 tickets have died
$label: 0 calls on another thread than the loop's
status 0
END_OF_EXPECTED
    diff "$dir/expected" "$dir/said"
}

echo 1..7
if $PKG_CONFIG --exists 'glib-2.0 >= 2.36'; then
    passes 'the program with GLib builds' build glib glib-2.0
    passes 'its loop hears of all' says glib glib
else
    skip 2 'needs GLib (on Debian and its kin: libglib2.0-dev)'
fi

if $PKG_CONFIG --exists libuv; then
    passes 'the program with libuv builds' build uv libuv
    passes 'its loop hears of all' says libuv uv
else
    skip 2 'needs libuv (on Debian and its kin: libuv1-dev)'
fi

echo '#include <sys/epoll.h>' > "$dir/try.c"
if $CC -E "$dir/try.c" > "$dir/log" 2>&1; then
    passes 'the program with epoll builds' build epoll ''
    passes 'its loop hears of all, level-triggered' says 'epoll, level' epoll
    passes 'and edge-triggered' says 'epoll, edge' epoll edge
else
    skip 3 'needs epoll'
fi
