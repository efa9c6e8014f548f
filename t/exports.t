#!/bin/sh
# exports.t: the list of exported symbols says exactly what the public headers
# declare and what the shared library exports.

: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}" "${NM:=nm}"
LC_ALL=C
export LC_ALL

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

# The functions that the headers declare: after preprocessing, one statement a
# line, the first name before a parenthesis of each that is no typedef.
declared()
{
    for header in "$srcdir"/include/gcweak.h "$srcdir"/include/gcweak/*.h
    do
        $CC -E -P -DGCW_NO_UNLOAD -I"$srcdir/include" -x c "$header"
    done | tr '\n' ' ' | tr ';' '\n' | grep -v '^ *typedef' |
    awk 'match($0, /gcw_[a-z0-9_]+ *\(/) {
             name = substr($0, RSTART, RLENGTH)
             sub(/ *\(/, "", name)
             print name
         }' | sort -u
}

exported()
{
    $NM -D --defined-only "$library" | awk '{ print $NF }' | sort -u
}

# is_within N WHAT A B: passes if every line of A is in B.
is_within()
{
    extra=$(comm -23 "$dir/$3" "$dir/$4")
    if [ -s "$dir/$3" ] && [ -z "$extra" ]; then
        echo "ok $1 - $2"
    else
        echo "not ok $1 - $2"
        echo "${extra:-nothing at all}" | sed 's/^/# /'
    fi
}

echo 1..4
declared > "$dir/headers"
sort "$srcdir/src/gcweak.sym" > "$dir/list"
is_within 1 'what the headers declare is in the list' headers list
is_within 2 'what is in the list is declared in the headers' list headers

library=$builddir/.libs/libgcweak.so
if [ -e "$library" ]; then
    exported > "$dir/library"
    is_within 3 'what is in the list is exported' list library
    is_within 4 'what is exported is in the list' library list
else
    echo 'ok 3 # SKIP no shared library was built'
    echo 'ok 4 # SKIP no shared library was built'
fi
