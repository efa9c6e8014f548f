#!/bin/sh
# nim.t: the example in Nim compiles with its binding, in two ways, and says what
# it must, whether Nim steps through the end or gcweak calls it at exit.

: "${srcdir:=.}" "${builddir:=.}"
. "$srcdir/t/languages.sh"

example=$srcdir/examples/nim/harbour.nim

# compile NAME FLAGS...: without a warning.
compile()
{
    name=$1
    shift
    nim compile --mm:boehm --hints:off --nimcache:"$dir/$name.cache" "$@" \
        --out:"$dir/$name" "$example" 2>&1 | tee "$dir/warnings"
    [ -x "$dir/$name" ] && [ ! -s "$dir/warnings" ]
}

has_nim()
{
    echo 'echo GC_getStatistics()' > "$dir/try.nim" &&
    nim compile --mm:boehm --nimcache:"$dir/try.cache" --run "$dir/try.nim" \
        > "$dir/log" 2>&1
}

expected()
{
    expected_first
    cat << 'END_OF_EXPECTED'
6. The end
   a report: exit: the pier is closed
   Anna says farewell, with status 3
   the oldest handler
   a cleanup of Cora, who still lives
END_OF_EXPECTED
    [ $# -eq 0 ] || echo "$1"
    echo 'status 3'
}

need_library
makes_alike gcc || skip_all 'Nim makes programs for another machine'
has_nim || skip_all 'needs Nim with --mm:boehm (on Debian and its kin: nim)'
last='   now Nim may end, and nothing is left to do'
echo 1..6
passes 'the example compiles' compile harbour
expected "$last" > "$dir/expected"
passes 'it says what it must' says harbour
passes 'also where references are held by links' \
    says_with GCWEAK_REFS=links harbour
expected > "$dir/expected"
passes 'what runs at exit is called by gcweak' says harbour quit
expected "$last" > "$dir/expected"
passes 'it compiles as a release, with threads' \
    compile release -d:release --threads:on
passes 'and says the same' says release
