// cpp-event.cc: gcweak.hpp: events and hubs.
#include "cpp.h"


#include <stdexcept>

namespace {

// What listeners have done, one letter each.
struct trace {
    std::size_t length;
    char text[64];

    void add(char c)
    {
        text[length++] = c;
        text[length] = '\0';
    }
    static trace *make()
    {
        void *memory = GC_MALLOC_UNCOLLECTABLE(sizeof(trace));

        return new (memory) trace{};
    }
};

struct view {
    trace *said;
    int sum = 0;
    void *more[9] = {};

    explicit view(trace *t) : said(t) { }
    void on_number(int n) { sum += n; said->add('m'); }
    int on_const(int n) const noexcept { said->add('c'); return n; }
    void on_emission(const gcw_emission &e) { said->add(e.type[0]); }
    void fail(int) { throw std::runtime_error("no ink"); }
    static view *make(trace *t)
    {
        return new (GC_MALLOC(sizeof(view))) view(t);
    }
};

trace *loose_trace;

void
on_number(int)
{
    loose_trace->add('f');
}

template <class Body>
void
in_frame(Body body)
{
    in_dead_frame([](void *b) { (*static_cast<Body *>(b))(); }, &body);
}

// --- Connecting -------------------------------------------------------------

TEST(all_sorts_of_listeners_are_called_in_order)
{
    trace *said = loose_trace = trace::make();
    view *v = view::make(said);
    gcw::event<int> e("numbers");

    e.connect<&view::on_number>(v);
    e.connect(v, &view::on_const);
    e.connect(v, [](view *self, int) { self->said->add('p'); });
    e.connect(v, [](const view &self, long) { self.said->add('r'); });
    e.connect(v, [said](int) { said->add('n'); });
    e.connect(on_number);
    e.connect([said](int n) { said->add(static_cast<char>('0' + n)); });
    e.connect(gcw::method(v, &view::on_number), gcw::front);
    assert_int_equal(e.count(), 8);
    assert_int_equal(e.emit(5), 8);
    assert_string_equal(said->text, "mmcprnf5");
    assert_int_equal(v->sum, 10);
    assert_int_equal(e(1), 8);
}

TEST(listeners_go_with_their_objects_and_others_with_the_event)
{
    trace *said = loose_trace = trace::make();
    view *v = view::make(said);
    gcw::event<int> e;

    e.connect<&view::on_number>(v);
    e.connect(v, [said](int) { said->add('n'); });
    e.connect(on_number);
    gcw::dispose(v);
    assert_int_equal(e.emit(1), 1);
    assert_string_equal(said->text, "f");
    assert_int_equal(thrown([&] { e.connect(gcw::method<void(int)>()); }),
                     EINVAL);
    gcw::dispose(e.handle());
    assert_int_equal(e.emit(1), 0);
    assert_int_equal(thrown([&] { e.connect(on_number); }), ESTALE);
}

TEST(flags_are_obeyed)
{
    trace *said = loose_trace = trace::make();
    view *v = view::make(said);
    gcw::event<int> e;

    e.connect(on_number, gcw::once);
    e.connect(v, &view::on_number, gcw::unique);
    e.connect(v, &view::on_number, gcw::unique);
    e.connect<&view::on_const>(v, gcw::unique | gcw::front);
    e.connect<&view::on_const>(v, gcw::unique);
    assert_int_equal(e.emit(1), 3);
    assert_int_equal(e.emit(1), 2);
    assert_string_equal(said->text, "cfmcm");
}

TEST(listeners_are_disconnected_as_they_were_connected)
{
    trace *said = loose_trace = trace::make();
    view *v = view::make(said);
    gcw::event<int> e;
    auto plain = [](view *self, int) { self->said->add('l'); };
    gcw::connection c;

    e.connect<&view::on_number>(v);
    e.connect(v, &view::on_number);
    e.connect(v, plain);
    e.connect(v, plain);
    e.connect(on_number);
    e.connect(gcw::method(v, &view::on_const));
    c = e.connect([said](int) { said->add('x'); });
    assert_int_equal(e.disconnect<&view::on_number>(v), 1);
    assert_int_equal(e.disconnect(v, &view::on_number), 1);
    assert_int_equal(e.disconnect(v, plain), 2);
    assert_int_equal(e.disconnect(&on_number), 1);
    assert_int_equal(e.disconnect(gcw::method(v, &view::on_const)), 1);
    assert_int_equal(e.disconnect(gcw::method(v, &view::on_const)), 0);
    assert_true(c.connected());
    assert_true(c.disconnect());
    assert_false(c.disconnect());
    assert_false(c.connected());
    assert_int_equal(e.emit(1), 0);
}

TEST(blocked_listeners_are_passed_over)
{
    trace *said = loose_trace = trace::make();
    gcw::event<int> e;
    gcw::connection c = e.connect(on_number);

    c.block();
    assert_int_equal(e.emit(1), 0);
    assert_true(c.connected());
    c.unblock();
    assert_int_equal(e.emit(1), 1);
    assert_string_equal(said->text, "f");
}

TEST(a_connection_says_whether_it_is_blocked)
{
    loose_trace = trace::make();
    gcw::event<int> e;
    gcw::scoped_connection c = e.connect(on_number);

    assert_false(c.blocked());
    c.block();
    assert_true(c.blocked());
    c.unblock();
    assert_false(c.blocked());
    e.block();
    assert_false(c.blocked());
    assert_false(gcw::connection().blocked());
}

TEST(nobody_hears_of_a_muted_event)
{
    trace *said = loose_trace = trace::make();
    gcw::event<int> e;

    assert_false(e.has_listeners());
    e.connect(on_number);
    assert_true(e.has_listeners());
    e.block();
    e.block();
    assert_int_equal(e.emit(1), 0);
    e.unblock();
    assert_false(e.has_listeners());
    assert_int_equal(e.count(), 1);
    e.unblock();
    assert_int_equal(e.emit(1), 1);
    assert_string_equal(said->text, "f");
}

TEST(all_of_an_object_is_disconnected)
{
    trace *said = loose_trace = trace::make();
    view *v = view::make(said), *other = view::make(said);
    const view *same = v;
    gcw::event<int> e, apart;
    gcw::hub hub;

    e.connect<&view::on_number>(v);
    e.connect(v, [](view *self, int) { self->said->add('l'); });
    e.connect(other, &view::on_const);
    e.connect(on_number);
    apart.connect(v, &view::on_number);
    hub.connect("x", nullptr, v, &view::on_emission);
    assert_int_equal(e.disconnect_object(same), 2);
    assert_int_equal(e.emit(1), 2);
    assert_string_equal(said->text, "cf");
    assert_int_equal(gcw::disconnect_object(v), 2);
    assert_int_equal(apart.emit(1) + hub.emit("x", nullptr), 0);
    assert_int_equal(gcw::disconnect_object(v), 0);
    assert_int_equal(thrown([&] { e.disconnect_object(&e); }), EINVAL);
    assert_int_equal(thrown([&] { gcw::disconnect_object(&e); }), EINVAL);
    assert_int_equal(thrown([&] { hub.disconnect_object(&e); }), EINVAL);
}

TEST(a_listener_stops_the_emission)
{
    trace *said = loose_trace = trace::make();
    gcw::event<int> e;
    bool stopped = false, *so = &stopped;

    e.connect(on_number);
    e.connect([so](int) { *so = gcw::stop_emission(); });
    e.connect(on_number);
    assert_int_equal(e.emit(1), 2);
    assert_string_equal(said->text, "f");
    assert_true(stopped);
    assert_false(gcw::stop_emission());
}

TEST(a_scoped_connection_ends_with_its_scope)
{
    loose_trace = trace::make();
    gcw::event<int> e;
    gcw::connection kept;
    {
        gcw::scoped_connection one = e.connect(on_number);
        gcw::scoped_connection two = e.connect(on_number);
        gcw::scoped_connection moved = std::move(one);

        assert_int_equal(e.emit(1), 2);
        two = std::move(moved);
        assert_int_equal(e.emit(1), 1);
        assert_true(two.connected());
    }
    assert_int_equal(e.emit(1), 0);
    {
        gcw::scoped_connection released = e.connect(on_number);

        kept = released.release();
    }
    assert_true(kept.connected());
}

// --- Arguments --------------------------------------------------------------

TEST(every_listener_gets_the_same_arguments)
{
    trace *said = trace::make();
    int number = 0;
    gcw::event<std::string, int &, const trace *> e;

    e.connect([](std::string s, int &n, const trace *) {
        n += static_cast<int>(s.size());
        s.clear();
    });
    e.connect([](const std::string &s, int &n, const trace *) {
        n += static_cast<int>(s.size());
    });
    e.connect([said](const std::string &, int, const trace *t) {
        said->add(t == said ? 'y' : 'n');
    });
    assert_int_equal(e.emit("four", number, said), 3);
    assert_int_equal(number, 8);
    assert_string_equal(said->text, "y");
}

struct keeper {
    const void *seen = nullptr;
    void *more[11] = {};

