#!/bin/sh
# fuzz.t: the inputs that fuzzing has found, in t/fuzz/corpus, once more.

: "${srcdir:=.}" "${builddir:=.}"

number=0
say()
{
    number=$((number + 1))
    echo "$1 $number - $2"
}

# replay TARGET: all its inputs, and some there must be.
replay()
{
    if said=$("$builddir/t/fuzz/replay-$1" "$srcdir/t/fuzz/corpus/$1" 2>&1) &&
        [ "$said" != '0 inputs' ]
    then
        say ok "$1: $said"
        return
    fi
    say 'not ok' "$1"
    echo "$said" | head -n 40 | sed 's/^/# /'
    echo "# GCWEAK_FUZZ_TELL=1 t/fuzz/replay-$1 tells which"
}

if [ -x "$builddir/t/fuzz/replay-signature" ]; then
    echo 1..2
    replay ops
    replay signature
else
    echo 1..1
    replay ops
fi
