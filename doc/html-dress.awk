# html-dress.awk: what pages of the site have that their sources have not.
#
#   awk -v keys=FILE -v manual=0 -f html-dress.awk
#
# FILE says what leads where: KEY ADDRESS.  A key that stands as code, alone,
# becomes a link, and so does a manual page, as in gcw_ref(3); but not within
# links and headings, nor in manual pages, whose links mandoc has made; theirs
# are headings in capitals, which are no louder here than others.  In programs
# each function is a link, and comments and strings are marked.

BEGIN {
    while ((getline line < keys) > 0) {
        split(line, pair, " ")
        address[pair[1]] = pair[2]
    }
    token = "/\\*|//|&quot;|&#34;|\"|[A-Za-z_][A-Za-z_0-9]*|&#?[a-z0-9]+;"
}

function link(key, text)
{
    return "<a href=\"" address[key] "\">" text "</a>"
}

# The end of the string that begins with this quote, or 0.
function string_end(rest, quote,    from, at)
{
    from = 1
    while ((at = index(substr(rest, from), quote)) > 0) {
        at += from - 1
        if (at == 1 || substr(rest, at - 1, 1) != "\\" ||
            substr(rest, at - 2, 1) == "\\")
            return at + length(quote) - 1
        from = at + length(quote)
    }
    return 0
}

# The rest of a comment that is open, up to its end or that of the line.
function comment(rest,    end)
{
    end = index(rest, "*/")
    open_comment = end == 0
    end = end == 0 ? length(rest) : end + 1
    dressed = dressed "<span class=\"comment\">" substr(rest, 1, end) "</span>"
    return substr(rest, end + 1)
}

function is_quote(what)
{
    return what == "&quot;" || what == "&#34;" || what == "\""
}

# A line of a program.
function program(rest,    what, end)
{
    dressed = ""
    if (open_comment)
        rest = comment(rest)
    while (match(rest, token)) {
        what = substr(rest, RSTART, RLENGTH)
        dressed = dressed substr(rest, 1, RSTART - 1)
        rest = substr(rest, RSTART + RLENGTH)
        if (what == "/*" && is_c) {
            rest = comment(what rest)
        } else if (what == "//" && is_c) {
            dressed = dressed "<span class=\"comment\">" what rest "</span>"
            rest = ""
        } else if (is_quote(what) && is_c && (end = string_end(rest, what))) {
            dressed = dressed "<span class=\"string\">" what \
                substr(rest, 1, end) "</span>"
            rest = substr(rest, end + 1)
        } else if (what in address && address[what] ~ /^gcw_.*html$/) {
            dressed = dressed link(what, what)
        } else {
            dressed = dressed what
        }
    }
    return dressed rest
}

# Prose: manual pages that it speaks of.
function prose(rest,    what, done)
{
    done = ""
    while (match(rest, /gcw[a-z_]*\([37]\)/)) {
        what = substr(rest, RSTART, RLENGTH)
        done = done substr(rest, 1, RSTART - 1) \
            (what in address ? link(what, what) : what)
        rest = substr(rest, RSTART + RLENGTH)
    }
    return done rest
}

# Code in prose, all of it.
function code(text,    key)
{
    key = text
    sub(/\(\)$/, "", key)
    return key in address ? link(key, text) : text
}

# A part of a section's heading: its first letter alone stays a capital.
function quiet(what,    first)
{
    first = in_section++ == 1 ? substr(what, 1, 1) : ""
    return first tolower(substr(what, length(first) + 1))
}

function text(what)
{
    if (in_section && what != "")
        return quiet(what)
    if (what == "" || in_link || in_heading)
        return what
    if (in_pre)
        return program(what)
    if (manual)
        return what
    return in_code ? code(what) : prose(what)
}

function tag(what)
{
    if (what ~ /^<pre/) {
        in_pre = 1
        is_c = manual
    } else if (what ~ /^<\/pre/) {
        in_pre = open_comment = 0
    } else if (what ~ /^<code/) {
        in_code = 1
        if (in_pre)
            is_c = what ~ /language-(c|cpp)"/
    } else if (what ~ /^<\/code/) {
        in_code = 0
    } else if (what ~ /^<a[ >]/) {
        in_link = 1
    } else if (what ~ /^<\/a/) {
        in_link = 0
    } else if (what ~ /^<h[1-6]/) {
        in_heading = 1
        in_section = manual && what ~ /class="Sh"/
    } else if (what ~ /^<\/h[1-6]/) {
        in_heading = in_section = 0
    }
    # Who reads with the keyboard scrolls what is wide.
    return what == "<pre>" ? "<pre tabindex=\"0\">" : what
}

{
    rest = $0
    done = ""
    while (match(rest, /<[^>]*>/)) {
        before = substr(rest, 1, RSTART - 1)
        what = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        done = done text(before)
        done = done tag(what)
    }
    print done text(rest)
}
