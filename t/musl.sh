#!/bin/sh
# musl.sh: the library, the examples and all tests compile and link with musl.
#
#   musl.sh SRCDIR DIRECTORY    DIRECTORY is made anew, and left
#
# Nothing of it can run: the collector, libffi and cmocka are those of this
# machine, which want glibc.  Of them the compiler sees the headers and no
# others beside, so what configure says of the C library is said of musl; and
# the linker does not ask for what they want.

set -eu
unset CFLAGS CPPFLAGS LDFLAGS LIBS
: "${CC:=cc}" "${MUSL_GCC:=musl-gcc}" "${PKG_CONFIG:=pkg-config}" "${MAKE:=make}"
source=$(cd "$1" && pwd)

rm -rf "$2"
mkdir "$2" "$2/headers" "$2/pc"
cd "$2"

# HEADER MODULE: its file.  Flags are split on purpose.
# shellcheck disable=SC2046
file_of()
{
    printf '#include <%s>\n' stdarg.h stddef.h stdint.h setjmp.h "$1" |
        $CC $($PKG_CONFIG --cflags "$2") -E - |
        sed -n "s|^# 1 \"\(.*/$1\)\".*|\1|p" | head -n 1
}

# MODULE LIBRARY HEADER BESIDE...: what pkg-config finds here, for the other
# compiler; and what lies beside its header.
lend()
{
    file=$(file_of "$3" "$1")
    cat > "pc/$1.pc" <<END
Name: $1
Description: of this machine, for musl
Version: $($PKG_CONFIG --modversion "$1")
Cflags: -isystem $PWD/headers
Libs: $($CC -print-file-name="$2")
END
    shift 2
    for name
    do
        ln -s "${file%/*}/$name" headers/
    done
}
lend bdw-gc libgc.so gc.h gc
lend libffi libffi.so ffi.h ffitarget.h
lend cmocka libcmocka.so cmocka.h

# gcc's own library for unwinding was made for glibc, too: it asks for
# _dl_find_object.
PKG_CONFIG_LIBDIR=$PWD/pc
export PKG_CONFIG_LIBDIR
"$source/configure" --quiet CC="$MUSL_GCC" CXX=no PKG_CONFIG="$PKG_CONFIG" \
    --disable-static --without-guile --without-ecl \
    LDFLAGS='-Wl,--allow-shlib-undefined -Wl,--defsym=_dl_find_object=0'

# What glibc has and musl has not.
if grep -E '#define HAVE_(ON_EXIT|DLADDR1|FCLOSEALL|MALLOPT|MAKECONTEXT)' config.h
then
    echo 'configure has looked at another C library than musl' >&2
    exit 1
fi
$MAKE CFLAGS='-O0 -Werror'
$MAKE CFLAGS='-O0 -Werror' check TESTS=
