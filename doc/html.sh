#!/bin/sh
# html.sh: the manual pages as HTML, with an index and a style sheet.
#
#   html.sh SOURCES DIRECTORY
#
# What a page says of another of them, or of a function of another, becomes a
# link.  Pages of the system stay without, for nobody knows where they lie.

set -eu
sources=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
cd "$sources"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Every name and its page: NAME FILE.
for page in *.3
do
    awk -f names.awk "$page" | sed "s/$/ $page/"
done > "$scratch/names"

# edits FILE: what turns mandoc's output for this page into ours.  mandoc
# gives the address "elsewhere" to what is no file here, and makes a place of
# what is mentioned first in a paragraph, here or not.
edits()
{
    cat <<'END'
s|<a class="Xr" href="elsewhere">\([^<]*\)</a>|\1|g
s|<td class="head-vol">.*</td>|<td class="head-vol"><a href="index.html">gcweak</a></td>|
END
    awk -v page="$1" '$2 != page {
        code = "<code class=\"Fn\">" $1 "</code>"
        place = "<a class=\"permalink\" href=\"[^\"]*\">" \
            "<code class=\"Fn\"[^>]*>" $1 "</code></a>"
        link = "<a class=\"Xr\" href=\"" $2 ".html\">" code "</a>"
        print "s|" place "|" code "|g"
        print "s|" code "|" link "|g"
    }' "$scratch/names"
}

# convert FILE
convert()
{
    mandoc -Thtml -O 'toc,style=style.css,man=%N.%S.html;elsewhere' "$1" \
        > "$scratch/html"
    edits "$1" > "$scratch/edits"
    sed -f "$scratch/edits" "$scratch/html" > "$out/$1.html"
}

# list FILE: its part of the index.
list()
{
    title="${1%.*}(${1##*.})"
    printf '<dt><a href="%s.html">%s</a> &#x2014; %s</dt>\n<dd>' \
        "$1" "$title" "$(sed -n 's/^\.Nd //p' "$1")"
    awk -v page="$1" '$2 == page {
        print "<a href=\"" page ".html\"><code>" $1 "</code></a>"
    }' "$scratch/names"
    echo '</dd>'
}

index()
{
    cat <<'END'
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1.0"/>
<link rel="stylesheet" href="style.css"/>
<title>gcweak: manual pages</title>
</head>
<body>
<h1>gcweak: manual pages</h1>
<p>Begin with <a href="gcweak.7.html">gcweak(7)</a>, which explains the
ideas.</p>
<dl class="index">
END
    for page in *.7 *.3
    do
        list "$page"
    done
    printf '</dl>\n</body>\n</html>\n'
}

for page in *.3 *.7
do
    convert "$page"
done
index > "$out/index.html"
cp style.css "$out/style.css"
chmod u+w "$out/style.css"
