#!/bin/sh
# cpp-typed.t: gcweak.hpp compiles without a warning in each C++ that it is
# for, and takes what fits and refuses what does not.
#
# Each snippet that must be refused differs in one place from one that must be
# taken.

# Variables of flags are split on purpose.
# shellcheck disable=SC2086
: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}" "${CXX:=c++}" "${NM:=nm}"
. "$srcdir/t/tap.sh"

strict='-Wall -Wextra -Wpedantic -Wold-style-cast -Wshadow -Wconversion
    -Wsign-conversion -Wzero-as-null-pointer-constant -Wnon-virtual-dtor
    -Werror'

# compiles COMPILER FLAGS... : the source in $dir/it.cc.
compiles()
{
    words=$1
    shift
    $words "$@" ${GC_CFLAGS-} -I"$srcdir/include" -fsyntax-only "$dir/it.cc"
}

# What all snippets begin with.
cat > "$dir/prelude.h" <<'END'
#include <gcweak/gcweak.hpp>
#include <memory>
#include <string>
struct base { int arms(int n) const { return n; } };
struct player : base {
    int score = 0;
    int greet(int n) { return score += n; }
    int seen(int n) const noexcept { return score + n; }
    int &place() { return score; }
    void bye() { }
    void bye_with(const gcw_exit_info &info) { score = info.status; }
    void hear(const gcw_emission &e) { score += e.type != nullptr; }
    void open(const std::string &) { }
};
struct enemy { int greet(int n) { return n; } };
inline int listener(int n) { return n; }
inline int twice(player *p, int n) { return p->score + 2 * n; }
void use(player *p, const player *c, enemy *x, std::string s);
END

# write SNIPPET: a whole source, with the snippet in a function.
write()
{
    cat > "$dir/it.cc" <<END
#include "prelude.h"
void use(player *p, const player *c, enemy *x, std::string s)
{
    (void)p; (void)c; (void)x; (void)s;
$1
}
END
}

# All of the interface, for warnings.
everything='
    gcw::ref r(p);
    gcw::ref<const player> rc(c);
    gcw::ref<base> rb = r;
    gcw::method m(p, &player::greet);
    gcw::method fast = gcw::method<int(int)>::of<&player::greet>(p);
    gcw::method of_const(c, &player::seen);
    gcw::method inherited(p, &base::arms);
    gcw::method function(p, twice);
    gcw::method lambda(p, [](player *self, int n) { return self->score + n; });
    gcw::event<int> e("name");
    gcw::event<const std::string &, std::string, player *> e3;
    gcw::scoped_connection scoped = e.connect(listener);
    e.connect<&player::greet>(p, gcw::once | gcw::front);
    e.connect(c, &player::seen);
    e.connect(p, [r](player &self, int n) { self.score = n + bool(r); });
    e.connect(p, [w = gcw::weak(p)](int n) { if (w) w.get()->score += n; });
    e.connect([](double n) { return n; });
    e.connect(m).block();
    e.disconnect(m);
    e.disconnect(listener);
    e.disconnect<&player::greet>(p);
    e.on_error([](const gcw::failure &f) { (void)f.why; });
    e3.connect(p, [](player *, std::string, const std::string &, player *) { });
    e3.emit(s, s, p);
    gcw::hub h;
    h.connect("type", p, p, &player::hear);
    h.connect("type", nullptr, [](const gcw_emission &) { });
    h.emit("type", p);
    h.post("type", c);
    h.dispatch();
    gcw::cleanup(p, [n = 1] { return n; }).set_atexit(false);
    gcw::on_cleanup_error([](const gcw::failure &) { });
    m.on_death([] { });
    gcw::exit_options o;
    o.level = 1;
    o.limit = std::chrono::seconds(1);
    gcw::at_exit([] { }, o);
    gcw::at_exit(p, &player::bye, o);
    gcw::at_exit(p, &player::bye_with).unregister();
    gcw::exit_registry reg;
    reg.add([](const gcw_exit_info &i) { (void)i.status; });
    reg.limit(std::chrono::milliseconds(5));
    reg.on_error([](const gcw::failure &) { });
    gcw::weak_map<player, int> numbers;
    numbers.put(p, 1);
    *numbers.setdefault(c, 3) += *numbers.get(p);
    for (auto [key, value] : numbers)
        key->score += *value;
    gcw::weak_map<player, const char *> names(GCW_STRONG_VALUES);
    names.put(p, "name");
    gcw::weak_set<player> set;
    set.add(p);
    for (player *one : set)
        one->score++;
    gcw::guardian<player> g;
    g.add(p);
    g.next();
    p->score += m(1).value_or(0) + (rb == rb)
        + int(std::hash<gcw::ref<player>>()(r) & 1)
        + int(std::hash<gcw::method<int(int)>>()(fast) & 1);
    gcw::connection named = e.connect(listener);
    named.name("first");
    p->score += named.name() != nullptr && named.blocked();
    scoped.name(nullptr);
    p->score += scoped.blocked() || scoped.name() != nullptr;
    e.block();
    e.unblock();
    e.disconnect_object(p);
    e3.disconnect_object(c);
    p->score += e.has_listeners() && gcw::stop_emission();
    gcw::disconnect_object(p);
    h.block();
    h.unblock();
    h.disconnect_object(c);
    p->score += h.has_listeners("type", p) || h.has_listeners(nullptr, nullptr);
    gcw::queue q, other("name"), usual = gcw::queue::of_process();
    gcw::cleanup in_queue(q, p, [] { });
    in_queue.name("last");
    p->score += in_queue.name() != nullptr;
    m.on_death(other, [] { });
    q.on_error([](const gcw::failure &) { });
    if (q.wait() || q.wait(std::chrono::seconds(1)))
        q.drain();
    while (auto call = usual.next())
        gcw_call_invoke(&*call);
    p->score += q.fd() + int(q.drain(1)) + (q.handle() != nullptr);
    gcw::dispose(p);
