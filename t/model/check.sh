#!/bin/sh
# check.sh: checks the models with spin; make check-model.
#
# check.sh MODELS SCRATCH [few]: the models' directory, and one to work in, which
# need not be there; few: without the checks that take longest, and with a third
# of the models that are broken on purpose.  Prints TAP.
#
# Two kinds of checks: `holds` looks at all states that there are and must find
# nothing wrong; `refutes` breaks the model on purpose and must find the error that
# comes of it.  How an error comes about, shows
#     cd SCRATCH/NUMBER && spin -t -p $(cat flags) NAME.pml
#
# Status 77 if spin or a C compiler is missing, 1 if a check fails.
set -u
models=$(cd "$1" && pwd) || exit 99
scratch=$2
few=${3-}
cc=${CC:-cc}
LC_ALL=C
export LC_ALL
number=0
broken=0
failed=0

for tool in spin "${cc%% *}"; do
    command -v "$tool" > /dev/null 2>&1 || {
        echo "1..0 # SKIP $tool is missing"
        exit 77
    }
done

# search C-FLAGS LOGARITHM MODEL [-DMACRO...]: with a hash table for about so many
# states; what pan says goes to $dir/out.
search() {
    cflags=$1
    size=$2
    name=$3
    shift 3
    number=$((number + 1))
    dir=$scratch/$number
    rm -rf "$dir"
    mkdir -p "$dir" && cp "$models/$name.pml" "$dir" || exit 99
    echo "$@" > "$dir/flags"
    # One that ends the process leaves the others where they are: -E.  So
    # these look themselves for those who wait for ever.
    case $name in
    exit | level | deadline | signal) options=-E ;;
    *) options= ;;
    esac
    # What these two do goes on for ever: a search by depth would be too deep.
    case $name in
    ephemeron | read) cflags="$cflags -DBFS -DMEMLIM=2000" ;;
    *) cflags="$cflags -DMEMLIM=1024" ;;
    esac
    # The code that spin generates is not ours to mend: no warnings.
    # shellcheck disable=SC2086
    (cd "$dir" && spin -P"$cc -E -x c" -a "$@" "$name.pml" &&
        $cc -w $cflags -DSAFETY -DCOLLAPSE -o pan pan.c &&
        ./pan $options -m1000000 -w$size) > "$dir/out" 2>&1
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$dir/out")
    depth=$(sed -n 's/.*depth reached \([0-9]*\),.*/\1/p' "$dir/out")
    errors=$(sed -n 's/.*, errors: \([0-9]*\)$/\1/p' "$dir/out")
    what=$(sed -n 's/^pan:1: \(.*\) (at depth \([0-9]*\))$/\1, in step \2/p' \
        "$dir/out")
}

not_ok() {
    failed=$((failed + 1))
    echo "not ok $number - $1"
    grep -v '^Depth=' "$dir/out" | head -n 20 | sed 's/^/# /'
}

# holds MODEL [-DMACRO...]
holds() {
    # These have many small searches: compiling each is what takes the time.
    case $1 in
    read | level | deadline | signal) search -O1 24 "$@" ;;
    *) search -O2 24 "$@" ;;
    esac
    if [ "${errors:-1}" = 0 ] &&
        ! grep -q 'Search not completed\|max search depth' "$dir/out"; then
        echo "ok $number - $* holds: $states states, depth $depth"
    else
        not_ok "$* holds"
    fi
}

# The same, for one that takes six seconds or more.
holds_long() {
    test -n "$few" || holds "$@"
}

# refutes MODEL -DMACRO...: what is found must be said by an assertion; a wrong
# index or the like is an error of the model.
refutes() {
    broken=$((broken + 1))
    test -z "$few" || test $((broken % 3)) -eq 0 || return 0
    search -O0 20 "$@"
    case ${errors:-0}:$what in
    1:'assertion violated'*index*) not_ok "$* is refuted" ;;
    1:'assertion violated'*) echo "ok $number - $* is refuted: $what" ;;
    *) not_ok "$* is refuted" ;;
    esac
}

