#!/bin/sh
# throw.t: a C++ exception passes out of each kind of callback, and so does the
# end of a thread; what the library was at is whole afterwards.

: "${srcdir:=.}" "${builddir:=.}" "${CXX:=c++}"
. "$srcdir/t/tap.sh"

# The flags are several words.  The path leads to what is not installed.
# shellcheck disable=SC2086
build()
{
    libs=$(cd "$builddir/.libs" && pwd) &&
    $CXX -std=c++11 ${CFLAGS-} -Wall -Wextra -Werror -DGC_THREADS \
        -DGC_NO_THREAD_REDIRECTS -I"$srcdir/include" ${GC_CFLAGS-} \
        -o "$dir/throw" "$srcdir/t/throw.cc" "$builddir/t/libsupport.a" \
        ${LDFLAGS-} "$libs/libgcweak.so" -Wl,-rpath,"$libs" ${GC_LIBS--lgc} \
        -pthread
}

has_cxx()
{
    echo 'int number;' > "$dir/try.cc" &&
    $CXX -c -o "$dir/try.o" "$dir/try.cc" 2> "$dir/log"
}

has_place()
{
    case $1 in
    proxy|unknown) [ "${HAVE_LIBFFI-yes}" = yes ] ;;
    esac
}

# place NAME WHAT THEN: the three tests of a place.
place()
{
    if has_place "$1"; then
        passes "an exception passes out of $2; then $3" "$dir/throw" throw "$1"
        passes "after one out of $2, gcw_fail gives up what is around it" \
            "$dir/throw" fail "$1"
        passes "a thread may end in $2; then $3" "$dir/throw" end "$1"
    else
        skip 3 'built without libffi'
    fi
}

echo 1..28
if ! has_cxx; then
    skip 28 'no C++ compiler'
elif [ ! -e "$builddir/.libs/libgcweak.so" ]; then
    skip 28 'no shared library was built'
else
    passes 'the program builds' build
    place listener 'a listener of an event' 'the event can be emitted'
    place hub 'a listener of a hub' 'the hub can be used'
    place dispatch 'a dispatch' 'the descriptor is readable for the rest'
    place drain 'a cleanup in the drain' 'the rest is drained'
    place cleanup 'a cleanup that is run early' 'it has run'
    place handler 'an exit handler' 'another thread runs the rest'
    place method 'a method' 'it can be used'
    place proxy 'a function behind a proxy' 'that can be freed'
    place unknown 'a proxy on an unknown thread' 'that is unknown again'
fi
