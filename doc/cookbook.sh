#!/bin/sh
# cookbook.sh: the cookbook with the programs in it as they are.
#
#   cookbook.sh TEXT
#
# Below a line <!-- program NAME --> the text shows cookbook/NAME.c; this puts
# it there anew.

set -eu
awk -v programs="$(dirname "$1")/cookbook" '
/^<!-- program .* -->$/ {
    print
    print "```c"
    file = programs "/" $3 ".c"
    while ((got = (getline line < file)) > 0)
        print line
    close(file)
    if (got < 0) {
        print "cookbook.sh: no " file > "/dev/stderr"
        exit 1
    }
    print "```"
    shown = 1
    next
}
shown == 1 && /^```c$/ { shown = 2; next }
shown == 2 { if (/^```$/) shown = 0; next }
{ shown = 0; print }' "$1"