'

is_clean()
{
    write "$everything"
    compiles "$@" $strict
}

# The macros of the C headers, in C++.
macros_are_clean()
{
    cat > "$dir/it.cc" <<'END'
#include <gcweak.h>
struct player { int score; };
static void *greet(player *self, const int *n, void *)
{
    self->score += *n;
    return nullptr;
}
GCW_METHOD(greet, player, const int, void)
static void close_it(const char *) { }
GCW_CLEANUP(close_it, const char)
static void hear(const int *, player *) { }
GCW_LISTENER(hear, const int, player)
GCW_EVENT(scored, const int)
void use(player *p);
void use(player *p)
{
    const int n = 1;
    scored_event *e = scored_event_new();
    GCW_CONNECT(e, greet, p, nullptr, GCW_ONCE);
    GCW_CONNECT_FN(e, hear, p, 0);
    GCW_EMIT(e, &n);
    scored_emit(e, &n);
    gcw_event_block(scored_untyped(e));
    greet_method_weak(p, p);
    GCW_NEW(greet, p, nullptr);
    close_it_cleanup(p, "it");
}
END
    compiles "$@" $strict
}

# One that another includes before all else is read there as it is alone.
each_header_stands_alone()
{
    for header in "$srcdir"/include/gcweak/cpp/*.hpp
    do
        grep -m 1 '^#include' "$header"
    done > "$dir/first"
    for header in "$srcdir"/include/gcweak/cpp/*.hpp
    do
        line="#include <gcweak/cpp/${header##*/}>"
        grep -qxF "$line" "$dir/first" && continue
        { echo "$line"; echo "$line"; cat "$dir/first"; } > "$dir/it.cc"
        compiles "$CXX" -std=c++17 $strict || return 1
    done
}

# What knows addresses of code must be each object's own: with a name that the
# dynamic linker makes one of, an object could not be unloaded, or its
# listeners would be taken for another's.
holders='::function|::call|::find|only<.*>|place<.*>|bind<.*>'
holders="$holders|give_name<.*>|named<.*>"
code_is_local()
{
    write "$everything"
    $CXX -std=c++17 -fPIC $strict ${GC_CFLAGS-} -I"$srcdir/include" \
        -c "$dir/it.cc" -o "$dir/it.o" &&
        $CXX -shared "$dir/it.o" -o "$dir/it.so" &&
        $NM -C "$dir/it.so" > "$dir/names" &&
        grep -q ' t .*gcw::detail::bound<.*>::function(' "$dir/names" &&
        grep -q ' r .*gcw::detail::name_of<.*>::text' "$dir/names" &&
        ! grep -E " [uVW] (.* )?gcw::detail::.*($holders)\(| u .*gcw::" \
            "$dir/names"
}

# Each of the files $dir/good-*, which is one snippet.
is_taken()
{
    write "$(cat "$1")"
    compiles "$CXX" -std=c++17 -Wall -Wextra
}

# All of them in one source, as a rule; if that is refused, each tells.
are_taken()
{
    write "$(for one in "$dir"/good-*; do echo "{ $(cat "$one") }"; done)"
    compiles "$CXX" -std=c++17 -Wall -Wextra
}

