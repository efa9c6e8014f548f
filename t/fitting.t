#!/bin/sh
# fitting.t: others find an installed gcweak and build with it, as the examples
# show: with a Makefile alone, with Autoconf, with CMake, with Meson.

# Variables of flags are split on purpose.
# shellcheck disable=SC2086
. "${srcdir:=.}/t/installed.sh"

has()
{
    command -v "$1" > /dev/null
}

# --- A Makefile alone --------------------------------------------------------

copy_standalone()
{
    cp -R "$srcdir/examples/standalone" "$dir" && chmod -R u+w "$dir/standalone"
}

# make_standalone PKG-CONFIG LINKER-FLAGS
make_standalone()
{
    MAKEFLAGS='' MFLAGS='' $MAKE -C "$dir/standalone" clean doorbell \
        CC="$CC" CFLAGS="$CFLAGS -Wall -Wextra -Werror" \
        PKG_CONFIG="$1" LDFLAGS="$LDFLAGS $2"
}

doorbell='Ann hears the postman
Bob hears the postman
Bob moves out
Ann hears the neighbour
2 rings, 1 listening'

# --- Autoconf ----------------------------------------------------------------

# What GCW_CHECK_GCWEAK stands on.
has_autoconf()
{
    has autoconf && has aclocal &&
        [ -e "$(aclocal --print-ac-dir)/pkg.m4" ]
}

acdir()
{
    dirname "$(find "$root" -name gcweak.m4)"
}

# From the comment on top of the macro, the lines between two words, without
# what makes them a comment.
shown()
{
    sed -n "/^#     $1/,/^#     $2/s/^#     //p" "$(acdir)/gcweak.m4"
}

# A package in the directory NAME.
write_package()
{
    mkdir "$dir/$1" &&
    cat > "$dir/$1/configure.ac" &&
    shown 'hello:' '	' > "$dir/$1/Makefile.in" &&
    readme_program > "$dir/$1/hello.c"
}

makes_configure()
{
    (cd "$dir/$1" && aclocal -Wall -Werror -I "$(acdir)" &&
        autoconf -Wall -Werror)
}

