#!/bin/sh
# toy.t: the toy interpreter runs scripts, and each promise of its weak things
# holds; and the guide doc/runtimes.md, which takes its code and its scripts
# from there, says what is so.
#
# A script that waits for deaths makes a thousand objects and asks that 950
# have died: the collector is conservative.  What is to die has a variable that
# holds it until it is registered, for a collection may come at any time.

: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}" "${PKG_CONFIG:=pkg-config}"
: "${GC_CFLAGS=$($PKG_CONFIG --cflags bdw-gc)}"
: "${GC_LIBS=$($PKG_CONFIG --libs bdw-gc)}"
toy=$(cd "$builddir" && pwd)/examples/toy/toy

. "$srcdir/t/tap.sh"

# In the order in which it was written, errors too.
run_example()
{
    (cd "$dir" && "$toy" example.toy < /dev/null > printed 2>&1)
}

# Runs example.toy, for the status and the output in "expected".
gives()
{
    run_example
    given=$?
    echo "status $given"
    diff "$dir/expected" "$dir/printed" && [ $given -eq "$1" ]
}

# script STATUS WHAT: one test.  Standard input is a script, a line of dashes,
# and all that it must print.
script()
{
    awk -v dir="$dir" '
        BEGIN { file = dir "/example.toy"; printf "" > (dir "/expected") }
        /^----*$/ { file = dir "/expected"; next }
        { print > file }'
    passes "$2" gives "$1"
}

# --- Weak methods and references ---------------------------------------------

script 0 'a weak method of a live object calls it' << 'END'
class Player {
    init(name) { self.name = name; self.heard = 0; }
    hear(what, how) {
        self.heard = self.heard + 1;
        return self.name + " hears " + what + " " + how;
    }
}
let ann = Player("Ann");
let m = weakmethod(ann.hear);
print(m("a bell", "ring"), ann.heard, alive(m));
m("it", "again");
gc();
print(m("it", "still"), ann.heard, alive(m));
----
Ann hears a bell ring 1 true
Ann hears it still 3 true
END

script 0 'a weak method keeps nothing alive' << 'END'
class Player { hear() {} }
let first = nil;
let make = fn () {
    let i = 0;
    while i < 1000 {
        let held = Player();          # one that holds the method of another
        held.method = weakmethod(Player().hear);
        held.next = first;
        first = held;
        i = i + 1;
    }
};
make();
gc();
let dead = 0;
let o = first;
while o != nil {
    if not alive(o.method) and o.method() == nil { dead = dead + 1; }
    o = o.next;
}
print(dead >= 950, first != nil);
----
true true
END

script 0 'each death of a weak method is told, with the method' << 'END'
class Player { hear() { return 1; } }
let told = 0;
let bad = 0;
let death = fn (m) {
    told = told + 1;
    if alive(m) or m() != nil { bad = bad + 1; }
};
let make = fn () {
    let i = 0;
    while i < 1000 {
        let player = Player();
        on_death(weakmethod(player.hear), death);
        i = i + 1;
    }
};
make();
gc();
print(told >= 950, bad);
exit(0 + bad);
----
true 0
END

script 0 'no death is told before its time, nor after it was cancelled' \
    << 'END'
class Player { hear() {} }
let ann = Player();
on_death(weakmethod(ann.hear), fn (m) { print("the end is no death"); });
let h = on_death(weakmethod(ann.hear), fn (m) { print("too early"); });
gc();
gc();
print(alive(h), cancel(h), alive(h), cancel(h));
----
true true false false
END

script 0 'weak methods are equal by object and function' << 'END'
class Player { hear() {} see() {} }
let ann = Player();
let bob = Player();
let m = weakmethod(ann.hear);
print(m == weakmethod(ann, "hear"), m == weakmethod(ann.see),
      m == weakmethod(bob.hear), m != m, m == ann);
----
true false false false false
END

script 0 'weak references give the object, are equal by it, and let it die' \
    << 'END'
class Player {}
let ann = Player();
let r = weakref(ann);
print(r() == ann, r == weakref(ann), r == weakref(Player()), alive(r));
let first = nil;
let make = fn () {
    let i = 0;
    while i < 1000 {
        let held = Player();
        held.other = weakref(Player());
        held.next = first;
        first = held;
        i = i + 1;
    }
};
make();
gc();
let dead = 0;
while first != nil {
    if first.other() == nil and not alive(first.other) { dead = dead + 1; }
    first = first.next;
}
print(dead >= 950, r() == ann);
----
true true false true
true true
END

