#!/bin/sh
# html.sh: the documentation as a site: guides, manual pages and examples.
#
#   html.sh SOURCES DIRECTORY VERSION
#
# SOURCES is the top of the sources.  mandoc makes the manual pages.  With
# $LOWDOWN, which knows Markdown, there are guides and examples; without, the
# site has the manual alone.
#
# Each page is made in two steps: what it says, in the scratch directory, then
# the page around that, with the menu.  What a page says of a function, of a
# manual page, or of another page becomes a link (html-dress.awk).  Nothing is
# fetched from elsewhere, and all works from a file.

set -eu
mkdir -p "$2"
out=$(cd "$2" && pwd)
version=$3
cd "$1"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/said"

# --- What pages there are -----------------------------------------------------

# The list of pages: FILE GROUP TITLE.  A page with no group is not in the menu.
page()
{
    echo "$1 $2 $3" >> "$scratch/pages"
}

# The page for a file among the examples.
example_page()
{
    echo "$1" | sed 's|/README\.md$||; s|/|-|g; s|$|.html|'
}

# The examples' sources; what a build has made beside them is none.
sources()
{
    find examples -name '*.c' -o -name '*.h' -o -name '*.cc' -o -name '*.nim' \
        -o -name '*.cr' -o -name '*.toy' -o -name Makefile \
        -o -name CMakeLists.txt | sort
}

# --- What they say, from the manual ------------------------------------------

# Every name of a function or type and its page: NAME FILE.
list_names()
{
    for manual in doc/*.3
    do
        awk -f doc/names.awk "$manual" | sed "s|$| ${manual#doc/}|"
    done > "$scratch/names"
}

# edits PAGE: what turns mandoc's output into ours.  mandoc gives the address
# "elsewhere" to what is no file here; makes a place of what is mentioned first
# in a paragraph, here or not; and has sections as headings of the first order.
edits()
{
    cat <<'SED'
s|<a class="Xr" href="elsewhere">\([^<]*\)</a>|\1|g
s|<h2 class="Ss"\(.*\)</h2>|<h3 class="Ss"\1</h3>|
s|<h2 class="Ss"|<h3 class="Ss"|
s|\(</a>\)</h2>|\1</h3>|
s|<h1 class="Sh"|<h2 class="Sh"|
s|</h1>|</h2>|
s|<table class="\(Bl-column[^"]*\)">|<table class="\1" tabindex="0">|
SED
    awk -v page="$1" '$2 != page {
        code = "<code class=\"Fn\">" $1 "</code>"
        place = "<a class=\"permalink\" href=\"[^\"]*\">" \
            "<code class=\"Fn\"[^>]*>" $1 "</code></a>"
        link = "<a class=\"Xr\" href=\"" $2 ".html\">" code "</a>"
        print "s|" place "|" code "|g"
        print "s|" code "|" link "|g"
    }' "$scratch/names"
}

# dress: links in programs, and their comments and strings marked.
dress()
{
    awk -v keys="$scratch/keys" -v "$1" -f doc/html-dress.awk
}

# manual FILE: one page.
manual()
{
    own=${1#doc/}
    edits "$own" > "$scratch/edits"
    {
        printf '<h1>%s</h1>\n<p class="lead">%s</p>\n' \
            "${own%.*}(${own##*.})" "$(sed -n 's/^\.Nd //p' "$1")"
        (cd doc && mandoc -Thtml -O 'fragment,man=%N.%S.html;elsewhere' "$own")
    } | sed '/^<table class="\(head\|foot\)">/,/^<\/table>/d' |
        sed -f "$scratch/edits" | dress manual=1 > "$scratch/said/$own.html"
}

# All functions and types, page by page.
reference()
{
    printf '<h1>All functions</h1>\n<p class="lead">Begin with %s\n' \
        '<a href="gcweak.7.html">gcweak(7)</a>, which explains the ideas.</p>'
    echo '<dl class="index">'
    for manual in doc/*.7 doc/*.3
    do
        own=${manual#doc/}
        printf '<dt><a href="%s.html">%s</a> &#x2014; %s</dt>\n<dd>' \
            "$own" "${own%.*}(${own##*.})" "$(sed -n 's/^\.Nd //p' "$manual")"
        awk -v page="$own" '$2 == page {
            print "<a href=\"" page ".html\"><code>" $1 "</code></a>"
        }' "$scratch/names"
        echo '</dd>'
    done
    echo '</dl>'
}

# --- What they say, from Markdown and sources --------------------------------

# Addresses among the sources are addresses of pages here, and tables and
# programs can be scrolled by themselves.
markdown()
{
    "$LOWDOWN" -Thtml --html-no-owasp --parse-no-intraemph | sed '
        s|href="\(\.\./\)*\(doc/\)*\([a-z]*\)\.md"|href="\3.html"|g
        s|href="\(\.\./\)*examples/toy/"|href="examples-toy.html"|g
        s|href="\(gcw[a-z_]*\.[37]\)"|href="\1.html"|g
        s|<table>|<div class="wide" tabindex="0"><table>|
        s|</table>|</table></div>|' | dress manual=0
}

# The list of changes is a text: versions, groups of two spaces, items.
news()
{
    sed '1s/^/# News\n\n/
        s/^\([0-9][0-9.]*\)/## \1/
        s/^  \([A-Z<].*\)/### \1/
        s/^  //' NEWS
}

# source FILE: a page that shows it.
source_page()
{
    case $1 in
    *.c | *.h) language=c ;;
    *.cc) language=cpp ;;
    *) language=text ;;
    esac
    printf '# %s\n\n```%s\n' "$1" "$language"
    cat "$1"
    printf '```\n'
}

# The files of the examples, a folder a list.
all_sources()
{
    printf '\n## All files\n\n'
    sources | while read -r file
    do
        echo "- [\`$file\`]($(example_page "$file"))"
    done
}

# --- The list of pages and what leads to them --------------------------------

# guide FILE PAGE GROUP TITLE: a text in Markdown.
guide()
{
    if [ -e "$1" ]; then
        page "$2" "$3" "$4"
        echo "$1 $2" >> "$scratch/keys"
    fi
}

guides()
{
    guide doc/cookbook.md cookbook.html Guides 'Cookbook'
    guide doc/troubleshooting.md troubleshooting.html Guides 'Troubleshooting'
    guide doc/runtimes.md runtimes.html Guides 'Language runtimes'
    guide doc/guile.md guile.html Guides 'GNU Guile'
    guide doc/ecl.md ecl.html Guides 'ECL'
    guide doc/performance.md performance.html Guides 'Performance'
}

project()
{
    guide NEWS news.html Project 'News'
    guide CONTRIBUTING.md contributing.html Project 'Contributing'
    guide SECURITY.md security.html Project 'Security'
    guide HACKING.md hacking.html Project 'Inside the library'
}

examples()
{
    guide examples/README.md examples.html Examples 'Overview'
    for file in examples/*.c
    do
        name=${file##*/}
        guide "$file" "$(example_page "$file")" Examples "${name%.c}"
    done
    guide examples/toy/README.md examples-toy.html Examples 'toy interpreter'
    guide examples/standalone/README.md examples-standalone.html Examples \
        'standalone'
    sources | grep '/.*/' | while read -r file
    do
        guide "$file" "$(example_page "$file")" - "$file"
    done
}

