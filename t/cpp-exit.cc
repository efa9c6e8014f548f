// cpp-exit.cc: gcweak.hpp: exit handlers.
#include "cpp.h"

#include <stdexcept>

namespace {

struct file {
    int number;
    void *more[9] = {};

    explicit file(int n) : number(n) { }
    void close() { std::printf("close %d\n", number); }
    void close_with(const gcw_exit_info &info)
    {
        std::printf("close %d, %d\n", number, info.status);
    }
    static file *make(int n) { return new (GC_MALLOC(sizeof(file))) file(n); }
};

void
goodbye()
{
    std::puts("goodbye");
}

gcw::exit_options
named(const char *name, long level = 0)
{
    gcw::exit_options o;

    o.name = name;
    o.level = level;
    return o;
}

file *
lasting_file(int number)
{
    return new (GC_MALLOC_UNCOLLECTABLE(sizeof(file))) file(number);
}

END(handlers_run_at_exit_in_their_order, 3,
    "first\nclose 2, 3\nclose 1\nlambda 3\ngoodbye\nlast\n", .err = "")
{
    file *one = lasting_file(1), *two = lasting_file(2), *dead = file::make(3);

    gcw::at_exit([] { std::puts("last"); }, named("last", GCW_EXIT_LAST));
    gcw::at_exit([] { std::puts("first"); }, named("first", GCW_EXIT_FIRST));
    gcw::at_exit(goodbye);
    gcw::at_exit([](const gcw_exit_info &info) {
        std::printf("lambda %d\n", info.status);
    });
    gcw::at_exit(one, &file::close);
    gcw::at_exit(dead, &file::close);
    gcw::at_exit(two, [](file *self, const gcw_exit_info &info) {
        self->close_with(info);
    });
    gcw::dispose(dead);
    std::exit(3);
}

END(an_exception_at_exit_is_told_and_the_rest_runs, 0,
    "close 1\ngoodbye\n", .err = "the disk is full", .err_lines = 2)
{
    file *one = lasting_file(1);

    gcw::at_exit(goodbye);
    gcw::at_exit([] { throw std::runtime_error("the disk is full"); });
    gcw::at_exit(one, &file::close);
    gcw::at_exit(one, [](file *) {
        throw std::runtime_error("the disk is full");
    });
}

END(what_is_no_exception_of_the_standard_is_told_too, 0, "",
    .err = "unknown exception", .err_lines = 1)
{
    gcw::at_exit([] { throw 1; });
}

END(a_handler_that_hangs_is_given_up, 0, "goodbye\n", .err = "slow",
    .not_in = NOT_NATIVE)
{
    gcw::exit_options slow = named("slow");

    slow.limit = std::chrono::milliseconds(100);
    gcw::at_exit([] { for (;;) pause(); }, slow);
    gcw::at_exit([] { goodbye(); std::fflush(stdout); });
}

struct heard {
    std::size_t times;
    char name[32], why[32];
};

TEST(a_registry_of_ones_own_runs_when_told)
{
    file *f = file::make(1);
    std::size_t *n = counter_new();
    heard *h = static_cast<heard *>(GC_MALLOC_UNCOLLECTABLE(sizeof(heard)));
    gcw::exit_registry r("session");
    gcw::exit_handler gone;

    r.on_error([h](const gcw::failure &failed) {
        h->times++;
        std::snprintf(h->name, sizeof h->name, "%s", failed.name);
        std::snprintf(h->why, sizeof h->why, "%s", failed.why);
    });
    r.limit(std::chrono::seconds(60));
    r.add([n] { ++*n; });
    r.add([] { throw std::runtime_error("refused"); }, named("flush"));
    r.add(f, [n](file *self, const gcw_exit_info &info) {
        *n += static_cast<std::size_t>(info.status + self->number);
    });
    gone = r.add([n] { *n += 1000; });
    assert_true(gone.id() != 0);
    assert_int_equal(gone.unregister(), GCW_REMOVED);
    assert_int_equal(gone.unregister(), GCW_GONE);
    assert_int_equal(r.run(10), 1);
    assert_int_equal(*n, 12);
    assert_int_equal(h->times, 1);
    assert_string_equal(h->name, "flush");
    assert_string_equal(h->why, "refused");
    assert_int_equal(r.run(), 0);
}

TEST(a_handler_that_stays_runs_again)
{
    std::size_t *n = counter_new();
    gcw::exit_registry r;
    gcw::exit_options keep;

    keep.keep = true;
    r.add([n] { ++*n; }, keep);
    r.run();
    r.run();
    assert_int_equal(*n, 2);
}

TEST(handlers_do_not_keep_their_objects)
{
    std::size_t *n = counter_new();
    gcw::exit_registry r;
    gcw::exit_registry *to = &r;

    in_dead_frame([](void *registry) {
        for (int i = 0; i < MANY; i++)
            static_cast<gcw::exit_registry *>(registry)->add(
                file::make(i), [](file *) { });
    }, to);
    r.add([n] { ++*n; });
    collect();
    assert_true(gcw_exit_list(r.handle(), nullptr, 0)
                <= 1 + MANY - NEARLY_ALL);
    assert_int_equal(r.run(), 0);
    assert_int_equal(*n, 1);
}

int
errno_of_adding_to(gcw::exit_registry r)
{
    try {
        r.add(goodbye);
    } catch (const std::system_error &e) {
        return e.code().value();
    }
    return 0;
}

TEST(a_registry_that_was_disposed_of_refuses_handlers)
{
    gcw::exit_registry r;

    gcw::dispose(r.handle());
    assert_int_equal(errno_of_adding_to(r), ESTALE);
}

} // namespace
