#!/bin/sh
# trace.t: the tracepoints are in the library, each under its name and with
# its arguments, and nothing else of the provider.

: "${srcdir:=.}" "${builddir:=.}" "${HAVE_SDT:=no}"
. "$srcdir/t/tap.sh"

library=$builddir/.libs/libgcweak.so
[ "$HAVE_SDT" = yes ] || skip_all 'built without tracepoints'
[ -e "$library" ] || skip_all 'no shared library was built'
command -v readelf > /dev/null || skip_all 'no readelf here'

# The notes of the provider: the name and the number of arguments of each.
notes()
{
    readelf -n "$library" | awk '
        $1 == "Provider:" { own = $2 == "gcweak" }
        $1 == "Name:" { name = $2 }
        $1 == "Arguments:" && own { print name, NF - 1 }' | sort -u
}

number=0
# has NAME ARGUMENTS: one test.
has()
{
    number=$((number + 1))
    if notes | grep -qx "$1 $2"; then
        echo "ok $number - $1 with $2 arguments"
    else
        echo "not ok $number - $1 with $2 arguments"
        notes | sed 's/^/# /'
    fi
}

echo 1..11
has ref__create 2
has death 1
has emit__begin 2
has emit__end 2
has handler__begin 2
has handler__end 1
has cleanup__run 2
has map__create 2
has weak__pass 2
has weak__missed 2
number=11
if [ "$(notes | wc -l)" -eq 10 ]; then
    echo 'ok 11 - there are no others'
else
    echo 'not ok 11 - there are no others'
fi
