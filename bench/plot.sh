#!/bin/sh
# plot.sh RESULTS DIRECTORY: draws results.json with gnuplot, as SVG and PNG.

here=$(dirname "$0")
results=$1 directory=$2

if ! command -v gnuplot > /dev/null; then
    echo 'plots      skipped: needs gnuplot-nox'
    exit 0
fi
mkdir -p "$directory" || exit
awk -f "$here/rows.awk" "$results" |
    awk -v directory="$directory" -f "$here/plot.awk" |
    gnuplot || exit
echo "plots      in $directory"
