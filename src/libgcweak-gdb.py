"""What gdb knows of gcweak: how to print its records, and commands that list
what is registered.

gdb loads this by itself with the library, if it was installed where gdb
looks; `source libgcweak-gdb.py` does it by hand.  It reads the library's own
records, so it needs the library's debugging symbols, of the same version.

    print *ref, *method, *cleanup, *listener, *handler, *map, *ephemeron,
          *guardian
    gcw-handlers      the handlers of all exit registries
    gcw-listeners     the listeners of all events and hubs
    gcw-cleanups      the cleanups that have still to run
    gcw-maps          the weak maps and intern tables
    gcw-entries MAP   the entries of one of them
    gcw-guardians     the guardians

The commands hold no lock and run nothing in the program, so they work in a
core file; a thread that was stopped in the middle of a change may have left
it half done.
"""

import gdb
import gdb.printing

# --- Reading ------------------------------------------------------------------


def number(value):
    """A pointer or an integer, atomic or not, as a number."""
    return int(value.cast(gdb.lookup_type("unsigned long")))


def hidden(value, name):
    """What a pointer with turned bits leads to."""
    word = gdb.lookup_type("unsigned long")
    address = gdb.Value(~number(value) & ((1 << word.sizeof * 8) - 1))
    return address.cast(word).cast(gdb.lookup_type(name).pointer())


def pointer(value, name):
    return value.cast(gdb.lookup_type(name).pointer())


def target_of(ref):
    """What a `gcw_ref *` leads to; 0: it is dead."""
    return number(ref["target"])


def symbol(file, name):
    """A static variable of one of the library's files."""
    return gdb.parse_and_eval("'%s'::%s" % (file, name))


def text(value):
    return '"%s"' % value.string() if number(value) != 0 else "without a name"


def code(value):
    """A function's name, if it has one."""
    address = number(value)
    block = gdb.block_for_pc(address)
    if block is not None and block.function is not None:
        return str(block.function)
    found = gdb.execute("info symbol %d" % address, to_string=True)
    if not found.startswith("No symbol"):
        return found.split(" in section")[0]
    return hex(address)


def target(ref):
    address = target_of(ref)
    return hex(address) if address != 0 else "a dead object"


# --- One record ---------------------------------------------------------------


def show_ref(ref):
    kind = "long reference" if number(ref["id"]) & 1 else "reference"
    return "%s to %s" % (kind, target(ref))


def show_method(method):
    weak = number(method["data"]) == number(
        gdb.parse_and_eval("&gcw__data_is_weak"))
    data = method["data"]
    return "method %s of %s, %s" % (
        code(method["fn"]), target(method["self"]),
        "weak data " + target(method["weak_data"][0]) if weak
        else "data " + hex(number(data)))


# In the order of enum gcw__cleanup_state.
CLEANUP_STATES = ["armed", "done", "detached", "done"]


def show_cleanup(cleanup):
    state = CLEANUP_STATES[number(cleanup["state"])]
    on = cleanup["watch"]["ref"]
    if state == "armed" and target_of(on) == 0:
        state = "pending"
    return "cleanup %s on %s, data %s, %s" % (
        code(cleanup["fn"]), target(on), hex(number(cleanup["data"])), state)


def slot_of(listener):
    """Where it stands in its list; only if it is not gone."""
    found = hidden(listener["list"], "struct gcw__listeners")
    array = pointer(gdb.Value(number(found["array"])), "struct gcw__array")
    return array["slots"][number(listener["at"])]


def show_listener(listener):
    state = number(listener["state"])
    if state & int(gdb.parse_and_eval("(int)GCW__IS_GONE")):
        return "listener, gone"
    words = []
    if state & int(gdb.parse_and_eval("(int)GCW__IS_BLOCKED")):
        words.append("blocked")
    if state & int(gdb.parse_and_eval("(int)GCW__IS_ONCE")):
        words.append("once")
    ref = listener["on"]["watch"]["ref"]
    whose = " of " + target(ref) if number(ref) != 0 else ""
    return "listener %s%s, %s" % (code(slot_of(listener)["code"]), whose,
                                  ", ".join(words) or "connected")


# In the order of enum gcw__exit_state.
HANDLER_STATES = ["waiting", "running", "gone"]


