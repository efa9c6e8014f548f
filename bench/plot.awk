# plot.awk: writes a gnuplot program from the rows that rows.awk prints.
#
# `directory` says where the plots go, each as SVG and as PNG.  Which plots
# there are stands at the bottom; one without rows is left out.

function colour(name)
{
    if (name ~ /^gcw/)
        return ours[++n_ours]
    if (name ~ /^raw/)
        return raws[++n_raws]
    if (name ~ /^limit/)
        return "#2e8b3d"
    return others[n_others++ % 6 + 1]
}

function style(name)
{
    return sprintf("lc rgb '%s' lw %s dt %s pt 7 ps %s", colour(name),
                   name ~ /^gcw/ ? 3 : 1.5, name ~ /^limit/ ? 2 : 1,
                   name ~ /^gcw/ ? 0.8 : 0.5)
}

function unit(name)
{
    if (per[name] == "collection")
        return "ms a collection"
    return (name ~ /memory/ ? "bytes a " : "ns a ") per[name]
}

# The points of one contestant, with the least and the most.
function points(name, contestant, axis,    i, scale, x)
{
    scale = per[name] == "collection" ? 1e6 : 1
    for (i = 1; i <= n_rows; i++) {
        if (row_name[i] != name || row_who[i] != contestant)
            continue
        if (row_median[i] <= 0)
            continue
        if (axis == "size" && row_threads[i] != 1)
            continue
        if (axis == "size" && row_size[i] < 1000)
            continue
        x = axis == "size" ? row_size[i] : row_threads[i]
        print x, row_median[i] / scale, row_min[i] / scale, row_max[i] / scale
    }
}

function reset_colours()
{
    n_ours = n_raws = n_others = 0
}

function heads(file, title)
{
    print "set title '" title "' noenhanced"
    reset_colours()
}

# Both forms of a plot whose commands are already there.
function draw(file, command)
{
    print "set terminal svg size 760,440 font 'sans-serif,13' " \
        "background 'white'"
    print "set output '" directory "/" file ".svg'"
    print command
    print "set terminal pngcairo size 760,440 font 'sans,10'"
    print "set output '" directory "/" file ".png'"
    print command
    print "unset output"
}

# A line a contestant.
function lines(name, axis, file, title,    i, command)
{
    if (!(name in n_who))
        return
    heads(file, title)
    print "set xlabel '" (axis == "size" ? "how many" : "threads") "'"
    print "set ylabel '" unit(name) "'"
    if (axis == "size")
        print "set logscale x 10; set format x '10^{%L}'; " \
            "set xrange [800:1.25e6]; set xtics autofreq"
    else
        print "unset logscale x; set format x '%g'; " \
            "set xrange [0.9:4.1]; set xtics (1, 2, 4)"
    print "set logscale y 10; set format y '%g'; set style fill empty"
    for (i = 1; i <= n_who[name]; i++) {
        print "$d" i " << END"
        points(name, who[name, i], axis)
        print "END"
        command = command (i > 1 ? ", " : "plot ") "$d" i \
            " using 1:2 with linespoints " style(who[name, i]) \
            " title \"" who[name, i] "\" noenhanced"
    }
    draw(file, command)
}

# A bar a contestant, of one size and one number of threads.
function bars(name, size, threads, file, title,    i, n, command, text)
{
    for (i = 1; i <= n_rows; i++) {
        if (row_name[i] != name || row_size[i] != size ||
            row_threads[i] != threads || row_median[i] <= 0)
            continue
        if (++n == 1)
            heads(file, title)
        text = text (n > 1 ? ", " : "") "\"" row_who[i] "\" " n
        print "$d" n " << END"
        print row_median[i], n
        print "END"
        command = command (n > 1 ? ", " : "plot ") "$d" n \
            " using ($1/2):2:($1/2):(0.35) with boxxyerror lc rgb '" \
            colour(row_who[i]) "' fs solid 0.85 noborder notitle, $d" n \
            " using 1:2:(sprintf('  %.3g', $1)) with labels left notitle"
    }
    if (n == 0)
        return
    print "set xlabel '" unit(name) "'; unset ylabel"
    print "set xrange [*:*]; unset logscale y; set yrange [" n + 0.6 ":0.4]"
    print "set logscale x 10; set format x '%g'; set xtics autofreq"
    print "set ytics noenhanced (" text ")"
    draw(file, command)
    print "set yrange [*:*]; set ytics autofreq; set ytics enhanced"
}

