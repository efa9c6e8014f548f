# names.awk: the names of functions, types and flags that a manual page is to be
# found by: those of its NAME section, one a line.
#
# Macros that differ from another name only in their letters' case are not among
# them: man does not mind the case, and some file systems do not know it.

/^\.Sh / {
    inside = $0 == ".Sh NAME"
}

inside && $1 == ".Nm" && $2 ~ /^(gcw|GCW)_/ {
    names[++count] = $2
    is_there[$2] = 1
}

END {
    for (i = 1; i <= count; i++)
        if (names[i] == tolower(names[i]) || !(tolower(names[i]) in is_there))
            print names[i]
}