def show_handler(handler):
    state = HANDLER_STATES[number(handler["state"])]
    called = handler["call"]
    extra = handler["more"]["extra"] if number(handler["has_extra"]) else None
    name = ""
    if extra is not None and number(extra["name"]) != 0:
        name = " " + text(extra["name"])
    if extra is not None and number(extra["level"]) != 0:
        name += " of level %d" % int(extra["level"]["level"])
    if number(handler["kind"]) == int(gdb.parse_and_eval("(int)GCW__METHOD")):
        method = called["method"]
        return "exit handler%s %s of %s, %s" % (
            name, code(method["fn"]), target(method["self"]), state)
    return "exit handler%s %s, %s" % (name, code(called["function"]), state)


SORTS = {
    "GCW__KEYS": " with weak keys",
    "GCW__VALUES": " with weak values",
    "GCW__BOTH": " with weak keys and values",
    "GCW__STRONG": " with weak keys and strong values",
}


def table_of(weak_map):
    return pointer(gdb.Value(number(weak_map["table"])),
                   "struct gcw__map_table")


def capacity_of(table):
    return 1 << (number(table["head"]["shape"]) >> 3 & 63)


def entries_of(weak_map):
    """Pairs of a key and a value, as numbers."""
    table = table_of(weak_map)
    for at in range(capacity_of(table)):
        entry = table["entries"][at]
        key, value = number(entry["key"]), number(entry["value"])
        if key != 0 and value != 0:
            yield key, value


def show_map(weak_map):
    """A map, or what else is one inside."""
    return "%s%s, %d entries in %d slots" % (
        weak_map["container"]["ops"]["kind"].string(),
        SORTS.get(str(weak_map["sort"]), ""),
        sum(1 for _ in entries_of(weak_map)), capacity_of(table_of(weak_map)))


def show_ephemeron(ephemeron):
    entry = ephemeron["table"]["entry"]
    if number(entry["value"]) == 0:
        return "ephemeron of a dead object"
    return "ephemeron of %s, value %s" % (hex(number(entry["key"])),
                                          hex(number(entry["value"])))


def show_guardian(guardian):
    ready = number(guardian["fallen"]) != 0 or number(guardian["ready"]) != 0
    return "guardian of %d objects, %s" % (
        number(guardian["used"]),
        "some to be handed out" if ready else "none to be handed out")


class Printer:
    """What gdb wants of who prints a value."""

    show = None

    def __init__(self, value):
        self.value = value

    def to_string(self):
        return type(self).show(self.value)

    def children(self):
        return iter(())


def printers():
    collection = gdb.printing.RegexpCollectionPrettyPrinter("gcweak")
    for name, show in (("gcw_ref", show_ref), ("gcw_method", show_method),
                       ("gcw_cleanup", show_cleanup),
                       ("gcw_listener", show_listener),
                       ("gcw_exit_handler", show_handler),
                       ("gcw_map", show_map),
                       ("gcw_ephemeron", show_ephemeron),
                       ("gcw_guardian", show_guardian)):
        printer = type(name, (Printer,), {"show": staticmethod(show)})
        collection.add_printer(name, "^%s$" % name, printer)
    return collection


# --- All of them --------------------------------------------------------------


def roots():
    return gdb.parse_and_eval("gcw__roots")


def containers(is_wanted):
    """The objects of all containers of a kind, as addresses."""
    container = roots()["containers"]
    while number(container) != 0:
        if is_wanted(container["ops"]):
            found = number(container["staying"])
            if found == 0:
                found = target_of(container["watch"]["ref"])
            if found != 0:
                yield gdb.Value(found)
        container = container["next"]


def of_kind(kind):
    return containers(lambda ops: ops["kind"].string() == kind)


def maps():
    """Of weak maps, and of what else is one inside."""
    see = number(gdb.parse_and_eval("&gcw__map_see"))
    return containers(lambda ops: number(ops["see"]) == see)


def say(line):
    gdb.write(line + "\n")


def say_entry(entry, show):
    say("  %#x  %s" % (number(entry), show(entry.dereference())))


def orders(registry):
    """The orders of a registry, the highest level first."""
    count, below = number(registry["levels_count"]), number(
        registry["levels_below"])
    for at in range(count - 1, below - 1, -1):
        yield registry["levels"][at]["order"]
    yield registry["order"]
    for at in range(below - 1, -1, -1):
        yield registry["levels"][at]["order"]


