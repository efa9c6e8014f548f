# page.awk: renews the tables of a page from the rows that rows.awk prints.
#
#     awk -f page.awk ROWS PAGE
#
# A table of the page stands between two comments.  The first says what it is
# of; what stands there before is replaced.
#
#     <!-- results NAME by size -->         one thread; a column a size
#     <!-- results NAME by threads -->      the least size; a column for each
#                                           number of threads
#     <!-- results NAME by threads of SIZE -->
#     <!-- machine -->                      processor, versions
#     <!-- end -->
#
# A cell is the median, and what it is as a multiple of the raw way and of the
# limit, where there is one.

function shown(x)
{
    if (x == "null")
        return "-"
    if (x < 0)
        return "-" shown(-x)
    return x < 0.995 ? sprintf("%.2g", x) : x < 9.995 ? sprintf("%.2f", x) \
        : x < 99.95 ? sprintf("%.1f", x) : sprintf("%.0f", x)
}

function count(n,    power, rest)
{
    rest = n
    for (power = 0; rest >= 10 && rest % 10 == 0; power++)
        rest /= 10
    return rest == 1 && power >= 3 ? "10^" power : n
}

function cell(name, contestant, threads, size,    i)
{
    if (!((name, contestant, threads, size) in row))
        return ""
    i = row[name, contestant, threads, size]
    return shown(median[i] / (per[name] == "collection" ? 1e6 : 1)) " (" \
        shown(to_raw[i]) "; " shown(to_limit[i]) ")"
}

function unit(name)
{
    if (per[name] == "collection")
        return "ms a collection"
    return (name ~ /memory/ ? "bytes a " : "ns a ") per[name]
}

# The columns of a table: column[1] to column[n]; returns n.
function columns(name, axis, size,    i, n, key, met)
{
    for (i = 1; i <= n_rows; i++) {
        if (row_name[i] != name)
            continue
        if (axis == "size" ? row_threads[i] != 1 : row_size[i] != size)
            continue
        key = axis == "size" ? row_size[i] : row_threads[i]
        if (!(key in met))
            column[++n] = key
        met[key] = 1
    }
    return n
}

function print_head(name, axis, n,    i, line, rule)
{
    line = "| " unit(name) " (to raw; to limit) |"
    rule = "|---|"
    for (i = 1; i <= n; i++) {
        line = line " " count(column[i]) \
            (axis == "size" ? "" : column[i] == 1 ? " thread" : " threads") \
            " |"
        rule = rule "---|"
    }
    print line
    print rule
}

function print_line(name, contestant, axis, size, n,    i, text)
{
    text = "| " contestant " |"
    for (i = 1; i <= n; i++)
        text = text " " cell(name, contestant,
                             axis == "size" ? 1 : column[i],
                             axis == "size" ? column[i] : size) " |"
    print text
}

function print_table(name, axis, size,    i, n)
{
    if (!(name in least)) {
        print "page.awk: no results of " name > "/dev/stderr"
        failed = 1
        return
    }
    if (size == "")
        size = least[name]
    n = columns(name, axis, size)
    print ""
    print_head(name, axis, n)
    for (i = 1; i <= n_who[name]; i++)
        print_line(name, who[name, i], axis, size, n)
    print ""
}

function print_machine(    i)
{
    print ""
    for (i = 1; i <= n_facts; i++)
        print "- " fact[i]
    print ""
}

BEGIN {
    FS = "\t"
}

FNR == NR && $1 == "fact" {
    if ($2 == "name")
        fact[++n_facts] = $3
    else if ($2 == "skipped_needs")
        fact[n_facts] = fact[n_facts] ": skipped, needs " $3
    else
        fact[++n_facts] = $2 ": " $3
    next
}

FNR == NR {
    n_rows++
    row_name[n_rows] = $2
    per[$2] = $4
    row_threads[n_rows] = $5
    row_size[n_rows] = $6
    median[n_rows] = $7
    to_raw[n_rows] = $10
    to_limit[n_rows] = $11
    row[$2, $3, $5, $6] = n_rows
    if (!($2 in least) || $6 < least[$2])
        least[$2] = $6
    if (!(($2, $3) in known)) {
        known[$2, $3] = 1
        who[$2, ++n_who[$2]] = $3
    }
    next
}

/^<!-- end -->$/ {
    inside = 0
}

!inside {
    print
}

/^<!-- (results|machine) / {
    inside = 1
    split($0, word, " ")
    if (word[2] == "machine")
        print_machine()
    else
        print_table(word[3], word[5], word[6] == "of" ? word[7] : "")
}

END {
    if (inside) {
        print "page.awk: a table has no end" > "/dev/stderr"
        failed = 1
    }
    exit failed
}
