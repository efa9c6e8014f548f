"""What gdb knows of gcweak: how to print its records, and commands that list
what is registered.

gdb loads this by itself with the library, if it may: it lies where gdb looks,
beside the library, or in Debian's packages under /usr/share/gdb/auto-load.  Of
what lies elsewhere than there gdb must be told, once, that it is to be trusted;
it says with which line in its configuration.  By hand it is

    source /usr/local/lib/libgcweak.so.0.1.0-gdb.py

It reads the library's own records, so it needs the library's debug symbols, of
the same version (Debian: libgcweak0-dbgsym).

    print *ref, *method, *cleanup, *event, *hub, *listener, *registry,
          *handler, *map, *set, *intern, *ephemeron, *guardian, *proxy
    gcweak              what there is, counted
    gcweak events       the events, with their listeners
    gcweak hubs         the hubs, with their listeners
    gcweak exit         the exit registries, with their handlers
    gcweak cleanups     the cleanups that have still to run
    gcweak maps         the weak maps
    gcweak sets         the weak sets, of objects and of methods
    gcweak interned     the intern tables
    gcweak entries MAP  the entries of a map, a set or an intern table
    gcweak guardians    the guardians
    gcweak proxies      the proxies that were not freed

gcw-listeners, gcw-handlers, gcw-cleanups, gcw-maps, gcw-entries and
gcw-guardians are their names of old.  Who holds an object, the program can say:
call (int)gcw_explain(object, stderr).

The commands hold no lock and run nothing in the program, so they work in a
core file; a thread that was stopped in the middle of a change may have left
it half done.
"""

import gdb
import gdb.printing

# --- Reading ------------------------------------------------------------------

NO_SYMBOLS = ("gcweak: the library's debug symbols are missing; install them, "
              "of the same version (Debian: libgcweak0-dbgsym)")


def has_symbols():
    """Whether gdb knows the library's own records."""
    try:
        gdb.lookup_type("struct gcw__roots")
    except gdb.error:
        return False
    return True


def number(value):
    """A pointer or an integer, atomic or not, as a number."""
    return int(value.cast(gdb.lookup_type("unsigned long long")))


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


def given_name(address):
    """The name that gcw_name_function gave to a function, or None."""
    try:
        table = symbol("names.c", "given_names")
    except gdb.error:
        return None
    for at in range(number(table["capacity"])):
        entry = table["entries"][at]
        if number(entry["item"]) != 0 and number(
                hidden(entry["hidden"], "char")) == address:
            return pointer(entry["item"], "char").string()
    return None


def code(value):
    """A function's name, if it has one."""
    address = number(value)
    name = given_name(address)
    if name is not None:
        return name
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


def show_event(event):
    return "event %s, %s" % (text(event["name"]), counted(
        "listener", listeners_of(event["list"])))


def show_hub(hub):
    lists = list(patterns(hub))
    return "hub, %s of %s, %d posted" % (
        counted("listener", [each for pattern in lists
                             for each in listeners_of(pattern["list"])]),
        counted("pattern", lists), number(hub["posted"]))


def show_registry(registry):
    return "exit registry %s, %s" % (text(registry["name"]), counted(
        "handler", handlers_of(registry)))


def show_set(members):
    """A set, of objects or of methods, or an intern table."""
    return show_map(members["map"])


def show_proxy(proxy):
    if number(proxy["code"]) == 0:
        return "proxy, freed"
    function = number(proxy["fn"])
    return "proxy %s of %s, called at %s" % (
        code(proxy["fn"]) if function != 0 else "of unloaded code",
        target(proxy["self"]), hex(number(proxy["code"])))


class Printer:
    """What gdb wants of who prints a value."""

    show = None

    def __init__(self, value):
        self.value = value

    def to_string(self):
        if not has_symbols():
            return NO_SYMBOLS
        return type(self).show(self.value)

    def children(self):
        return iter(())


