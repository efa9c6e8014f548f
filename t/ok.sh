# ok.sh: what the tests that run an example share.  To be sourced.
#
# The example's output and complaints go to $scratch/out and $scratch/err, its
# status to $status.

# shellcheck shell=sh

builddir=${builddir-.}
LC_ALL=C
export LC_ALL
number=0

scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT

# ok WHAT COMMAND...: one test, which passes if the command does.
ok() {
    what=$1
    shift
    number=$((number + 1))
    if "$@"; then
        echo "ok $number - $what"
    else
        echo "not ok $number - $what"
        head -n 60 "$scratch/out" "$scratch/err" | sed 's/^/# /'
    fi
}

# run EXAMPLE ARGUMENT...
run() {
    example=$1
    shift
    "$builddir/examples/$example" "$@" > "$scratch/out" 2> "$scratch/err"
    # For those that source this.
    # shellcheck disable=SC2034
    status=$?
}

silent() {
    test ! -s "$scratch/err"
}

# says PATTERN: a line of the output matches.
says() {
    grep -Eq -e "$1" "$scratch/out"
}

# The steps are numbered 1, 2, ... to LAST, in this order.
steps_to() {
    steps=$(sed -n 's/^\([0-9]*\)\. .*/\1/p' "$scratch/out" | tr '\n' ' ')
    test "$steps" = "$(seq -s ' ' 1 "$1") "
}
