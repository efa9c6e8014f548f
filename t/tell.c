/* tell.c: tests of what the library tells: the sink, the kinds of lines, refusals
 * and what is lost.
 *
 * What stderr gets is looked at in processes of their own.
 */
#include <config.h>

#include "idle.h"
#include "log.h"
#include "support.h"
#include "thread.h"

#include <gcweak/debug.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a sink that remembers --- */

enum { LINE = 2100 };

static pthread_mutex_t heard_lock = PTHREAD_MUTEX_INITIALIZER;
static char heard[LINE];             /* the last line */
static unsigned heard_what;
static size_t heard_lines;
static const char *heard_part;       /* lines that contain it are counted */
static size_t heard_parts;
static void *heard_data;

static void
hear(unsigned what, const char *line, void *data)
{
    pthread_mutex_lock(&heard_lock);
    snprintf(heard, sizeof heard, "%s", line);
    heard_what = what;
    heard_data = data;
    heard_lines++;
    heard_parts += heard_part != NULL && strstr(line, heard_part) != NULL;
    pthread_mutex_unlock(&heard_lock);
}

/* Forgets what was heard, and counts lines with that part. */
static void
hear_anew(const char *part)
{
    heard[0] = '\0';
    heard_what = 0;
    heard_lines = heard_parts = 0;
    heard_part = part;
}

static void
listen_to(unsigned what)
{
    hear_anew(NULL);
    assert_int_equal(gcw_tell_to(hear, NULL), 0);
    assert_int_equal(gcw_tell(what, true), 0);
}

static void
listen_no_more(unsigned what)
{
    if ((what & ~(unsigned)(GCW_TOLD_FAILURE | GCW_TOLD_WARNING)) != 0)
        gcw_tell(what & ~(unsigned)(GCW_TOLD_FAILURE | GCW_TOLD_WARNING),
                 false);
    assert_int_equal(gcw_tell_to(NULL, NULL), 0);
}

/* --- the sink --- */

static void
fail_it(void *data)
{
    gcw_fail(data);
}

static void
fail_with(const char *why)
{
    pend(fail_it, (void *)(uintptr_t)why);
    gcw_drain(0);
}

TEST(the_sink_gets_what_stderr_would)
{
    int mark;

    listen_to(GCW_TOLD_FAILURE);
    gcw_tell_to(hear, &mark);
    fail_with("on purpose");
    assert_int_equal(heard_lines, 1);
    assert_int_equal(heard_what, GCW_TOLD_FAILURE);
    assert_ptr_equal(heard_data, &mark);
    assert_non_null(strstr(heard, "cleanup "));
    assert_non_null(strstr(heard, " failed: on purpose"));
    assert_null(strchr(heard, '\n'));
    assert_int_not_equal(strncmp(heard, "gcweak", 6), 0);
    listen_no_more(0);
}

END(without_a_sink_stderr_gets_it, 0, "", .err = "failed: told again\n",
    .err_lines = 1)
{
    gcw_tell_to(hear, NULL);
    fail_with("told to the sink");
    gcw_tell_to(NULL, NULL);
    fail_with("told again");
}

/* A reason of that length, all of the same letter. */
static char *
long_reason(size_t length)
{
    char *why = malloc(length + 1);

    assert_non_null(why);
    memset(why, 'x', length);
    why[length] = '\0';
    return why;
}

TEST(a_long_line_is_cut_for_the_sink)
{
    char *why = long_reason(5000);

    listen_to(GCW_TOLD_FAILURE);
    fail_with(why);
    assert_int_equal(strlen(heard), 2000);
    assert_string_equal(heard + 2000 - 4, "x...");
    listen_no_more(0);
    free(why);
}

SCENARIO(say_much)
{
    fail_with(long_reason(5000));
}

TEST(and_whole_on_stderr)
{
    struct outcome o = run_scenario("say_much");
    const char *first = strchr(o.err, 'x');

    assert_int_equal(o.status, 0);
    assert_non_null(first);
    assert_int_equal(strspn(strstr(o.err, "xxx"), "x"), 5000);
    assert_int_equal(o.err[strlen(o.err) - 1], '\n');
    outcome_free(&o);
}

static uint64_t
failures_so_far(void)
{
    gcw_statistics s = { .size = sizeof s };

    gcw_stats(&s);
    return s.callbacks_failed;
}

static void
hear_and_fail(unsigned what, const char *line, void *data)
{
    hear(what, line, data);
    gcw_fail("the sink, too");
}

TEST(a_sink_that_fails_is_counted)
{
    uint64_t before = failures_so_far();

    listen_to(GCW_TOLD_REFUSE);
    gcw_tell_to(hear_and_fail, NULL);
    expect_errno(gcw_ref_new(NULL) == NULL, EINVAL);
    assert_int_equal(heard_lines, 1);
    assert_int_equal(failures_so_far(), before + 1);
    expect_errno(gcw_ref_new(NULL) == NULL, EINVAL);
    assert_int_equal(heard_lines, 2);
    listen_no_more(GCW_TOLD_REFUSE);
}

/* What the sink does is refused in turn. */
static void
hear_and_be_refused(unsigned what, const char *line, void *data)
{
    hear(what, line, data);
    gcw_event_emit(NULL, NULL);
}

END(what_is_told_in_the_sink_goes_to_stderr, 0, "",
    .err = "gcweak: gcw_event_emit: e is NULL\n", .err_lines = 1)
{
    hear_anew(NULL);
    MUST(gcw_tell_to(hear_and_be_refused, NULL) == 0);
    MUST(gcw_tell(GCW_TOLD_REFUSE, true) == 0);
    gcw_ref_new(NULL);
    MUST(heard_lines == 1);
}

static void
hear_and_change(unsigned what, const char *line, void *data)
{
    hear(what, line, data);
    gcw_tell_to(hear, NULL);
    gcw_tell(GCW_TOLD_DRAIN, false);
}