def printers():
    collection = gdb.printing.RegexpCollectionPrettyPrinter("gcweak")
    for name, show in (("gcw_ref", show_ref), ("gcw_method", show_method),
                       ("gcw_cleanup", show_cleanup),
                       ("gcw_listener", show_listener),
                       ("gcw_event", show_event),
                       ("gcw_hub", show_hub),
                       ("gcw_exit_handler", show_handler),
                       ("gcw_exit_registry", show_registry),
                       ("gcw_map", show_map),
                       ("gcw_set", show_set),
                       ("gcw_method_set", show_set),
                       ("gcw_intern", show_set),
                       ("gcw_proxy", show_proxy),
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


def sets():
    return containers(
        lambda ops: ops["kind"].string() in ("set", "method set"))


def proxies():
    """None, if the library was built without libffi."""
    proxy = roots()["proxies"]
    while number(proxy) != 0:
        yield proxy
        proxy = proxy["next"]


def handles(addresses, name):
    for address in addresses:
        yield pointer(address, "struct " + name)


def counted(what, them):
    count = sum(1 for _ in them)
    return "%d %s%s" % (count, what, "" if count == 1 else "s")


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


def handlers_of(registry):
    """What waits in it, newest first: pairs of what to say of where it is, and
    what it is."""
    for order in orders(registry):
        end, top = number(order["end"]), number(order["top"])
        numbers = list(range(number(order["capacity"]) - 1, top - 1, -1))
        numbers += range(end - 1, -1, -1)
        for at in numbers:
            slot = order["slots"][at]
            kind = number(slot["kind"])
            if kind == int(gdb.parse_and_eval("(int)GCW__HANDLE")):
                handler = slot["call"]["handle"]
                if number(handler["slot"]) == at + 1:
                    yield hex(number(handler)), show_handler(
                        handler.dereference())
            elif kind != 0:
                yield "number %d" % number(slot["number"]), (
                    "exit handler %s, waiting" % code(
                        slot["call"]["function"]))


def list_handlers(registry):
    say("exit registry %#x %s" % (number(registry), text(registry["name"])))
    for where, what in handlers_of(registry):
        say("  %s  %s" % (where, what))


def listeners_of(listeners):
    array = pointer(gdb.Value(number(listeners["array"])),
                    "struct gcw__array")
    if number(array) == 0:
        return
    slots = number(array["range"])
    gone = int(gdb.parse_and_eval("(int)GCW__IS_GONE"))
    for at in range(slots >> 32, slots & 0xffffffff):
        listener = array["slots"][at]["listener"]
        if not number(listener["state"]) & gone:
            yield listener


def list_listeners(listeners):
    for listener in listeners_of(listeners):
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


def list_registries():
    for registry in handles(of_kind("exit registry"), "gcw_exit_registry"):
        list_handlers(registry)


def list_events():
    for event in handles(of_kind("event"), "gcw_event"):
        say("event %#x %s" % (number(event), text(event["name"])))
        list_listeners(event["list"])


def list_hubs():
    for hub in handles(of_kind("hub"), "gcw_hub"):
        say("hub %#x, %s posted" % (number(hub), number(hub["posted"])))
        for pattern in patterns(hub):
            say("hub %#x, %s" % (number(hub), pattern_name(pattern)))
            list_listeners(pattern["list"])


def list_events_and_hubs():
    list_events()
    list_hubs()


def list_maps():
    for each in handles(of_kind("map"), "gcw_map"):
        say_entry(each, show_map)


def list_sets():
    for each in handles(sets(), "gcw_map"):
        say_entry(each, show_map)


def list_interned():
    for each in handles(of_kind("intern table"), "gcw_map"):
        say_entry(each, show_map)


def list_all_maps():
    for each in handles(maps(), "gcw_map"):
        say_entry(each, show_map)


def list_guardians():
    for each in handles(of_kind("guardian"), "gcw_guardian"):
        say_entry(each, show_guardian)


def list_proxies():
    for each in proxies():
        say_entry(each, show_proxy)


def cleanups():
    """Those that have still to run, newest first."""
    order = symbol("cleanup-order.c", "order")
    for at in range(number(order["end"]) - 1, -1, -1):
        if number(order["slots"][at]) != 0:
            cleanup = hidden(order["slots"][at], "struct gcw_cleanup")
            if number(cleanup["state"]) == 0:
                yield cleanup


def list_cleanups():
    for each in cleanups():
        say_entry(each, show_cleanup)


def list_entries(argument):
    weak_map = pointer(gdb.parse_and_eval(argument), "struct gcw_map")
    for key, value in entries_of(weak_map.dereference()):
        say("  %#x -> %#x" % (key, value))


def list_counts():
    for what, them in (("event", of_kind("event")), ("hub", of_kind("hub")),
                       ("exit registry", of_kind("exit registry")),
                       ("cleanup", cleanups()), ("map", of_kind("map")),
                       ("set", sets()),
                       ("intern table", of_kind("intern table")),
                       ("guardian", of_kind("guardian")),
                       ("proxy", proxies())):
        say("%6d  %s" % (sum(1 for _ in them), what))
    say("help gcweak says how to list them")


class Command(gdb.Command):
    """A command that lists: what it is called, and for what."""

    def __init__(self, name, doc, show, argument=None, prefix=False):
        self.__doc__ = doc
        self.name, self.show, self.argument = name, show, argument
        super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_SYMBOL, prefix)

    def invoke(self, argument, from_tty):
        if argument != "" and self.argument is None:
            raise gdb.GdbError("%s knows no %s; see help gcweak" % (
                self.name, argument))
        if argument == "" and self.argument is not None:
            raise gdb.GdbError("%s %s: which %s?" % (
                self.name, self.argument, self.argument.lower()))
        if not has_symbols():
            say(NO_SYMBOLS)
        elif number(roots()) == 0:
            say("gcweak was not started yet")
        elif self.argument is not None:
            self.show(argument)
        else:
            self.show()


COMMANDS = (
    ("events", None, "List the events of gcweak, with their listeners.",
     list_events),
    ("hubs", None, "List the hubs of gcweak, with their listeners.",
     list_hubs),
    ("listeners", "gcw-listeners",
     "List the listeners of all events and hubs of gcweak.",
     list_events_and_hubs),
    ("exit", "gcw-handlers",
     "List the exit registries of gcweak, with their handlers.",
     list_registries),
    ("cleanups", "gcw-cleanups",
     "List the cleanups of gcweak that have still to run.", list_cleanups),
    ("maps", None, "List the weak maps of gcweak.", list_maps),
    ("sets", None, "List the weak sets of gcweak, of objects and of methods.",
     list_sets),
    ("interned", None, "List the intern tables of gcweak.", list_interned),
    ("guardians", "gcw-guardians", "List the guardians of gcweak.",
     list_guardians),
    ("proxies", None, "List the proxies of gcweak that were not freed.",
     list_proxies),
)
ENTRIES = "List the entries of a map, a set or an intern table of gcweak."


def make_commands():
    Command("gcweak", "Count what is registered with gcweak; list it.",
            list_counts, prefix=True)
    for name, old_name, doc, show in COMMANDS:
        Command("gcweak " + name, doc, show)
        if old_name is not None:
            Command(old_name, doc, show)
    Command("gcw-maps", "List the weak maps of gcweak, its sets and its intern "
            "tables.", list_all_maps)
    for name in "gcweak entries", "gcw-entries":
        Command(name, ENTRIES, list_entries, argument="MAP")


gdb.printing.register_pretty_printer(gdb.current_objfile(), printers(),
                                     replace=True)
make_commands()