configures()
{
    (cd "$dir/$1" && ./configure CC="$CC" CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS")
}

makes()
{
    MAKEFLAGS='' MFLAGS='' $MAKE -C "$dir/$1"
}

refuses()
{
    makes_configure "$1" && ! configures "$1" > "$dir/refused" 2>&1
    cat "$dir/refused"
    grep "gcweak $2 or later was not found" "$dir/refused"
}

chooses()
{
    makes_configure "$1" && configures "$1" > "$dir/chosen" 2>&1
    cat "$dir/chosen"
    [ "$(grep -c '^took ' "$dir/chosen")" = 2 ] &&
        grep -qx 'took the first way' "$dir/chosen" &&
        grep -qx 'took the second way' "$dir/chosen"
}

# --- CMake -------------------------------------------------------------------

# What follows the first word: of a compiler, flags that it always has.
words_after()
{
    echo "${1#"${1%% *}"}"
}

# The flags of the library's own build may ask for a sanitizer.
# cmake_configures SOURCES BUILD ARGUMENT...
cmake_configures()
{
    sources=$1 build=$2
    shift 2
    cmake -S "$sources" -B "$build" -Dgcweak_DIR="$libdir/cmake/gcweak" \
        -DCMAKE_C_COMPILER="${CC%% *}" \
        -DCMAKE_C_FLAGS="$(words_after "$CC") $CFLAGS" \
        -DCMAKE_CXX_COMPILER="${CXX%% *}" \
        -DCMAKE_CXX_FLAGS="$(words_after "$CXX") $CFLAGS -Wall -Wextra" \
        -DCMAKE_EXE_LINKER_FLAGS="$LDFLAGS" "$@"
}

# A package that wants a version, with the other targets.
write_cmake_package()
{
    mkdir "$dir/targets" &&
        cat > "$dir/targets/CMakeLists.txt" << 'END' &&
cmake_minimum_required(VERSION 3.10)
project(targets LANGUAGES C)
find_package(gcweak ${WANTED} CONFIG REQUIRED)
add_executable(hello hello.c)
target_link_libraries(hello PRIVATE gcweak::gcweak)
add_executable(static hello.c)
if(TARGET gcweak::gcweak-static)
    target_link_libraries(static PRIVATE gcweak::gcweak-static)
else()
    target_link_libraries(static PRIVATE gcweak::gcweak)
endif()
add_executable(relinked relinked.c)
if(TARGET gcweak::atexit)
    target_link_libraries(relinked PRIVATE gcweak::atexit)
endif()
END
        cat > "$dir/targets/relinked.c" << 'END' &&
#include <stdio.h>
#include <stdlib.h>
static void bye(void) { puts("bye"); }
int main(void) { return atexit(bye); }
END
        readme_program > "$dir/targets/hello.c"
}

# It is linked with, and where there is a static one, without the shared one.
needs_shared()
{
    readelf -d "$dir/targets-built/$1" > "$dir/needed" || return
    grep 'NEEDED.*libgcweak' "$dir/needed"
}

is_static()
{
    [ ! -e "$libdir/libgcweak.a" ] || ! needs_shared static
}

relinked_runs()
{
    GCWEAK_DEBUG='exit' "$dir/targets-built/relinked" > "$dir/said" 2>&1 &&
        cat "$dir/said" && grep '^bye$' "$dir/said" &&
        if [ -e "$libdir/libgcweak-atexit.a" ]; then
            grep '^gcweak: exit: handler' "$dir/said"
        fi
}

# version_is found|refused VERSION
version_is()
{
    rm -rf "$dir/version"
    if cmake_configures "$dir/targets" "$dir/version" -DWANTED="$2"; then
        [ "$1" = found ]
    else
        [ "$1" = refused ]
    fi
}

# What CMake finds by itself, seven tests.
test_without_pkg_config()
{
    passes 'without pkg-config, too, CMake finds gcweak and the collector' \
        cmake_configures "$dir/targets" "$dir/targets-built" -DWANTED=0.1 \
        -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON
    passes 'it builds' cmake --build "$dir/targets-built"
    passes 'its program runs' prints "$readme_output" \
        "$dir/targets-built/hello"
    passes 'and uses the shared library' needs_shared hello
    passes 'with the static one it runs' prints "$readme_output" \
        "$dir/targets-built/static"
    passes 'and does not use the shared one' is_static
    passes 'atexit is replaced' relinked_runs
}

# --- Meson -------------------------------------------------------------------

meson_configures()
{
    CC=$CC CFLAGS=$CFLAGS LDFLAGS=$LDFLAGS PKG_CONFIG=$PKG_CONFIG \
        meson setup --wrap-mode=nofallback --werror \
            "$dir/meson-source" "$dir/meson"
}

# --- All of it ---------------------------------------------------------------

echo 1..31
passes 'make install' install_there
passes 'gcweak.pc is installed' stage_pc

if has_shared; then
    passes 'examples/standalone is copied' copy_standalone
    passes 'it builds' make_standalone "$PKG_CONFIG" ''
    passes 'it does what it should' prints "$doorbell" "$dir/standalone/doorbell"
else
    skip 3 'no shared library was built'
fi

if has_static; then
    rm -rf "$dir/standalone"
    copy_standalone
    passes 'it builds without shared libraries' \
        make_standalone "$PKG_CONFIG --static" -static
    passes 'it does the same' prints "$doorbell" "$dir/standalone/doorbell"
else
    skip 2 'no static library, or no static linking here'
fi

if has_shared && has_autoconf; then
    shown AC_INIT AC_OUTPUT | write_package found
    passes 'the configure.ac in gcweak.m4 is good' makes_configure found
    passes 'its configure finds gcweak' configures found
    passes 'its package builds' makes found
    passes 'its program runs' prints "$readme_output" "$dir/found/hello"
    shown AC_INIT AC_OUTPUT | sed 's/\[0.1\]/[999.1]/' |
        write_package too-old
    passes 'a gcweak that is too old is refused' refuses too-old 999.1
    write_package actions <<'AC'
AC_INIT([hello], [1.0])
AC_PROG_CC
GCW_CHECK_GCWEAK([], [echo 'took the first way'], [echo 'took no way'])
AS_UNSET([GCWEAK_CFLAGS])
AS_UNSET([GCWEAK_LIBS])
AS_IF([:], [GCW_CHECK_GCWEAK([999.1], [echo 'took the wrong way'],
  [echo 'took the second way'])])
AC_OUTPUT
AC
    passes 'what is to happen then is up to the package' chooses actions
else
    skip 6 'no shared library was built, or no Autoconf with pkg-config'
fi

if has_shared && has cmake && [ -n "$CXX" ]; then
    passes 'CMake finds gcweak for examples/cmake' \
        cmake_configures "$srcdir/examples/cmake" "$dir/cmake"
    passes 'it builds' cmake --build "$dir/cmake"
    passes 'its program runs' prints "$readme_output" "$dir/cmake/hello"
    passes 'a package for CMake is written' write_cmake_package
    case $CC in
    *--sysroot*)
        skip 7 'CMake does not look where the compiler is told to' ;;
    *)
        test_without_pkg_config ;;
    esac
    passes 'a version that is no release yet is refused' version_is refused 999.1
    passes 'one of another soname is refused' version_is refused 0.0.9
    passes 'a range that has it is good' version_is found 0.1...0.9
    passes 'one that begins behind it is refused' version_is refused 900...999
else
    skip 15 'no shared library was built, or no CMake or C++ compiler'
fi

if has_shared && has meson && has ninja; then
    cp -R "$srcdir/examples/meson" "$dir/meson-source"
    passes 'Meson finds gcweak for examples/meson' meson_configures
    passes 'it builds' ninja -C "$dir/meson"
    passes 'its program runs' prints "$readme_output" "$dir/meson/hello"
else
    skip 3 'no shared library was built, or no Meson'
fi