list_pages()
{
    page index.html - gcweak
    [ -z "$LOWDOWN" ] || guides
    page reference.html Manual 'All functions'
    for manual in doc/*.7 doc/*.3
    do
        own=${manual#doc/}
        page "$own.html" Manual "${own%.*}(${own##*.})"
        echo "${own%.*}(${own##*.}) $own.html" >> "$scratch/keys"
    done
    [ -z "$LOWDOWN" ] || { examples; project; }
    sed 's/$/.html/' "$scratch/names" >> "$scratch/keys"
}

# --- The page around ----------------------------------------------------------

# The menu, of which the group that PAGE is in is open.
menu()
{
    awk -v page="$1" '
        NR == FNR { if ($1 == page) own = $2; next }
        $2 == "-" { next }
        $2 != group {
            if (group != "")
                print "</ul></details>"
            group = $2
            open = group == own || group == "Guides" || group == "Manual"
            print "<details" (open ? " open" : "") "><summary>" group \
                "</summary><ul>"
        }
        {
            address = $1
            title = $0
            sub(/^[^ ]* [^ ]* /, "", title)
            print "<li><a href=\"" address "\"" \
                (address == page ? " aria-current=\"page\"" : "") ">" \
                title "</a></li>"
        }
        END { print "</ul></details>" }' "$scratch/pages" "$scratch/pages"
}

# The sections of what is said: ORDER PLACE TITLE.
sections()
{
    tr '\n' ' ' < "$1" | sed 's/<h[23]/\n&/g' |
        sed -n 's|^<h\([23]\)[^>]* id="\([^"]*\)"[^>]*>\(.*\)</h[23]>.*|\1 \2 \3|p' |
        sed 's/<[^>]*>//g; s/  */ /g'
}

contents()
{
    sections "$1" | awk '{
        title = $0
        sub(/^[^ ]* [^ ]* /, "", title)
        print "<li class=\"order-" $1 "\"><a href=\"#" $2 "\">" title "</a></li>"
    }'
}

