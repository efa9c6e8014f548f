#!/bin/sh
# torture.t: the torture of the weak read finds what is wrong: it catches
# all wrong orders of the read's loads.
#
# t/torture-read.t shows with the same program that the right order holds.

caught()    # test number, what is built with that order, how it reads
{
    output=$("${builddir:-.}/t/$2")
    status=$?
    echo "$output" | sed 's/^/# /'
    case $status:$output in
    1:*'not ok '[12]' '*) echo "ok $1 - caught: $3" ;;
    *) echo "not ok $1 - not caught: $3 (status $status)" ;;
    esac
}

echo 1..3
caught 1 torture-order1 'the pointer, the number of collections, settled'
caught 2 torture-order2 'the number of collections, settled, the pointer'
caught 3 torture-order3 'the pointer, settled anew, the number of collections'
