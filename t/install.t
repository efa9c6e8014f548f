#!/bin/sh
# install.t: what make install leaves behind is enough to build the README's
# example with pkg-config, shared and static, and to run it.

# Variables of flags are split on purpose.
# shellcheck disable=SC2046,SC2086
: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}" "${MAKE:=make}"
: "${PKG_CONFIG:=pkg-config}"

dir=$(cd "$builddir" && pwd)/install.dir
rm -rf "$dir"
mkdir "$dir" || exit 99
trap 'rm -rf "$dir"' EXIT

# passes N WHAT COMMAND...: one test; what the command says is shown.
passes()
{
    number=$1 what=$2
    shift 2
    if "$@" > "$dir/log" 2>&1; then
        echo "ok $number - $what"
    else
        echo "not ok $number - $what"
        sed 's/^/# /' "$dir/log"
    fi
}

# The make that runs the tests must not hand its jobs to this one.
install_there()
{
    MAKEFLAGS='' MFLAGS='' $MAKE -C "$builddir" install DESTDIR="$dir"
}

# The installed gcweak.pc speaks of its final place: here a copy that speaks
# of the staged one.
stage_pc()
{
    pc=$(find "$dir" -name gcweak.pc)
    mkdir "$dir/pc" &&
    sed "s|^\([a-z_]*\)=/|\1=$dir/|" "$pc" > "$dir/pc/gcweak.pc"
}

config()
{
    PKG_CONFIG_PATH=$dir/pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} \
        $PKG_CONFIG "$@" gcweak
}

# "man gcw_ref_get" finds the page that has it: each exported function has a
# file, which is the page that names it or leads there.
functions_have_pages()
{
    man3=$(dirname "$(find "$dir" -name gcw_ref.3)")
    while read -r function
    do
        page=$man3/$function.3
        next=$(sed -n 's|^\.so man3/||p' "$page")
        grep -x "\.Nm $function\( ,\)*" "${next:+$man3/}${next:-$page}" \
            > "$dir/found" || echo "$function"
    done < "$srcdir/src/gcweak.sym" > "$dir/lost"
    cat "$dir/lost"
    [ ! -s "$dir/lost" ]
}

# The README's first example.
write_program()
{
    # These quotes are the page's own.
    # shellcheck disable=SC2016
    sed -n '/^```c$/,/^```$/p' "$srcdir/README.md" | grep -v '^```' \
        > "$dir/program.c"
}

# builds NAME FLAGS...
builds()
{
    name=$1
    shift
    $CC $CFLAGS $(config --cflags) "$dir/program.c" -o "$dir/$name" \
        $LDFLAGS "$@"
}

runs()
{
    output=$(LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$1")
    echo "$output"
    [ "$output" = 'Ann hears from Bob
Ann is gone' ]
}

links_statically()
{
    echo 'int main(void) { return 0; }' > "$dir/empty.c"
    $CC $CFLAGS $LDFLAGS -static "$dir/empty.c" -o "$dir/empty" 2> /dev/null
}

# What the installed module loads is installed, and what was compiled of it is
# not older, or Guile would leave it alone.
module_is_whole()
{
    source=$(find "$dir" -name gcweak.scm)
    compiled=$(find "$dir" -name gcweak.go)
    extension=$(sed -n 's/^(load-extension "\([^"]*\)" .*/\1/p' "$source")
    ls -l "$source" "$compiled" "$dir$extension.so" &&
        [ -z "$(find "$source" -newer "$compiled")" ]
}

echo 1..8
write_program
passes 1 'make install' install_there
passes 2 'gcweak.pc is installed' stage_pc
libdir=$(config --variable=libdir)

if [ -e "$libdir/libgcweak.so" ]; then
    passes 3 'a shared program builds' builds shared $(config --libs)
    passes 4 'it runs' runs "$dir/shared"
else
    echo 'ok 3 # SKIP no shared library was built'
    echo 'ok 4 # SKIP no shared library was built'
fi

if [ -e "$libdir/libgcweak.a" ] && links_statically; then
    passes 5 'a static program builds' \
        builds static -static $(config --static --libs)
    passes 6 'it runs' runs "$dir/static"
else
    echo 'ok 5 # SKIP no static library, or no static linking here'
    echo 'ok 6 # SKIP no static library, or no static linking here'
fi

if [ "${HAVE_GUILE-no}" = yes ]; then
    passes 7 'the module for Guile is installed whole' module_is_whole
else
    echo 'ok 7 # SKIP built without the module for Guile'
fi

passes 8 'each function has its manual page' functions_have_pages
