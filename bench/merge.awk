# merge.awk: results of some scenes take the place of older ones.
#
#     awk -f merge.awk NEW OLD
#
# Prints NEW with the rows and goals of OLD whose scenes are not in NEW.  If
# there are any, both must have as many rounds, and be of the same machine,
# compiler and library.

function scene(    rest)
{
    rest = substr($0, index($0, "\"scene\": \"") + 10)
    return substr(rest, 1, index(rest, "\"") - 1)
}

# The rows of a list: those that are kept, then those that are new.
function keep_row(list, line)
{
    sub(/,$/, "", line)
    row[list, ++n_rows[list]] = line
}

function print_rows(list,    i)
{
    for (i = 1; i <= n_rows[list]; i++)
        print row[list, i] (i < n_rows[list] ? "," : "")
}

function keep_newer(    i)
{
    for (i = 1; i <= n_newer; i++)
        keep_row(newer_list[i], newer[i])
}

FNR == 1 {
    file++
}

/^([{]"form"|"machine"): / && file == 1 {
    made[$1] = $0
}

/^([{]"form"|"machine"): / && file == 2 && $0 != made[$1] {
    other = 1
}

/^[{]"(scene|goal)"/ {
    list = /^[{]"goal"/ ? "goals" : "results"
}

/^[{]"(scene|goal)"/ && file == 1 {
    if (list == "results")
        is_new[scene()] = 1
    newer[++n_newer] = $0
    newer_list[n_newer] = list
    next
}

/^[{]"(scene|goal)"/ && !(scene() in is_new) {
    if (other) {
        print "merge.awk: measured otherwise; all has to be measured anew" \
            > "/dev/stderr"
        failed = 1
        exit 1
    }
    keep_row(list, $0)
}

file == 1 && !/^]|^"(goals|results)": / {
    head = head $0 "\n"
}

END {
    if (failed)
        exit 1
    keep_newer()
    printf "%s", head
    print "\"goals\": ["
    print_rows("goals")
    print "],"
    print "\"results\": ["
    print_rows("results")
    print "]}"
}
