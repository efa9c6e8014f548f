#!/bin/sh
# collector-functions.t: the library can be built with each version of the
# collector from 8.0.0 on: what it asks of the collector was there from the
# first, or configure looks for it.
#
# t/collector-functions.txt lists under each version the functions and variables
# that its headers declare and those of no version before do.  A function that
# has come since then is in no list, which is as bad as being too new.
#
# Looked at are the objects of this build, which know what macros expand to; and
# the words of the sources, as some of them are not compiled here.

# NM may be several words.
# shellcheck disable=SC2086
: "${srcdir:=.}" "${builddir:=.}" "${NM:=nm}"
. "$srcdir/t/tap.sh"
table=$srcdir/t/collector-functions.txt

# since TABLE: all names; in front of those that did not come with the first
# version, that which they came with.
since()
{
    awk '/^[0-9]/ { version = $1; next }
         { print (version == "8.0.0" ? "" : version " ") $1 }' "$1"
}

first()
{
    since "$1" | grep -v ' '
}

newer()
{
    since "$1" | sed -n 's/.* //p'
}

# What configure looks for.
looked_for()
{
    sed -n 's/^#undef HAVE_GC_\([A-Z_]*\)$/\1/p' "$srcdir/config.h.in" |
        tr '[:upper:]' '[:lower:]' | sed 's/^/GC_/'
}

# What the objects take from elsewhere.
imported()
{
    find "$builddir/src" "$builddir/guile" "$builddir/ecl" \
        "$builddir/examples" "$builddir/bench" -name '*.o' \
        -exec $NM -u {} + 2> /dev/null |
        awk '{ sub(/@.*/, "", $NF) } $NF ~ /^GC_/ { print $NF }' | sort -u
}

# named FOLDER...: the words in their sources that may be functions of the
# collector's, but for comments.
named()
{
    grep -rhE '\<GC_[a-z]' --include='*.[ch]' --include='*.cc' \
        --include='*.hpp' --include='*.lisp' --include='*.scm' "$@" |
        sed -E 's,^ +\* .*,,; s,/[/*].*,,' |
        grep -oE '\<GC_[a-z][A-Za-z0-9_]*' | sort -u
}

# holds TABLE: whether what the objects import is in the table's first version,
# or looked for; says what is not, and since when it is there.
holds()
{
    { first "$1"; looked_for; } | sort -u > "$dir/there"
    imported > "$dir/imported"
    is_within imported there ||
        { comm -23 "$dir/imported" "$dir/there" > "$dir/missing"
          since "$1" | grep -F -f "$dir/missing"
          false; }
}

# Of the newer names those that are named in the sources.
newer_in()
{
    newer "$table" | sort -u > "$dir/newer"
    named "$@" | comm -12 - "$dir/newer"
}

sources_know()
{
    newer_in "$srcdir/src" "$srcdir/guile" "$srcdir/ecl" "$srcdir/t" \
        > "$dir/used"
    looked_for | sort -u > "$dir/looked_for"
    comm -23 "$dir/used" "$dir/looked_for"
    [ -z "$(comm -23 "$dir/used" "$dir/looked_for")" ]
}

# What configure has found is asked of config.h, which others do not read.
users_need_none()
{
    newer_in "$srcdir/include" "$srcdir/examples" "$srcdir/bench"
    [ -z "$(newer_in "$srcdir/include" "$srcdir/examples" "$srcdir/bench")" ]
}

# Each that is looked for may be missing, so that something asks.
is_asked()
{
    for name in $(looked_for)
    do
        macro=HAVE_$(echo "$name" | tr '[:lower:]' '[:upper:]')
        grep -rqw "$macro" "$srcdir/src" || { echo "$macro"; return 1; }
    done
}

# A table without a function that is used stands for a function that is too new.
finds_what_is_new()
{
    sed 's/^GC_malloc$/&_no_more/' "$table" > "$dir/doctored"
    ! holds "$dir/doctored" && grep -qx GC_malloc "$dir/missing"
}

echo 1..5
passes 'what is asked of the collector was always there, or is looked for' \
    holds "$table"
passes 'this would find a function that is too new' finds_what_is_new
passes 'the sources name nothing newer that is not looked for' sources_know
passes 'headers, examples and benchmarks need nothing newer' users_need_none
passes 'the library asks whether what is looked for was found' is_asked
