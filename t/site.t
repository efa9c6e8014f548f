#!/bin/sh
# site.t: the site in a browser: every page on a phone, a tablet and a desk, light
# and dark, and the search.  t/html.t looks for dead links.

: "${srcdir:=.}"
: "${LOWDOWN=$(command -v lowdown)}"
. "$srcdir/t/tap.sh"

for browser in chromium chromium-browser google-chrome chrome none
do
    command -v "$browser" > /dev/null && break
done
[ "$browser" != none ] || skip_all 'no chromium here'
command -v mandoc > /dev/null || skip_all 'no mandoc here'
command -v python3 > /dev/null || skip_all 'no python3 here'
[ -n "$LOWDOWN" ] || skip_all 'no lowdown here'

export LOWDOWN
look=$srcdir/t/site-look.py
# What the browser keeps goes with the rest.
HOME=$dir
export HOME

echo "1..$(python3 "$look" tests)"
if sh "$srcdir/doc/html.sh" "$srcdir" "$dir/site" 0 > "$dir/log" 2>&1; then
    python3 "$look" "$browser" "$dir/site" "$dir/profile"
else
    sed 's/^/# /' "$dir/log"
    echo 'Bail out! The site cannot be made.'
fi
