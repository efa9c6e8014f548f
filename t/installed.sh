# installed.sh: what the tests of an installed gcweak share.  To be sourced.
#
# It is installed under $root, which goes at the end with all of $dir.
# PKG_CONFIG_PATH leads to it there, and LD_LIBRARY_PATH to its library, which
# lies in $libdir.

# Some is for those who source it.
# shellcheck shell=sh disable=SC2016,SC2034
: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}" "${MAKE:=make}"
: "${PKG_CONFIG:=pkg-config}"

dir=$(cd "$builddir" && pwd)/install.dir
root=$dir/root
rm -rf "$dir"
mkdir "$dir" || exit 99
. "$srcdir/t/tap.sh"

# The make that runs the tests must not hand its jobs to this one.
install_there()
{
    MAKEFLAGS='' MFLAGS='' $MAKE -C "$builddir" install DESTDIR="$root"
}

# What is installed for pkg-config speaks of its final place: here are copies
# that speak of the staged one.
stage_pc()
{
    mkdir "$dir/pc" &&
    find "$root" -name 'gcweak*.pc' | while read -r pc
    do
        sed "s|^\([a-z_]*\)=/|\1=$root/|" "$pc" > "$dir/pc/${pc##*/}"
    done &&
    [ -s "$dir/pc/gcweak.pc" ] &&
    PKG_CONFIG_PATH=$dir/pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} &&
    export PKG_CONFIG_PATH &&
    libdir=$(config --variable=libdir) &&
    LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} &&
    export LD_LIBRARY_PATH
}

config()
{
    $PKG_CONFIG "$@" gcweak
}

has_shared()
{
    [ -e "$libdir/libgcweak.so" ]
}

# There is a static library, and here one can link with such.
# shellcheck disable=SC2086
has_static()
{
    echo 'int main(void) { return 0; }' > "$dir/empty.c"
    [ -e "$libdir/libgcweak.a" ] &&
        $CC $CFLAGS $LDFLAGS -static "$dir/empty.c" -o "$dir/empty" \
            2> /dev/null
}

# The README's first example, and what it prints.
readme_program()
{
    sed -n '/^```c$/,/^```$/p' "$srcdir/README.md" | grep -v '^```'
}
readme_output='Ann hears from Bob
Ann is gone'

# prints EXPECTED COMMAND...
prints()
{
    expected=$1
    shift
    output=$("$@")
    status=$?
    echo "$output"
    [ "$status-$output" = "0-$expected" ]
}
