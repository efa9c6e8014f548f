#!/bin/sh
# gdb.t: gdb loads the script for gcweak by itself, prints the records of the
# library with it, and lists what is registered; and it says what is missing.

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
void ring_it(void *self) { (void)self; }
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
gcw_set *set;
gcw_method_set *methods;
gcw_event *event;
gcw_hub *hub;
gcw_exit_registry *registry;
gcw_proxy *proxy;
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
    set = gcw_set_new();
    gcw_set_add(set, thing);
    gcw_set_add(set, e);
    methods = gcw_method_set_new();
    gcw_method_set_add(methods, method);
    event = e;
    hub = h;
    gcw_hub_post(h, "opened", thing, NULL);
    registry = gcw_exit_default();
    proxy = gcw_proxy_new(thing, (gcw_proxy_fn *)ring_it, ")v");
    stop_here();
    gcw_drain(0);
    GC_reachable_here(e);
    GC_reachable_here(h);
    GC_reachable_here(other);
    return 0;
}
END
build_program || exit 99

# Where gdb looks for what belongs to the library of this tree.
mkdir -p "$dir/auto-load${library%/*}"
cp "$srcdir/src/libgcweak-gdb.py" "$dir/auto-load$library-gdb.py"

# Some collectors find out by a signal where their memory ends: bdwgc 8.0.6.
cat > "$dir/commands" <<'END'
set debuginfod enabled off
set confirm off
handle SIGSEGV nostop noprint pass
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
print *event
print *hub
print *registry
print *set
print *methods
print *intern
print *proxy
gcw-handlers
gcw-listeners
gcw-cleanups
gcw-maps
gcw-entries map
gcw-guardians
printf "--- gcweak\n"
gcweak
printf "--- events\n"
gcweak events
printf "--- hubs\n"
gcweak hubs
printf "--- exit\n"
gcweak exit
printf "--- cleanups\n"
gcweak cleanups
printf "--- maps\n"
gcweak maps
printf "--- sets\n"
gcweak sets
printf "--- interned\n"
gcweak interned
printf "--- entries\n"
gcweak entries map
printf "--- guardians\n"
gcweak guardians
printf "--- proxies\n"
gcweak proxies
printf "--- end\n"
break close_it
continue
printf "inside\n"
print *pending
gcw-cleanups
gcw-entries
END
cat > "$dir/wrong" <<'END'
gcweak entries
END
cat > "$dir/other" <<'END'
gcweak cats
END
gdb -nx -batch -iex "set auto-load scripts-directory $dir/auto-load" \
    -iex "set auto-load safe-path $dir/auto-load" \
    -x "$dir/commands" "$dir/program" > "$dir/out" 2>&1
for file in wrong other
do
    gdb -nx -batch -ex "source $srcdir/src/libgcweak-gdb.py" \
        -x "$dir/$file" >> "$dir/out" 2>&1
done