def list_slot(slot, at):
    kind = number(slot["kind"])
    if kind == int(gdb.parse_and_eval("(int)GCW__HANDLE")):
        handler = slot["call"]["handle"]
        if number(handler["slot"]) == at + 1:
            say_entry(handler, show_handler)
    elif kind != 0:
        say("  number %d  exit handler %s, waiting" % (
            number(slot["number"]), code(slot["call"]["function"])))


def list_handlers(registry):
    say("exit registry %#x %s" % (number(registry), text(registry["name"])))
    for order in orders(registry):
        end, top = number(order["end"]), number(order["top"])
        numbers = list(range(number(order["capacity"]) - 1, top - 1, -1))
        numbers += range(end - 1, -1, -1)
        for at in numbers:
            list_slot(order["slots"][at], at)


def list_listeners(listeners):
    array = pointer(gdb.Value(number(listeners["array"])),
                    "struct gcw__array")
    if number(array) == 0:
        return
    slots = number(array["range"])
    gone = int(gdb.parse_and_eval("(int)GCW__IS_GONE"))
    for at in range(slots >> 32, slots & 0xffffffff):
        listener = array["slots"][at]["listener"]
        if not number(listener["state"]) & gone:
            say_entry(listener, show_listener)


def patterns(hub):
    table = pointer(gdb.Value(number(hub["patterns"]["table"])),
                    "struct gcw__map_array")
    removed = number(gdb.parse_and_eval("&gcw__map_removed"))
    if number(table) == 0:
        return
    for at in range(number(table["mask"]) + 1):
        item = number(table["entries"][at]["item"])
        if item not in (0, removed):
            yield pointer(gdb.Value(item), "struct gcw__pattern")


def pattern_name(pattern):
    kind = "any type"
    if number(pattern["type"]) != 0:
        name = pattern["type"]["name"].address
        kind = "type " + text(pointer(name, "char"))
    source = "any source"
    if number(pattern["source"]) != 0:
        on = pattern["source"]["on"]["watch"]["ref"]
        source = "source " + target(on)
    return kind + ", " + source


class Command(gdb.Command):
    def __init__(self, name):
        super().__init__(name, gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if number(roots()) == 0:
            say("gcweak was not started yet")
        else:
            self.list(argument)


class Handlers(Command):
    """List the handlers of all exit registries of gcweak."""

    def list(self, _):
        for registry in of_kind("exit registry"):
            list_handlers(pointer(registry, "struct gcw_exit_registry"))


class Listeners(Command):
    """List the listeners of all events and hubs of gcweak."""

    def list(self, _):
        for address in of_kind("event"):
            event = pointer(address, "struct gcw_event")
            say("event %#x %s" % (number(event), text(event["name"])))
            list_listeners(event["list"])
        for address in of_kind("hub"):
            hub = pointer(address, "struct gcw_hub")
            for pattern in patterns(hub):
                say("hub %#x, %s" % (number(hub), pattern_name(pattern)))
                list_listeners(pattern["list"])


class Maps(Command):
    """List the weak maps of gcweak, and its intern tables."""

    def list(self, _):
        for address in maps():
            say_entry(pointer(address, "struct gcw_map"), show_map)


class Guardians(Command):
    """List the guardians of gcweak."""

    def list(self, _):
        for address in of_kind("guardian"):
            say_entry(pointer(address, "struct gcw_guardian"), show_guardian)


class Entries(Command):
    """List the entries of a weak map of gcweak: gcw-entries MAP."""

    def list(self, argument):
        if argument == "":
            raise gdb.GdbError("gcw-entries MAP: which map?")
        weak_map = pointer(gdb.parse_and_eval(argument), "struct gcw_map")
        for key, value in entries_of(weak_map.dereference()):
            say("  %#x -> %#x" % (key, value))


class Cleanups(Command):
    """List the cleanups of gcweak that have still to run."""

    def list(self, _):
        order = symbol("cleanup-order.c", "order")
        for at in range(number(order["end"]) - 1, -1, -1):
            if number(order["slots"][at]) == 0:
                continue
            cleanup = hidden(order["slots"][at], "struct gcw_cleanup")
            if number(cleanup["state"]) == 0:
                say_entry(cleanup, show_cleanup)


gdb.printing.register_pretty_printer(gdb.current_objfile(), printers(),
                                     replace=True)
Handlers("gcw-handlers")
Listeners("gcw-listeners")
Cleanups("gcw-cleanups")
Maps("gcw-maps")
Entries("gcw-entries")
Guardians("gcw-guardians")