    void see(const void *p) { seen = p; }
};

// A type that is not whole yet, as where its object has the event.
struct origin {
    gcw::event<origin &, const origin *> changed;
    int n = 0;

    void change() { changed.emit(*this, this); }
};

TEST(an_object_has_an_event_that_tells_of_it)
{
    origin *o = new (GC_MALLOC(sizeof(origin))) origin;

    o->changed.connect([](origin &it, const origin *same) {
        it.n += &it == same;
    });
    o->change();
    assert_int_equal(o->n, 1);
}

// A pointer could be taken for the object.
TEST(an_event_that_gives_pointers)
{
    keeper *k = new (GC_MALLOC(sizeof(keeper))) keeper;
    gcw::event<const void *> e;
    gcw::event<keeper *> of_its_own;
    int n = 0;

    e.connect<&keeper::see>(k);
    e.emit(&n);
    assert_ptr_equal(k->seen, &n);
    e.connect(k, [](auto *self, auto) { self->seen = nullptr; });
    e.emit(&n);
    assert_null(k->seen);
    of_its_own.connect(k, [](keeper *self, keeper *other) {
        self->seen = other;
    });
    of_its_own.emit(k);
    assert_ptr_equal(k->seen, k);
}

TEST(an_event_without_arguments)
{
    int n = 0;
    gcw::event<> e;

    e.connect([&n] { n++; });
    e.connect([&n] { return n += 10; });
    assert_int_equal(e.emit(), 2);
    assert_int_equal(n, 11);
}

// --- Deaths -----------------------------------------------------------------

TEST(an_event_keeps_no_listener_and_becomes_small_again)
{
    trace *said = trace::make();
    gcw::event<int> e;
    std::size_t *n = counter_new();

    in_frame([&] {
        for (std::size_t i = 0; i < MANY; i++) {
            view *v = view::make(said);

            e.connect(v, &view::on_number);
            e.connect<&view::on_number>(v);
            e.connect(v, [n](view *, int) { ++*n; });
            e.connect(v, [n, w = gcw::weak(v)](int) { *n += bool(w); });
        }
    });
    collect();
    gcw_drain(0);
    assert_true(nearly_all(MANY - e.count() / 4, MANY));
    said->length = 0;
    assert_true(e.emit(1) <= 4 * (MANY - NEARLY_ALL));
}

TEST(a_lambda_with_weak_captures_keeps_nothing)
{
    void **refs = keep_array(MANY);
    gcw::event<int> e;
    std::size_t *n = counter_new();
    trace *said = trace::make();

    in_frame([&] {
        for (std::size_t i = 0; i < MANY; i++) {
            gcw::ref w = gcw::weak(view::make(said));

            refs[i] = w.handle();
            e.connect([w, n](int) {
                if (view *v = w.get()) {
                    v->sum++;
                    ++*n;
                }
            });
        }
    });
    collect();
    assert_int_equal(e.emit(1), MANY);
    assert_true(*n <= MANY - NEARLY_ALL);
}

TEST(a_lambda_holds_what_else_it_captures)
{
    gcw::event<int> e;
    std::size_t *n = counter_new();
    trace *said = trace::make();

    in_frame([&] {
        for (std::size_t i = 0; i < MANY; i++) {
            view *v = view::make(said);

            e.connect([v, n](int k) {
                *n += v->sum == 0 ? 1 : 0;
                v->sum += k;
            });
        }
    });
    collect();
    assert_int_equal(e.emit(1), MANY);
    assert_int_equal(*n, MANY);
}

// --- Exceptions -------------------------------------------------------------

struct heard {
    std::size_t times;
    void *handle;
    char why[64], name[128];

