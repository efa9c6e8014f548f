# merge.awk: results of some scenes take the place of older ones.
#
#     awk -f merge.awk NEW OLD
#
# Prints NEW with the rows of OLD whose scenes are not in NEW.  Both must have as
# many rounds, and be of the same machine, compiler and library.

function scene(    rest)
{
    rest = substr($0, index($0, "\"scene\": \"") + 10)
    return substr(rest, 1, index(rest, "\"") - 1)
}

function keep_row(line)
{
    sub(/,$/, "", line)
    rows[++n_rows] = line
}

FNR == 1 {
    file++
}

/^([{]"form"|"machine"): / && file == 1 {
    made[$1] = $0
}

/^([{]"form"|"machine"): / && file == 2 && $0 != made[$1] {
    print "merge.awk: measured otherwise; all has to be measured anew" \
        > "/dev/stderr"
    failed = 1
    exit 1
}

/^[{]"scene"/ && file == 1 {
    is_new[scene()] = 1
    newer[++n_newer] = $0
    next
}

/^[{]"scene"/ && !(scene() in is_new) {
    keep_row($0)
}

file == 1 && !/^]/ {
    head = head $0 "\n"
}

END {
    if (failed)
        exit 1
    for (i = 1; i <= n_newer; i++)
        keep_row(newer[i])
    printf "%s", head
    for (i = 1; i <= n_rows; i++)
        print rows[i] (i < n_rows ? "," : "")
    print "]}"
}
