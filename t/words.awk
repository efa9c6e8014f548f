# words.awk: holds the comments of headers against their manual pages.
#
#   awk -f words.awk HEADER... PAGE...
#
# Prints a line for each difference; the rule stands on top of words.t.  With
# -v show=1 it prints instead what it has found in the headers, as
# "FUNCTION KIND: sentence".

# --- Text ---

# In lower case, without punctuation but for the ends of sentences, which are
# words of their own: " one two . three . ".
function plain(text)
{
    text = " " text " "
    gsub(/\\[e&]/, "", text)
    gsub(/\\-/, "-", text)
    gsub(/[`"(){}:;,]/, " ", text)
    while (match(text, / [a-z]+[.]h[ .]/))
        text = substr(text, 1, RSTART) "gcw_" \
            substr(text, RSTART + 1, RLENGTH - 4) \
            substr(text, RSTART + RLENGTH - 1)
    gsub(/[.] /, " . ", text)
    gsub(/[^A-Za-z0-9_.*\/+' -]/, " ", text)
    gsub(/ +/, " ", text)
    return tolower(text)
}

# The errors that a text names, in a string: " EINVAL EPERM ".
function errors_of(text,    all, word, n, i)
{
    all = " "
    gsub(/[^A-Z0-9a-z_]/, " ", text)
    n = split(text, word, " ")
    for (i = 1; i <= n; i++)
        if (word[i] ~ /^E[A-Z][A-Z]+$/ && word[i] !~ /^(ECL|EPOLLET)$/ &&
            index(all, " " word[i] " ") == 0)
            all = all word[i] " "
    return all
}

# --- Headers ---

# What a sentence of a comment speaks of.
function kind_of(sentence)
{
    if (sentence ~ /^(Any thread|Any known thread|Threads |To be called)/ ||
        sentence ~ /^(As exit: any thread|The first call must come)/ ||
        sentence ~ /^(May be called|Not in a signal|What runs, runs on)/)
        return "threads"
    if (sentence ~ /^Costs?[: ]/)
        return "cost"
    if (sentence ~ /^(Returns|Does not return|Otherwise as)/ ||
        sentence ~ /errno/ || sentence ~ /^E[A-Z]+ / ||
        sentence ~ /^(True|False|0) (if|at|for|with)/ ||
        sentence ~ /(^|[ ,;])[Aa]s gcw_[a-z_]+[.]$/)
        return "returns"
    return ""
}

# The same, of a sentence that goes on with what the last one spoke of.
function kind_after(last, sentence)
{
    if (last == "cost" && sentence !~ /^After /)
        return last
    if (last == "returns" && sentence ~ /^(With|Without|Then|Once) /)
        return last
    return ""
}

# The sentences of a comment, each noted for the functions that it is about.
function note_comment(    text, sentence, kind, last, own)
{
    text = comment " "
    last = ""
    while (match(text, / *[.] +/)) {
        sentence = substr(text, 1, RSTART - 1) "."
        text = substr(text, RSTART + RLENGTH)
        sub(/^ +/, "", sentence)
        kind = kind_of(sentence)
        if (kind == "")
            kind = kind_after(last, sentence)
        last = kind
        if (kind != "")
            note_sentence(kind, sentence)
        if (kind == "threads")
            own = 1
    }
    if (!own && for_all != "")
        note_sentence("threads", for_all)
}

function note_sentence(kind, sentence,    i)
{
    if (sub(/,? as all that follows/, "", sentence))
        for_all = sentence
    for (i = 1; i <= n_declared; i++) {
        if (kind == "returns")
            fails[declared[i]] = fails[declared[i]] " " sentence
        n_sentences++
        sentence_of[n_sentences] = sentence
        kind_of_one[n_sentences] = kind
        function_of[n_sentences] = declared[i]
        if (kind == "threads")
            has_threads[declared[i]] = 1
    }
}

# The comment is at its end, and so are the declarations below it.
function end_of_declarations(    i, f)
{
    if (n_declared > 0) {
        note_comment()
        for (i = 1; i <= n_declared; i++) {
            f = declared[i]
            comment_of[f] = comment
            header_of[f] = header
            functions[++n_functions] = f
        }
    }
    n_declared = 0
    comment = ""
}

# A declaration below a comment that does not say to see another.
function declare(statement,    name)
{
    if (comment == "" || comment ~ /^ *See [a-z]+[.]h/ ||
        statement ~ /^ *typedef/ || !match(statement, /gcw_[a-z0-9_]+ *\(/))
        return
    name = substr(statement, RSTART, RLENGTH)
    sub(/ *\(/, "", name)
    if (name !~ /^gcw__/)
        declared[++n_declared] = name
}

function begin_header()
{
    end_of_declarations()
    header = FILENAME
    sub(/.*\//, "", header)
    inside_comment = in_macro = 0
    for_all = ""
    statement = ""
}

# A comment that begins with the use of a macro is about that.
function read_comment(line,    name)
{
    if (sub(/ *\*\/ *$/, "", line))
        inside_comment = 0
    sub(/^ ?\/?\*+ */, "", line)
    if (line == "" && comment !~ /[.:] *$/)
        line = "."
    comment = comment " " line
    if (!inside_comment && match(comment, /^ *GCW_[A-Z_]+\(/)) {
        name = substr(comment, RSTART, RLENGTH - 1)
        gsub(/ /, "", name)
        declared[++n_declared] = name
    }
}

function read_declaration(line)
{
    if (line ~ /^#/ || in_macro) {
        in_macro = line ~ /\\$/
        statement = ""
        return
    }
    sub(/^ *\*.*/, "", line)
    sub(/\/\*.*/, "", line)
    statement = statement " " line
    if (line ~ /;/)
        declare(statement)
    if (line ~ /;/ || $0 == "")
        statement = ""
}

function read_header()
{
    if (!inside_comment && /^\/\*/) {
        end_of_declarations()
        inside_comment = 1
        statement = ""
    }
    if (inside_comment)
        read_comment($0)
    else
        read_declaration($0)
}

# --- Pages ---

# The words of a line of roff.  Macros go, and what stands behind a name.
function text_of(line,    words, n, i, text)
{
    if (line !~ /^\./)
        return line
    if (line ~ /^\.(Xr|In)/)
        sub(/ [0-9]+( |$)/, " ", line)
    gsub(/ Xr [a-z_]+ [0-9]/, "&\001", line)
    gsub(/ [0-9]\001/, "", line)
    n = split(line, words, " ")
    text = ""
    for (i = 2; i <= n; i++)
        if (words[i] !~ /^(Fn|Fa|Va|Dv|Er|Xr|Vt|Ev|Em|Li)$/ &&
            words[i] !~ /^(No|Ns|Pq|Po|Pc|Bq|Dq|Ql)$/)
            text = text " " words[i]
    return text
}

# The functions that a line names by Fn, in a string: " a b ".
function named_in(line,    words, n, i, all)
{
    all = " "
    n = split(line, words, " ")
    for (i = 1; i < n; i++)
        if (words[i] ~ /^\.?Fn$/ && words[i + 1] ~ /^(gcw_|GCW_)/)
            all = all words[i + 1] " "
    return all
}

# A part of a page is over: a paragraph, or an item of a list.
function end_of_part()
{
    if (part ~ /[^ ]/) {
        if (part_names == " " && section != "ERRORS")
            part_names = names_before
        n_parts++
        part_text[n_parts] = plain(part)
        part_about[n_parts] = part_names
        part_page[n_parts] = page
        check_errors_of_part()
    }
    if (part_names != " ")
        names_before = part_names
    part = ""
    part_names = " "
    is_item = 0
}

# In the list of errors, a function that is named has the error.  Elsewhere, a
# function that an item is about does.
function check_errors_of_part()
{
    if (section == "ERRORS") {
        note_errors(error_item, listed, page)
        note_exceptions()
    }
    note_claims(error_item != "" ? error_item : \
        section == "RETURN VALUES" ? errors_of(part) : " ")
}

function note_errors(list, into, key,    words, n, i)
{
    n = split(list, words, " ")
    for (i = 1; i <= n; i++)
        into[key, words[i]] = 1
}

function note_exceptions(    words, errors, n, m, i, j)
{
    n = split(not_named, words, " ")
    m = split(error_item, errors, " ")
    for (i = 1; i <= n; i++)
        for (j = 1; j <= m; j++)
            excepted_from[words[i], errors[j]] = page
    not_named = ""
}

function note_claims(list,    words, n, i)
{
    n = split(list, words, " ")
    for (i = 1; i <= n; i++) {
        n_claims++
        claim_page[n_claims] = page
        claim_error[n_claims] = words[i]
        claim_about[n_claims] = part_names
        claim_by_all[n_claims] = section == "ERRORS"
    }
}

# In an item of the list of errors: who is named has the error; who is named
# behind "but" has not, unless the sentence says "only".
function note_named()
{
    if (but)
        excepted = excepted substr(named_in($0), 2)
    else
        part_names = part_names substr(named_in($0), 2)
    if (/(^|[ (;])but( |$)/)
        but = 1
    if (/(^| )only( |$)/)
        only = 1
    if (/[.]$/) {
        if (only)
            part_names = part_names excepted
        else
            not_named = not_named excepted
        excepted = ""
        but = only = 0
    }
}

function begin_page()
{
    end_of_declarations()
    end_of_part()
    page = FILENAME
    sub(/.*\//, "", page)
    names_before = " "
    section = error_item = ""
    display = in_head = 0
}

function begin_section()
{
    end_of_part()
    names_before = " "
    error_item = ""
    if (/^\.Sh/)
        section = substr($0, 5)
}

# A paragraph, an item, or a list.
function begin_part()
{
    end_of_part()
    if (/^\.It Bq Er/)
        error_item = errors_of($0)
    else if (/^\.It/) {
        part_names = named_in($0)
        in_head = /^\.It Xo/
        is_item = in_head || part_names != " "
        part = is_item ? "" : text_of($0)
    } else if (/^\.El/) {
        error_item = ""
        names_before = " "
    }
}

# What an item with several lines for a head is about.
function read_head()
{
    part_names = part_names substr(named_in($0), 2)
    in_head = !/^\.Xc/
}

function read_text()
{
    if (error_item != "")
        note_named()
    else if (!is_item)
        part_names = part_names substr(named_in($0), 2)
    part = part " " text_of($0)
}

function read_page()
{
    if (/^\.Bd/)
        display = 1
    if (/^\.Ed/)
        display = 0
    else if (display || /^\.\\"/)
        return
    else if (/^\.(Sh|Ss)/)
        begin_section()
    else if (in_head)
        read_head()
    else if (/^\.(Pp|It|Bl|El)/)
        begin_part()
    else
        read_text()
}

# --- What is to be ---

function page_of(f)
{
    f = header_of[f]
    sub(/\.h$/, ".3", f)
    return "gcw_" f
}

# Whether a sentence may begin there: behind another, the name of a function, or
# "cost".
function may_begin(before)
{
    return before ~ /^ *$/ || before ~ / ([.]|gcw_[a-z0-9_]+|cost) *$/
}

# Whether the text has the sentence, and not only the end of a longer one.
function has_sentence(text, sentence,    at, before)
{
    before = ""
    while ((at = index(text, sentence)) > 0) {
        before = before substr(text, 1, at)
        if (may_begin(before))
            return 1
        text = substr(text, at + 1)
    }
    return 0
}

# Whether a part about the function, or about all of the page, has the sentence.
function stands_in_page(f, sentence,    i)
{
    for (i = 1; i <= n_parts; i++)
        if (part_page[i] == page_of(f) &&
            (part_about[i] == " " || index(part_about[i], " " f " ")) &&
            has_sentence(part_text[i], sentence))
            return 1
    return 0
}

# What a function returns, with what those return that it says it is as.
function all_returns(f, depth,    text, rest, other)
{
    text = fails[f]
    rest = comment_of[f]
    while (depth < 3 && match(rest, /[Aa]s gcw_[a-z_]+/)) {
        other = substr(rest, RSTART + 3, RLENGTH - 3)
        rest = substr(rest, RSTART + RLENGTH)
        if (other != f)
            text = text " " all_returns(other, depth + 1)
    }
    return text
}

# Whether its comment says so, or that of a function that it is as.
function says_threads(f, depth,    rest, other)
{
    if (f in has_threads)
        return 1
    rest = comment_of[f]
    while (depth < 3 && match(rest, /[Aa]s gcw_[a-z_]+/)) {
        other = substr(rest, RSTART + 3, RLENGTH - 3)
        rest = substr(rest, RSTART + RLENGTH)
        if (says_threads(other, depth + 1))
            return 1
    }
    return 0
}

function check_sentences(    i, f, sentence)
{
    for (i = 1; i <= n_sentences; i++) {
        f = function_of[i]
        sentence = sentence_of[i]
        sub(/^Cost: /, "", sentence)
        if (!stands_in_page(f, plain(sentence)))
            print page_of(f) ": " f ": not so in the page: " sentence_of[i]
    }
}

function check_threads(    i, f)
{
    for (i = 1; i <= n_functions; i++) {
        f = functions[i]
        if (f !~ /^GCW_/ && !says_threads(f, 0))
            print page_of(f) ": " f ": the header does not say which threads"
    }
}

# The errors that the header gives each function, and each page.
function note_returns(    i, f)
{
    for (i = 1; i <= n_functions; i++) {
        f = functions[i]
        note_errors(errors_of(fails[f]), must_list, page_of(f))
        note_errors(errors_of(all_returns(f, 0)), has, page_of(f))
        note_errors(errors_of(all_returns(f, 0)), returns, f)
    }
}

# The page's list has those errors.  That of gcw_base is for all pages.
function check_list(    i, words)
{
    for (i in must_list)
        if (!(i in listed)) {
            split(i, words, SUBSEP)
            print words[1] ": " words[2] " is not in its list"
        }
    for (i in listed) {
        split(i, words, SUBSEP)
        if (!(i in has) && words[1] != "gcw_base.3")
            print words[1] ": " words[2] " is in its list, and of no function"
    }
}

function check_exceptions(    i, words)
{
    for (i in excepted_from)
        if (i in returns) {
            split(i, words, SUBSEP)
            print excepted_from[i] ": the header gives " words[1] " an " \
                words[2]
        }
}

function check_claims(    i, j, n, words, error, ok)
{
    for (i = 1; i <= n_claims; i++) {
        error = claim_error[i]
        n = split(claim_about[i], words, " ")
        ok = n == 0
        for (j = 1; j <= n; j++) {
            if (!(words[j] in header_of) || page_of(words[j]) != claim_page[i])
                continue
            if ((words[j], error) in returns)
                ok = 1
            else if (claim_by_all[i])
                print claim_page[i] ": the header gives " words[j] " no " error
        }
        if (!ok && !claim_by_all[i])
            print claim_page[i] ": no " error " in the header:" claim_about[i]
    }
}

BEGIN { part_names = names_before = " " }

FNR == 1 {
    is_header = FILENAME ~ /\.h$/
    if (is_header)
        begin_header()
    else
        begin_page()
}

is_header { read_header(); next }
{ read_page() }

END {
    end_of_declarations()
    end_of_part()
    if (show) {
        for (i = 1; i <= n_sentences; i++)
            print function_of[i], kind_of_one[i] ":", sentence_of[i]
        exit
    }
    check_sentences()
    check_threads()
    note_returns()
    check_list()
    check_exceptions()
    check_claims()
}