# The compiler says why in our words, if it is given.
is_refused()
{
    write "$1"
    ! compiles "$CXX" -std=c++17 -Wall -Wextra > "$dir/said" 2>&1 ||
        return 1
    [ -z "${2-}" ] || grep -F -- "$2" "$dir/said" || {
        cat "$dir/said"
        return 1
    }
}

# either WHAT GOOD BAD WORDS: two tests, the first of them later.
either()
{
    pairs=$((pairs + 1))
    echo "$1" > "$dir/what-$pairs"
    echo "$2" > "$dir/good-$pairs"
    passes "$1: what does not fit is refused" is_refused "$3" "${4-}"
}

all_good()
{
    all=false
    are_taken > "$dir/said" 2>&1 && all=true
    for number in $(seq "$pairs")
    do
        what="$(cat "$dir/what-$number"): what fits is taken"
        if "$all"; then
            passes "$what" test -s "$dir/good-$number"
        else
            passes "$what" is_taken "$dir/good-$number"
        fi
    done
}

pairs()
{
    takes='does not take'
    pairs=0
    # It is read once for all, where the compiler can do that.
    $CXX -std=c++17 -Wall -Wextra ${GC_CFLAGS-} -I"$srcdir/include" \
        -x c++-header "$dir/prelude.h" -o "$dir/prelude.h.gch" \
        > "$dir/said" 2>&1
    either 'the object of a reference' \
        'gcw::ref<player> r(p);' 'gcw::ref<player> r(x);'
    either 'a reference to a const object' \
        'gcw::ref<const player> r(c);' 'gcw::ref<player> r(c);'
    either 'a reference to a base' \
        'gcw::ref<base> r = gcw::ref<player>(p); (void)r.get();' \
        'gcw::ref<enemy> r = gcw::ref<player>(p);'
    either "a method's object" \
        'gcw::method m(p, &player::greet);' \
        'gcw::method m(x, &player::greet);' 'no such member'
    either 'a member of a const object' \
        'gcw::method m(c, &player::seen);' \
        'gcw::method m(c, &player::greet);' 'no such member'
    either 'the argument of a method' \
        'gcw::method m(p, &player::greet); m(1);' \
        'gcw::method m(p, &player::greet); m("one");'
    either 'the type of a method' \
        'gcw::method<int(int)> m(p, &player::greet);' \
        'gcw::method<int(player *)> m(p, &player::greet);' "$takes"
    either 'what an event gives to a member' \
        'gcw::event<int> e; e.connect(p, &player::greet);' \
        'gcw::event<player *> e; e.connect(p, &player::greet);' "$takes"
    either 'what an event gives to a fixed member' \
        'gcw::event<int> e; e.connect<&player::greet>(p);' \
        'gcw::event<std::string> e; e.connect<&player::greet>(p);' "$takes"
    either 'the object of a fixed member' \
        'gcw::event<int> e; e.connect<&enemy::greet>(x);' \
        'gcw::event<int> e; e.connect<&enemy::greet>(p);' 'no such member'
    either 'what an event gives to a lambda' \
        'gcw::event<int> e; e.connect([](int) { });' \
        'gcw::event<int> e; e.connect([](player *) { });'
    either 'what an event gives to a function' \
        'gcw::event<int> e; e.connect(listener);' \
        'gcw::event<player *> e; e.connect(listener);'
    either 'a method for an event' \
        'gcw::event<int> e; e.connect(gcw::method(p, &player::greet));' \
        'gcw::event<int> e; e.connect(gcw::method(p, &player::bye));'
    either 'the argument of an emission' \
        'gcw::event<player *> e; e.emit(p);' \
        'gcw::event<player *> e; e.emit(x);'
    either 'the number of arguments' \
        'gcw::event<int, int> e; e.emit(1, 2);' \
        'gcw::event<int, int> e; e.emit(1);'
    either 'an argument for many' \
        'gcw::event<std::shared_ptr<int>> e;' \
        'gcw::event<std::unique_ptr<int>> e;' 'cannot be moved'
    either 'flags' \
        'gcw::event<int> e; e.connect(listener, gcw::once);' \
        'gcw::event<int> e; e.connect(listener, 1);'
    either 'a capture' \
        'gcw::event<int> e; e.connect([q = &s](int) { q->size(); });' \
        'gcw::event<int> e; e.connect([s](int) { s.size(); });' \
        'must need no destructor'
    either 'what a listener of a hub takes' \
        'gcw::hub h; h.connect("t", p, p, &player::hear);' \
        'gcw::hub h; h.connect("t", p, p, &player::greet);' \
        'const gcw_emission &'
    either 'what a cleanup takes' \
        'gcw::cleanup(p, [] { });' 'gcw::cleanup(p, [](int) { });' \
        'must take no arguments'
    either 'what an exit handler takes' \
        'gcw::at_exit(p, &player::bye_with);' \
        'gcw::at_exit(p, &player::greet);' 'an exit handler takes'
    either 'what an error hook takes' \
        'gcw::hub().on_error([](const gcw::failure &) { });' \
        'gcw::hub().on_error([](const char *) { });' \
        'an error hook must take'
    either 'the key of a map' \
        'gcw::weak_map<player, int> m; m.put(p, 1);' \
        'gcw::weak_map<player, int> m; m.put(x, 1);'
    either 'the value of a map' \
        'gcw::weak_map<player, double> m; m.put(p, 1);' \
        'gcw::weak_map<player, std::string> m; m.put(p, s);' \
        'must need no destructor'
    either 'a copy of a scoped connection' \
        'gcw::scoped_connection a, b(std::move(a));' \
        'gcw::scoped_connection a, b(a);'
    either 'the member of a set' \
        'gcw::weak_set<player> g; g.add(p);' \
        'gcw::weak_set<player> g; g.add(x);'
    either 'what a cleanup in a queue takes' \
        'gcw::queue q; gcw::cleanup(q, p, [] { });' \
        'gcw::queue q; gcw::cleanup(q, p, [](int) { });' \
        'must take no arguments'
    either 'the queue of a death callback' \
        'gcw::queue q; gcw::method(p, &player::greet).on_death(q, [] { });' \
        'gcw::hub q; gcw::method(p, &player::greet).on_death(q, [] { });'
    all_good
}

