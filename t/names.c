/* names.c: tests of names: of functions, of what typed methods, listeners and
 * cleanups are made of, and of single listeners and cleanups.
 *
 * No function here is known to the dynamic linker.
 */
#include <config.h>

#include <dlfcn.h>
#include <errno.h>
#include <gcweak/debug.h>
#include <libgen.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include "dumped.h"
#include "idle.h"
#include "log.h"
#include "thread.h"

/* What is in `dumped`: a line that ends with that text. */
static bool
has_line(const char *text, const char *end)
{
    size_t length = strlen(end);

    for (const char *at = text; (at = strstr(at, end)) != NULL; at += length)
        if (at[length] == '\n')
            return true;
    return false;
}

/* "name (this program)", and what may follow, in malloc memory that stays.  In
 * a program that the dynamic linker does not know, the name is all. */
static char *
in_program(const char *name, const char *more)
{
    char self[PATH_MAX], *text = malloc(PATH_MAX);
    Dl_info info;

    MUST(text != NULL);
    if (dladdr((void *)in_program, &info) == 0) {
        MUST(!names_are_known());
        snprintf(text, PATH_MAX, " %s%s", name, more);
        return text;
    }
    snprintf(self, sizeof self, "%s", info.dli_fname);
    snprintf(text, PATH_MAX, " %s (%s)%s", name, basename(self), more);
    return text;
}

/* Whether a dump shows a row for this function, with what may follow. */
static bool
is_shown(const char *name, const char *more)
{
    return has_line(dumped(), in_program(name, more));
}

/* --- Names of functions --- */

static void
hears(void *arg, void *data)
{
    (void)arg, (void)data;
}

static void (*
code_of(void (*fn)(void *arg, void *data)))(void)
{
    return (void (*)(void))fn;
}

TEST(a_function_is_shown_by_the_name_that_it_was_given)
{
    gcw_event *e = gcw_event_new("one");

    gcw_event_connect_fn(e, hears, NULL, 0);
    assert_false(is_shown("given", ""));
    assert_int_equal(gcw_name_function(code_of(hears), "given"), 0);
    assert_true(is_shown("given", ""));
    assert_int_equal(gcw_name_function(code_of(hears), "another"), 0);
    assert_true(is_shown("another", ""));
    assert_false(is_shown("given", ""));
    assert_int_equal(gcw_name_function(code_of(hears), NULL), 0);
    assert_false(is_shown("another", ""));
    assert_int_equal(gcw_name_function(code_of(hears), NULL), 0);
    GC_reachable_here(e);
}

TEST(naming_leaves_errno_alone_and_refuses_no_function)
{
    errno = 77;
    assert_int_equal(gcw_name_function(code_of(hears), "it"), 0);
    assert_int_equal(errno, 77);
    expect_errno(gcw_name_function(NULL, "it") == -1, EINVAL);
    assert_int_equal(gcw_name_function(code_of(hears), NULL), 0);
}

/* Such as a runtime compiles. */
TEST(code_in_no_object_is_shown_by_its_name_alone)
{
    gcw_event *e = gcw_event_new("one");
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);
    void (*code)(void *arg, void *data);

    assert_true(page != MAP_FAILED);
    *(void **)&code = page;
    gcw_event_connect_fn(e, code, NULL, 0);
    assert_int_equal(gcw_name_function(code_of(code), "lambda 17"), 0);
    assert_true(has_line(dumped(), " lambda 17"));
    assert_int_equal(gcw_name_function(code_of(code), NULL), 0);
    assert_false(has_line(dumped(), " lambda 17"));
    gcw_event_disconnect_fn(e, code, NULL);
    munmap(page, 4096);
}

enum { LOTS = 5000 };

static void
name_lots(char *page, const char *name)
{
    for (int i = 0; i < LOTS; i++) {
        void (*code)(void);

        *(void **)&code = page + i;
        assert_int_equal(gcw_name_function(code, name), 0);
    }
}

TEST(lots_of_functions_have_names)
{
    gcw_event *e = gcw_event_new("one");
    char *page = mmap(NULL, LOTS, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);
    void (*code)(void *arg, void *data);

    assert_true(page != MAP_FAILED);
    name_lots(page, "one of lots");
    *(void **)&code = page + LOTS / 2;
    gcw_event_connect_fn(e, code, NULL, 0);
    assert_true(has_line(dumped(), " one of lots"));
    name_lots(page, NULL);
    assert_false(has_line(dumped(), " one of lots"));
    gcw_event_disconnect_fn(e, code, NULL);
    munmap(page, LOTS);
}