BEGIN {
    FS = "\t"
    split("#0b5fb0 #29a3e8 #7a4fd0 #12b5a6", ours, " ")
    split("#b03020 #e08070 #e0a090 #c06050", raws, " ")
    split("#8a8a8a #c9a227 #6b8e9e #a5682a #9a5fa0 #4f6d4f", others, " ")
}

$1 == "row" {
    n_rows++
    row_name[n_rows] = $2
    row_who[n_rows] = $3
    per[$2] = $4
    row_threads[n_rows] = $5
    row_size[n_rows] = $6
    row_median[n_rows] = $7 + 0
    row_min[n_rows] = $8
    row_max[n_rows] = $9
    if (!(($2, $3) in known)) {
        known[$2, $3] = 1
        who[$2, ++n_who[$2]] = $3
    }
}

END {
    print "set grid; set key outside right top; set border 3"
    print "set tics nomirror; set lmargin 10"
    lines("read-many", "size", "read-size",
          "Weak read in random order, one thread")
    lines("read-one", "threads", "read-threads",
          "Weak read of one target, by threads")
    lines("create-first", "size", "create-first",
          "First handle to a target")
    lines("create-random", "size", "create-further",
          "Further handles, in random order")
    lines("collect-1", "size", "collect-1",
          "Full collection, one handle a target")
    lines("collect-8", "size", "collect-8",
          "Full collection, eight handles a target")
    lines("notice", "size", "notice", "Noticing that no watched target died")
    lines("deaths", "size", "deaths",
          "From the collection to the last callback")
    lines("emit", "size", "emit-size", "Emission, for each listener")
    lines("connect", "size", "connect", "Connecting a listener")
    lines("disconnect", "size", "disconnect",
          "Disconnecting a listener, in random order")
    lines("exit-register", "size", "exit-register",
          "Registering an exit handler")
    lines("exit-unregister", "size", "exit-unregister",
          "Taking an exit handler back, in random order")
    lines("exit-run", "size", "exit-run", "Running an exit handler")
    lines("memory-handle", "size", "memory-handle-size",
          "Memory of a first handle")
    lines("memory-further", "size", "memory-further-size",
          "Memory of a further handle")
    lines("memory-listener", "size", "memory-listener-size",
          "Memory of a listener")
    lines("memory-handler", "size", "memory-handler-size",
          "Memory of an exit handler")
    lines("map-get", "size", "map-get",
          "Get from a weak map, in random order, one thread")
    lines("map-put", "size", "map-put", "Putting a new key into a weak map")
    lines("map-collect-random", "size", "map-collect",
          "Full collection with a weak map, keys and values in random order")
    lines("map-churn", "size", "map-churn",
          "An entry from its making to its end, by how many live")
    print "set lmargin 32"
    bars("read-one", 1, 1, "read-one", "Weak read, one thread, one target")
    bars("method", 1, 1, "method", "Call of a weak method")
    bars("proxy", 1, 1, "proxy", "Call of a proxy")
    bars("emit", 10, 1, "emit-10", "Emission to 10 listeners, for each")
    bars("memory-handle", 100000, 1, "memory-handle",
         "Memory of a first handle")
    bars("memory-listener", 100000, 1, "memory-listener",
         "Memory of a listener")
    bars("memory-handler", 100000, 1, "memory-handler",
         "Memory of an exit handler")
}