    void hear(const gcw::failure &f)
    {
        times++;
        handle = f.handle;
        std::snprintf(why, sizeof why, "%s", f.why == nullptr ? "" : f.why);
        std::snprintf(name, sizeof name, "%s",
                      f.name == nullptr ? "" : f.name);
    }
    static heard *make()
    {
        return new (GC_MALLOC_UNCOLLECTABLE(sizeof(heard))) heard{};
    }
};

TEST(an_exception_in_a_listener_is_a_failure_and_the_next_is_called)
{
    trace *said = loose_trace = trace::make();
    heard *h = heard::make();
    view *v = view::make(said);
    gcw::event<int> e;
    gcw::connection c;

    e.on_error([h](const gcw::failure &f) { h->hear(f); });
    e.connect(on_number);
    c = e.connect(v, &view::fail);
    e.connect(on_number);
    assert_int_equal(e.emit(1), 3);
    assert_string_equal(said->text, "ff");
    assert_int_equal(h->times, 1);
    assert_string_equal(h->why, "no ink");
    assert_ptr_equal(h->handle, c.handle());
    assert_true(c.connected());
    c.disconnect();
    e.connect([](int) { throw 5; });
    assert_int_equal(e.emit(1), 3);
    assert_int_equal(h->times, 2);
    assert_string_equal(h->why, "unknown exception");
    assert_string_equal(said->text, "ffff");
}

TEST(exceptions_in_emissions_within_emissions_are_each_heard_of)
{
    heard *h = heard::make();
    gcw::event<int> inner, outer;

    inner.on_error([h](const gcw::failure &f) { h->hear(f); });
    outer.on_error([h](const gcw::failure &f) { h->hear(f); });
    inner.connect([](int) { throw std::runtime_error("inside"); });
    outer.connect([inner](int n) {
        inner.emit(n);
        throw std::runtime_error("outside");
    });
    assert_int_equal(outer.emit(1), 1);
    assert_int_equal(h->times, 2);
    assert_string_equal(h->why, "outside");
}

// The name that the hook hears of what has failed.
template <class Connect>
std::string
name_of_failing(Connect connect)
{
    heard *h = heard::make();
    gcw::event<int> e;

    e.on_error([h](const gcw::failure &f) { h->hear(f); });
    connect(e);
    assert_int_equal(e.emit(1), 1);
    return h->name;
}

bool
says(const std::string &text, const char *words)
{
    return text.find(words) != text.npos;
}

TEST(what_fails_has_the_name_of_what_was_connected)
{
    view *v = view::make(trace::make());
    auto fail = [](view *, int) { throw 1; };
    std::string name;

    name = name_of_failing([v](auto e) {
        e.template connect<&view::fail>(v);
    });
    assert_true(says(name, "view::fail"));
    assert_false(says(name, "&") || says(name, "gcw::"));
    name = name_of_failing([v](auto e) { e.connect(v, &view::fail); });
    assert_true(says(name, "void (") && says(name, "view::*)(int)"));
    assert_true(name.back() == ')');
    name = name_of_failing([&](auto e) { e.connect(v, fail); });
    assert_true(says(name, "lambda"));
    name = name_of_failing([](auto e) { e.connect([](int) { throw 1; }); });
    assert_true(says(name, "lambda"));
}

TEST(a_listener_has_the_name_that_it_is_given)
{
    gcw::scoped_connection c;
    std::string name = name_of_failing([&](auto e) {
        c = e.connect([](int) { throw 1; });
        assert_null(c.name());
        c.name("the first");
        assert_string_equal(c.name(), "the first");
    });

    assert_string_equal(name.c_str(), "the first");
    c.name(nullptr);
    assert_null(c.name());
    assert_int_equal(thrown([] { gcw::connection().name("none"); }), EINVAL);
}

END(without_a_hook_a_failing_listener_is_named_on_stderr, 0, "after\n",
    .err = "no ink", .err_lines = 2)
{
    gcw::event<int> e("printing");

    e.connect([](int) { throw std::runtime_error("no ink"); });
    e.connect([](int) { throw std::runtime_error("no ink"); });
    e.connect([](int) { std::puts("after"); });
    e.emit(1);
}

TEST(an_exception_passes_to_who_steps_through_the_event)
{
    gcw_event_step step;
    gcw::event<> e;
    bool caught = false;

    e.connect([] { throw std::runtime_error("to whom it concerns"); });
    gcw::detail::frame<> arg{ {}, nullptr, false };
    assert_true(gcw_event_first(e.handle(), &arg, &step));
    try {
        gcw_call_invoke(&step.call);
    } catch (const std::runtime_error &) {
        caught = true;
    }
    assert_true(caught);
}

struct leaving {
    gcw::event<> event;
    std::size_t unwound;
};

struct on_the_way {
    leaving *l;
    ~on_the_way() { l->unwound++; }
};

void *
emit_and_leave(void *arg)
{
    leaving *l = static_cast<leaving *>(arg);

    l->event.emit();
    l->unwound += 100;
    return nullptr;
}

TEST(the_end_of_a_thread_in_a_listener_is_none)
{
    heard *h = heard::make();
    leaving l{ gcw::event<>(), 0 };
    leaving *to = &l;

    if (!CAN_UNWIND)
        return;
    l.event.on_error([h](const gcw::failure &f) { h->hear(f); });
    gcw::connection c = l.event.connect([to] {
        on_the_way here{ to };
        pthread_exit(nullptr);
    });
    join_thread(run_thread(emit_and_leave, &l));
    assert_int_equal(l.unwound, 1);
    c.disconnect();
    l.event.connect([to] {
        on_the_way here{ to };
        pthread_cancel(pthread_self());
        pthread_testcancel();
    });
    join_thread(run_thread(emit_and_leave, &l));
    assert_int_equal(l.unwound, 2);
    assert_int_equal(h->times, 0);
}

// --- Threads ----------------------------------------------------------------

enum { THREADS = 4, EMISSIONS = 2000 };

struct crowd {
    gcw::event<int> event;
    std::atomic<std::size_t> calls;
};

void *
emit_many(void *arg)
{
    crowd *c = static_cast<crowd *>(arg);

    for (int i = 0; i < EMISSIONS; i++) {
        gcw::scoped_connection mine = c->event.connect([](int) { });

        c->event.emit(1);
    }
    return nullptr;
}

TEST(threads_emit_and_connect_at_once)
{
    crowd c{ gcw::event<int>(), {} };
    crowd *all = &c;
    pthread_t threads[THREADS];

    c.event.connect([all](int n) {
        all->calls += static_cast<std::size_t>(n);
    });
    for (pthread_t &t : threads)
        t = run_thread(emit_many, &c);
    for (pthread_t &t : threads)
        join_thread(t);
    assert_int_equal(c.calls.load(), THREADS * EMISSIONS);
    assert_int_equal(c.event.count(), 1);
}

void *
emit_where_nobody_knows_it(void *arg)
{
    gcw::event<int> *e = static_cast<gcw::event<int> *>(arg);

    return thrown([e] { e->emit(1); }) == EPERM ? arg : nullptr;
}

TEST(an_unknown_thread_cannot_emit)
{
    gcw::event<int> e;
    pthread_t thread;
    void *good;

    e.connect([](int) { });
    assert_int_equal(pthread_create(&thread, nullptr,
                                    emit_where_nobody_knows_it, &e), 0);
    pthread_join(thread, &good);
    assert_ptr_equal(good, &e);
}

// --- Hubs -------------------------------------------------------------------

TEST(a_hub_calls_those_whose_pattern_fits)
{
    trace *said = trace::make();
    view *v = view::make(said), *source = view::make(said);
    gcw::hub hub;

    hub.connect("saved", source, v, &view::on_emission);
    hub.connect(nullptr, source, [said](const gcw_emission &) {
        said->add('s');
    });
    hub.connect("saved", nullptr, [said](const gcw_emission &e) {
        said->add(e.arg == said ? 'a' : '-');
    });
    hub.connect(nullptr, nullptr, v, [](view *self, const gcw_emission &) {
        self->said->add('*');
    });
    assert_int_equal(hub.emit("saved", source, said), 4);
    assert_string_equal(said->text, "ssa*");
    assert_int_equal(hub.emit("opened", v), 1);
    hub.post("saved", nullptr);
    assert_true(hub.fd() >= 0);
    assert_int_equal(hub.dispatch(), 1);
    assert_string_equal(said->text, "ssa**-*");
    gcw::dispose(v);
    assert_int_equal(hub.emit("saved", source), 2);
    assert_int_equal(hub.emit("none", nullptr), 0);
}

TEST(a_hub_is_muted_and_forgets_an_object)
{
    trace *said = trace::make();
    view *v = view::make(said), *source = view::make(said);
    gcw::hub hub;

    hub.connect("x", source, v, &view::on_emission);
    hub.connect("x", nullptr, [said](const gcw_emission &) {
        said->add('l');
        gcw::stop_emission();
    }, gcw::front);
    assert_true(hub.has_listeners("x", nullptr));
    assert_false(hub.has_listeners("y", source));
    hub.block();
    assert_false(hub.has_listeners("x", source));
    assert_int_equal(hub.emit("x", source), 0);
    hub.unblock();
    assert_int_equal(hub.emit("x", nullptr), 1);
    assert_int_equal(hub.disconnect_object(v), 1);
    assert_int_equal(hub.emit("x", source), 1);
    assert_string_equal(said->text, "ll");
}

TEST(an_exception_in_a_hubs_listener_is_a_failure)
{
    trace *said = trace::make();
    heard *h = heard::make();
    gcw::hub hub;
    view *v = view::make(said);

    hub.on_error([h](const gcw::failure &f) { h->hear(f); });
    hub.connect("x", nullptr, [](const gcw_emission &) {
        throw std::runtime_error("no news");
    });
    hub.connect("x", nullptr, v, [](view *, const gcw_emission &) {
        throw std::runtime_error("no news");
    });
    hub.connect("x", nullptr, [said](const gcw_emission &) {
        said->add('x');
    });
    assert_int_equal(hub.emit("x", nullptr), 3);
    assert_int_equal(h->times, 2);
    assert_string_equal(h->why, "no news");
    assert_string_equal(said->text, "x");
    assert_int_equal(thrown([&] {
        hub.connect("x", v, [v](const gcw_emission &) { v->sum++; });
    }), EINVAL);
}

} // namespace
