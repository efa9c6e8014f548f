#!/bin/sh
# exports.t: the list of exported symbols says exactly what the public headers
# declare and what the shared library exports, each symbol with the version
# that the list puts it under.

: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}" "${NM:=nm}"
. "$srcdir/t/tap.sh"

# The functions that the headers declare: after preprocessing, one statement a
# line, the first name before a parenthesis of each that is no typedef and no
# function of the header's own.
declared()
{
    for header in "$srcdir"/include/gcweak.h "$srcdir"/include/gcweak/*.h
    do
        $CC -E -P -DGCW_NO_UNLOAD -I"$srcdir/include" -x c "$header"
    done | tr '\n' ' ' | tr ';' '\n' | grep -vE '^[ }]*(typedef|static)' |
    awk 'match($0, /gcw_[a-z0-9_]+ *\(/) {
             name = substr($0, RSTART, RLENGTH)
             sub(/ *\(/, "", name)
             print name
         }' | sort -u
}

# The symbols of the list, and the same with their versions.
listed()
{
    grep '^gcw_' "$srcdir/src/gcweak.sym" | sort
}

listed_versions()
{
    awk '/^GCWEAK_/ { version = $1; next }
         { print $1 "@@" version }' "$srcdir/src/gcweak.sym" | sort
}

# Newer nm shows versions, and tells of each version as of a symbol (A).
exported()
{
    $NM -D --defined-only "$library" |
    awk '$(NF - 1) != "A" { sub(/@.*/, "", $NF); print $NF }' | sort -u
}

# Of each exported symbol the default version, which programs are bound to.
exported_versions()
{
    readelf --dyn-syms --wide "$library" |
    awk '$7 != "UND" && $7 != "ABS" && $8 ~ /^gcw_/ { print $8 }' | sort -u
}

echo 1..6
declared > "$dir/headers"
listed > "$dir/list"
passes 'what the headers declare is in the list' is_within headers list
passes 'what is in the list is declared in the headers' is_within list headers

library=$builddir/.libs/libgcweak.so
if [ -e "$library" ]; then
    exported > "$dir/library"
    passes 'what is in the list is exported' is_within list library
    passes 'what is exported is in the list' is_within library list
else
    skip 2 'no shared library was built'
fi

if [ "${HAVE_VERSIONS:=yes}" = no ]; then
    skip 2 'the linker knows no versions'
elif [ -e "$library" ] && command -v readelf > /dev/null; then
    listed_versions > "$dir/list.versions"
    exported_versions > "$dir/library.versions"
    passes 'each symbol has the version that the list says' \
        is_within list.versions library.versions
    passes 'and no other one' is_within library.versions list.versions
else
    skip 2 'no shared library was built, or no readelf'
fi
