# rows.awk: results.json as lines of words with tabs between.
#
#     row   NAME CONTESTANT PER THREADS SIZE MEDIAN MIN MAX TO-RAW TO-LIMIT
#           SPREAD
#     goal  WORDS SCENE THREADS SIZE AT-MOST UNIT OF CAME-OUT REACHED
#           WITHIN-NOISE
#     noise SAYS TABLES LOOP
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

/^"noise": / {
    print "noise", value("says"), value("tables"), value("loop")
}

/^[{]"goal"/ {
    print "goal", value("goal"), value("scene"), value("threads"),
        value("size"), value("at_most"), value("unit"), value("of"),
        value("came_out"), value("reached"), value("within_noise")
}

/^[{]"scene"/ {
    print "row", value("name"), value("contestant"), value("per"),
        value("threads"), value("size"), either("median"), either("min"),
        either("max"), value("ratio_to_raw"), value("ratio_to_limit"),
        value("spread")
}
