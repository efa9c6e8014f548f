# html-index.awk: the part of a page in the index for the search.
#
#   awk -v page=FILE -v heading=TITLE -v names=FILE -f html-index.awk
#
# A line of input is a section of the page, with its heading at the beginning.
# A line of output is that section, for search.js: the page, its title, the
# place, the title of the section, the beginning of its text, and the words of
# the rest, each once.  Before them are the functions of the page.

function plain(text)
{
    gsub(/<[^>]*>/, " ", text)
    gsub(/&#?[a-zA-Z0-9]+;/, " ", text)
    gsub(/["\\]/, " ", text)
    gsub(/[ \t]+/, " ", text)
    sub(/^ /, "", text)
    sub(/ $/, "", text)
    return text
}

function entry(place, title, begins, words)
{
    printf "[\"%s\",\"%s\",\"%s\",\"%s\",\"%s\",\"%s\"],\n", page, heading,
        place, title, begins, words
}

# The words that are not there yet.
function words_of(text,    n, i, word, all, seen)
{
    text = tolower(text)
    gsub(/[^a-z0-9_]+/, " ", text)
    n = split(text, word, " ")
    for (i = 1; i <= n; i++)
        if (length(word[i]) > 2 && !(word[i] in seen)) {
            seen[word[i]]
            all = all " " word[i]
        }
    return substr(all, 2)
}

{
    all = all $0
    line[NR] = $0
}

END {
    while ((getline name < names) > 0) {
        split(name, pair, " ")
        if (pair[2] ".html" == page)
            entry(index(all, "id=\"" pair[1] "\"") ? pair[1] : "", pair[1],
                  "", "")
    }
    for (i = 1; i <= NR; i++) {
        if (line[i] !~ /[^ ]/)
            continue
        place = title = ""
        if (match(line[i], /^<h[1-6][^>]*>/)) {
            opening = substr(line[i], 1, RLENGTH)
            if (match(opening, /id="[^"]*"/))
                place = substr(opening, RSTART + 4, RLENGTH - 5)
            if (match(line[i], /<\/h[1-6]>/))
                title = plain(substr(line[i], 1, RSTART - 1))
            sub(/^.*<\/h[1-6]>/, "", line[i])
            if (match(line[i], /<p class="lead">[^<]*<\/p>/))
                title = title ": " plain(substr(line[i], RSTART, RLENGTH))
        }
        text = plain(line[i])
        entry(place, title, substr(text, 1, 110), words_of(text))
    }
}
