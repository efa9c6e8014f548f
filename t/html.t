#!/bin/sh
# html.t: make html makes a page of each manual page, and an index; no link in
# them is dead, and none that should be there is missing.

: "${srcdir:=.}" "${builddir:=.}" "${MAKE:=make}"

. "$srcdir/t/tap.sh"
command -v mandoc > /dev/null || skip_all 'no mandoc here'
html=$builddir/doc/html

# The make that runs the tests must not hand its jobs to this one.
make_html()
{
    rm -rf "$html"
    MAKEFLAGS='' MFLAGS='' $MAKE -C "$builddir" html
}

pages()
{
    for page in "$srcdir"/doc/*.[37]
    do
        echo "${page##*/}"
    done
}

# nothing FILE: it is empty, or is shown.
nothing()
{
    cat "$1"
    [ ! -s "$1" ]
}

# One file a page, the index and the style sheet; all end as they should.
is_whole()
{
    {
        pages | sed 's/$/.html/'
        printf '%s\n' index.html style.css
    } | sort > "$dir/wanted"
    (cd "$html" && printf '%s\n' *) | diff "$dir/wanted" - &&
        ! grep -L '</html>' "$html"/*.html | grep .
}

# The attributes of this name in a file, one a line.
attributes()
{
    grep -oE " $1=\"[^\"]*\"" "$2" | sed 's/^[^"]*"//; s/"$//'
}

# Where one can go: FILE, and FILE#PLACE.
places()
{
    for file in "$html"/*
    do
        echo "${file##*/}"
        attributes id "$file" | sed "s/^/${file##*/}#/"
    done | sort -u
}

# Where links lead to, in the same form, behind where they come from.
links()
{
    for file in "$html"/*.html
    do
        attributes href "$file" |
            sed "s/^#/${file##*/}#/; s/^/${file##*/} /"
    done | sort -u
}

no_link_is_dead()
{
    awk 'NR == FNR { place[$0]; next } !($2 in place)' \
        "$dir/places" "$dir/links" > "$dir/dead"
    nothing "$dir/dead"
}

# Links that the sources ask for.
wanted_links()
{
    for page in "$srcdir"/doc/*.[37]
    do
        grep -oE '\<Xr gcw[a-z_]* [0-9]' "$page" |
            sed "s/^Xr \(.*\) \(.\)$/${page##*/}.html \1.\2.html/"
    done
    pages | sed 's/.*/index.html &.html\n&.html index.html/'
}

all_links_are_there()
{
    wanted_links | sort -u | comm -23 - "$dir/links" > "$dir/missing"
    nothing "$dir/missing"
}

# Each function leads from the index to the page that names it.
index_has_all()
{
    grep '^gcw_' "$srcdir/src/gcweak.sym" | while read -r function
    do
        page=$(grep -lx "\.Nm $function\( ,\)*" "$srcdir"/doc/*.3)
        grep -F "<a href=\"${page##*/}.html\"><code>$function</code></a>" \
            "$html/index.html" > "$dir/found" || echo "$function"
    done > "$dir/lost"
    nothing "$dir/lost"
}

# Where a page mentions a function of another, it links to that.
functions_are_links()
{
    grep -F '<a class="Xr" href="gcw_ref.3.html"><code class="Fn">gcw_dispose' \
        "$html/gcw_event.3.html" &&
        ! grep -F 'href="gcw_ref.3.html"><code' "$html/gcw_ref.3.html"
}

none_is_in_another()
{
    ! grep -n '<a [^>]*><a ' "$html"/*.html
}

echo 1..7
passes 'make html' make_html
passes 'each page is there, and whole' is_whole
places > "$dir/places"
links > "$dir/links"
passes 'no link is dead' no_link_is_dead
passes 'what refers to another page is a link' all_links_are_there
passes 'the index leads to each function' index_has_all
passes 'a function of another page is a link' functions_are_links
passes 'no link is in another' none_is_in_another
