#!/bin/sh
# install.t: what make install leaves behind is enough to build the README's
# example with pkg-config, shared and static, and to run it; and make
# uninstall leaves nothing.

# Variables of flags are split on purpose.
# shellcheck disable=SC2046,SC2086
. "${srcdir:=.}/t/installed.sh"

# builds NAME FLAGS...
builds()
{
    name=$1
    shift
    $CC $CFLAGS $(config --cflags) "$dir/program.c" -o "$dir/$name" \
        $LDFLAGS "$@"
}

# An example of weak maps, built as users build it.
memo_works()
{
    $CC $CFLAGS $(config --cflags) "$srcdir/examples/memo.c" -o "$dir/memo" \
        $LDFLAGS $(config --libs) &&
        printf 'kernel: one\nkernel: two\n' | "$dir/memo" --lines 2 - \
            > "$dir/said" &&
        grep '^parsed  *2 lines' "$dir/said"
}

# A program that is linked with it and was not compiled for it.
relinked_works()
{
    cat > "$dir/relinked.c" << 'END'
#include <stdio.h>
#include <stdlib.h>
static void bye(void) { puts("bye"); }
int main(void) { return atexit(bye); }
END
    $CC $CFLAGS "$dir/relinked.c" -o "$dir/relinked" $LDFLAGS \
        $($PKG_CONFIG --libs gcweak-atexit) &&
        GCWEAK_DEBUG='exit' "$dir/relinked" > "$dir/said" 2>&1 &&
        cat "$dir/said" && grep '^bye$' "$dir/said" &&
        grep '^gcweak: exit: handler' "$dir/said"
}

# What only the inside of the library needs is for static linking.
libraries_are_told_apart()
{
    config --validate && config --libs && config --static --libs &&
        ! config --libs | grep -q -e -lffi &&
        if [ "${HAVE_LIBFFI-yes}" = yes ]; then
            config --static --libs | grep -q -e -lffi
        fi
}

# What the installed module loads is installed, and what was compiled of it is
# not older, or Guile would leave it alone.
module_is_whole()
{
    for module in gcweak srfi-124
    do
        source=$(find "$root" -name $module.scm)
        compiled=$(find "$root" -name $module.go)
        ls -l "$source" "$compiled" &&
            [ -z "$(find "$source" -newer "$compiled")" ] || return 1
    done
    extension=$(sed -n 's/^(load-extension "\([^"]*\)" .*/\1/p' \
        "$(find "$root" -name gcweak.scm)")
    ls -l "$root$extension.so"
}

# In its place is a module that loads, and finds the installed library.
ecl_module_loads()
{
    module=$(find "$root" -name gcweak.fas)
    echo "$module"
    "$ECL" --norc --eval "(progn
        (load \"$module\")
        (format t \"~&gcweak ~a~%\" (funcall (intern \"GCWEAK-VERSION\" :gcweak)))
        (ext:quit 0))" < /dev/null > "$dir/said" &&
        cat "$dir/said" && grep '^gcweak [0-9]' "$dir/said"
}

# The exported functions, and all that the pages are about.
names_of_pages()
{
    grep '^gcw_' "$srcdir/src/gcweak.sym"
    for page in "$srcdir"/doc/*.3
    do
        awk -f "$srcdir/doc/names.awk" "$page"
    done
}

# "man gcw_exit_options" finds the page that has it: each name has a file, which
# is the page that names it or leads there.
names_have_pages()
{
    man3=$(dirname "$(find "$root" -name gcw_ref.3)")
    names_of_pages | sort -u | while read -r name
    do
        page=$man3/$name.3
        next=$(sed -n 's|^\.so man3/||p' "$page")
        grep -x "\.Nm $name\( ,\)*" "${next:+$man3/}${next:-$page}" \
            > "$dir/found" || echo "$name"
    done > "$dir/lost"
    cat "$dir/lost"
    [ ! -s "$dir/lost" ]
}

# Where gdb looks for it: by the final path of the library, links resolved;
# beside it, or under gdb's own directory.
gdb_script_is_there()
{
    final=$(readlink -f "$libdir/libgcweak.so")
    find "$root" -name '*-gdb.py'
    [ -e "$final-gdb.py" ] ||
        [ -e "$(find "$root" -type d -name auto-load)${final#"$root"}-gdb.py" ]
}

# It names only functions that there are.
troubleshooting_is_there()
{
    page=$(find "$root" -name troubleshooting.md)
    ls -l "$page" || return
    grep -oE '\<gcw_[a-z_]+' "$page" | sort -u > "$dir/spoken"
    {
        grep '^gcw_' "$srcdir/src/gcweak.sym"
        for one in "$srcdir"/doc/gcw_*.3
        do
            basename "$one" .3
        done
    } | sort -u > "$dir/there"
    comm -23 "$dir/spoken" "$dir/there" > "$dir/unknown"
    cat "$dir/unknown"
    [ ! -s "$dir/unknown" ]
}

suppressions_are_there()
{
    supp=$(find "$root" -path '*/gcweak/gcweak.supp')
    ls -l "$supp" && grep '^   Memcheck:' "$supp"
}

# Only the directories stay, as with every package of Automake's.
uninstalls_all()
{
    MAKEFLAGS='' MFLAGS='' $MAKE -C "$builddir" uninstall DESTDIR="$root" &&
        left=$(find "$root" ! -type d) && echo "$left" && [ -z "$left" ]
}

echo 1..16
readme_program > "$dir/program.c"
passes 'make install' install_there
passes 'gcweak.pc is installed' stage_pc
passes 'it tells what shared and static programs need' libraries_are_told_apart

if has_shared; then
    passes 'a shared program builds' builds shared $(config --libs)
    passes 'it runs' prints "$readme_output" "$dir/shared"
    passes 'so does the example memo' memo_works
    if [ -e "$libdir/libgcweak-atexit.a" ]; then
        passes 'atexit is replaced by linking' relinked_works
    else
        skip 1 'the C library has no on_exit'
    fi
else
    skip 4 'no shared library was built'
fi

if has_static; then
    passes 'a static program builds' \
        builds static -static $(config --static --libs)
    passes 'it runs' prints "$readme_output" "$dir/static"
else
    skip 2 'no static library, or no static linking here'
fi

if [ "${HAVE_GUILE-no}" = yes ]; then
    passes 'the module for Guile is installed whole' module_is_whole
else
    skip 1 'built without the module for Guile'
fi

if [ "${HAVE_ECL-no}" = yes ]; then
    passes 'the installed module for ECL loads' ecl_module_loads
else
    skip 1 'built without the module for ECL'
fi

passes 'each function, type and flag has its manual page' names_have_pages
if has_shared; then
    passes 'what gdb knows of the library is where gdb looks' \
        gdb_script_is_there
else
    skip 1 'no shared library was built'
fi
passes 'a page goes from what one sees to what it comes from' \
    troubleshooting_is_there
passes 'what valgrind leaves out is there' suppressions_are_there
passes 'make uninstall leaves no file' uninstalls_all
