#!/bin/sh
# torture.t: torture finds what is wrong, and finds nothing wrong.
#
# The torture of the weak read catches all wrong orders of the read's loads, by
# links: by marks a dead object is not there to be read but after a collection
# that the pass has missed.  t/torture-read.t shows with the same program that the
# right order holds.
# Then t/torture plays everything, for two seconds in each of its settings;
# make torture plays it for longer.

caught()    # test number, what is built with that order, how it reads
{
    output=$(GCWEAK_REFS=links "${builddir:-.}/t/$2")
    status=$?
    echo "$output" | sed 's/^/# /'
    case $status:$output in
    1:*'not ok '[12]' '*) echo "ok $1 - caught: $3" ;;
    *) echo "not ok $1 - not caught: $3 (status $status)" ;;
    esac
}

# The tests of t/torture, numbered from here on.
renumbered()    # the number of the last test before
{
    awk -v before="$1" '
        /^1\.\./ { next }
        /^ok / { $2 += before }
        /^not ok / { $3 += before }
        { print }'
}

settings=$("${builddir:-.}/t/torture" -l | wc -l)
echo "1..$((3 + settings))"
caught 1 torture-order1 'the pointer, the number of collections, settled'
caught 2 torture-order2 'the number of collections, settled, the pointer'
caught 3 torture-order3 'the pointer, settled anew, the number of collections'
"${builddir:-.}/t/torture" -t $((2 * settings)) 2>&1 | renumbered 3