/* --- Threads and forks --- */

static void *
name_one(void *unused)
{
    MUST(gcw_name_function(code_of(hears), "by a stranger") == 0);
    return unused;
}

/* It is the first call of all. */
FRESH_END(a_thread_that_the_collector_does_not_know_may_name, 0, "")
{
    gcw_event *e;

    in_unknown_thread(name_one, NULL);
    e = gcw_event_new("one");
    gcw_event_connect_fn(e, hears, NULL, 0);
    MUST(is_shown("by a stranger", ""));
    GC_reachable_here(e);
}

/* So many threads name what is theirs, and one that is everybody's. */
enum { THREADS = 4, ROUNDS = 4 };

static void *
name_and_look(void *page)
{
    for (int i = 0; i < ROUNDS; i++) {
        name_lots(page, "mine");
        gcw_name_function(code_of(hears), i % 2 == 0 ? "even" : "odd");
        free(dumped());
    }
    return NULL;
}

TEST(threads_name_and_look_at_once)
{
    gcw_event *e = gcw_event_new("one");
    char *pages = mmap(NULL, THREADS * LOTS, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t threads[THREADS];

    assert_true(pages != MAP_FAILED);
    gcw_event_connect_fn(e, hears, NULL, 0);
    for (int i = 0; i < THREADS; i++)
        threads[i] = run_thread(name_and_look, pages + i * LOTS);
    for (int i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    assert_true(is_shown("odd", ""));
    for (int i = 0; i < THREADS; i++)
        name_lots(pages + i * LOTS, NULL);
    gcw_name_function(code_of(hears), NULL);
    munmap(pages, THREADS * LOTS);
    GC_reachable_here(e);
}

static atomic_bool enough;

static void *
name_all_the_time(void *unused)
{
    while (!atomic_load(&enough))
        MUST(gcw_name_function(code_of(hears), "it") == 0);
    return unused;
}

/* A child of a fork that came while somebody had the lock goes on naming. */
END(children_have_the_names_and_may_name, 0, "")
{
    enum { CHILDREN = 30 };
    gcw_event *e = gcw_event_new("one");
    pthread_t thread = run_thread(name_all_the_time, NULL);

    gcw_event_connect_fn(e, hears, NULL, 0);
    MUST(gcw_name_function(code_of(hears), "it") == 0);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();

        MUST(pid >= 0);
        if (pid == 0) {
            alarm(20);
            MUST(is_shown("it", ""));
            MUST(gcw_name_function(code_of(hears), "mine") == 0);
            MUST(is_shown("mine", ""));
            _exit(0);
        }
        ends_well(pid);
    }
    atomic_store(&enough, true);
    join_thread(thread);
    GC_reachable_here(e);
}

/* --- What is typed --- */

struct document {
    int number;
};

static void *
greet(struct target *self, const struct document *document, const int *by)
{
    note(document->number == 5 && *by == 7 && self->magic == MAGIC ? "greets"
                                                                 : "wrong");
    return NULL;
}
GCW_METHOD(greet, struct target, const struct document, const int)

static void *
fall(struct target const *self, struct document *document, void *data)
{
    (void)self, (void)document, (void)data;
    gcw_fail("the rope");
}
GCW_METHOD(fall, struct target const, struct document, void)

static void
listen_to(struct document *document, const char *word)
{
    note(document->number == 5 ? word : "wrong");
}
GCW_LISTENER(listen_to, struct document, const char)

static void
stumble(const void *document, char *data)
{
    (void)document, (void)data;
    gcw_fail("the stone");
}
GCW_LISTENER(stumble, const void, char)

static void
close_log(const char *word)
{
    note(word);
}
GCW_CLEANUP(close_log, const char)

static void
fail_to_close(void *data)
{
    (void)data;
    gcw_fail("no space left");
}
GCW_CLEANUP(fail_to_close, void)

GCW_EVENT(saved, struct document)

static const int seven = 7;

TEST(typed_events_call_methods_and_functions)
{
    struct target *t = target_new(1);
    saved_event *e = saved_event_new();
    struct document five = { 5 };

    forget();
    assert_non_null(GCW_CONNECT(e, greet, t, &seven, 0));
    assert_non_null(GCW_CONNECT_FN(e, listen_to, "listens", 0));
    assert_int_equal(saved_emit(e, &five), 2);
    assert_int_equal(GCW_EMIT(e, &five), 2);
    assert_string_equal(noted(), "greets listens greets listens");
    assert_int_equal(gcw_event_count(saved_untyped(e)), 2);
    assert_non_null(strstr(dumped(), "event \"saved\" "));
    GC_reachable_here(t);
}

TEST(typed_methods_are_made_by_checked_macros)
{
    struct target *t = target_new(1);
    gcw_method *m = GCW_NEW(greet, t, &seven);

    assert_true(gcw_method_equal(m, greet_method(t, &seven)));
    m = GCW_NEW_WEAK(fall, t, t);
    assert_true(gcw_method_equal(m, fall_method_weak(t, t)));
    GC_reachable_here(t);
}

TEST(what_cannot_be_connected_says_why)
{
    struct target *t = target_new(1);
    saved_event *e = saved_event_new();
    int on_stack = 7;

    expect_errno(GCW_CONNECT(e, fall, (void *)&on_stack, NULL, 0) == NULL,
                 EINVAL);
    gcw_dispose(e);
    expect_errno(GCW_CONNECT(e, fall, t, NULL, 0) == NULL, ESTALE);
    GC_reachable_here(t);
}

TEST(what_is_typed_is_shown_by_the_name_of_its_function)
{
    struct target *t = target_new(1);
    saved_event *e = saved_event_new();
    gcw_cleanup *c = close_log_cleanup(t, "closes");

    GCW_CONNECT(e, greet, t, &seven, 0);
    GCW_CONNECT_FN(e, listen_to, "listens", 0);
    assert_true(is_shown("greet", ""));
    assert_true(is_shown("listen_to", ""));
    assert_true(is_shown("close_log", ""));
    assert_true(gcw_cleanup_detach(c));
    GC_reachable_here(e);
}

TEST(a_typed_cleanup_gets_its_data)
{
    struct target *t = target_new(1);

    forget();
    close_log_cleanup(t, "closes");
    gcw_dispose(t);
    gcw_drain(0);
    assert_string_equal(noted(), "closes");
}

TEST(making_leaves_errno_alone)
{
    struct target *t = target_new(1);

    errno = 77;
    assert_non_null(fall_method(t, NULL));
    assert_non_null(fail_to_close_cleanup(t, NULL));
    assert_int_equal(errno, 77);
    gcw_dispose(t);
    gcw_drain_on_error(idle_on_error, NULL);
    gcw_drain(0);
    gcw_drain_on_error(NULL, NULL);
}

/* --- Hooks and lines --- */

static void
note_names(void *handle, const char *name, const char *why, void *data)
{
    (void)handle, (void)why, (void)data;
    note(name == NULL ? "NULL" : name);
}

static void
fails_unnamed(void *arg, void *data)
{
    (void)arg, (void)data;
    gcw_fail("it could not");
}

TEST(the_hook_of_an_event_hears_names)
{
    struct target *t = target_new(1);
    saved_event *e = saved_event_new();
    gcw_event *untyped = saved_untyped(e);
    gcw_listener *l;

    forget();
    gcw_event_on_error(untyped, note_names, NULL);
    GCW_CONNECT(e, fall, t, NULL, 0);
    GCW_CONNECT_FN(e, stumble, NULL, 0);
    gcw_event_connect_fn(untyped, fails_unnamed, NULL, 0);
    l = gcw_event_connect_fn(untyped, fails_unnamed, NULL, 0);
    assert_int_equal(gcw_listener_set_name(l, "the last one"), 0);
    gcw_event_emit(untyped, NULL);
    assert_string_equal(noted(), "fall stumble NULL the last one");
    GC_reachable_here(t);
}

TEST(the_hook_of_the_drain_hears_names)
{
    struct target *t = target_new(1);
    gcw_cleanup *c = fail_to_close_cleanup(t, NULL);

    forget();
    assert_int_equal(gcw_cleanup_set_name(c, "the log"), 0);
    fail_to_close_cleanup(t, NULL);
    gcw_drain_on_error(note_names, NULL);
    gcw_dispose(t);
    gcw_drain(0);
    gcw_drain_on_error(NULL, NULL);
    assert_string_equal(noted(), "fail_to_close the log");
}

END(a_failure_names_the_typed_method, 0, "",
    .err = "gcweak: event saved: listener fall failed: the rope\n",
    .err_lines = 1)
{
    saved_event *e = saved_event_new();

    GCW_CONNECT(e, fall, lasting_target(1), NULL, 0);
    saved_emit(e, NULL);
}

END(a_failure_names_the_listener, 0, "",
    .err = "gcweak: event saved: listener the climber failed: the rope\n",
    .err_lines = 1)
{
    saved_event *e = saved_event_new();
    gcw_listener *l = GCW_CONNECT(e, fall, lasting_target(1), NULL, 0);

    gcw_listener_set_name(l, "the climber");
    saved_emit(e, NULL);
}

END(a_failure_names_the_cleanup, 0, "",
    .err = "gcweak: cleanup the log failed: no space left\n", .err_lines = 1)
{
    struct target *t = target_new(1);

    gcw_cleanup_set_name(fail_to_close_cleanup(t, NULL), "the log");
    gcw_dispose(t);
    gcw_drain(0);
}

SCENARIO(fail_without_a_name)
{
    gcw_event *e = gcw_event_new("saved");

    gcw_event_connect_fn(e, fails_unnamed, NULL, 0);
    gcw_event_emit(e, NULL);
}

/* For addr2line. */
TEST(a_failure_without_a_name_tells_object_and_offset,
     .lacks = names_of_functions)
{
    struct outcome o = run_scenario("fail_without_a_name");
    const char *begin = "gcweak: event saved: listener ";
    char *offset = strstr(o.err, "+0x"), *rest;

    assert_memory_equal(o.err, begin, strlen(begin));
    assert_non_null(offset);
    assert_true(strtoul(offset + 1, &rest, 16) != 0);
    assert_string_equal(rest, " failed: it could not\n");
    assert_true(memchr(o.err + strlen(begin), ' ',
                       (size_t)(offset - o.err) - strlen(begin)) == NULL);
    outcome_free(&o);
}

/* --- GCWEAK_DEBUG --- */

static struct outcome
told(const char *words, const char *scenario)
{
    struct outcome o;

    setenv("GCWEAK_DEBUG", words, 1);
    o = run_scenario(scenario);
    unsetenv("GCWEAK_DEBUG");
    assert_int_equal(o.status, 0);
    return o;
}

/* Whether those words are there, the last of which is a function's name. */
static bool
says(const char *text, const char *words)
{
    size_t length = strlen(words);
    const char *end = names_are_known() ? " (" : " ";

    while ((text = strstr(text, words)) != NULL
           && strncmp(text + length, end, strlen(end)) != 0)
        text += length;
    return text != NULL;
}

SCENARIO(drain_and_exit)
{
    struct target *t = target_new(1), *left = lasting_target(2);

    gcw_cleanup_set_name(close_log_cleanup(t, ""), "the log");
    gcw_dispose(t);
    gcw_drain(0);
    gcw_cleanup_set_name(close_log_cleanup(left, ""), "the other log");
}

TEST(lines_of_drain_and_exit_say_the_name_and_the_function)
{
    struct outcome o = told("drain,exit", "drain_and_exit");

    assert_true(says(o.err,
        "gcweak: drain: callback \"the log\" close_log"));
    assert_true(says(o.err,
        "gcweak: exit: cleanup \"the other log\" close_log"));
    outcome_free(&o);
}

static void *
age(struct target *self, void *arg, void *data)
{
    (void)self, (void)arg, (void)data;
    return NULL;
}
GCW_METHOD(age, struct target, void, void)

static void
connect_old(saved_event *e, const char *name)
{
    gcw_listener *l = GCW_CONNECT(e, age, lasting_target(1), NULL, 0);

    gcw_listener_set_name(l, name);
}

SCENARIO(grow_old_with_one_name)
{
    void **keep = keep_array(1);
    saved_event *e = keep[0] = saved_event_new();

    for (int i = 0; i < 12; i++)
        connect_old(e, "the row");
    for (int i = 0; i < 12; i++)
        GC_gcollect();
}

SCENARIO(grow_old_with_two_names)
{
    void **keep = keep_array(1);
    saved_event *e = keep[0] = saved_event_new();

    for (int i = 0; i < 12; i++)
        connect_old(e, i == 7 ? "the odd one" : "the row");
    for (int i = 0; i < 12; i++)
        GC_gcollect();
}

TEST(lines_of_leak_say_the_name_that_all_have)
{
    struct outcome o = told("leak", "grow_old_with_one_name");

    assert_true(says(o.err,
        "gcweak: leak: 12 listeners with \"the row\" age"));
    outcome_free(&o);
    o = told("leak", "grow_old_with_two_names");
    assert_true(says(o.err, "gcweak: leak: 12 listeners with age"));
    outcome_free(&o);
}

/* --- Names of listeners and cleanups --- */

static void
expect_names(gcw_listener *l, const char *function)
{
    char name[] = "first";

    errno = 77;
    assert_null(gcw_listener_name(l));
    assert_int_equal(gcw_listener_set_name(l, NULL), 0);
    assert_int_equal(gcw_listener_set_name(l, name), 0);
    name[0] = '\0';
    assert_string_equal(gcw_listener_name(l), "first");
    assert_true(is_shown(function, " \"first\""));
    assert_int_equal(gcw_listener_set_name(l, "second"), 0);
    assert_string_equal(gcw_listener_name(l), "second");
    assert_true(is_shown(function, " \"second\""));
    assert_int_equal(gcw_listener_set_name(l, NULL), 0);
    assert_null(gcw_listener_name(l));
    assert_true(is_shown(function, ""));
    assert_int_equal(errno, 77);
}

static void
hub_hears(const gcw_emission *emission, void *data)
{
    (void)emission, (void)data;
}

TEST(listeners_of_all_kinds_have_names)
{
    struct target *t = target_new(1);
    saved_event *e = saved_event_new();
    gcw_hub *h = gcw_hub_new();

    expect_names(GCW_CONNECT(e, greet, t, &seven, 0), "greet");
    expect_names(gcw_event_connect(saved_untyped(e),
                                   GCW_NEW_WEAK(fall, t, t), 0), "fall");
    expect_names(GCW_CONNECT_FN(e, listen_to, "", 0), "listen_to");
    gcw_name_function((void (*)(void))hub_hears, "hub_hears");
    expect_names(gcw_hub_connect_fn(h, "type", NULL, hub_hears, NULL, 0),
                 "hub_hears");
    gcw_name_function((void (*)(void))hub_hears, NULL);
    GC_reachable_here(t);
}

static void
died(gcw_method *m, void *data)
{
    (void)m, (void)data;
}

TEST(cleanups_of_all_kinds_have_names)
{
    struct target *t = target_new(1);
    gcw_cleanup *c = close_log_cleanup(t, "closes");
    gcw_cleanup *d = gcw_method_on_death(fall_method(t, NULL), died, NULL);

    assert_null(gcw_cleanup_name(c));
    assert_int_equal(gcw_cleanup_set_name(c, "the log"), 0);
    assert_int_equal(gcw_cleanup_set_name(d, "the fall"), 0);
    assert_string_equal(gcw_cleanup_name(c), "the log");
    assert_string_equal(gcw_cleanup_name(d), "the fall");
    assert_true(is_shown("close_log", " \"the log\""));
    assert_non_null(strstr(dumped(), " \"the fall\"\n"));
    assert_true(gcw_cleanup_detach(d));
    assert_string_equal(gcw_cleanup_name(d), "the fall");
    assert_int_equal(gcw_cleanup_set_name(c, NULL), 0);
    assert_null(gcw_cleanup_name(c));
    assert_true(gcw_cleanup_detach(c));
}

TEST(no_handle_has_no_name)
{
    expect_errno(gcw_listener_set_name(NULL, "it") == -1, EINVAL);
    expect_errno(gcw_listener_name(NULL) == NULL, EINVAL);
    expect_errno(gcw_cleanup_set_name(NULL, "it") == -1, EINVAL);
    expect_errno(gcw_cleanup_name(NULL) == NULL, EINVAL);
}

static void
name_many(void *event)
{
    for (int i = 0; i < MANY; i++) {
        gcw_listener *l = gcw_event_connect_fn(event, hears, NULL, 0);

        assert_int_equal(gcw_listener_set_name(l, "one of many"), 0);
        assert_true(gcw_listener_disconnect(l));
    }
}

static size_t
references(void)
{
    gcw_statistics s = { .size = sizeof s };

    gcw_stats(&s);
    return s.references;
}

TEST(a_name_goes_with_its_handle)
{
    gcw_event *e = gcw_event_new("one");
    size_t before;

    collect();
    before = references();
    in_dead_frame(name_many, e);
    collect();
    gcw_drain(0);
    assert_true(references() < before + MANY - NEARLY_ALL);
    GC_reachable_here(e);
}

static void *
name_the_same(void *listener)
{
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(gcw_listener_set_name(listener, "the same"), 0);
        assert_string_equal(gcw_listener_name(listener), "the same");
    }
    return NULL;
}

TEST(threads_name_one_listener_at_once)
{
    gcw_event *e = gcw_event_new("one");
    gcw_listener *l = gcw_event_connect_fn(e, hears, NULL, 0);
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        threads[i] = run_thread(name_the_same, l);
    for (int i = 0; i < THREADS; i++)
        join_thread(threads[i]);
    assert_string_equal(gcw_listener_name(l), "the same");
    assert_int_equal(gcw_listener_set_name(l, NULL), 0);
    assert_null(gcw_listener_name(l));
    GC_reachable_here(e);
}
