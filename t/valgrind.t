#!/bin/sh
# valgrind.t: of a program that does nothing wrong, valgrind says nothing, with
# the suppressions that are installed; of one that does, it says that.

# Variables of flags are split on purpose.
# shellcheck disable=SC2086
: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}"
. "$srcdir/t/tap.sh"

command -v valgrind > /dev/null || skip_all 'no valgrind here'
echo 'int main(void) { return 0; }' > "$dir/empty.c"
$CC "$dir/empty.c" -o "$dir/empty" || exit 99
valgrind --quiet "$dir/empty" > /dev/null 2>&1 ||
    skip_all 'valgrind does not run such programs here'
case " $CFLAGS " in
*-fsanitize*) skip_all 'valgrind does not work with sanitizers' ;;
esac

cat > "$dir/program.c" <<'END'
#define GC_THREADS
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <gc.h>
#include <gcweak.h>

enum { THINGS = 2000 };

struct thing { struct thing *other; int n; };

static int died, heard;

static void
count(void *data)
{
    ++*(int *)data;
}

static void
hear(void *arg, void *data)
{
    (void)arg;
    count(data);
}

static void
bye(void *data)
{
    (void)data;
    printf("%d\n", heard);
}

/* With a value that leads back to its key, as only the engine can free it. */
static void *
make_things(void *map)
{
    int i;

    for (i = 0; i < THINGS; i++) {
        struct thing *thing = GC_NEW(struct thing);
        struct thing *value = GC_NEW(struct thing);

        value->other = thing;
        gcw_map_put(map, thing, value);
        gcw_cleanup_new(thing, count, &died);
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    gcw_map *map;
    gcw_event *event;
    pthread_t thread;
    int *volatile wrong = malloc(sizeof *wrong);

    GC_INIT();
    map = gcw_map_new(GCW_WEAK_KEYS);
    event = gcw_event_new("rung");
    gcw_event_connect_fn(event, hear, &heard, 0);
    gcw_exit_register_fn(gcw_exit_default(), bye, NULL, NULL);
    pthread_create(&thread, NULL, make_things, map);
    pthread_join(thread, NULL);
    make_things(map);
    gcw_collect();
    gcw_event_emit(event, NULL);
    if (argc > 1 && *argv[1] == 'w' && *wrong != 7)
        puts("wrong");
    free(wrong);
    return died < THINGS;
}
END
build_program || exit 99

# watched ARGUMENT...: what valgrind says goes to $dir/findings.
watched()
{
    GC_MARKERS=1 valgrind --quiet --vgdb=no --fair-sched=yes \
        --suppressions="$srcdir/src/gcweak.supp" \
        --log-file="$dir/findings" "$dir/program" "$@"
    status=$?
    cat "$dir/findings"
    return $status
}

finds_nothing()
{
    watched right && [ ! -s "$dir/findings" ]
}

finds_what_is_wrong()
{
    watched wrong && grep 'depends on uninitialised value' "$dir/findings" &&
        ! grep -E 'libgc(weak)?\.so' "$dir/findings"
}

# That of clang 14, valgrind 3.19 cannot.
watched right > "$dir/log" 2>&1
grep -q 'debuginfo reader\|When reading debug info' "$dir/log" "$dir/findings" &&
    skip_all 'valgrind cannot read the debugging information of this compiler'

echo 1..2
passes 'of a program that does nothing wrong valgrind says nothing' \
    finds_nothing
passes 'of one that does it says what it is' finds_what_is_wrong