script 0 'a bound method, weakly held, dies while its object lives' << 'END'
class Player { hear() {} }
let ann = Player();
let dead = 0;
let make = fn () {
    let i = 0;
    while i < 1000 {
        finalize(ann.hear, fn () { dead = dead + 1; });
        i = i + 1;
    }
};
make();
let m = weakmethod(ann.hear);
gc();
print(dead >= 950, alive(m));
----
true true
END

for bad in 'nil' 'true' '3' '"text"' 'weakref' '1 + 2'
do
    echo "let r = weakref($bad);" > "$dir/example.toy"
    run_example
    passes "a weak reference to $bad is refused" \
        grep '^toy: example\.toy:1: weakref' "$dir/printed"
done

# --- Closures ----------------------------------------------------------------

# connects HOW EXPECTED: makes a script in which a thousand windows connect in
# this way and are dropped; it tells whether nearly all have left, or none.
connects()
{
    cat > "$dir/script" << END
class Window {
    listen(saved) { $1 }
}
let saved = event();
let make = fn () {
    let i = 0;
    while i < 1000 { Window().listen(saved); i = i + 1; }
};
make();
gc();
print(listeners(saved) <= 50, listeners(saved) == 1000);
----
$2
END
}

connects 'self.f = fn (x) { self.x = x; };
          connect(saved, weakmethod(self, self.f));' 'true false'
script 0 'a closure over its own object, rooted in it, does not leak' \
    < "$dir/script"

connects 'self.f = fn (x) { self.x = x; };
          connect(saved, weakmethod(self, "f"));' 'true false'
script 0 'nor does one that is named by its field' < "$dir/script"

connects 'connect(saved, fn (x) { self.x = x; });' 'false true'
script 0 'one that the event holds does' < "$dir/script"

script 0 'a closure that nobody holds is dead, though its object lives' \
    << 'END'
class Window {}
let w = Window();
let dead = 0;
let make = fn () {
    let i = 0;
    while i < 1000 {
        let f = fn () { return w; };
        on_death(weakmethod(w, f), fn (m) { dead = dead + 1; });
        i = i + 1;
    }
};
make();
gc();
print(dead >= 950, w);
----
true <Window>
END

script 0 'a closure that its object holds lives as the object does' << 'END'
class Window {}
let w = Window();
w.f = fn (x) { return x + 1; };
let m = weakmethod(w, w.f);
gc();
gc();
print(alive(m), m(1), m == weakmethod(w, "f"));
----
true 2 true
END

script 0 'a closure holds the variables that it names, not their neighbours' \
    << 'END'
class Thing {}
let dead = 0;
let first = nil;
let make = fn () {
    let i = 0;
    while i < 1000 {
        let named = i;
        let neighbour = Thing();
        let x = Thing();
        finalize(neighbour, fn () { dead = dead + 1; });
        finalize(x, fn () { dead = dead + 1; });
        let keeper = Thing();
        keeper.f = fn (x) { return named + x; };
        keeper.next = first;
        first = keeper;
        i = i + 1;
    }
};
make();
gc();
print(dead >= 1900, first.f(1));
----
true 1000
END

script 0 'closures share their variables' << 'END'
let counter = fn () {
    let n = 0;
    let both = fn (up) {
        if up { return fn () { n = n + 1; return n; }; }
        return fn () { return n; };
    };
    let up = both(true);
    up();
    up();
    return both(false);
};
print(counter()());
let last = nil;
let i = 0;
while i < 3 {
    let j = i;
    let before = last;
    last = fn () { if before != nil { before(); } print(j); };
    i = i + 1;
}
last();
----
2
0
1
2
END

# --- Weak tables -------------------------------------------------------------

script 0 'a weak table gives back what was put, under the same object' << 'END'
class Thing {}
let a = Thing();
let b = Thing();
let t = weaktable();
put(t, a, 1);
put(t, b, "two");
print(get(t, a), get(t, b), get(t, Thing()), count(t));
gc();
put(t, a, fn (x) { return x + 1; });
put(t, b, nil);
print(get(t, a)(2), get(t, b), count(t));
----
1 two nil 2
3 nil 1
END

