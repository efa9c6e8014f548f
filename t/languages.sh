# languages.sh: what the tests of bindings share.  To be sourced.
#
# Compilers find gcweak in the build directory, and put what they make and what
# they remember into $dir there.

# Some comes from who sources it.
# shellcheck shell=sh disable=SC2154

name=${0##*/}
dir=$(cd "$builddir" && pwd)/${name%.t}.dir
rm -rf "$dir"
mkdir -p "$dir/pc" || exit 99
. "$srcdir/t/tap.sh"

libs=$(cd "$builddir" && pwd)/.libs
include=$(cd "$srcdir" && pwd)/include
HOME=$dir
PKG_CONFIG_PATH=$dir/pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
LD_LIBRARY_PATH=$libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export HOME PKG_CONFIG_PATH LD_LIBRARY_PATH

# The gcweak.pc of the build speaks of where it will be installed.
sed "s|^libdir=.*|libdir=$libs|; s|^includedir=.*|includedir=$include|" \
    "$builddir/gcweak.pc" > "$dir/pc/gcweak.pc"

# What sanitizers put into the library, the program would have to have.
need_library()
{
    [ -e "$libs/libgcweak.so" ] || skip_all 'no shared library was built'
    case ${CFLAGS-} in
    *-fsanitize*) skip_all 'the library is built with a sanitizer' ;;
    esac
}

# says NAME ARGUMENT...: the program prints $dir/expected, its status included,
# and nothing else.
says()
{
    name=$1
    shift
    {
        "$dir/$name" "$@" 2>&1
        echo "status $?"
    } > "$dir/said"
    diff "$dir/expected" "$dir/said"
}

# says_with VARIABLE=VALUE NAME: the same in such an environment.
says_with()
{
    (
        export "${1?}"
        says "$2"
    )
}

# What the programs of both languages say first.
expected_first()
{
    cat << 'END_OF_EXPECTED'
1. Weak references
   Anna lives
   Bosco hears a call
   a dead method is not called
2. Events
   Anna hears noon
   Bosco hears noon
   Cora hears noon
   the keeper hears noon
3. An exception leaves a listener
   Reported, the rest hear:
   Anna hears fog
   a report: bell: Bosco sees nothing
   Cora hears fog
   the keeper hears fog
   Or caught outside of the emission, which is over then:
   Anna hears fog
   caught: Bosco sees nothing
   The next one is whole again:
   Anna hears noon
   Bosco hears noon
   Cora hears noon
   the keeper hears noon
4. 100000 ships, of which 100 are kept
   nearly all others have died, and have left the bell
   Anna hears evening
   Bosco hears evening
   Cora hears evening
   the keeper hears evening
   those that were kept have heard it
5. A cleanup fails
   a report: drain: the pumps are broken
   the next cleanup runs
   an exception is caught outside
END_OF_EXPECTED
}
