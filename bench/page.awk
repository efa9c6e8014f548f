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
#     <!-- goals of SCENE -->               what was aimed at, what came out
#     <!-- goals but SCENE -->              the same of all other scenes
#     <!-- machine -->                      processor, versions
#     <!-- noise -->                        how noisy it was
#     <!-- end -->
#
# A cell is the median, and what it is as a multiple of the raw way and of the
# limit, where there is one.  The last line is the noise: by what part of the
# median the middle half of the rounds differs, the median of all contestants.

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

# The median of numbers that stand between blanks.
function median_of(text,    n, x, i, j, t)
{
    n = split(text, x, " ")
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && x[j] + 0 < x[j - 1] + 0; j--) {
            t = x[j]
            x[j] = x[j - 1]
            x[j - 1] = t
        }
    return (x[int((n + 1) / 2)] + x[int((n + 2) / 2)]) / 2
}

function noise_of(name, threads, size,    i, text)
{
    for (i = 1; i <= n_rows; i++)
        if (row_name[i] == name && row_threads[i] == threads &&
            row_size[i] == size && spread[i] != "null")
            text = text " " spread[i]
    return text == "" ? "" : sprintf("%.1f %%", 100 * median_of(text))
}

# Where there is any.
function print_noises(name, axis, size, n,    i, text, noise, any)
{
    for (i = 1; i <= n; i++) {
        noise = noise_of(name, axis == "size" ? 1 : column[i],
                         axis == "size" ? column[i] : size)
        any = any noise
        text = text " " noise " |"
    }
    if (any != "")
        print "| *noise* |" text
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
    print_noises(name, axis, size, n)
    print ""
}

# --- Goals -----------------------------------------------------------------

function listed(list, word)
{
    return list == "" ? word : list ", " word
}

# Where a goal was measured: the size, with the threads if there are several.
function place(i)
{
    return count(goal_size[i]) \
        (goal_threads[i] > 1 ? " on " goal_threads[i] " threads" : "")
}

# "reached", "missed", or where it was reached; and what the noise may have
# turned.
function verdict(words,    i, j, n, n_reached, n_unsure, reached, unsure, text)
{
    for (j = 1; j <= n_of_goal[words]; j++) {
        i = goal[words, j]
        n++
        if (is_reached[i]) {
            n_reached++
            reached = listed(reached, place(i))
        }
        if (is_unsure[i]) {
            n_unsure++
            unsure = listed(unsure, place(i))
        }
    }
    text = !n_reached ? "missed" : n_reached == n ? "reached" \
        : "reached at " reached
    return !n_unsure ? text : text "; within the noise" \
        (n_unsure == n ? "" : " at " unsure)
}

function outcome(words,    i, j, numbers, places)
{
    for (j = 1; j <= n_of_goal[words]; j++) {
        i = goal[words, j]
        numbers = listed(numbers, shown(came_out[i]))
        places = listed(places, place(i))
    }
    return numbers (places == "1" ? "" : " at " places)
}

function print_goals(but, scene,    i, n)
{
    print ""
    print "| aim | at most | came out | |"
    print "|---|---|---|---|"
    for (i = 1; i <= n_words; i++)
        if ((scene_of[words[i]] == scene) != but) {
            print "| " words[i] " | " bound[words[i]] " | " \
                outcome(words[i]) " | " verdict(words[i]) " |"
            n++
        }
    print ""
    if (n > 0)
        return
    print "page.awk: no goals" (but ? " but" : "") " of " scene \
        > "/dev/stderr"
    failed = 1
}

function print_run_noise(    each)
{
    each = "The machine was " noise_says
    if (noise_tables != "null")
        each = each ". The middle half of a contestant's rounds differed by " \
            sprintf("%.1f %%", 100 * noise_tables)
    if (noise_loop != "null")
        each = each (noise_tables != "null" ? ", that" : ". Those") \
            " of a loop which is always the same by " \
            sprintf("%.1f %%", 100 * noise_loop)
    print ""
    print each "."
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

FNR == NR && $1 == "noise" {
    noise_says = $2
    noise_tables = $3
    noise_loop = $4
    next
}

FNR == NR && $1 == "goal" {
    n_goals++
    goal_threads[n_goals] = $4
    goal_size[n_goals] = $5
    came_out[n_goals] = $9
    is_reached[n_goals] = $10 == "true"
    is_unsure[n_goals] = $11 == "true"
    if (!($2 in scene_of)) {
        words[++n_words] = $2
        scene_of[$2] = $3
        bound[$2] = sprintf("%.3g", $6) ($7 == "" ? "" : " " $7) \
            ($8 == "" ? "" : " of " $8)
    }
    goal[$2, ++n_of_goal[$2]] = n_goals
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
    spread[n_rows] = $12
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

/^<!-- (results|goals|machine|noise) / {
    inside = 1
    split($0, word, " ")
    if (word[2] == "machine")
        print_machine()
    else if (word[2] == "noise")
        print_run_noise()
    else if (word[2] == "goals")
        print_goals(word[3] == "but", word[4])
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