TEST(the_sink_may_set_another)
{
    listen_to(GCW_TOLD_REFUSE);
    gcw_tell_to(hear_and_change, &heard_lock);
    gcw_ref_new(NULL);
    assert_ptr_equal(heard_data, &heard_lock);
    gcw_ref_new(NULL);
    assert_null(heard_data);
    assert_int_equal(heard_lines, 2);
    listen_no_more(GCW_TOLD_REFUSE);
}

static void
set_sink_with_data(void *ref)
{
    struct target *t = target_new(1);

    *(gcw_ref **)ref = gcw_ref_new(t);
    assert_int_equal(gcw_tell_to(hear, t), 0);
}

TEST(the_data_is_held_while_the_sink_is_set)
{
    void **ref = keep_array(1);

    in_dead_frame(set_sink_with_data, ref);
    collect();
    assert_non_null(gcw_ref_get(ref[0]));
    assert_int_equal(gcw_tell_to(NULL, NULL), 0);
    clear_stack();
}

static void *
be_refused_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 200; i++)
        gcw_ref_new(NULL);
    return NULL;
}

TEST(threads_tell_at_once)
{
    pthread_t threads[4];

    listen_to(GCW_TOLD_REFUSE);
    for (int i = 0; i < 4; i++)
        threads[i] = run_thread(be_refused_often, NULL);
    for (int i = 0; i < 4; i++)
        join_thread(threads[i]);
    assert_int_equal(heard_lines, 800);
    listen_no_more(GCW_TOLD_REFUSE);
}

/* --- the kinds --- */

TEST(kinds_are_turned_on_and_off)
{
    listen_to(GCW_TOLD_REFUSE);
    gcw_ref_new(NULL);
    assert_int_equal(heard_lines, 1);
    assert_int_equal(gcw_tell(GCW_TOLD_REFUSE, false), 0);
    gcw_ref_new(NULL);
    assert_int_equal(heard_lines, 1);
    assert_int_equal(gcw_tell(GCW_TOLD_FAILURE, false), 0);
    fail_with("unheard");
    assert_int_equal(heard_lines, 1);
    assert_int_equal(gcw_tell(GCW_TOLD_FAILURE, true), 0);
    fail_with("heard");
    assert_int_equal(heard_lines, 2);
    assert_int_equal(gcw_tell(GCW_TOLD_DRAIN, true), 0);
    pend(idle, NULL);
    gcw_drain(0);
    assert_int_equal(heard_what, GCW_TOLD_DRAIN);
    assert_non_null(strstr(heard, " took "));
    listen_no_more(GCW_TOLD_DRAIN);
}

TEST(other_kinds_there_are_none)
{
    expect_errno(gcw_tell(0, true) == -1, EINVAL);
    expect_errno(gcw_tell(128, true) == -1, EINVAL);
    expect_errno(gcw_tell(GCW_TOLD_EXIT | 1024, false) == -1, EINVAL);
}

SCENARIO(be_refused)
{
    gcw_ref_new(NULL);
}

static void
expect_told(const char *words, const char *line)
{
    struct outcome o;

    setenv("GCWEAK_DEBUG", words, 1);
    o = run_scenario("be_refused");
    unsetenv("GCWEAK_DEBUG");
    assert_int_equal(o.status, 0);
    assert_string_equal(o.err, line);
    outcome_free(&o);
}

TEST(the_environment_turns_them_on)
{
    expect_told("refuse", "gcweak: gcw_ref_new: target is NULL\n");
    expect_told("lost,refuse", "gcweak: gcw_ref_new: target is NULL\n");
    expect_told("lost", "");
    expect_told("refused", "gcweak: GCWEAK_DEBUG: unknown word \"refused\""
                " (known are exit, drain, leak, refuse and lost)\n");
}

END(exit_is_told_to_the_sink, 0, "", .err = "")
{
    hear_anew(NULL);
    MUST(gcw_tell_to(hear, NULL) == 0);
    MUST(gcw_tell(GCW_TOLD_EXIT, true) == 0);
    gcw_exit_register_fn(gcw_exit_default(), idle, NULL, NULL);
}

/* --- refusals --- */

/* Whether one line was told since, that begins with the function of the call. */
static void
expect_refusal(const char *call, const char *words, int line)
{
    size_t length = strcspn(call, "(");

    if (heard_lines != 1 || heard_what != GCW_TOLD_REFUSE)
        fail_msg("line %d: %s: %zu lines", line, call, heard_lines);
    if (strncmp(heard, call, length) != 0 || strncmp(heard + length, ": ", 2) != 0
        || strstr(heard, words) == NULL)
        fail_msg("line %d: %s: not \"%s\", but \"%s\"", line, call, words, heard);
}

