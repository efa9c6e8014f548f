# rows.awk: results.json as lines of words with tabs between.
#
#     row   NAME CONTESTANT PER THREADS SIZE MEDIAN MIN MAX TO-RAW TO-LIMIT
#     fact  NAME VALUE
#
# The numbers are in nanoseconds or bytes; `null` stays what it is.  This reads
# the form in which the benchmark writes: one row a line.

# The value of a key: what stands in quotes, or the number.
function value(key,    at, rest)
{
    at = index($0, "\"" key "\": ")
    if (at == 0)
        return "null"
    rest = substr($0, at + length(key) + 4)
    if (substr(rest, 1, 1) == "\"") {
        rest = substr(rest, 2)
        return substr(rest, 1, index(rest, "\"") - 1)
    }
    match(rest, /^[^,}]*/)
    return substr(rest, 1, RLENGTH)
}

function either(key,    ns)
{
    ns = value(key "_ns")
    return ns != "null" ? ns : value(key "_bytes")
}

# All pairs of strings in a line.
function facts(line,    n, part, i)
{
    n = split(line, part, "\"")
    for (i = 2; i + 2 <= n; i += 4)
        print "fact", part[i], part[i + 2]
}

BEGIN {
    OFS = "\t"
}

/^"machine": / {
    facts(substr($0, length("\"machine\": ") + 1))
}

/^"peers": / {
    facts(substr($0, length("\"peers\": ") + 1))
}

/^[{]"scene"/ {
    print "row", value("name"), value("contestant"), value("per"),
        value("threads"), value("size"), either("median"), either("min"),
        either("max"), value("ratio_to_raw"), value("ratio_to_limit")
}