holds read -DREADERS=2 -DSLOTS=1
holds_long read -DREADERS=1 -DDISPOSE
holds_long read -DREADERS=2 -DSLOTS=1 -DLINKS
holds_long read -DREADERS=1 -DLINKS -DDISPOSE
holds read -DREADERS=2 -DSLOTS=1 -DREFS=1 -DLINKS -DBATCH
holds_long read -DREADERS=1 -DMIXED
holds_long read -DREADERS=1 -DSLOTS=1 -DTHIEF
holds read -DREADERS=1 -DSLOTS=1 -DREFS=1 -DTHIEF -DBATCH
holds_long read -DREADERS=1 -DSLOTS=1 -DREFS=1 -DTHIEF -DINCREMENTAL
holds read -DREADERS=0 -DSLOTS=1 -DTHIEF -DINCREMENTAL
holds read -DREADERS=0 -DSLOTS=1 -DTHIEF -DADDRESSES=2
holds read -DREADERS=0 -DSLOTS=1 -DTHIEF -DMIXED
holds_long read -DREADERS=0 -DTHIEF
holds_long read -DREADERS=0 -DSLOTS=1 -DTHIEF -DDISPOSE
for order in 1 2 3 4 5; do
    refutes read -DSLOTS=1 -DLINKS -DORDER=$order
done
for order in 1 2 3; do
    refutes read -DSLOTS=1 -DTHIEF -DORDER=$order
done
refutes read -DSLOTS=1 -DLINKS -DBATCH -DORDER=3
refutes read -DSLOTS=1 -DLINKS -DBATCH -DORDER=4
refutes read -DSLOTS=1 -DLINKS -DSETTLE_AT_END
refutes read -DMIXED -DSETTLE_AT_END
for wrong in PASS_LATE PASS_GIVEN_UP NOT_HELD BIT_FIRST; do
    refutes read -DSLOTS=1 -D$wrong
done
for wrong in NO_CATCH_UP SETTLE_FIRST SETTLE_UNHEARD UNLOCKED STALE_PHASE STALE_STOP \
    STALE_ARMED NO_FALLBACK NO_LEFT NO_DROP WORLD_RUNS OWNER_FIRST MAKES_BEHIND \
    FINDS_BEHIND; do
    refutes read -DSLOTS=1 -DTHIEF -D$wrong
done
for wrong in NOT_WRITTEN WRITTEN_EARLY; do
    refutes read -DREADERS=0 -DSLOTS=1 -DTHIEF -DINCREMENTAL -D$wrong
done
for wrong in BITS_STORED LISTED_LATE SWEPT_LATE; do
    refutes read -DREADERS=0 -D$wrong
done
refutes read -DREADERS=0 -DSLOTS=1 -DDISPOSE -DBIT_FIRST
for wrong in LOADED_RELAXED STORED_RELAXED LOADS_LATE LOADS_EARLY; do
    refutes read -DSLOTS=1 -DLINKS -D$wrong
done
refutes read -DSLOTS=1 -DLOADS_EARLY
refutes read -DREADERS=0 -DSTORES_LATE
refutes read -DREADERS=0 -DSLOTS=1 -DDISPOSE -DSTORES_LATE
refutes read -DREADERS=0 -DSLOTS=1 -DTHIEF -DDISPOSE -DWORLD_RUNS

