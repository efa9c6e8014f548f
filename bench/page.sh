#!/bin/sh
# page.sh RESULTS PAGE: renews the tables of a page from results.json; see
# page.awk.  Where something is wrong the page stays as it was.

here=$(dirname "$0")
results=$1 page=$2

scratch=$(mktemp -d) || exit
trap 'rm -rf "$scratch"' EXIT
awk -f "$here/rows.awk" "$results" > "$scratch/rows" &&
    awk -f "$here/page.awk" "$scratch/rows" "$page" > "$scratch/page" &&
    cat "$scratch/page" > "$page"