# Each of them in each standard; and with each set of flags, one a standard.
warnings()
{
    while read -r compiler
    do
        useless=
        flags='-fPIC -O2'
        for standard in c++17 c++20
        do
            echo 'int n;' > "$dir/it.cc"
            compiles "$compiler" -std=$standard -Werror -Wuseless-cast \
                > "$dir/said" 2>&1 && useless=-Wuseless-cast
            if compiles "$compiler" -std=$standard > "$dir/said" 2>&1; then
                passes "no warning from $compiler in $standard" \
                    is_clean "$compiler" -std=$standard $useless $flags
            else
                skip 1 "$compiler does not know $standard"
            fi
            flags=
        done
        passes "no warning from $compiler of the macros of C" \
            macros_are_clean "$compiler" -std=c++17
    done < "$dir/compilers"
}

# The tests of the other files, as another compiler makes them; which knows
# nothing of a sanitizer in the library.
with_other_compilers()
{
    while read -r compiler
    do
        [ "$compiler" = "$CXX" ] && continue
        case ${CFLAGS-} in
        *-fsanitize*)
            skip 3 'the library is built with a sanitizer'
            continue
            ;;
        esac
        for test in cpp cpp-event cpp-exit
        do
            passes "t/$test.t passes when $compiler has compiled it" \
                compiled_passes "$compiler" $test
        done
    done < "$dir/compilers"
}

compiled_passes()
{
    $1 -std=c++17 -O0 -Wall -Wextra -Werror -D_GNU_SOURCE -DGC_THREADS \
        -DGC_NO_THREAD_REDIRECTS ${GC_CFLAGS-} -I"$srcdir/include" \
        -I"$srcdir/t" -c "$srcdir/t/$2.cc" -o "$dir/$2.o" &&
        "$builddir/libtool" --silent --tag=CC --mode=link ${CC:-cc} \
            ${CFLAGS-} ${LDFLAGS-} -no-install "$dir/$2.o" -o "$dir/$2" \
            "$builddir/t/libsupport.a" "$builddir/libgcweak.la" -lcmocka \
            ${GC_LIBS--lgc} -lstdc++ -lpthread &&
        "$dir/$2"
}

# --- Shared objects ----------------------------------------------------------

# Both connect functions and lambdas of the same types.
cat > "$dir/plugin.cc" <<'END'
#include <cstdio>
#include <gcweak/gcweak.hpp>
static void in_plugin(int) { std::puts("plugin"); }
extern "C" void connect(gcw::event<int> *e);
void connect(gcw::event<int> *e)
{
    int n = 1;
    e->connect(in_plugin);
    e->connect([n](int) { std::printf("plugin %d\n", n); });
    gcw::exit_registry::of_process().add([] { std::puts("handler"); });
}
END

