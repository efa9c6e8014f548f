#!/bin/sh
# gdb.t: gdb loads the script for gcweak by itself, prints the records of the
# library with it, and lists what is registered.

# Variables of flags are split on purpose.
# shellcheck disable=SC2086
: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}"
. "$srcdir/t/tap.sh"

library=$(cd "$builddir/.libs" 2> /dev/null &&
    readlink -f libgcweak.so 2> /dev/null)
[ -e "$library" ] || skip_all 'no shared library was built'
command -v gdb > /dev/null || skip_all 'no gdb here'
readelf -S "$library" 2> /dev/null | grep -q debug_info ||
    skip_all 'the library has no debugging symbols'

gdb -nx -batch -ex run /bin/true 2>&1 | grep -q 'exited normally' ||
    skip_all 'gdb cannot run programs here'

cat > "$dir/program.c" <<'END'
#include <gc.h>
#include <gcweak.h>

struct thing { int n; };

void close_it(void *data) { (void)data; }
void hear_it(void *arg, void *data) { (void)arg, (void)data; }
void hear_of_hub(const gcw_emission *e, void *data) { (void)e, (void)data; }
void *turn_it(void *self, void *arg, void *data)
{ (void)self, (void)arg, (void)data; return NULL; }

gcw_ref *ref, *dead;
gcw_method *method;
gcw_cleanup *cleanup, *pending;
gcw_listener *listener, *blocked;
gcw_exit_handler *handler, *named;
gcw_map *map, *strong;
gcw_ephemeron *ephemeron, *gone;
gcw_guardian *guardian;
gcw_intern *intern;
struct thing *thing;

__attribute__((__noinline__)) static void
stop_here(void) { __asm__ volatile("" : : : "memory"); }

int main(void)
{
    struct thing *other, *third;
    gcw_event *e;
    gcw_hub *h;
    gcw_exit_options o = { .name = "the index" };

    GC_INIT();
    thing = GC_NEW(struct thing);
    other = GC_NEW(struct thing);
    third = GC_NEW(struct thing);
    e = gcw_event_new("pressed");
    h = gcw_hub_new();
    ref = gcw_ref_new(thing);
    dead = gcw_ref_new_long(other);
    method = gcw_method_new(thing, turn_it, e);
    cleanup = gcw_cleanup_new(thing, close_it, NULL);
    pending = gcw_cleanup_new(other, close_it, NULL);
    gone = gcw_ephemeron_new(other, thing);
    guardian = gcw_guardian_new();
    gcw_guardian_add(guardian, other, thing);
    gcw_dispose(other);
    gcw_cleanup_new(third, close_it, NULL);
    gcw_dispose(third);
    listener = gcw_event_connect(e, method, 0);
    blocked = gcw_event_connect_fn(e, hear_it, NULL, GCW_ONCE);
    gcw_listener_block(blocked);
    gcw_hub_connect_fn(h, "opened", thing, hear_of_hub, NULL, 0);
    handler = gcw_exit_register(gcw_exit_default(), method, NULL);
    named = gcw_exit_register_fn(gcw_exit_default(), close_it, NULL, &o);
    intern = gcw_intern_new();
    map = gcw_map_new(GCW_WEAK_KEYS);
    strong = gcw_map_new(GCW_STRONG_VALUES);
    gcw_map_put(map, thing, e);
    gcw_map_put(map, e, h);
    gcw_map_remove(map, e);
    ephemeron = gcw_ephemeron_new(thing, map);
    stop_here();
    gcw_drain(0);
    GC_reachable_here(e);
    GC_reachable_here(h);
    GC_reachable_here(other);
    return 0;
}
END
$CC $CFLAGS -g -I"$srcdir/include" $GC_CFLAGS -c "$dir/program.c" \
    -o "$dir/program.o" &&
    "$builddir/libtool" --silent --tag=CC --mode=link $CC $CFLAGS -g \
        $LDFLAGS -no-install "$dir/program.o" -o "$dir/program" \
        "$builddir/libgcweak.la" $GC_LIBS || exit 99

# Where gdb looks for what belongs to the library of this tree.
mkdir -p "$dir/auto-load${library%/*}"
cp "$srcdir/src/libgcweak-gdb.py" "$dir/auto-load$library-gdb.py"