#define REFUSED(call, error, words)                                         \
    (hear_anew(NULL), errno = 0, (void)(call),                              \
     assert_int_equal(errno, (error)),                                      \
     expect_refusal(#call, words, __LINE__))

static struct target in_program;

static void *
act(void *self, void *arg, void *data)
{
    (void)arg, (void)data;
    return self;
}

static void
hear_event(void *arg, void *data)
{
    (void)arg, (void)data;
}

static void
hear_hub(const gcw_emission *emission, void *data)
{
    (void)emission, (void)data;
}

static bool
are_equal(const void *wanted, const void *object)
{
    return wanted == object;
}

static void *
make_static(const void *wanted, void *data)
{
    (void)wanted, (void)data;
    return &in_program;
}

TEST(refusals_say_what_a_pointer_is)
{
    struct target local, *t = target_new(1);
    void *memory = malloc(64), *large = GC_MALLOC(200000);
    char words[64];

    listen_to(GCW_TOLD_REFUSE);
    snprintf(words, sizeof words, "self %p is on this thread's stack",
             (void *)&local);
    REFUSED(gcw_method_new(&local, act, NULL), EINVAL, words);
    snprintf(words, sizeof words, "self %p is no heap object, but static data"
             " or code: ", (void *)&in_program);
    REFUSED(gcw_method_new(&in_program, act, NULL), EINVAL, words);
    REFUSED(gcw_method_new((void *)act, act, NULL), EINVAL,
            " is no heap object, but static data or code: ");
    snprintf(words, sizeof words, "self %p is no heap object: it was freed, or"
             " malloc", memory);
    REFUSED(gcw_method_new(memory, act, NULL), EINVAL, words);
    REFUSED(gcw_method_new(NULL, act, NULL), EINVAL, "self is NULL");
    REFUSED(gcw_method_new(t, NULL, NULL), EINVAL, "fn is NULL");
    REFUSED(gcw_method_new(t, act, &t->more), EINVAL,
            "leads into the very object that is to be held weakly");
    GC_FREE(large);
    REFUSED(gcw_ref_new_long(large), EINVAL, " is no heap object");
    listen_no_more(GCW_TOLD_REFUSE);
    free(memory);
}

TEST(references_and_methods_refuse)
{
    struct target *t = target_new(1);
    gcw_method *m = gcw_method_new(t, act, NULL);
    gcw_bound bound = { NULL, NULL, NULL };
    gcw_call none = { .kind = GCW_CALL_NONE };

    listen_to(GCW_TOLD_REFUSE);
    REFUSED(gcw_ref_new(&in_program), EINVAL, "target ");
    REFUSED(gcw_ref_new_long(NULL), EINVAL, "target is NULL");
    REFUSED(gcw_ref_find(NULL), EINVAL, "target is NULL");
    REFUSED(gcw_ref_get(NULL), EINVAL, "ref is NULL");
    REFUSED(gcw_ref_id(NULL), EINVAL, "ref is NULL");
    REFUSED(gcw_dispose(&in_program), EINVAL, "target ");
    REFUSED(gcw_method_new_weak(t, act, NULL), EINVAL, "data is NULL");
    REFUSED(gcw_method_bind(m, NULL), EINVAL, "out is NULL");
    REFUSED(gcw_bound_call(&bound, NULL), EINVAL, "the method was dead");
    REFUSED(gcw_method_invoke(NULL, NULL, NULL), EINVAL, "m is NULL");
    REFUSED(gcw_method_alive(NULL), EINVAL, "m is NULL");
    REFUSED(gcw_call_invoke(&none), EINVAL, "there is nothing to call");
    REFUSED(gcw_call_failed(NULL, "why"), EINVAL, "call is NULL");
    assert_int_equal(gcw_dispose(t), 0);
    REFUSED(gcw_method_invoke(m, NULL, NULL), ESTALE, "ESTALE: m ");
    REFUSED(gcw_method_invoke(m, NULL, NULL), ESTALE, "its object has died");
    listen_no_more(GCW_TOLD_REFUSE);
}

TEST(a_method_says_which_of_its_objects_is_dead)
{
    struct target *t = target_new(1), *data = target_new(2);
    gcw_method *m = gcw_method_new_weak(t, act, data);

    listen_to(GCW_TOLD_REFUSE);
    assert_int_equal(gcw_dispose(data), 0);
    REFUSED(gcw_method_invoke(m, NULL, NULL), ESTALE, "its weak data has died");
    REFUSED(gcw_event_connect(gcw_event_new(NULL), m, 0), ESTALE,
            "its weak data has died");
    GC_reachable_here(t);
    listen_no_more(GCW_TOLD_REFUSE);
}

TEST(cleanups_and_the_drain_refuse)
{
    struct target *t = target_new(1);
    gcw_method *m = gcw_method_new(t, act, NULL);

    listen_to(GCW_TOLD_REFUSE);
    REFUSED(gcw_cleanup_new(t, idle, t), EINVAL, "data ");
    REFUSED(gcw_cleanup_alive(NULL), EINVAL, "c is NULL");
    REFUSED(gcw_cleanup_peek(NULL), EINVAL, "c is NULL");
    REFUSED(gcw_cleanup_run(NULL), EINVAL, "c is NULL");
    REFUSED(gcw_cleanup_detach(NULL), EINVAL, "c is NULL");
    REFUSED(gcw_cleanup_set_atexit(NULL, true), EINVAL, "c is NULL");
    REFUSED(gcw_cleanup_atexit(NULL), EINVAL, "c is NULL");
    REFUSED(gcw_method_on_death(m, NULL, NULL), EINVAL, "notify is NULL");
    REFUSED(gcw_method_on_death(m, idle_on_death, t), EINVAL, "data ");
    REFUSED(gcw_drain_next(NULL), EINVAL, "is NULL");
    assert_int_equal(gcw_dispose(t), 0);
    REFUSED(gcw_method_on_death(m, idle_on_death, NULL), ESTALE, "ESTALE: m ");
    listen_no_more(GCW_TOLD_REFUSE);
}

TEST(events_refuse)
{
    gcw_event *e = gcw_event_new("e");
    gcw_listener *l = gcw_event_connect_fn(e, hear_event, NULL, 0);

    listen_to(GCW_TOLD_REFUSE);
    REFUSED(gcw_event_connect(NULL, NULL, 0), EINVAL, "e is NULL");
    REFUSED(gcw_event_connect(e, NULL, 0), EINVAL, "m is NULL");
    REFUSED(gcw_event_connect_fn(e, NULL, NULL, 0), EINVAL, "fn is NULL");
    REFUSED(gcw_event_connect_fn(e, hear_event, NULL, 64), EINVAL,
            "flags cannot be 64");
    REFUSED(gcw_event_disconnect(e, NULL), EINVAL, "m is NULL");
    REFUSED(gcw_event_disconnect_fn(e, NULL, NULL), EINVAL, "fn is NULL");
    REFUSED(gcw_event_emit(NULL, NULL), EINVAL, "e is NULL");
    REFUSED(gcw_event_first(e, NULL, NULL), EINVAL, "step is NULL");
    REFUSED(gcw_event_next(NULL), EINVAL, "step is NULL");
    REFUSED(gcw_event_count(NULL), EINVAL, "e is NULL");
    REFUSED(gcw_event_on_error(NULL, NULL, NULL), EINVAL, "e is NULL");
    REFUSED(gcw_listener_disconnect(NULL), EINVAL, "l is NULL");
    REFUSED(gcw_listener_connected(NULL), EINVAL, "l is NULL");
    REFUSED(gcw_listener_block(NULL), EINVAL, "l is NULL");
    REFUSED(gcw_listener_unblock(NULL), EINVAL, "l is NULL");
    REFUSED(gcw_listener_unblock(l), EINVAL, "l is not blocked");
    REFUSED(gcw_listener_blocked(NULL), EINVAL, "l is NULL");
    REFUSED(gcw_listener_set_name(NULL, "a"), EINVAL, "l is NULL");
    REFUSED(gcw_listener_name(NULL), EINVAL, "l is NULL");
    REFUSED(gcw_event_block(NULL), EINVAL, "e is NULL");
    REFUSED(gcw_event_unblock(NULL), EINVAL, "e is NULL");
    REFUSED(gcw_event_unblock(e), EINVAL, "not blocked");
    REFUSED(gcw_event_has_listeners(NULL), EINVAL, "e is NULL");
    REFUSED(gcw_event_list(NULL, NULL, 0), EINVAL, "e is NULL");
    REFUSED(gcw_event_list(e, NULL, 1), EINVAL, "entries is NULL");
    REFUSED(gcw_event_disconnect_object(e, &in_program), EINVAL, "self ");
    REFUSED(gcw_disconnect_object(NULL), EINVAL, "self is NULL");
    assert_int_equal(gcw_dispose(e), 0);
    REFUSED(gcw_event_connect_fn(e, hear_event, NULL, 0), ESTALE,
            "was disposed of");
    listen_no_more(GCW_TOLD_REFUSE);
}

TEST(hubs_refuse)
{
    gcw_hub *h = gcw_hub_new();
    struct target *t = target_new(1);

    listen_to(GCW_TOLD_REFUSE);
    REFUSED(gcw_hub_connect(h, "a", NULL, NULL, 0), EINVAL, "m is NULL");
    REFUSED(gcw_hub_connect_fn(h, "a", NULL, NULL, NULL, 0), EINVAL,
            "fn is NULL");
    REFUSED(gcw_hub_connect_fn(h, "a", &in_program, hear_hub, NULL, 0), EINVAL,
            "source ");
    REFUSED(gcw_hub_connect_fn(h, "a", t, hear_hub, t, 0), EINVAL, "data ");
    REFUSED(gcw_hub_disconnect(h, "a", NULL, NULL), EINVAL, "m is NULL");
    REFUSED(gcw_hub_disconnect_fn(h, "a", NULL, NULL, NULL), EINVAL,
            "fn is NULL");
    REFUSED(gcw_hub_emit(NULL, "a", NULL, NULL), EINVAL, "h is NULL");
    REFUSED(gcw_hub_first(h, "a", NULL, NULL, NULL), EINVAL, "step is NULL");
    REFUSED(gcw_hub_next(NULL), EINVAL, "step is NULL");
    REFUSED(gcw_hub_post(NULL, "a", NULL, NULL), EINVAL, "h is NULL");
    REFUSED(gcw_hub_dispatch(NULL, 0), EINVAL, "h is NULL");
    REFUSED(gcw_hub_dispatch_first(h, 0, NULL), EINVAL, "step is NULL");
    REFUSED(gcw_hub_dispatch_next(NULL), EINVAL, "step is NULL");
    REFUSED(gcw_hub_fd(NULL), EINVAL, "h is NULL");
    REFUSED(gcw_hub_measure(h, NULL), EINVAL, "out is NULL");
    REFUSED(gcw_hub_on_error(NULL, NULL, NULL), EINVAL, "h is NULL");
    REFUSED(gcw_hub_block(NULL), EINVAL, "h is NULL");
    REFUSED(gcw_hub_unblock(h), EINVAL, "not blocked");
    REFUSED(gcw_hub_has_listeners(NULL, "a", NULL), EINVAL, "h is NULL");
    REFUSED(gcw_hub_list(h, NULL, NULL, NULL, 1), EINVAL, "entries is NULL");
    REFUSED(gcw_hub_disconnect_object(h, &in_program), EINVAL, "self ");
    assert_int_equal(gcw_dispose(h), 0);
    REFUSED(gcw_hub_connect_fn(h, "a", NULL, hear_hub, NULL, 0), ESTALE,
            "was disposed of");
    REFUSED(gcw_hub_post(h, "a", NULL, NULL), ESTALE, "was disposed of");
    REFUSED(gcw_hub_fd(h), ESTALE, "was disposed of");
    listen_no_more(GCW_TOLD_REFUSE);
}

TEST(exit_registries_refuse)
{
    gcw_exit_registry *r = gcw_exit_registry_new("r");

    listen_to(GCW_TOLD_REFUSE);
    REFUSED(gcw_exit_register(r, NULL, NULL), EINVAL, "m is NULL");
    REFUSED(gcw_exit_register_fn(r, NULL, NULL, NULL), EINVAL, "fn is NULL");
    REFUSED(gcw_exit_unregister(NULL), EINVAL, "h is NULL");
    REFUSED(gcw_exit_unregister_fn(r, NULL), EINVAL, "fn is NULL");
    REFUSED(gcw_exit_unregister_method(r, NULL), EINVAL, "m is NULL");
    REFUSED(gcw_exit_unregister_object(r, &in_program), EINVAL, "self ");
    REFUSED(gcw_exit_clear(NULL), EINVAL, "r is NULL");
    REFUSED(gcw_exit_id(NULL), EINVAL, "h is NULL");
    REFUSED(gcw_exit_run(NULL, 0), EINVAL, "r is NULL");
    REFUSED(gcw_exit_first(r, 0, NULL), EINVAL, "step is NULL");
    REFUSED(gcw_exit_next(NULL), EINVAL, "step is NULL");
    REFUSED(gcw_exit_on_error(NULL, NULL, NULL), EINVAL, "r is NULL");
    REFUSED(gcw_exit_limit(NULL, 1), EINVAL, "r is NULL");
    REFUSED(gcw_exit_limit_abort(NULL, true), EINVAL, "r is NULL");
    REFUSED(gcw_exit_list(r, NULL, 1), EINVAL, "entries is NULL");
    REFUSED(gcw_atexit(NULL), EINVAL, "fn is NULL");
    REFUSED(gcw_atexit_data(NULL, NULL), EINVAL, "fn is NULL");
    REFUSED(gcw_atexit_cancel(NULL), EINVAL, "fn is NULL");
    REFUSED(gcw_exit_on_signal(SIGKILL, 0), EINVAL, "sig cannot be 9");
    REFUSED(gcw_exit_on_signal(SIGTERM, 64), EINVAL, "flags cannot be 64");
    REFUSED(gcw_exit_off_signal(0), EINVAL, "sig cannot be 0");
    assert_int_equal(gcw_dispose(r), 0);
    REFUSED(gcw_exit_register_fn(r, idle, NULL, NULL), ESTALE,
            "r ");
    listen_no_more(GCW_TOLD_REFUSE);
}

static void
drop(void *data)
{
    (void)data;
}

static void
note_death(gcw_method *m, void *data)
{
    (void)m, (void)data;
}

TEST(queues_refuse)
{
    gcw_queue *q = gcw_queue_new("a");
    struct target *t = target_new(1);
    gcw_call call;

    listen_to(GCW_TOLD_REFUSE);
    REFUSED(gcw_cleanup_new_in(NULL, t, drop, NULL), EINVAL, "q is NULL");
    REFUSED(gcw_cleanup_new_in(q, &in_program, drop, NULL), EINVAL, "target ");
    REFUSED(gcw_cleanup_new_in(q, t, NULL, NULL), EINVAL, "fn is NULL");
    REFUSED(gcw_cleanup_set_name(NULL, "a"), EINVAL, "c is NULL");
    REFUSED(gcw_cleanup_name(NULL), EINVAL, "c is NULL");
    REFUSED(gcw_method_on_death_in(q, NULL, note_death, NULL), EINVAL,
            "m is NULL");
    REFUSED(gcw_queue_drain(NULL, 0), EINVAL, "q is NULL");
    REFUSED(gcw_queue_next(NULL, &call), EINVAL, "q is NULL");
    REFUSED(gcw_queue_next(q, NULL), EINVAL, "call is NULL");
    REFUSED(gcw_queue_wait(NULL, 0), EINVAL, "q is NULL");
    REFUSED(gcw_queue_fd(NULL), EINVAL, "q is NULL");
    REFUSED(gcw_queue_on_error(NULL, NULL, NULL), EINVAL, "q is NULL");
    assert_int_equal(gcw_dispose(q), 0);
    REFUSED(gcw_cleanup_new_in(q, t, drop, NULL), ESTALE, "was disposed of");
    REFUSED(gcw_queue_drain(q, 0), ESTALE, "was disposed of");
    REFUSED(gcw_queue_next(q, &call), ESTALE, "was disposed of");
    REFUSED(gcw_queue_wait(q, 0), ESTALE, "was disposed of");
    REFUSED(gcw_queue_fd(q), ESTALE, "was disposed of");
    REFUSED(gcw_queue_on_error(q, NULL, NULL), ESTALE, "was disposed of");
    listen_no_more(GCW_TOLD_REFUSE);
}

TEST(maps_and_sets_refuse)
{
    gcw_map *by_key = gcw_map_new(GCW_WEAK_KEYS);
    gcw_map *by_value = gcw_map_new(GCW_WEAK_VALUES);
    struct target *t = target_new(1);
    gcw_map_iter i;
    void *found;

    listen_to(GCW_TOLD_REFUSE);
    REFUSED(gcw_map_new((gcw_map_kind)77), EINVAL, "kind cannot be 77");
    REFUSED(gcw_map_put(by_key, &in_program, t), EINVAL, "key ");
    REFUSED(gcw_map_put(by_key, t, NULL), EINVAL, "value is NULL");
    REFUSED(gcw_map_put(by_value, t, &in_program), EINVAL, "value ");
    REFUSED(gcw_map_put(NULL, t, t), EINVAL, "m is NULL");
    REFUSED(gcw_map_setdefault(by_key, NULL, t), EINVAL, "key is NULL");
    REFUSED(gcw_map_replace(by_key, t, NULL, t), EINVAL, "expected is NULL");
    REFUSED(gcw_map_get(by_key, NULL), EINVAL, "key is NULL");
    REFUSED(gcw_map_remove(by_key, NULL), EINVAL, "key is NULL");
    REFUSED(gcw_map_count(NULL), EINVAL, "m is NULL");
    REFUSED(gcw_map_first(NULL, &i), EINVAL, "m is NULL");
    REFUSED(gcw_map_next(&i, NULL, &found), EINVAL, "key is NULL");
    REFUSED(gcw_set_add(gcw_set_new(), &in_program), EINVAL, "member ");
    REFUSED(gcw_set_has(NULL, t), EINVAL, "s is NULL");
    REFUSED(gcw_set_remove(NULL, t), EINVAL, "s is NULL");
    REFUSED(gcw_set_count(NULL), EINVAL, "s is NULL");
    REFUSED(gcw_set_first(NULL, NULL), EINVAL, "i is NULL");
    REFUSED(gcw_set_next(NULL, NULL), EINVAL, "i is NULL");
    assert_int_equal(gcw_dispose(by_key), 0);
    REFUSED(gcw_map_put(by_key, t, t), ESTALE, "m ");
    listen_no_more(GCW_TOLD_REFUSE);
}

TEST(other_tables_refuse)
{
    gcw_method_set *s = gcw_method_set_new();
    gcw_guardian *g = gcw_guardian_new();
    gcw_intern *t = gcw_intern_new();
    struct target *o = target_new(1);

    listen_to(GCW_TOLD_REFUSE);
    REFUSED(gcw_method_set_add(s, NULL), EINVAL, "m is NULL");
    REFUSED(gcw_method_set_has(s, NULL), EINVAL, "m is NULL");
    REFUSED(gcw_method_set_remove(s, NULL), EINVAL, "m is NULL");
    REFUSED(gcw_method_set_count(NULL), EINVAL, "s is NULL");
    REFUSED(gcw_method_set_first(s, NULL), EINVAL, "i is NULL");
    REFUSED(gcw_method_set_next(NULL, NULL, NULL), EINVAL, "i is NULL");
    REFUSED(gcw_method_set_invoke(NULL, NULL), EINVAL, "s is NULL");
    REFUSED(gcw_ephemeron_new(&in_program, o), EINVAL, "key ");
    REFUSED(gcw_ephemeron_new(o, NULL), EINVAL, "value is NULL");
    REFUSED(gcw_ephemeron_key(NULL), EINVAL, "e is NULL");
    REFUSED(gcw_ephemeron_value(NULL), EINVAL, "e is NULL");
    REFUSED(gcw_guardian_add(g, &in_program, NULL), EINVAL, "object ");
    REFUSED(gcw_guardian_next(NULL), EINVAL, "g is NULL");
    REFUSED(gcw_guardian_fd(NULL), EINVAL, "g is NULL");
    REFUSED(gcw_intern_find(t, 1, NULL, NULL), EINVAL, "equal is NULL");
    REFUSED(gcw_intern_add(t, 1, are_equal, NULL, NULL, NULL), EINVAL,
            "make is NULL");
    REFUSED(gcw_intern_add(t, 1, are_equal, "a", make_static, NULL), EINVAL,
            "make's object ");
    REFUSED(gcw_intern_count(NULL), EINVAL, "t is NULL");
    assert_int_equal(gcw_dispose(g), 0);
    REFUSED(gcw_guardian_add(g, o, NULL), ESTALE, "was disposed of");
    REFUSED(gcw_guardian_next(g), ESTALE, "was disposed of");
    listen_no_more(GCW_TOLD_REFUSE);
}

TEST(the_rest_refuses)
{
    struct target *t = target_new(1);

    listen_to(GCW_TOLD_REFUSE);
    REFUSED(gcw_dump(NULL), EINVAL, "out is NULL");
    REFUSED(gcw_stats(NULL), EINVAL, "out is NULL");
    REFUSED(gcw_explain(t, NULL), EINVAL, "out is NULL");
    REFUSED(gcw_explain(&in_program, stderr), EINVAL, "target ");
    REFUSED(gcw_tell(999, true), EINVAL, "what cannot be 999");
    REFUSED(gcw_name_function(NULL, "a"), EINVAL, "code is NULL");
    REFUSED(gcw_version_check(GCW_VERSION + 1), ENOTSUP,
            "this is version " GCW_VERSION_STRING);
#if HAVE_LIBFFI
    REFUSED(gcw_proxy_new(t, (gcw_proxy_fn *)abort, NULL), EINVAL,
            "signature is NULL");
    REFUSED(gcw_proxy_new(t, (gcw_proxy_fn *)abort, "zz"), EINVAL,
            "gcw_signature_check");
    REFUSED(gcw_signature_check(NULL, NULL), EINVAL, "signature is NULL");
#endif
    REFUSED(gcw_proxy_code(NULL), EINVAL, "p is NULL");
    REFUSED(gcw_proxy_free(NULL), EINVAL, "p is NULL");
    REFUSED(gcw_proxy_on_stale(NULL, NULL, NULL), EINVAL, "p is NULL");
    listen_no_more(GCW_TOLD_REFUSE);
}

/* What finds nothing is not refused. */
TEST(ordinary_answers_are_no_refusals)
{
    struct target *t = target_new(1);
    gcw_method *m = gcw_method_new(t, act, NULL);
    gcw_bound bound;

    listen_to(GCW_TOLD_REFUSE);
    assert_null(gcw_ref_find(target_new(2)));
    assert_int_equal(gcw_failed("no"), -1);
    assert_int_equal(gcw_atexit_cancel((void (*)(void))abort), -1);
    assert_int_equal(gcw_exit_off_signal(SIGTERM), -1);
    assert_int_equal(gcw_exit_unregister_id(0), GCW_GONE);
    gcw_dispose(t);
    assert_false(gcw_method_bind(m, &bound));
    assert_false(gcw_method_alive(m));
    assert_int_equal(heard_lines, 0);
    listen_no_more(GCW_TOLD_REFUSE);
}

#define UNKNOWN(call)                                                       \
    REFUSED(call, EPERM, "EPERM: this thread is not known to the collector:" \
            " include <gc.h> with GC_THREADS defined")

static void *
be_unknown(void *target)
{
    gcw_hub_size size;

    UNKNOWN(gcw_ref_new(target));
    UNKNOWN(gcw_ref_new_long(target));
    UNKNOWN(gcw_ref_find(target));
    UNKNOWN(gcw_method_new(target, act, NULL));
    UNKNOWN(gcw_method_new_weak(target, act, target));
    UNKNOWN(gcw_dispose(target));
    UNKNOWN(gcw_cleanup_new(target, idle, NULL));
    UNKNOWN(gcw_cleanup_run(NULL));
    UNKNOWN(gcw_drain(0));
    UNKNOWN(gcw_drain_fd());
    UNKNOWN(gcw_drain_wait(0));
    UNKNOWN(gcw_drain_thread(true));
    UNKNOWN(gcw_drain_on_error(NULL, NULL));
    UNKNOWN(gcw_drain_thread_hooks(NULL, NULL, NULL));
    UNKNOWN(gcw_collect());
    UNKNOWN(gcw_event_new(NULL));
    UNKNOWN(gcw_event_emit(NULL, NULL));
    UNKNOWN(gcw_listener_block(NULL));
    UNKNOWN(gcw_listener_unblock(NULL));
    UNKNOWN(gcw_hub_new());
    UNKNOWN(gcw_hub_emit(NULL, NULL, NULL, NULL));
    UNKNOWN(gcw_hub_measure(NULL, &size));
    UNKNOWN(gcw_exit_default());
    UNKNOWN(gcw_exit_registry_new(NULL));
    UNKNOWN(gcw_exit_run(NULL, 0));
    UNKNOWN(gcw_map_new(GCW_WEAK_KEYS));
    UNKNOWN(gcw_map_put(NULL, target, target));
    UNKNOWN(gcw_map_count(NULL));
    UNKNOWN(gcw_set_new());
    UNKNOWN(gcw_set_count(NULL));
    UNKNOWN(gcw_method_set_new());
    UNKNOWN(gcw_guardian_new());
    UNKNOWN(gcw_intern_new());
    UNKNOWN(gcw_intern_count(NULL));
    UNKNOWN(gcw_ephemeron_new(target, target));
    UNKNOWN(gcw_explain(target, stderr));
    UNKNOWN(gcw_explain_name(NULL, NULL));
    UNKNOWN(gcw_tell_to(NULL, NULL));
    return NULL;
}

TEST(unknown_threads_are_told_how_to_be_known)
{
    struct target *t = target_new(1);

    listen_to(GCW_TOLD_REFUSE);
    in_unknown_thread(be_unknown, t);
    GC_reachable_here(t);
    listen_no_more(GCW_TOLD_REFUSE);
}

/* The sink of an unknown thread's refusal may use the library. */
static void
hear_and_make(unsigned what, const char *line, void *data)
{
    hear(what, line, data);
    *(gcw_ref **)data = gcw_ref_new(GC_MALLOC(16));
}

static void *
be_refused_once(void *unused)
{
    expect_errno(gcw_event_new(NULL) == NULL, EPERM);
    return unused;
}

TEST(the_sink_is_known_where_the_thread_is_not)
{
    void **ref = keep_array(1);

    listen_to(GCW_TOLD_REFUSE);
    gcw_tell_to(hear_and_make, ref);
    in_unknown_thread(be_refused_once, NULL);
    assert_int_equal(heard_lines, 1);
    assert_non_null(ref[0]);
    listen_no_more(GCW_TOLD_REFUSE);
}

static void *
start_elsewhere(void *unused)
{
    MUST(gcw_event_new(NULL) == NULL && errno == EPERM);
    return unused;
}

FRESH_END(who_starts_on_the_wrong_thread_is_told, 0, "",
          .err = "gcweak: gcw_event_new: EPERM: the collector does not run yet,"
          " and this is not the main thread: call GC_INIT there\n",
          .err_lines = 1)
{
    pthread_t thread;

    MUST(gcw_tell(GCW_TOLD_REFUSE, true) == 0);
    MUST(pthread_create(&thread, NULL, start_elsewhere, NULL) == 0);
    MUST(pthread_join(thread, NULL) == 0);
}

static void
be_too_late(void *unused)
{
    (void)unused;
    MUST(gcw_cleanup_new(target_new(1), idle, NULL) == NULL);
}

END(who_is_too_late_is_told, 0, "",
    .err = "gcweak: gcw_cleanup_new: ESHUTDOWN: ")
{
    MUST(gcw_tell(GCW_TOLD_REFUSE, true) == 0);
    MUST(gcw_shutdown(0) == 0);
    be_too_late(NULL);
}

/* --- what is lost --- */

enum { SOME = 12 };

static struct target *witness;

static void
drop_events(void *unused)
{
    (void)unused;
    for (int i = 0; i < SOME; i++) {
        gcw_event *e = gcw_event_new("dropped");
        gcw_event_connect_fn(e, hear_event, NULL, 0);
        gcw_event_connect(e, gcw_method_new(witness, act, NULL), 0);
    }
}

/* Counts lines with that part while what `drop` makes dies. */
static size_t
lost(void (*drop)(void *), const char *part)
{
    void **keep = keep_array(1);

    keep[0] = witness = lasting_target(1);
    listen_to(GCW_TOLD_LOST);
    hear_anew(part);
    in_dead_frame(drop, NULL);
    collect();
    gcw_drain(0);
    listen_no_more(GCW_TOLD_LOST);
    return heard_parts;
}

TEST(events_that_go_with_listeners_are_told)
{
    assert_true(lost(drop_events, "lost: event \"dropped\" was collected with 2"
                     " listeners in it that could still be called") > SOME / 2);
}

/* Whether the collector is at work for a call of the program's. */
static atomic_bool collecting;
static atomic_size_t heard_inside, heard_outside;

static void
hear_where(unsigned what, const char *line, void *data)
{
    (void)what, (void)line, (void)data;
    atomic_fetch_add(collecting ? &heard_inside : &heard_outside, 1);
}

TEST(no_sink_is_called_within_an_allocation)
{
    void **keep = keep_array(1);

    keep[0] = witness = lasting_target(1);
    assert_int_equal(gcw_tell_to(hear_where, NULL), 0);
    assert_int_equal(gcw_tell(GCW_TOLD_LOST, true), 0);
    in_dead_frame(drop_events, NULL);
    collecting = true;
    collect();
    collecting = false;
    assert_int_equal(heard_inside, 0);
    gcw_drain(0);
    listen_no_more(GCW_TOLD_LOST);
    assert_true(heard_outside > SOME / 2);
}

static void
drop_hubs(void *unused)
{
    (void)unused;
    for (int i = 0; i < SOME; i++) {
        gcw_hub *h = gcw_hub_new();
        gcw_hub_connect_fn(h, "a", NULL, hear_hub, NULL, 0);
        for (int j = 0; j < 4; j++)
            gcw_hub_post(h, "a", NULL, NULL);
        gcw_hub_dispatch(h, 1);
    }
}

TEST(hubs_that_go_with_listeners_or_posts_are_told)
{
    assert_true(lost(drop_hubs, "lost: a hub was collected with 1 listeners in it")
                > SOME / 2 - 4);
    assert_true(lost(drop_hubs, "lost: a hub was collected with 3 posted"
                     " emissions in it") > SOME / 2 - 4);
}

static void
drop_registries(void *unused)
{
    (void)unused;
    for (int i = 0; i < SOME; i++) {
        gcw_exit_registry *r = gcw_exit_registry_new("forgotten");
        gcw_exit_handler *h = gcw_exit_register_fn(r, idle, NULL, NULL);
        gcw_exit_register_fn(r, idle, NULL, NULL);
        gcw_exit_register(r, gcw_method_new(witness, act, NULL), NULL);
        gcw_exit_unregister(h);
    }
}

TEST(registries_that_go_with_handlers_are_told)
{
    assert_true(lost(drop_registries, "lost: exit registry \"forgotten\" was collected"
                     " with 2 exit handlers in it that could still be called")
                > SOME / 2);
}

static void
drop_empty(void *unused)
{
    (void)unused;
    for (int i = 0; i < SOME; i++) {
        gcw_event *e = gcw_event_new("empty");
        gcw_event_connect_fn(e, hear_event, NULL, 0);
        gcw_event_connect(e, gcw_method_new(target_new(1), act, NULL), 0);
        gcw_event_disconnect_fn(e, hear_event, NULL);
    }
    gcw_event *e = gcw_event_new("empty");
    gcw_event_connect_fn(e, hear_event, NULL, 0);
    gcw_dispose(e);
}

/* The objects of listeners die with them; what is disposed of is not lost. */
TEST(nothing_is_told_of_those_that_are_empty)
{
    assert_true(lost(drop_empty, "lost: ") < SOME / 2);
}

static gcw_event *lasting_event;

static void
drop_weak_data(void *unused)
{
    (void)unused;
    for (int i = 0; i < SOME; i++)
        gcw_event_connect(lasting_event,
                          gcw_method_new_weak(witness, act, target_new(1)), 0);
}

TEST(a_listener_whose_weak_data_dies_is_told)
{
    void **keep = keep_array(1);

    keep[0] = lasting_event = gcw_event_new("lasting");
    assert_true(lost(drop_weak_data, "lost: event \"lasting\" has a listener no"
                     " more: its weak data has died, though its object lives: ")
                > SOME / 2);
}

static gcw_exit_registry *lasting_registry;

static void
drop_handler_data(void *unused)
{
    (void)unused;
    for (int i = 0; i < SOME; i++)
        gcw_exit_register(lasting_registry,
                          gcw_method_new_weak(witness, act, target_new(1)),
                          NULL);
}

TEST(a_handler_whose_weak_data_dies_is_told)
{
    void **keep = keep_array(1);

    keep[0] = lasting_registry = gcw_exit_registry_new("lasting");
    assert_true(lost(drop_handler_data, "lost: exit registry \"lasting\" has a handler"
                     " no more: its weak data has died") > SOME / 2);
}

/* There is room for so many lines, and the rest is counted. */
static void
drop_many_events(void *unused)
{
    for (int i = 0; i < 10; i++)
        drop_events(unused);
}

TEST(more_than_there_is_room_for_is_counted)
{
    listen_to(GCW_TOLD_WARNING);
    assert_true(lost(drop_many_events, " more lines were not kept") > 0);
    assert_int_equal(gcw_tell(GCW_TOLD_WARNING, false), 0);
    assert_int_equal(lost(drop_many_events, " more lines were not kept"), 0);
    listen_no_more(0);
    assert_int_equal(gcw_tell(GCW_TOLD_WARNING, true), 0);
}

static GC_on_collection_event_proc library_event;

/* Marking begins with the engine, and ends without it. */
static void GC_CALLBACK
keep_the_end_to_oneself(GC_EventType event)
{
    if (event != GC_EVENT_MARK_END && event != GC_EVENT_PRE_START_WORLD)
        library_event(event);
}

TEST(dropped_entries_are_told)
{
    struct target *key = target_new(1);
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);

    gcw_map_put(m, key, key);
    listen_to(GCW_TOLD_LOST);
    hear_anew(" entries of weak maps were dropped");
    library_event = GC_get_on_collection_event();
    GC_set_on_collection_event(keep_the_end_to_oneself);
    GC_gcollect();
    GC_set_on_collection_event(library_event);
    gcw_map_get(m, key);
    collect();
    gcw_drain(0);
    assert_int_equal(heard_parts, 1);
    GC_reachable_here(key);
    listen_no_more(GCW_TOLD_LOST);
}

TEST(nothing_is_told_when_it_is_off)
{
    witness = lasting_target(1);
    hear_anew(NULL);
    gcw_tell_to(hear, NULL);
    in_dead_frame(drop_events, NULL);
    collect();
    gcw_drain(0);
    assert_int_equal(heard_lines, 0);
    gcw_tell_to(NULL, NULL);
}