script 0 'an entry goes with its key, though its value leads there' << 'END'
class Thing {}
let t = weaktable("keys");
let make = fn (n) {
    let first = nil;
    let i = 0;
    while i < n {
        let key = Thing();
        let value = Thing();
        value.key = key;
        put(t, key, value);
        key.next = first;
        first = key;
        i = i + 1;
    }
    return first;
};
let held = make(1000);
gc();
print(count(t), get(t, held).key == held);
while held != nil {
    let next = held.next;
    held.next = nil;
    held = next;
}
gc();
print(count(t) <= 50);
----
1000 true
true
END

script 0 'through two tables as well' << 'END'
class Thing {}
let dead = 0;
let one = weaktable();
let other = weaktable();
let make = fn () {
    let i = 0;
    while i < 1000 {
        let a = Thing();
        let b = Thing();
        put(one, a, b);
        put(other, b, a);
        finalize(a, fn () { dead = dead + 1; });
        i = i + 1;
    }
};
make();
gc();
print(dead >= 950, count(one) <= 50, count(other) <= 50);
----
true true true
END

script 0 'with weak values an entry goes with its value, and holds its key' \
    << 'END'
class Thing {}
let t = weaktable("values");
let make = fn (n) {
    let first = nil;
    let i = 0;
    while i < n {
        let value = Thing();
        put(t, Thing(), value);
        put(t, "key " + i, value);
        value.next = first;
        first = value;
        i = i + 1;
    }
    return first;
};
let held = make(1000);
gc();
print(count(t), get(t, "key " + 999) == held, get(t, "key 1000"));
while held != nil {
    let next = held.next;
    held.next = nil;
    held = next;
}
gc();
print(count(t) <= 100);
----
2000 true nil
true
END

script 0 'with both weak an entry goes with either' << 'END'
class Thing {}
let t = weaktable("both");
let a = Thing();
let make = fn () {
    let i = 0;
    while i < 1000 {
        put(t, a, Thing());
        put(t, Thing(), a);
        i = i + 1;
    }
};
make();
let b = Thing();
put(t, a, b);
gc();
print(count(t) <= 51, get(t, a) == b);
----
true true
END

script 0 'a walk gives each entry once, while the function changes the table' \
    << 'END'
class Thing {}
let t = weaktable();
let first = nil;
let i = 0;
while i < 100 {
    let key = Thing();
    key.given = 0;
    key.next = first;
    first = key;
    put(t, key, i);
    i = i + 1;
}
let sum = 0;
let more = Thing();
print(each(t, fn (key, value) {
    if key != more {
        key.given = key.given + 1;
        sum = sum + value;
        put(t, key, nil);
        put(t, more, 0);
    }
}) >= 100, sum, count(t));
let o = first;
let bad = 0;
while o != nil {
    if o.given != 1 { bad = bad + 1; }
    o = o.next;
}
print(bad);
----
true 4950 1
0
END

script 0 'an error ends a walk, and the table is as good as before' << 'END'
class Thing {}
let t = weaktable();
let a = Thing();
let b = Thing();
put(t, a, 1);
put(t, b, 2);
let bell = event();
connect(bell, fn (x) {
    each(t, fn (key, value) { missing; });
});
emit(bell);
put(t, a, 3);
let sum = 0;
each(t, fn (key, value) { sum = sum + value; });
print(sum, count(t));
----
toy: in a listener: example.toy:9: missing is not defined
5 2
END

for bad in 'weaktable(), "text"' 'weaktable("keys"), 3' 'weaktable(), nil' \
    'weaktable("values"), 3' 'weaktable("both"), "text"' 'event(), weakref'
do
    echo "put($bad, weaktable());" > "$dir/example.toy"
    run_example
    passes "the key is refused in ($bad)" \
        grep '^toy: example\.toy:1: put wants' "$dir/printed"
done

for bad in '"text"' 3 true
do
    echo "put(weaktable(\"values\"), \"key\", $bad);" > "$dir/example.toy"
    run_example
    passes "$bad as a weak value is refused" \
        grep '^toy: example\.toy:1: put wants an object' "$dir/printed"
