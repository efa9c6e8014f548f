# names.awk: the names of functions, and of types, that a manual page is to be
# found by: those of its NAME section, one a line.
#
# Macros are not among them.  They differ from another name only in their
# letters' case, which man does not mind and some file systems do not know.

/^\.Sh / {
    inside = $0 == ".Sh NAME"
}

inside && $1 == ".Nm" && $2 ~ /^gcw_/ {
    print $2
}
