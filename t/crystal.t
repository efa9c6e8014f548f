#!/bin/sh
# crystal.t: the example in Crystal compiles with its binding, and says what it
# must, whether Crystal steps through the end or gcweak calls it at exit; and
# the binding's structures and numbers are those of the headers.

: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}"
. "$srcdir/t/languages.sh"

example=$srcdir/examples/crystal
CRYSTAL_CACHE_DIR=$dir/cache
export CRYSTAL_CACHE_DIR

# compile NAME SOURCE
compile()
{
    crystal build --no-color -o "$dir/$1" "$2"
}

has_crystal()
{
    echo 'puts GC.stats' > "$dir/try.cr" && compile try "$dir/try.cr" \
        > "$dir/log" 2>&1
}

# --- Structures --------------------------------------------------------------

# C STRUCTURE, LAST FIELD; Crystal's.
structures='gcw_call owner Call owner
gcw_event_step reserved EventStep reserved
gcw_exit_info status ExitInfo status
gcw_exit_step reserved ExitStep reserved
gcw_bound data Bound data'

# The size of each, where its last field is, and the last of each enumeration.
in_c()
{
    cat << 'END_OF_HEAD'
#include <gcweak.h>
#include <stdio.h>
static void show(size_t a, size_t b) { printf("%zu %zu\n", a, b); }
int main(void) {
END_OF_HEAD
    echo "$structures" | while read -r type field _
    do
        echo "show(sizeof($type), offsetof($type, $field));"
    done
    echo 'show(GCW_CALL_PLAIN, GCW_FRONT); }'
}

in_crystal()
{
    echo 'require "./gcweak"'
    echo "$structures" | while read -r _ _ type field
    do
        echo "puts \"#{sizeof(LibGcw::$type)} \
#{offsetof(LibGcw::$type, @$field)}\""
    done
    echo "puts \"#{LibGcw::CallKind::Plain.value} \
#{LibGcw::ConnectFlags::Front.value}\""
}

# Flags are several words.
# shellcheck disable=SC2086
same_structures()
{
    cp "$example/gcweak.cr" "$dir" &&
        in_c > "$dir/sizes.c" && in_crystal > "$dir/sizes.cr" &&
        $CC ${CFLAGS-} -I"$include" ${GC_CFLAGS-} -o "$dir/sizes-c" \
            "$dir/sizes.c" -L"$libs" -lgcweak ${LDFLAGS-} ${GC_LIBS--lgc} &&
        compile sizes-crystal "$dir/sizes.cr" &&
        "$dir/sizes-c" > "$dir/expected" &&
        "$dir/sizes-crystal" > "$dir/said" &&
        [ -s "$dir/expected" ] && diff "$dir/expected" "$dir/said"
}

# --- The example -------------------------------------------------------------

expected()
{
    expected_first
    cat << 'END_OF_EXPECTED'
6. A listener waits in a fiber
   the pilot hears long
   the pilot hears short
   the tug hears short
   the pilot hears short
   the tug hears short
   a report: horn: the pilot has waited
   the tug hears long
   the pilot hears short
   the tug hears short
7. Fibers that are never resumed
   1000 emissions were given up, and the next goes on
8. A fiber drains
   nearly all of 1000 cleanups ran in it
9. The end
   a report: exit: the pier is closed
   Anna says farewell, with status 3
   the oldest handler
   a cleanup of Cora, who still lives
status 3
END_OF_EXPECTED
}

need_library
has_crystal || skip_all 'needs Crystal (on Debian and its kin: crystal)'
expected > "$dir/example"
echo 1..5
passes 'structures and numbers are those of the headers' same_structures
passes 'the example compiles' compile harbour "$example/harbour.cr"
cp "$dir/example" "$dir/expected"
passes 'it says what it must' says harbour
passes 'also where references are held by links' \
    says_with GCWEAK_REFS=links harbour
passes 'what runs at exit is called by gcweak' says harbour quit