cat > "$dir/commands" <<'END'
set debuginfod enabled off
set confirm off
break stop_here
run
printf "thing is %p\n", thing
print *ref
print *dead
print *method
print *cleanup
print *pending
print *listener
print *blocked
print *handler
print *named
print *map
print *strong
print *ephemeron
print *gone
print *guardian
printf "map is %p\n", map
gcw-handlers
gcw-listeners
gcw-cleanups
gcw-maps
gcw-entries map
gcw-guardians
break close_it
continue
printf "inside\n"
print *pending
gcw-cleanups
gcw-entries
END
gdb -nx -batch -iex "set auto-load scripts-directory $dir/auto-load" \
    -iex "set auto-load safe-path $dir/auto-load" \
    -x "$dir/commands" "$dir/program" > "$dir/out" 2>&1
thing=$(sed -n 's/^thing is //p' "$dir/out")
map=$(sed -n 's/^map is //p' "$dir/out")
sed '1,/^inside$/d' "$dir/out" > "$dir/inside"
echo "listed inside: $(grep -c '^  0x.*, armed$' "$dir/inside") armed and" \
    "$(grep -c '^  0x.* dead .*, ' "$dir/inside") pending" >> "$dir/out"

number=0
# says WHAT PATTERN: one test; a line of gdb's matches.
says()
{
    number=$((number + 1))
    if grep -Eq -e "$2" "$dir/out"; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        sed 's/^/# /' "$dir/out"
    fi
}

echo 1..29
says 'a reference' "^.[0-9]+ = reference to $thing\$"
says 'a dead long one' '^.[0-9]+ = long reference to a dead object$'
says 'a method' "^.[0-9]+ = method turn_it of $thing, data 0x"
says 'a cleanup' "^.[0-9]+ = cleanup close_it on $thing, data 0x0, armed\$"
says 'a pending one' '^.[0-9]+ = cleanup close_it on a dead .*, pending$'
says 'a listener' "^.[0-9]+ = listener turn_it of $thing, connected\$"
says 'a blocked one' '^.[0-9]+ = listener hear_it, blocked, once$'
says 'a handler' "^.[0-9]+ = exit handler turn_it of $thing, waiting\$"
says 'one with a name' \
    '^.[0-9]+ = exit handler "the index" close_it, waiting$'
says 'the registry is listed' '^exit registry 0x[0-9a-f]+ without a name$'
says 'with its handlers' '^  0x[0-9a-f]+  exit handler "the index" close_it'
says 'the event is listed' '^event 0x[0-9a-f]+ "pressed"$'
says 'with its listeners' "^  0x[0-9a-f]+  listener turn_it of $thing, conn"
says 'the hub is listed' \
    "^hub 0x[0-9a-f]+, type \"opened\", source $thing\$"
says 'with its listeners, too' '^  0x[0-9a-f]+  listener hear_of_hub, conn'
says 'the cleanups are listed' "^  0x[0-9a-f]+  cleanup close_it on $thing, "
says 'pending ones as well' '^  0x[0-9a-f]+  cleanup close_it on a dead obj'
says 'a map' '^.[0-9]+ = map with weak keys, 1 entries in 16 slots$'
says 'an empty one' '^.[0-9]+ = map with weak keys and strong .*, 0 entries in'
says 'an ephemeron' "^.[0-9]+ = ephemeron of $thing, value $map\$"
says 'a dead one' '^.[0-9]+ = ephemeron of a dead object$'
says 'the maps are listed' "^  $map  map with weak keys, 1 entries in 16 slots"
says 'and their entries' "^  $thing -> 0x[0-9a-f]+\$"
says 'but not without a map' 'gcw-entries MAP: which map'
says 'a guardian' '^.[0-9]+ = guardian of 1 objects, some to be handed out$'
says 'guardians are listed' '^  0x[0-9a-f]+  guardian of 1 objects, some to be'
says 'intern tables, too' '^  0x[0-9a-f]+  intern table, 0 entries in 16 slots'
says 'one that a drain runs is done' \
    '^.[0-9]+ = cleanup close_it on a dead .*, done$'
says 'only that is listed as pending' '^listed inside: 1 armed and 1 pending$'