cat > "$dir/host.cc" <<'END'
#include <cstdio>
#include <dlfcn.h>
#include <gc.h>
#include <gcweak/gcweak.hpp>
static void in_host(int) { std::puts("host"); }
static void play(const char *file)
{
    gcw::event<int> e;
    void *plugin = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
    void (*connect)(gcw::event<int> *);
    if (plugin == nullptr)
        throw std::bad_alloc();
    *reinterpret_cast<void **>(&connect) = dlsym(plugin, "connect");
    e.connect(in_host);
    connect(&e);
    e.emit(1);
    dlclose(plugin);
    std::puts(dlopen(file, RTLD_NOW | RTLD_NOLOAD) == nullptr ? "unloaded"
                                                              : "there");
    std::printf("%zu\n", e.emit(1));
}
int main(int, char **argv) { GC_INIT(); play(argv[1]); }
END

# unloads COMPILER: the object must not be linked with the collector; see
# t/drop-in.t.
unloads()
{
    libs=$(cd "$builddir/.libs" && pwd) &&
        $1 -std=c++17 ${CFLAGS-} -O0 -Wall -Wextra ${GC_CFLAGS-} \
            -I"$srcdir/include" -fPIC -shared "$dir/plugin.cc" \
            -o "$dir/plugin.so" "$libs/libgcweak.so" -Wl,-rpath,"$libs" &&
        $1 -std=c++17 ${CFLAGS-} -O0 -Wall -Wextra ${GC_CFLAGS-} \
            -I"$srcdir/include" -rdynamic "$dir/host.cc" -o "$dir/host" \
            ${LDFLAGS-} "$libs/libgcweak.so" -Wl,-rpath,"$libs" \
            ${GC_LIBS--lgc} -ldl &&
        "$dir/host" "$dir/plugin.so" > "$dir/out" &&
        printf '%s\n' host plugin 'plugin 1' handler unloaded host 1 |
            diff - "$dir/out"
}

test_unloading()
{
    if [ ! -e "$builddir/.libs/libgcweak.so" ]; then
        skip 1 'no shared library was built'
        return
    fi
    if keeps_objects; then
        skip 1 'dlclose unloads nothing here'
        return
    fi
    case ${CFLAGS-} in
    *-fsanitize*)
        skip 1 'the library is built with a sanitizer' ;;
    *)
        while read -r compiler
        do
            passes "what a shared object has connected goes with it, $compiler" \
                unloads "$compiler"
        done < "$dir/compilers" ;;
    esac
}

# --- The example -----------------------------------------------------------

cat > "$dir/editor.said" <<'END'
1. A document and its views
left: letter has 10 letters
right: letter has 10 letters
   the left one is drawn at 150 %
2. Views that are forgotten
   nearly all are closed
3. A view fails, and the others are drawn
a view has failed: the page is full
101 in all
   the left one was drawn 2 times
4. The end
saving list, 5 letters
saving letter, 101 letters
END

example_works()
{
    $CXX -std=c++17 ${CFLAGS-} -O0 $strict ${GC_CFLAGS-} -I"$srcdir/include" \
        -c "$srcdir/examples/cpp/editor.cc" -o "$dir/editor.o" &&
        "$builddir/libtool" --silent --tag=CC --mode=link ${CC:-cc} \
            ${CFLAGS-} ${LDFLAGS-} -no-install "$dir/editor.o" \
            -o "$dir/editor" "$builddir/libgcweak.la" ${GC_LIBS--lgc} \
            -lstdc++ &&
        "$dir/editor" | diff "$dir/editor.said" -
}

# --- All of them -------------------------------------------------------------

# A part of the tests runs beside the others, in a directory of its own.
beside()
{
    cp "$dir/compilers" "$dir/editor.said" "$dir/prelude.h" "$dir/beside"
    dir=$dir/beside
    warnings
    with_other_compilers
    passes 'the example editor does what it says' example_works
    passes 'what runs beside the others comes to its end' true
}

# What they have said, with numbers that go on.
tell_beside()
{
    wait "$beside"
    awk -v n="$count" '/^(not )?ok / { sub(/ok [0-9]+/, "ok " ++n) } 1' \
        "$dir/said-beside"
    count=$((count + $(grep -cE '^(not )?ok ' "$dir/said-beside")))
    passes 'all that runs beside the others is told' \
        grep -q '^ok .* comes to its end' "$dir/said-beside"
}

write ''
compiles "$CXX" -std=c++17 > "$dir/log" 2>&1 ||
    skip_all 'no compiler for C++17'
compilers "$CXX" g++ clang++ > "$dir/compilers"
mkdir "$dir/beside"
beside > "$dir/said-beside" 2>&1 &
beside=$!
passes 'each of its headers stands alone' each_header_stands_alone
passes 'what holds addresses of code is not shared between objects' \
    code_is_local
test_unloading
pairs
tell_beside
echo "1..$count"