# As many threads as there are calls in the C library's list to begin with lose
# nothing; one more may.
holds_long exit -DTHREADS=3 -DCALLS=3 -DNO_EXCUSE -DOPERATIONS=4
holds exit -DTHREADS=3 -DCALLS=2 -DOPERATIONS=3
refutes exit -DTHREADS=3 -DCALLS=2 -DNO_EXCUSE -DOPERATIONS=3
refutes exit -DTHREADS=2 -DCALLS=2 -DNOT_AGAIN -DOPERATIONS=3
holds_long exit -DTHREADS=3 -DOPERATIONS=3 -DENDS -DKEEP
holds_long exit -DTHREADS=3 -DOPERATIONS=4 -DENDS -DCANCELS=1 -DPRESENT=1 -DHANDLERS=2
holds_long exit -DTHREADS=3 -DOPERATIONS=3 -DENDS -DPLUGIN
holds_long exit -DTHREADS=2 -DOPERATIONS=3 -DPLUGIN -DKEEP
holds_long exit -DTHREADS=3 -DOPERATIONS=3 -DENDS -DQUICK
holds_long exit -DTHREADS=2 -DOPERATIONS=3 -DLEVELS=2 -DKEEP
holds exit -DTHREADS=2 -DOPERATIONS=2 -DLEVELS=2 -DPLUGIN -DKEEP
refutes exit -DOPERATIONS=3 -DLEVELS=2 -DNOT_RAISED
refutes exit -DOPERATIONS=3 -DLEVELS=2 -DONE_ORDER
refutes exit -DTHREADS=2 -DOPERATIONS=3 -DLEVELS=2 -DKEEP -DASIDE_ALONE
refutes exit -DOFF_AFTER
refutes exit -DUNLOCKED_TAKE
refutes exit -DOPERATIONS=3 -DTAKES_LATE -DUNLOCKED_CLOSE
refutes exit -DNOT_NESTED
refutes exit -DNO_DEPTH
refutes exit -DNO_WAKE
refutes exit -DLEADS_AT_ONCE
refutes exit -DRUNS_BESIDE
refutes exit -DALL_LEAD
refutes exit -DOPERATIONS=3 -DENDS -DNO_RESIGN
refutes exit -DOPERATIONS=3 -DENDS -DRESIGN_SILENT
refutes exit -DOPERATIONS=3 -DENDS -DTURN_KEPT
refutes exit -DTHREADS=2 -DOPERATIONS=2 -DCANCELS=1 -DLOCK_KEPT
refutes exit -DOPERATIONS=3 -DPLUGIN -DLOOKED_ONCE
refutes exit -DOPERATIONS=3 -DPLUGIN -DKEEP -DBACK_FORGOTTEN
refutes exit -DTHREADS=1 -DOPERATIONS=2 -DPLUGIN -DNOT_FRESH
refutes exit -DOPERATIONS=3 -DQUICK -DEXIT_IN_QUICK

holds level -DOPERATIONS=5
holds level -DOPERATIONS=5 -DSTRANGERS=1
holds_long level -DTHREADS=3
holds level -DSTARTED -DHANDLERS=4
for wrong in DOWNWARDS UNLOCKED_TAKE BY_AGE; do
    refutes level -DSTARTED -D$wrong
done
for wrong in DUE_ONCE MOVED_LATE MOVED_EARLY ASKED_EARLY TWICE KEEPS_MEMORY \
    COPIED; do
    refutes level -D$wrong
done

holds deadline -DOPERATIONS=3
holds_long deadline -DOPERATIONS=5 -DRUNNERS=1
holds_long deadline -DOPERATIONS=3 -DLIMIT=1 -DFORKS=1
holds deadline -DOPERATIONS=3 -DRUNNERS=1 -DFORKS=1 -DAROUND
for wrong in UNLOCKED_MARK WAKES_BLIND NEWEST_ONLY ENDS_UNLOCKED NO_SIGNAL \
    NOT_STARTED STARTED_TWICE RETURNS END_SKIPPED NOT_LEFT REPORT_WAITS; do
    refutes deadline -D$wrong
done
for wrong in MARK_KEPT WATCHER_KEPT LIMITS_KEPT; do
    refutes deadline -DFORKS=1 -D$wrong
done
refutes deadline -DAROUND -DRUNNERS=1 -DNOT_RENEWED

holds signal -DFD -DENDS
holds_long signal -DFD -DENDS -DLIMIT
holds signal -DFD -DFORKS -DLIMIT -DTHREADS=1
holds signal -DFORKS -DENDS
for wrong in LOOKED_ONLY RESTORES_ONLY TWO_WORDS NO_CAS SECOND_IGNORED \
    WAKES_FIRST EXITS_BESIDE; do
    refutes signal -D$wrong
done
refutes signal -DLIMIT -DLOOKED_ONLY
refutes signal -DENDS -DNOT_IN_EXIT
refutes signal -DFD -DNOT_CLAIMED
refutes signal -DFD -DLOOKS_EARLY
for wrong in NOT_ASKED BY_NUMBER NOTE_KEPT CHILD_KEEPS; do
    refutes signal -DFORKS -D$wrong
done