done

script 1 'only three kinds of weak tables are there' << 'END'
weaktable("some");
----
toy: example.toy:1: weaktable: keys, values or both are weak
END

# --- Symbols -----------------------------------------------------------------

script 0 'equal strings are one symbol, as keys and as names' << 'END'
class Thing { method() { return "method"; } }
let a = Thing();
let t = weaktable("values");
let before = symbols();
put(t, "a new" + " key", a);
put(t, "a " + "new key", a);
print(symbols() - before, count(t), get(t, "a new key") == a);
print(weakmethod(a, "met" + "hod")(), symbols() - before);
----
1 1 true
method 1
END

script 0 'symbols that nothing refers to any more are collected' << 'END'
class Thing {}
let t = weaktable("values");
let before = symbols();
let make = fn (n) {
    let first = nil;
    let i = 0;
    while i < n {
        let value = Thing();
        put(t, "name " + i, value);
        value.next = first;
        first = value;
        i = i + 1;
    }
    return first;
};
let held = make(1000);
gc();
print(symbols() - before);
while held != nil {
    let next = held.next;
    held.next = nil;
    held = next;
}
gc();
print(symbols() - before <= 50);
put(t, "name 1", t);
print(get(t, "name " + 1) == t);
----
1000
true
true
END

# --- Finalizers --------------------------------------------------------------

script 0 'several finalizers on one object, the newest first, each once' \
    << 'END'
class Thing {}
let bad = 0;
let done = 0;
let make = fn () {
    let i = 0;
    while i < 1000 {
        let order = 0;
        let thing = Thing();
        finalize(thing, fn () {
            if order != 2 { bad = bad + 1; }
            order = 3;
            done = done + 1;
        });
        cancel(finalize(thing, fn () { bad = bad + 1; }));
        finalize(thing, fn () {
            if order != 1 { bad = bad + 1; }
            order = 2;
        });
        finalize(thing, fn () {
            if order != 0 { bad = bad + 1; }
            order = 1;
        });
        i = i + 1;
    }
};
make();
gc();
gc();
print(done >= 950, done <= 1000, bad);
on_exit(fn () { print(bad); });
----
true true 0
0
END

script 0 'finalizers of what still lives run at the end, after exit handlers' \
    << 'END'
class Thing {}
let thing = Thing();
finalize(thing, fn () { print("last"); });
finalize(thing, fn () { print("second"); });
on_exit(fn () { print("first"); });
gc();
print("the end");
----
the end
first
second
last
END

script 0 'a failing finalizer is reported with its line, the rest run' << 'END'
class Thing {}
let thing = Thing();
finalize(thing, fn () { print("and this"); });
finalize(thing, fn () {
    let one = 1;
    one.more = 2;
});
finalize(thing, fn () { print("this"); });
----
this
toy: in a finalizer: example.toy:6: a number has no fields or methods
and this
END

script 0 'callbacks come at safe points, without gc()' << 'END'
class Thing {}
let died = 0;
let made = 0;
while died == 0 and made < 1000000 {
    finalize(Thing(), fn () { died = died + 1; });
    made = made + 1;
}
print(died > 0);
----
true
END

script 0 'and between the turns of a loop that calls nothing' << 'END'
let died = 0;
let make = fn () {
    let i = 0;
    while i < 1000 { finalize(fn () { return i; },
                              fn () { died = died + 1; }); i = i + 1; }
};
make();
let turns = 0;
while died < 950 and turns < 1000000 {
    let x = "a" + turns;
    turns = turns + 1;
}
print(died >= 950);
----
true
END

script 0 'a callback is not run inside another' << 'END'
class Thing {}
let inside = 0;
let deepest = 0;
let ran = 0;
let callback = fn () {
    inside = inside + 1;
    if inside > deepest { deepest = inside; }
    let i = 0;
    while i < 300 { Thing(); i = i + 1; }
    inside = inside - 1;
    ran = ran + 1;
};
let made = 0;
while ran < 500 and made < 100000 {
    finalize(Thing(), callback);
    made = made + 1;
}
print(ran >= 500, deepest);
exit(0);
----
true 1
END

# --- Guardians ---------------------------------------------------------------

