#!/bin/sh
# configure.t: what configure refuses it refuses in words.
#
# It is run with what it has found out for this build, but for the answer that is
# to be refused.

: "${srcdir:=.}" "${builddir:=.}"
. "$srcdir/t/tap.sh"

configure=$(cd "$srcdir" && pwd)/configure
config_log=$(cd "$builddir" && pwd)/config.log
[ ! -e "$srcdir/config.status" ] ||
    skip_all 'the sources are configured, so nothing else can be'

# known ANSWER: the answers of this build with that one in place of its own;
# without the flags, which must be the same as those of the run.
known()
{
    sed -n '/^## Cache variables/,/^## Output variables/p' "$config_log" |
        grep '^[a-z_]*_cv_' | grep -v '^ac_cv_env_'
    echo "$1"
}

# refuses ANSWER WORDS: whether configure ends with the words where that is so.
refuses()
{
    known "$1" > "$dir/cache"
    mkdir -p "$dir/configured"
    (cd "$dir/configured" &&
        ! "$configure" --quiet --disable-tests --without-guile --without-ecl \
            --disable-dependency-tracking --cache-file=../cache \
            > ../said 2>&1) &&
        cat "$dir/said" && grep -qF -e "$2" "$dir/said"
}

echo 1..4
passes 'a collector without threads is refused' \
    refuses ac_cv_func_GC_register_my_thread=no 'was built without threads'
passes 'a collector without finalizers is refused' \
    refuses ac_cv_func_GC_general_register_disappearing_link=no \
    'was built without finalizers and weak links (with GC_NO_FINALIZATION'
passes 'a collector without long links is refused' \
    refuses ac_cv_func_GC_register_long_link=no \
    'was built without long links (with GC_LONG_REFS_NOT_NEEDED defined)'
passes 'a collector without toggle references is refused' \
    refuses ac_cv_func_GC_get_toggleref_func=no \
    'was built without toggle references (with GC_TOGGLE_REFS_NOT_NEEDED'