holds start -DSTARTERS=2
refutes start -DNO_PAGES
refutes start -DHALF_PREPARED
refutes start -DNOT_PREPARED
refutes start -DACTS_EARLY
refutes start -DNOT_RENEWED
refutes start -DRENEWED_BESIDE
refutes start -DEXIT_KEPT
refutes start -DPLACE_LOCKED
refutes start -DTWICE
refutes start -DHOOK_LATE
refutes start -DHOOK_CHAINED

# Emissions have to do with each other by GCW_ONCE only.
holds_long emit -DEMITTERS=1 -DOPERATIONS=3
holds_long emit -DEMITTERS=1 -DOPERATIONS=3 -DKIND1=FUNCTION -DKIND2=WEAK_METHOD
holds_long emit -DEMITTERS=1 -DOPERATIONS=3 -DKIND1=WEAK_METHOD -DKIND2=METHOD_ONCE
holds emit -DEMITTERS=2 -DOPERATIONS=1 -DKIND1=METHOD_ONCE
refutes emit -DEMITTERS=2 -DOPERATIONS=1 -DKIND1=METHOD_ONCE -DONCE_UNCLAIMED
refutes emit -DEMITTERS=1 -DNO_RETIRE
refutes emit -DEMITTERS=1 -DRETIRE_EARLY
refutes emit -DEMITTERS=1 -DNO_FETCH
refutes emit -DEMITTERS=1 -DNO_FETCH -DKIND1=WEAK_METHOD
refutes emit -DEMITTERS=1 -DSELF_FIRST
refutes emit -DEMITTERS=1 -DDATA_EARLY
refutes emit -DEMITTERS=1 -DSTATE_LATE -DKIND1=WEAK_METHOD
refutes emit -DEMITTERS=1 -DRANGE_EARLY
refutes emit -DEMITTERS=1 -DSLOT_REUSED
refutes emit -DEMITTERS=1 -DNOT_HELD
refutes emit -DEMITTERS=1 -DALIVE_EARLY

holds ephemeron -DREADERS=2 -DINCREMENTAL
holds ephemeron -DREADERS=1 -DINCREMENTAL -DGENERATIONS
holds_long ephemeron -DREADERS=0 -DWRITERS=1 -DINCREMENTAL -DGENERATIONS
holds_long ephemeron -DREADERS=1 -DWRITERS=1
holds_long ephemeron -DREADERS=1 -DMOVERS=1 -DINCREMENTAL
holds_long ephemeron -DREADERS=1 -DMOVERS=1 -DKILL
holds_long ephemeron -DREADERS=0 -DMOVERS=2 -DKILL
refutes ephemeron -DINCREMENTAL -DNO_CHECK
refutes ephemeron -DBY_VALUE -DCLEAR_LATE
refutes ephemeron -DINCREMENTAL -DMARKER_WRITES
refutes ephemeron -DNO_FALLBACK
refutes ephemeron -DNO_LEFT
refutes ephemeron -DALWAYS_STRONG
refutes ephemeron -DINCREMENTAL -DNO_DROP
refutes ephemeron -DREADERS=2 -DINCREMENTAL -DDROPS_LATE
refutes ephemeron -DINCREMENTAL -DNO_CATCH_UP
refutes ephemeron -DMOVERS=1 -DINCREMENTAL -DONE_DROP
refutes ephemeron -DINCREMENTAL -DARMED_FIRST
refutes ephemeron -DREADERS=0 -DMOVERS=1 -DKILL -DONE_KILL
refutes ephemeron -DREADERS=0 -DMOVERS=2 -DKILL -DTWO_KILLS
refutes ephemeron -DREADERS=0 -DMOVERS=1 -DKILL -DNO_LOOK
refutes ephemeron -DMOVERS=1 -DNO_LOOK -DVALUE_FIRST
refutes ephemeron -DREADERS=0 -DWRITERS=1 -DKILL -DSTORES
refutes ephemeron -DREADERS=0 -DWRITERS=2 -DLOOKS_UNLOCKED -DSTORES
refutes ephemeron -DWRITERS=1 -DINCREMENTAL -DUNCHECKED -DVALUES=1

echo "1..$number"
[ $failed = 0 ]