script 0 'a guardian hands back what nobody holds, whole, each once' << 'END'
class Thing {}
let g = guardian();
let make = fn () {
    let i = 0;
    while i < 1000 {
        let thing = Thing();
        thing.part = Thing();
        thing.part.number = i;
        guard(g, thing);
        i = i + 1;
    }
};
let kept = Thing();
guard(g, kept);
print(g());
make();
gc();
let many = 0;
let bad = 0;
let o = g();
while o != nil {
    if o.part.number < 0 or o == kept { bad = bad + 1; }
    many = many + 1;
    o = g();
}
print(many >= 950, many <= 1000, bad, g());
----
nil
true true 0 nil
END

script 0 'until then weak references, tables and finalizers wait' << 'END'
class Thing {}
let g = guardian();
let t = weaktable();
let finalized = 0;
let gone = 0;
let make = fn () {
    let i = 0;
    while i < 1000 {
        let thing = Thing();
        thing.ref = weakref(thing);
        put(t, thing, i);
        finalize(thing, fn () { finalized = finalized + 1; });
        guard(g, thing);
        i = i + 1;
    }
};
make();
gc();
print(finalized, count(t));
let bad = 0;
let empty = fn () {
    let o = g();
    while o != nil {
        if o.ref() != o or get(t, o) == nil { bad = bad + 1; }
        o = g();
    }
};
empty();
gc();
print(bad, finalized >= 950, count(t) <= 50);
----
0 1000
0 true true
END

for bad in 'nil' '3' '"text"' 'weakref'
do
    echo "guard(guardian(), $bad);" > "$dir/example.toy"
    run_example
    passes "a guardian refuses $bad" \
        grep '^toy: example\.toy:1: guard' "$dir/printed"
done

# --- The end -----------------------------------------------------------------

script 0 'exit handlers run once, the last registered first' << 'END'
class Lock {
    init(name) { self.name = name; }
    release() { print("release", self.name); }
}
let a = Lock("a");
let b = Lock("b");
on_exit(weakmethod(a.release));
on_exit(fn () { print("a function"); });
on_exit(weakmethod(b, "release"));
gc();
print("the end");
----
the end
release b
a function
release a
END

script 0 'the exit handler of a dead object is skipped' << 'END'
let ran = 0;
class Lock { release() { ran = ran + 1; } }
on_exit(fn () { print(ran <= 50); });
let make = fn () {
    let i = 0;
    while i < 1000 {
        let lock = Lock();
        on_exit(weakmethod(lock.release));
        i = i + 1;
    }
};
make();
gc();
let kept = Lock();
on_exit(weakmethod(kept.release));
on_exit(fn () { print(ran); });
----
0
true
END

script 0 'nor does its own closure keep it' << 'END'
let ran = 0;
class Lock {
    init() {
        self.f = fn () { ran = ran + 1; return self; };
        on_exit(weakmethod(self, self.f));
    }
}
on_exit(fn () { print(ran <= 51, ran >= 1); });
let make = fn () {
    let i = 0;
    while i < 1000 { Lock(); i = i + 1; }
};
make();
gc();
let kept = Lock();
----
true true
END

script 0 'a cancelled exit handler does not run' << 'END'
let h = on_exit(fn () { print("never"); });
print(cancel(h), cancel(h));
let last = nil;
on_exit(fn () { print(cancel(last), "in time"); });
last = on_exit(fn () { print(cancel(last), "running"); });
----
true false
false running
false in time
END

script 1 'a failing exit handler is reported with its line, the rest run' \
    << 'END'
class Lock {
    release() {
        print("release");
        self.missing;
        print("never");
    }
}
let lock = Lock();
on_exit(fn () { print("the rest"); });
on_exit(weakmethod(lock.release));
exit(1);
----
release
toy: in an exit handler: example.toy:4: Lock has no missing
the rest
END

script 3 'exit inside a handler: the rest run once, the last status counts' \
    << 'END'
on_exit(fn () { print("one"); });
on_exit(fn () { print("two"); exit(3); print("never"); });
on_exit(fn () { print("three"); exit(2); });
exit(1);
----
three
two
one
END

