#!/bin/sh
# fitting.t: others find an installed gcweak and build with it, as the examples
# show: with a Makefile alone, with Autoconf, with CMake.

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

# The flags of the library's own build may ask for a sanitizer.
cmake_configures()
{
    cmake -S "$srcdir/examples/cmake" -B "$dir/cmake" \
        -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_CXX_FLAGS="$CFLAGS -Wall -Wextra" \
        -DCMAKE_EXE_LINKER_FLAGS="$LDFLAGS"
}

# --- All of it ---------------------------------------------------------------

echo 1..16
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
    passes 'CMake finds gcweak for examples/cmake' cmake_configures
    passes 'it builds' cmake --build "$dir/cmake"
    passes 'its program runs' prints "$readme_output" "$dir/cmake/hello"
else
    skip 3 'no shared library was built, or no CMake or C++ compiler'
fi
