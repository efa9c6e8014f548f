// cpp.cc: gcweak.hpp: references, methods, cleanups, maps, sets and guardians.
//
// Events and hubs are in cpp-event.cc, exit handlers in cpp-exit.cc.
#include "cpp.h"

#include <memory>
#include <unordered_set>

namespace {

struct thing {
    std::uintptr_t magic = MAGIC;
    int score = 0;
    void *more[9] = {};

    int add(int n) { return score += n; }
    int sum(int n) const noexcept { return score + n; }
    int &place() { return score; }
    void forget() { score = 0; }
    int take(std::unique_ptr<int> &&p) { return *p; }
    // cppcheck-suppress passedByValue ; that is what is tested
    std::size_t length(std::string s) const { return s.size(); }
    void fall(int) { throw std::runtime_error("the roof"); }
    static thing *make() { return new (GC_MALLOC(sizeof(thing))) thing; }
};

struct animal {
    virtual int legs(int n) const { return n; }
    void *more[9] = {};
    virtual ~animal() = default;
};
struct other {
    virtual int arms() const { return 1; }
    virtual ~other() = default;
};
struct spider final : other, animal {
    int legs(int n) const override { return n + 8; }
};

int
add_twice(thing *t, int n)
{
    return t->score += 2 * n;
}

// Runs body in a frame that is gone and cleared then.
template <class Body>
void
in_frame(Body body)
{
    in_dead_frame([](void *b) { (*static_cast<Body *>(b))(); }, &body);
}

// --- Handles and errors -----------------------------------------------------

template <class Handle>
constexpr bool is_handle_v = std::is_trivially_copyable_v<Handle>
    && std::is_trivially_destructible_v<Handle>
    && sizeof(Handle) == sizeof(void *);

static_assert(is_handle_v<gcw::ref<thing>>);
static_assert(is_handle_v<gcw::method<int(int)>>);
static_assert(is_handle_v<gcw::event<int>>);
static_assert(is_handle_v<gcw::hub>);
static_assert(is_handle_v<gcw::connection>);
static_assert(is_handle_v<gcw::cleanup>);
static_assert(is_handle_v<gcw::exit_handler>);
static_assert(is_handle_v<gcw::exit_registry>);
static_assert(is_handle_v<gcw::weak_map<thing, int>>);
static_assert(is_handle_v<gcw::weak_set<thing>>);
static_assert(is_handle_v<gcw::guardian<thing>>);
static_assert(!std::is_copy_constructible_v<gcw::scoped_connection>);

// What only asks does not throw.
static_assert(noexcept(gcw::ref<thing>().get()));
static_assert(noexcept(gcw::method<void()>().alive()));
static_assert(noexcept(gcw::connection().connected()));
static_assert(noexcept(gcw::cleanup().alive()));
static_assert(noexcept(
    std::declval<gcw::weak_map<thing, int>>().get(nullptr)));

// As members of an aggregate.
struct whole {
    int number;
    gcw::ref<thing> ref;
    gcw::event<int> event;
    gcw::hub hub;
    gcw::exit_registry registry;
    gcw::weak_map<thing, int> map;
    gcw::weak_set<thing> set;
    gcw::guardian<thing> guardian;
};

TEST(handles_are_members)
{
    whole *w = new (GC_MALLOC(sizeof(whole))) whole{ 7, {}, {}, {}, {}, {}, {},
                                                     {} };

    w->event.connect([w](int n) { w->number += n; });
    assert_int_equal(w->event.emit(1), 1);
    assert_int_equal(w->number, 8);
}

TEST(what_fails_throws_its_errno)
{
    thing local;

    assert_int_equal(thrown([&] { gcw::ref r(&local); }), EINVAL);
    assert_int_equal(thrown([&] { gcw::method m(&local, &thing::add); }),
                     EINVAL);
    assert_int_equal(thrown([&] { gcw::cleanup(&local, [] { }); }), EINVAL);
    assert_int_equal(thrown([&] { gcw::weak_set<thing>().add(&local); }),
                     EINVAL);
    assert_int_equal(thrown([&] { gcw::guardian<thing>().add(&local); }),
                     EINVAL);
    assert_int_equal(thrown([&] { gcw::dispose(&local); }), EINVAL);
    assert_int_equal(thrown([] { gcw::method<void()>()(); }), EINVAL);
    assert_int_equal(thrown([] { gcw::cleanup().set_atexit(true); }), EINVAL);
}

TEST(where_memory_has_run_out_it_is_bad_alloc)
{
    assert_int_equal(thrown([] { gcw::detail::throw_error(ENOMEM, "x"); }),
                     ENOMEM);
    assert_int_equal(thrown([] { gcw::detail::throw_error(EPERM, "x"); }),
                     EPERM);
}

void *
make_where_nobody_knows_it(void *to)
{
    thing *t = *static_cast<thing **>(to);
    bool good = thrown([t] { gcw::ref r(t); }) == EPERM
        && thrown([] { gcw::event<> e; }) == EPERM;

    return good ? to : nullptr;
}

TEST(an_unknown_thread_gets_eperm)
{
    thing *t = thing::make();
    pthread_t thread;
    void *good;

    gcw_init();
    assert_int_equal(
        pthread_create(&thread, nullptr, make_where_nobody_knows_it, &t), 0);
    pthread_join(thread, &good);
    assert_ptr_equal(good, &t);
}

TEST(what_leads_to_nothing_reads_as_dead)
{
    gcw::ref<thing> none, null(nullptr);

    assert_null(none.get());
    assert_false(bool(none));
    assert_true(none == null);
    assert_int_equal(none.id(), 0);
    assert_false(gcw::method<void()>().alive());
    assert_false(gcw::cleanup().alive());
    assert_false(gcw::cleanup().run());
    assert_false(gcw::cleanup().detach());
}

// --- References -------------------------------------------------------------

TEST(a_reference_reads_its_target_until_that_is_dead)
{
    thing *t = thing::make();
    gcw::ref r(t);
    gcw::ref<const thing> same_but_const(t);
    gcw::ref longer = gcw::ref<thing>::long_to(t);
    std::uint64_t id = r.id();
    std::size_t hash = std::hash<gcw::ref<thing>>()(r);

    assert_ptr_equal(r.get(), t);
    assert_ptr_equal(same_but_const.get(), t);
    assert_ptr_equal(longer.get(), t);
    assert_true(r == gcw::weak(t));
    assert_true(r != longer);
    gcw::dispose(t);
    assert_null(r.get());
    assert_null(longer.get());
    assert_true(id != 0 && r.id() == id);
    assert_int_equal(std::hash<gcw::ref<thing>>()(r), hash);
    assert_true(r != gcw::weak(t));
}

TEST(a_reference_to_a_derived_object_is_one_to_its_base)
{
    spider *s = new (GC_MALLOC(sizeof(spider))) spider;
    gcw::ref<spider> r(s);
    gcw::ref<animal> base = r;

    assert_ptr_equal(base.get(), static_cast<animal *>(s));
    gcw::dispose(s);
    assert_null(base.get());
    assert_true(gcw::ref<animal>(r) == gcw::ref<animal>());
}

TEST(references_are_keys)
{
    thing *a = thing::make(), *b = thing::make();
    std::unordered_set<gcw::ref<thing>> *set
        = new std::unordered_set<gcw::ref<thing>>;
    gcw::ref ra(a), rb(b);

    set->insert(ra);
    set->insert(gcw::weak(a));
    assert_int_equal(set->size(), 1);
    assert_int_equal(set->count(rb), 0);
    delete set;
}

TEST(references_do_not_keep_their_targets)
{
    void **refs = keep_array(MANY);
    std::size_t dead = 0;

    in_frame([refs] {
        for (std::size_t i = 0; i < MANY; i++)
            refs[i] = gcw::ref(thing::make()).handle();
    });
    collect();
    for (std::size_t i = 0; i < MANY; i++)
        dead += gcw_ref_get(static_cast<gcw_ref *>(refs[i])) == nullptr;
    assert_true(nearly_all(dead, MANY));
}

// --- Methods ----------------------------------------------------------------

TEST(a_method_calls_a_member)
{
    thing *t = thing::make();
    gcw::method add(t, &thing::add);
    gcw::method sum(t, &thing::sum);
    const thing *seen = t;
    gcw::method sum_of_const(seen, &thing::sum);
    auto fast = gcw::method<int(int)>::of<&thing::add>(t);

    assert_int_equal(add(3).value(), 3);
    assert_int_equal(fast(4).value(), 7);
    assert_int_equal(sum(1).value(), 8);
    assert_int_equal(sum_of_const(2).value(), 9);
}

TEST(a_method_calls_the_member_of_a_base_and_an_override)
{
    spider *s = new (GC_MALLOC(sizeof(spider))) spider;
    gcw::method legs(s, &animal::legs);
    gcw::method arms(s, &other::arms);
    auto fast = gcw::method<int(int)>::of<&animal::legs>(s);

    assert_int_equal(legs(1).value(), 9);
    assert_int_equal(fast(2).value(), 10);
    assert_int_equal(arms().value(), 1);
}

TEST(a_method_calls_lambdas_and_functions)
{
    thing *t = thing::make();
    int by = 10;
    gcw::method pointer(t, [](thing *self, int n) { return self->add(n); });
    gcw::method reference(t, [by](thing &self, int n) {
        return self.add(n) * by;
    });
    gcw::method without(t, [by](int n) { return by + n; });
    gcw::method function(t, add_twice);
    gcw::method<long(int)> generic(t, [](auto *self, auto n) {
        return self->score + n;
    });

    assert_int_equal(pointer(1).value(), 1);
    assert_int_equal(reference(1).value(), 20);
    assert_int_equal(without(5).value(), 15);
    assert_int_equal(function(4).value(), 10);
    assert_int_equal(generic(1).value(), 11);
}

TEST(a_lambda_that_changes_its_copy_goes_on_where_it_was)
{
    thing *t = thing::make();
    gcw::method next(t, [n = 0]() mutable { return ++n; });
    gcw::method same = next;

    assert_int_equal(next().value(), 1);
    assert_int_equal(same().value(), 2);
}

TEST(what_a_method_returns_says_whether_it_was_called)
{
    thing *t = thing::make();
    gcw::method add(t, &thing::add);
    gcw::method place(t, &thing::place);
    gcw::method forget(t, &thing::forget);

    assert_ptr_equal(place(), &t->score);
    assert_true(forget());
    assert_true(add.alive());
    gcw::dispose(t);
    assert_false(add(1).has_value());
    assert_null(place());
    assert_false(forget());
    assert_false(bool(add));
    assert_int_equal(t->score, 0);
}

TEST(arguments_pass_whole)
{
    thing *t = thing::make();
    gcw::method length(t, &thing::length);
    gcw::method take(t, &thing::take);
    gcw::method<void(int &)> set(t, [](int &n) { n = 5; });
    int n = 0;

    assert_int_equal(length(std::string(100, 'x')).value(), 100);
    assert_int_equal(take(std::make_unique<int>(7)).value(), 7);
    set(n);
    assert_int_equal(n, 5);
}

TEST(methods_are_equal_if_object_and_callable_are)
{
    thing *t = thing::make(), *u = thing::make();
    auto plain = [](thing *self, int n) { return self->add(n); };
    int by = 1;
    gcw::method boxed(t, [by](int n) { return n + by; });
    gcw::method copy = boxed;
    gcw::method add(t, &thing::add);
    std::size_t hash = std::hash<gcw::method<int(int)>>()(add);

    assert_true(add == gcw::method(t, &thing::add));
    assert_true(add != gcw::method(u, &thing::add));
    assert_true(add != gcw::method(t, &thing::sum));
    assert_true(gcw::method(t, plain) == gcw::method(t, plain));
    assert_true(gcw::method(t, add_twice) == gcw::method(t, add_twice));
    assert_true(boxed == copy);
    assert_true(gcw::method<int(int)>::of<&thing::add>(t)
                == gcw::method<int(int)>::of<&thing::add>(t));
    gcw::method again(t, &thing::add);
    gcw::dispose(t);
    assert_true(add == again);
    assert_int_equal(std::hash<gcw::method<int(int)>>()(again), hash);
}

TEST(an_exception_passes_out_of_a_method_that_is_called_directly)
{
    thing *t = thing::make();
    gcw::method fall(t, &thing::fall);
    bool caught = false;

    try {
        fall(1);
    } catch (const std::runtime_error &e) {
        caught = std::strcmp(e.what(), "the roof") == 0;
    }
    assert_true(caught);
    assert_true(fall.alive());
}

TEST(a_callable_that_captures_its_object_is_refused)
{
    thing *t = thing::make();
    gcw::event<int> e;

    assert_int_equal(
        thrown([&] { gcw::method(t, [t](int n) { t->add(n); }); }), EINVAL);
    assert_int_equal(
        thrown([&] { e.connect(t, [t](int n) { t->add(n); }); }), EINVAL);
    assert_int_equal(thrown([&] { gcw::cleanup(t, [t] { t->forget(); }); }),
                     EINVAL);
    assert_int_equal(
        thrown([&] { e.connect(t, [w = gcw::weak(t)](int) { w.get(); }); }),
        0);
}

TEST(and_it_is_said_why)
{
    thing *t = thing::make();
    std::string said;

    try {
        gcw::method m(t, [t](int n) { t->add(n); });
    } catch (const std::system_error &e) {
        said = e.what();
    }
    assert_true(said.find("captures the object itself") != said.npos);
}

TEST(no_pointer_to_a_member_is_refused)
{
    thing *t = thing::make();
    int (thing::*none)(int) = nullptr;

    assert_int_equal(thrown([&] { gcw::method m(t, none); }), EINVAL);
}

TEST(methods_do_not_keep_their_objects_but_hold_what_is_captured)
{
    void **methods = keep_array(MANY), **refs = keep_array(2 * MANY);
    std::size_t dead = 0, alive = 0;

    in_frame([=] {
        for (std::size_t i = 0; i < MANY; i++) {
            thing *object = thing::make(), *captured = thing::make();
            gcw::ref weak = gcw::weak(object);

            refs[2 * i] = gcw::ref(object).handle();
            refs[2 * i + 1] = gcw::ref(captured).handle();
            methods[i] = gcw::method(object, [captured, weak](int n) {
                return captured->add(n) + (weak.get() != nullptr);
            }).handle();
        }
    });
    collect();
    for (std::size_t i = 0; i < MANY; i++) {
        dead += gcw_ref_get(static_cast<gcw_ref *>(refs[2 * i])) == nullptr;
        alive += gcw_ref_get(static_cast<gcw_ref *>(refs[2 * i + 1]))
                 != nullptr;
    }
    assert_true(nearly_all(dead, MANY));
    assert_int_equal(alive, MANY);
    assert_true(gcw_method_hash(static_cast<gcw_method *>(methods[0])) != 0);
}

TEST(the_death_of_a_method_is_heard_of)
{
    thing *t = thing::make();
    std::size_t *n = counter_new();
    gcw::method add(t, &thing::add);
    gcw::cleanup waits = add.on_death([n] { ++*n; });

    assert_true(waits.alive());
    gcw::dispose(t);
    gcw_drain(0);
    assert_int_equal(*n, 1);
    assert_false(waits.alive());
    assert_int_equal(thrown([&] { add.on_death([] { }); }), ESTALE);
}

// --- Cleanups ---------------------------------------------------------------

TEST(cleanups_run_when_their_objects_have_died)
{
    std::size_t *n = counter_new();

    in_frame([n] {
        for (std::size_t i = 0; i < MANY; i++)
            gcw::cleanup(thing::make(), [n] { ++*n; });
    });
    collect();
    gcw_drain(0);
    assert_true(nearly_all(*n, MANY));
}

TEST(a_cleanup_runs_early_or_not_at_all)
{
    std::size_t *n = counter_new();
    thing *t = thing::make();
    gcw::cleanup early(t, [n] { ++*n; }), never(t, [n] { *n += 10; });

    assert_true(early.alive() && never.alive());
    assert_true(early.run());
    assert_false(early.run());
    assert_true(never.detach());
    assert_false(never.detach());
    gcw::dispose(t);
    gcw_drain(0);
    assert_int_equal(*n, 1);
}

// What the hook of failing cleanups has heard.
struct heard {
    std::size_t times;
    char why[64];
};

void
hear_cleanups(heard *h)
{
    gcw::on_cleanup_error([h](const gcw::failure &f) {
        h->times++;
        std::snprintf(h->why, sizeof h->why, "%s",
                      f.why == nullptr ? "" : f.why);
        if (f.handle == nullptr)
            std::strcpy(h->why, "no handle");
        throw std::runtime_error("hooks are not heard of");
    });
}

TEST(an_exception_in_a_cleanup_is_a_failure_and_the_next_runs)
{
    heard *h = static_cast<heard *>(GC_MALLOC_UNCOLLECTABLE(sizeof(heard)));
    std::size_t *n = counter_new();
    thing *t = thing::make();

    hear_cleanups(h);
    gcw::cleanup(t, [n] { ++*n; });
    gcw::cleanup(t, [] { throw std::runtime_error("the pumps"); });
    gcw::cleanup(t, [n] { ++*n; });
    gcw::dispose(t);
    assert_int_equal(gcw_drain(0), 3);
    assert_int_equal(*n, 2);
    assert_int_equal(h->times, 1);
    assert_string_equal(h->why, "the pumps");
    gcw::cleanup(thing::make(), [] { throw 7; }).run();
    assert_string_equal(h->why, "unknown exception");
    thing *u = thing::make();
    gcw::method(u, &thing::add).on_death([] { throw std::bad_alloc(); });
    gcw::dispose(u);
    gcw_drain(0);
    assert_int_equal(h->times, 3);
    assert_string_equal(h->why, std::bad_alloc().what());
    gcw_drain_on_error(nullptr, nullptr);
}

END(without_a_hook_a_failing_cleanup_is_named_on_stderr, 0, "",
    .err = "the pumps are broken", .err_lines = 1)
{
    gcw::cleanup(thing::make(), [] {
        throw std::runtime_error("the pumps are broken");
    }).run();
}

void *
end_in_a_cleanup(void *n)
{
    std::size_t *counted = static_cast<std::size_t *>(n);

    gcw::cleanup(thing::make(), [counted] {
        struct leaving {
            std::size_t *n;
            ~leaving() { ++*n; }
        } on_the_way = { counted };
        pthread_exit(nullptr);
    }).run();
    *counted += 100;
    return nullptr;
}

TEST(the_end_of_the_thread_is_no_failure)
{
    heard *h = static_cast<heard *>(GC_MALLOC_UNCOLLECTABLE(sizeof(heard)));
    std::size_t *n = counter_new();

    if (!CAN_UNWIND)
        return;
    hear_cleanups(h);
    join_thread(run_thread(end_in_a_cleanup, n));
    assert_int_equal(*n, 1);
    assert_int_equal(h->times, 0);
    gcw_drain_on_error(nullptr, nullptr);
}

// --- Queues -----------------------------------------------------------------

TEST(callbacks_run_in_the_queue_that_they_are_in)
{
    std::size_t *n = counter_new();
    thing *t = thing::make();
    gcw::queue q("mine"), same = q;
    gcw::method add(t, &thing::add);

    gcw::cleanup(q, t, [n] { *n += 1; });
    gcw::cleanup(q, t, [n] { *n += 2; });
    add.on_death(q, [n] { *n += 10; });
    gcw::cleanup(t, [n] { *n += 100; });
    assert_false(q.wait(std::chrono::milliseconds(0)));
    gcw::dispose(t);
    gcw_drain(0);
    assert_int_equal(*n, 100);
    assert_true(q.wait() && same.wait(std::chrono::hours(24 * 365)));
    assert_true(readable(q.fd(), LONG_ENOUGH));
    assert_int_equal(q.drain(1), 1);
    assert_int_equal(same.drain(), 2);
    assert_int_equal(*n, 113);
    assert_int_equal(q.drain(), 0);
}

TEST(who_steps_through_a_queue_makes_the_calls)
{
    std::size_t *n = counter_new();
    thing *t = thing::make();
    gcw::queue q;
    bool caught = false;

    gcw::cleanup(q, t, [n] { ++*n; });
    gcw::cleanup(q, t, [] { throw std::runtime_error("to the caller"); });
    gcw::dispose(t);
    try {
        while (auto call = q.next())
            gcw_call_invoke(&*call);
    } catch (const std::runtime_error &) {
        caught = true;
    }
    assert_true(caught);
    assert_int_equal(*n, 0);
    while (auto call = q.next())
        gcw_call_invoke(&*call);
    assert_int_equal(*n, 1);
}

TEST(a_queue_has_a_hook_of_its_own)
{
    std::size_t *n = counter_new();
    thing *t = thing::make();
    gcw::queue q;
    gcw::cleanup c(q, t, [] { throw 1; }), d(q, t, [] { throw 1; });

    c.name("the pumps");
    assert_string_equal(c.name(), "the pumps");
    assert_null(d.name());
    q.on_error([n](const gcw::failure &f) {
        *n += std::strcmp(f.name, "the pumps") == 0;
        *n += std::strstr(f.name, "lambda") == nullptr ? 0 : 10;
    });
    gcw::dispose(t);
    assert_int_equal(q.drain(), 2);
    assert_int_equal(*n, 11);
}

TEST(a_queue_that_was_disposed_of_takes_nothing)
{
    thing *t = thing::make();
    gcw::queue q, usual = gcw::queue::of_process();
    std::size_t *n = counter_new();

    assert_ptr_equal(usual.handle(), gcw_queue_default());
    gcw::cleanup(q, t, [n] { ++*n; });
    gcw::dispose(q.handle());
    gcw::dispose(t);
    assert_int_equal(usual.drain(), 1);
    assert_int_equal(*n, 1);
    assert_int_equal(thrown([&] { q.drain(); }), ESTALE);
    assert_int_equal(thrown([&] { q.next(); }), ESTALE);
    assert_int_equal(thrown([&] { q.wait(); }), ESTALE);
    assert_int_equal(thrown([&] { q.fd(); }), ESTALE);
    assert_int_equal(thrown([&] { q.on_error([](const gcw::failure &) { }); }),
                     ESTALE);
    assert_int_equal(thrown([&] { gcw::cleanup(q, q.handle(), [] { }); }),
                     ESTALE);
    thing *u = thing::make();
    gcw::method add(u, &thing::add);
    assert_int_equal(thrown([&] { add.on_death(q, [] { }); }), ESTALE);
    assert_int_equal(thrown([&] { gcw::cleanup().name("none"); }), EINVAL);
}

// --- Maps, sets, guardians --------------------------------------------------

TEST(a_map_keeps_values_in_boxes)
{
    thing *t = thing::make(), *u = thing::make();
    gcw::weak_map<thing, int> marks;

    assert_null(marks.get(t));
    marks.put(t, 3);
    assert_int_equal(*marks.get(t), 3);
    assert_int_equal(*marks.setdefault(t, 9), 3);
    assert_int_equal(*marks.setdefault(u, 9), 9);
    ++*marks.get(u);
    assert_int_equal(*marks.get(u), 10);
    assert_int_equal(marks.count(), 2);
    assert_int_equal(*marks.remove(u), 10);
    assert_null(marks.remove(u));
    assert_false(marks.contains(u));
    assert_true(marks.contains(t));
    gcw::dispose(t);
    assert_null(marks.get(t));
}

TEST(a_map_keeps_pointers_as_they_are)
{
    thing *t = thing::make(), *u = thing::make();
    gcw::weak_map<thing, thing *> next;
    gcw::weak_map<thing, const char *> names;

    next.put(t, u);
    names.put(t, "tom");
    assert_ptr_equal(next.get(t), u);
    assert_string_equal(names.get(t), "tom");
    assert_ptr_equal(next.setdefault(t, t), u);
    assert_int_equal(thrown([&] { next.put(t, nullptr); }), EINVAL);
    assert_int_equal(
        thrown([] { gcw::weak_map<thing, int> m(GCW_WEAK_VALUES); }), EINVAL);
}

TEST(a_walk_gives_each_entry_once)
{
    thing *things[3] = { thing::make(), thing::make(), thing::make() };
    gcw::weak_map<thing, int> map;
    gcw::weak_set<thing> set;
    int sum = 0, entries = 0, members = 0;

    for (int i = 0; i < 3; i++) {
        map.put(things[i], 1 << i);
        assert_true(set.add(things[i]));
        assert_false(set.add(things[i]));
    }
    for (auto [key, value] : map) {
        entries++;
        sum += *value;
        assert_ptr_equal(map.get(key), value);
    }
    for (thing *t : set)
        members += set.has(t);
    assert_int_equal(entries, 3);
    assert_int_equal(sum, 7);
    assert_int_equal(members, 3);
    assert_true(set.remove(things[0]));
    assert_false(set.remove(things[0]));
    assert_int_equal(set.count(), 2);
    for (auto [key, value] : gcw::weak_map<thing, int>())
        assert_null(key + *value);
}

TEST(entries_go_with_their_keys_though_their_values_lead_there)
{
    struct link {
        thing *back;
    };
    gcw::weak_map<thing, link> map;
    gcw::weak_set<thing> set;

    in_frame([&] {
        for (std::size_t i = 0; i < MANY; i++) {
            thing *t = thing::make();

            map.put(t, { t });
            set.add(t);
        }
    });
    collect();
    assert_true(nearly_all(MANY - map.count(), MANY));
    assert_true(nearly_all(MANY - set.count(), MANY));
}

TEST(a_guardian_hands_back_what_has_died)
{
    gcw::guardian<thing> guardian;
    std::size_t back = 0;

    assert_null(guardian.next());
    in_frame([&] {
        for (std::size_t i = 0; i < MANY; i++)
            guardian.add(thing::make());
    });
    collect();
    while (thing *t = guardian.next())
        back += t->magic == MAGIC;
    assert_true(nearly_all(back, MANY));
    assert_true(guardian.fd() >= 0);
}

} // namespace