script 7 'exit inside a callback and inside many calls' << 'END'
class Thing {}
on_exit(fn () { print("handler"); });
let deep = fn (n) {
    if n == 0 { exit(7); }
    deep(n - 1);
};
let bell = event();
connect(bell, fn (n) { deep(n); });
emit(bell, 100);
print("never");
----
handler
END

script 0 'a handler may register another, which is the next' << 'END'
on_exit(fn () { print("old"); });
on_exit(fn () { on_exit(fn () { print("new"); }); print("now"); });
----
now
new
old
END

# --- Events ------------------------------------------------------------------

script 0 'listeners are called in order, until they are cancelled' << 'END'
class Lamp {
    init(room) { self.room = room; }
    turn(how) { print(self.room, how); }
}
let bell = event();
let hall = Lamp("hall");
let attic = Lamp("attic");
connect(bell, weakmethod(hall.turn));
let l = connect(bell, fn (how) { print("function", how); });
connect(bell, weakmethod(attic, "turn"));
gc();
print(emit(bell, "on"));
print(cancel(l), cancel(l), listeners(bell));
print(emit(bell));
----
hall on
function on
attic on
3
true false 2
hall nil
attic nil
2
END

script 0 'listeners that have died leave' << 'END'
class Lamp { turn(how) {} }
let bell = event();
let make = fn () {
    let i = 0;
    while i < 1000 {
        let lamp = Lamp();
        connect(bell, weakmethod(lamp.turn));
        i = i + 1;
    }
};
make();
gc();
print(listeners(bell) <= 50, emit(bell, 1) <= 50);
----
true true
END

script 0 'a failing listener is reported with its line, the rest hear' << 'END'
let bell = event();
connect(bell, fn (x) { print("first"); });
connect(bell, fn (x) {
    x();
});
connect(bell, fn () { print("takes no argument"); });
connect(bell, fn (x) { print("last"); });
print(emit(bell, "text"));
----
first
toy: in a listener: example.toy:4: a string cannot be called
toy: in a listener: example.toy:6: fn: 1 arguments are too many
last
4
END

# --- Errors ------------------------------------------------------------------

script 1 'an error ends the script, after its exit handlers' << 'END'
on_exit(fn () { print("handler"); });
let f = fn (x) {
    return x + nothing;
};
f(1);
print("never");
----
toy: example.toy:3: nothing is not defined
handler
END

script 1 'an error in a weak method goes to the script that calls it' \
    << 'END'
class Player { hear() { return 1 - "a"; } }
let ann = Player();
let m = weakmethod(ann.hear);
print(m());
----
toy: example.toy:1: a string is not a number
END

script 1 'recursion without an end is an error' << 'END'
on_exit(fn () { print("handler"); });
let f = fn (n) { return f(n + 1) + 1; };
f(0);
----
toy: example.toy:2: this goes too deep
handler
END

script 1 'a callback has stack left where the script has not' << 'END'
let ran = 0;
let bell = event();
connect(bell, fn (x) {
    let some = fn (n) { if n > 0 { some(n - 1); } };
    some(50);
    ran = ran + 1;
});
let deep = fn (n) { emit(bell, n); deep(n + 1); };
on_exit(fn () { print(ran > 100); });
deep(0);
----
toy: example.toy:8: this goes too deep
true
END

script 1 'a dead weak method cannot be connected' << 'END'
class Player { hear(x) {} }
let bell = event();
let some = nil;
let make = fn () {
    let i = 0;
    while i < 1000 {
        let player = Player();
        on_death(weakmethod(player.hear), fn (m) { some = m; });
        i = i + 1;
    }
};
make();
gc();
connect(bell, some);
----
toy: example.toy:14: connect: the weak method is dead
END

script 1 'a finalizer that is the object itself is refused' << 'END'
let f = fn () {};
finalize(f, f);
----
toy: example.toy:2: finalize: Invalid argument
END

