#!/bin/sh
# html.t: make html makes a page of each manual page, and with lowdown of each
# guide and each file of the examples; no link in them is dead, and none that
# should be there is missing.  t/site.t looks at them in a browser.

: "${srcdir:=.}" "${builddir:=.}" "${MAKE:=make}"
: "${LOWDOWN=$(command -v lowdown)}"

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

# Guides, what else is told, and the examples' sources.
guides()
{
    (cd "$srcdir/doc" && printf '%s\n' *.md | sed 's/md$/html/')
    printf '%s\n' examples.html examples-standalone.html examples-toy.html
    for file in NEWS HACKING.md SECURITY.md CONTRIBUTING.md
    do
        [ ! -e "$srcdir/$file" ] ||
            echo "${file%.md}.html" | tr '[:upper:]' '[:lower:]'
    done
    (cd "$srcdir" && find examples -type f) |
        grep -E '(\.(c|h|cc|nim|cr|toy)|Makefile|CMakeLists\.txt)$' |
        sed 's|/|-|g; s/$/.html/'
}

# One file a page, the lists of functions, and what goes with them; all end as
# they should.
is_whole()
{
    {
        pages | sed 's/$/.html/'
        [ -z "$LOWDOWN" ] || { guides; echo plots; }
        printf '%s\n' index.html index.js mark.svg reference.html search.js \
            style.css
    } | sort -u > "$dir/wanted"
    (cd "$html" && printf '%s\n' *) | diff "$dir/wanted" - &&
        ! grep -L '</html>' "$html"/*.html | grep .
}

# Pictures, plots and scripts.
pictures_are_there()
{
    for file in "$html"/*.html
    do
        attributes src "$file"
    done | sort -u | while read -r picture
    do
        [ -s "$html/$picture" ] || echo "$picture"
    done > "$dir/lost"
    nothing "$dir/lost"
}

# The attributes of this name in a file, one a line.
attributes()
{
    grep -oE " $1=\"[^\"]*\"" "$2" | sed 's/^[^"]*"//; s/"$//'
}

# Where one can go: FILE, and FILE#PLACE.
places()
{
    for file in "$html"/*.*
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
        attributes href "$file" | grep -v '^https*:' |
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

# Each function leads from the list to the page that names it.
list_has_all()
{
    grep '^gcw_' "$srcdir/src/gcweak.sym" | while read -r function
    do
        page=$(grep -lx "\.Nm $function\( ,\)*" "$srcdir"/doc/*.3)
        grep -F "<a href=\"${page##*/}.html\"><code>$function</code></a>" \
            "$html/reference.html" > "$dir/found" || echo "$function"
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

# The search is to find each function by its name.
search_has_all()
{
    grep '^gcw_' "$srcdir/src/gcweak.sym" | while read -r function
    do
        grep -q "^\[\"gcw[^\"]*\",\"[^\"]*\",\"[^\"]*\",\"$function\"," \
            "$html/index.js" || echo "$function"
    done > "$dir/lost"
    nothing "$dir/lost"
}

none_is_in_another()
{
    ! grep -n '<a [^>]*><a ' "$html"/*.html
}

echo 1..9
passes 'make html' make_html
passes 'each page is there, and whole' is_whole
places > "$dir/places"
links > "$dir/links"
passes 'no link is dead' no_link_is_dead
passes 'what refers to another page is a link' all_links_are_there
passes 'the list leads to each function' list_has_all
passes 'a function of another page is a link' functions_are_links
passes 'no link is in another' none_is_in_another
passes 'what pages show is there' pictures_are_there
passes 'the search knows each function' search_has_all