# As it is installed in a prefix of one's own: the script lies beside the
# library, which has no debug symbols.
mkdir "$dir/installed"
installed=$dir/installed/${library##*/}
objcopy --strip-debug "$library" "$installed" 2> /dev/null ||
    strip --strip-debug -o "$installed" "$library"
ln -s "${library##*/}" "$dir/installed/libgcweak.so"
ln -s "${library##*/}" "$dir/installed/libgcweak.so.0"
cp "$srcdir/src/libgcweak-gdb.py" "$installed-gdb.py"
$CC $CFLAGS -g $LDFLAGS "$dir/program.o" -o "$dir/other-program" \
    -L"$dir/installed" -lgcweak -Wl,-rpath,"$dir/installed" $GC_LIBS || exit 99
cat > "$dir/stripped" <<'END'
set debuginfod enabled off
set confirm off
handle SIGSEGV nostop noprint pass
break stop_here
run
gcweak
gcweak events
gcw-handlers
print *ref
END
gdb -nx -batch -x "$dir/stripped" "$dir/other-program" > "$dir/untrusted" 2>&1
gdb -nx -batch -iex "add-auto-load-safe-path $installed-gdb.py" \
    -x "$dir/stripped" "$dir/other-program" > "$dir/trusted" 2>&1
gdb -nx -batch -x "$dir/stripped" \
    -ex "source $installed-gdb.py" -ex 'gcweak hubs' "$dir/other-program" \
    > "$dir/sourced" 2>&1
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

# lists WHAT COMMAND PATTERN: the same, of what `gcweak COMMAND` says.
lists()
{
    number=$((number + 1))
    sed -n "/^--- $2\$/,/^--- /p" "$dir/out" > "$dir/listed"
    if grep -Eq -e "$3" "$dir/listed"; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        sed 's/^/# /' "$dir/listed"
    fi
}

# tells WHAT FILE COUNT PATTERN: so many lines of what gdb said there match.
tells()
{
    number=$((number + 1))
    if [ "$(grep -Ec -e "$4" "$dir/$2")" = "$3" ]; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        sed 's/^/# /' "$dir/$2"
    fi
}

echo 1..56
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
says 'an event' '^.[0-9]+ = event "pressed", 2 listeners$'
says 'a hub' '^.[0-9]+ = hub, 1 listener of 1 pattern, 1 posted$'
says 'an exit registry' \
    '^.[0-9]+ = exit registry without a name, [0-9]+ handlers$'
says 'a set' '^.[0-9]+ = set, 2 entries in 16 slots$'
says 'a set of methods' '^.[0-9]+ = method set.*, 1 entries in 16 slots$'
says 'an intern table' '^.[0-9]+ = intern table, 0 entries in 16 slots$'
lists 'gcweak counts the events' gcweak '^ +1  event$'
lists 'and the sets' gcweak '^ +2  set$'
lists 'and says how to go on' gcweak '^help gcweak '
lists 'events are listed' events '^event 0x[0-9a-f]+ "pressed"$'
lists 'with their listeners alone' events "^  0x[0-9a-f]+  listener turn_it of"
lists 'hubs are listed' hubs '^hub 0x[0-9a-f]+, 1 posted$'
lists 'with their listeners alone, too' hubs \
    '^  0x[0-9a-f]+  listener hear_of_hub'
lists 'exit registries are listed' 'exit' '^exit registry 0x.* without a name$'
lists 'cleanups are listed' cleanups "^  0x[0-9a-f]+  cleanup close_it on $thing"
lists 'maps are listed' maps "^  $map  map with weak keys, 1 entries"
lists 'sets are listed' sets '^  0x[0-9a-f]+  set, 2 entries'
lists 'interned objects are listed' interned '^  0x[0-9a-f]+  intern table, 0'
lists 'entries are listed' entries "^  $thing -> 0x[0-9a-f]+\$"
lists 'guardians are, too' guardians '^  0x[0-9a-f]+  guardian of 1 objects'
if [ "${HAVE_LIBFFI-yes}" = yes ]; then
    says 'a proxy' "^.[0-9]+ = proxy ring_it of $thing, called at 0x"
    lists 'proxies are listed' proxies "^  0x[0-9a-f]+  proxy ring_it of $thing"
else
    number=$((number + 2))
    echo "ok $((number - 1)) # SKIP built without libffi"
    echo "ok $number # SKIP built without libffi"
fi
says 'what is not asked for is asked back' 'gcweak entries MAP: which map'
says 'what it does not know it says' 'gcweak knows no cats'
tells 'beside the library gdb finds it, and says how to trust it' untrusted 1 \
    '^	add-auto-load-safe-path .*-gdb.py$'
tells 'without debug symbols it says what to install' trusted 4 \
    'debug symbols are missing; install them.*libgcweak0-dbgsym'
tells 'also when it is sourced' sourced 1 'debug symbols are missing'