# around FILE TITLE
around()
{
    menu "$1" > "$scratch/menu"
    contents "$scratch/said/$1" > "$scratch/contents"
    [ "$(wc -l < "$scratch/contents")" -gt 2 ] || : > "$scratch/contents"
    heading=$2
    [ "$heading" = gcweak ] || heading="$heading &#x2014; gcweak"
    cat << HTML
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1.0"/>
<meta name="color-scheme" content="light dark"/>
<title>$heading</title>
<link rel="icon" href="mark.svg"/>
<link rel="stylesheet" href="style.css"/>
<script src="search.js" defer="defer"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<a class="brand" href="index.html"><img src="mark.svg" alt="" width="28"
 height="28"/><span>gcweak</span></a>
<span class="version">$version</span>
<form class="search" role="search" hidden="hidden">
<label for="query">Search</label>
<input id="query" type="search" placeholder="Search"
 autocomplete="off" spellcheck="false"/>
<div class="found" id="found" hidden="hidden"></div>
<p class="status" id="status" role="status"></p>
</form>
</header>
<details class="folded">
<summary>Menu</summary>
<nav aria-label="Site, folded">
HTML
    cat "$scratch/menu"
    cat << HTML
</nav>
</details>
<div class="frame">
<nav class="side" aria-label="Site">
HTML
    cat "$scratch/menu"
    echo '</nav>'
    echo '<main id="content" tabindex="-1">'
    if [ -s "$scratch/contents" ]; then
        echo '<details class="here"><summary>On this page</summary><ul>'
        cat "$scratch/contents"
        echo '</ul></details>'
    fi
    cat "$scratch/said/$1"
    echo '</main>'
    if [ -s "$scratch/contents" ]; then
        echo '<nav class="contents" aria-label="On this page">'
        echo '<h2>On this page</h2><ul>'
        cat "$scratch/contents"
        echo '</ul></nav>'
    fi
    cat << HTML
</div>
<footer>gcweak $version, under the MIT licence.</footer>
</body>
</html>
HTML
}

# --- All of it ----------------------------------------------------------------

# card PAGE TITLE TEXT: what is on the first page, if there is such a page.
card()
{
    if grep -q "^$1 " "$scratch/pages"; then
        printf '<li><a href="%s"><strong>%s</strong> %s</a></li>\n' "$@"
    fi
}

first_page()
{
    if [ -n "$LOWDOWN" ]; then
        markdown < README.md > "$scratch/readme"
    else
        printf '<h1>gcweak</h1>\n<p>%s</p>\n' \
            "$(sed -n 's/^\.Nd //p' doc/gcweak.7)" > "$scratch/readme"
    fi
    # The first paragraph, the ways on, the rest.
    sed '/<\/p>/q' "$scratch/readme"
    echo '<ul class="cards">'
    card gcweak.7.html 'Ideas' 'What is held weakly, and by whom.'
    card cookbook.html 'Cookbook' 'Programs to start from, and what goes wrong.'
    card reference.html 'All functions' 'The manual, page by page.'
    card examples.html 'Examples' 'Whole programs, event loops, an interpreter.'
    card runtimes.html 'Language runtimes' 'Weak things for your language.'
    card performance.html 'Performance' 'What it costs, measured.'
    echo '</ul>'
    sed '1,/<\/p>/d' "$scratch/readme"
}

# say PAGE TITLE: what that page says.
say()
{
    case $1 in
    index.html) first_page ;;
    reference.html) reference ;;
    news.html) news | markdown ;;
    examples.html) { cat examples/README.md; all_sources; } | markdown ;;
    *)
        file=$(sed -n "s/^\([^ ]*\) $1\$/\1/p" "$scratch/keys" | head -n 1)
        case $file in
        *.md) markdown < "$file" ;;
        *) source_page "$file" | markdown ;;
        esac ;;
    esac
}

list_names
: > "$scratch/keys"
list_pages
for manual in doc/*.7 doc/*.3
do
    manual "$manual"
done
while read -r this _ title
do
    [ -e "$scratch/said/$this" ] || say "$this" > "$scratch/said/$this"
    around "$this" "$title" > "$out/$this"
done < "$scratch/pages"
while read -r this _ title
do
    tr '\n' ' ' < "$scratch/said/$this" | sed 's/<h[123]/\n&/g' |
        awk -v page="$this" -v heading="$title" -v names="$scratch/names" \
            -f doc/html-index.awk
done < "$scratch/pages" > "$scratch/index"
{ echo 'gcweakIndex(['; cat "$scratch/index"; echo ']);'; } > "$out/index.js"
for file in style.css search.js mark.svg
do
    cp "doc/$file" "$out/$file"
    chmod u+w "$out/$file"
done
if [ -n "$LOWDOWN" ]; then
    mkdir -p "$out/plots"
    grep -o 'src="plots/[^"]*"' "$out/performance.html" |
        sed 's|src="\(.*\)"|\1|' | while read -r plot
        do
            cp "doc/$plot" "$out/$plot"
            chmod u+w "$out/$plot"
        done
fi