script 2 'a syntax error is told with its line' << 'END'
print("never");
let x = (1 +
    ;
----
toy: example.toy:3: an expression expected
END

script 2 'so is a character that means nothing' << 'END'
print("never");
print($);
----
toy: example.toy:2: a script has no such character
END

script 2 'a string without an end, too' << 'END'
# comment

print("no end);
----
toy: example.toy:3: the string has no end
END

awk 'BEGIN { for (i = 0; i < 200000; i++) printf "("; print "" }' \
    > "$dir/example.toy"
echo 'toy: example.toy:1: this goes too deep' > "$dir/expected"
passes 'too many parentheses are an error' gives 2

awk 'BEGIN { printf "print(0"; for (i = 0; i < 2000; i++) printf "+1"
             print ");" }' > "$dir/example.toy"
echo 2000 > "$dir/expected"
passes 'a long sum is none' gives 0

: > "$dir/example.toy"
: > "$dir/expected"
passes 'an empty script does nothing, well' gives 0

printf 'print(1);\000print(2);\n' > "$dir/example.toy"
echo 'toy: example.toy: this is no text' > "$dir/expected"
passes 'a file with a NUL byte is no script' gives 2

rm "$dir/example.toy"
echo 'toy: example.toy: No such file or directory' > "$dir/expected"
passes 'a script that is not there is an error' gives 2

# --- The scripts beside the interpreter --------------------------------------

# Of those, what is false is printed as such.
says_nothing_false()
{
    "$toy" "$1" < /dev/null > "$dir/printed" 2>&1
    given=$?
    cat "$dir/printed"
    echo "status $given"
    [ -s "$dir/printed" ] && ! grep ': false$' "$dir/printed" &&
        [ $given -eq "$2" ]
}

for file in "$srcdir"/examples/toy/*.toy
do
    status=0
    [ "${file##*/}" != ending.toy ] || status=3
    passes "${file##*/} does what it says" says_nothing_false "$file" $status
done

# --- The guide ---------------------------------------------------------------

# Writes the fenced blocks of a page to NUMBER.LANGUAGE.
extract_blocks()
{
    rm -rf "$dir/blocks"
    mkdir "$dir/blocks"
    awk -v dir="$dir/blocks" '
        /^```/ && file == "" { file = sprintf("%s/%03d.%s", dir, ++n,
                                              substr($0, 4)); next }
        /^```/ { close(file); file = ""; next }
        file != "" { print > file }' "$1"
}

# Whether the lines stand together in one of the sources.
is_in_sources()
{
    cat "$1"
    for source in "$srcdir"/examples/toy/*.[ch]
    do
        ! awk 'NR == FNR { wanted = wanted $0 "\n"; next }
               { whole = whole $0 "\n" }
               END { exit index("\n" whole, "\n" wanted) > 0 }' \
            "$1" "$source" || continue
        return 0
    done
    return 1
}

# What was printed is what stands in the block after this one.
is_next_block()
{
    diff "$dir/blocks/$(printf '%03d.text' $((1$1 - 999)))" "$dir/printed"
}

# The script of a page, and what stands in the next block.
prints_next_block()
{
    cp "$1" "$dir/example.toy"
    run_example
    is_next_block "$(basename "$1" .toy)"
}

# A block that is a whole program.
is_program()
{
    case $1 in *.c) head -n 1 "$1" | grep -q '^#include' ;; *) false ;; esac
}

# Flags are several words.
# shellcheck disable=SC2086
program_prints_next_block()
{
    $CC $CFLAGS -Wall -Wextra -Werror -I"$srcdir/include" $GC_CFLAGS \
        -c "$1" -o "$dir/program.o" &&
        "$builddir/libtool" --silent --tag=CC --mode=link \
            $CC $CFLAGS $LDFLAGS -no-install "$dir/program.o" \
            -o "$dir/program" "$builddir/libgcweak.la" $GC_LIBS &&
        "$dir/program" > "$dir/printed" &&
        is_next_block "$(basename "$1" .c)"
}

# test_page FILE
test_page()
{
    extract_blocks "$1"
    for block in "$dir"/blocks/*
    do
        name="${1##*/}, block $(basename "$block")"
        if is_program "$block"; then
            passes "$name prints what it says" \
                program_prints_next_block "$block"
            continue
        fi
        case $block in
        *.c) passes "$name stands in the sources" is_in_sources "$block" ;;
        *.toy) passes "$name prints what it says" prints_next_block "$block" ;;
        esac
    done
}

test_page "$srcdir/examples/toy/README.md"
test_page "$srcdir/doc/runtimes.md"
set -- "$dir"/blocks/*.c "$dir"/blocks/*.toy
passes 'the guide has its blocks' test $# -ge 30
echo "1..$count"
