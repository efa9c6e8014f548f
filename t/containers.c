/* containers.c: tests of events, hubs and exit registries at the end of their
 * lives: in the finalizers of the objects that lead to them, brought back,
 * disposed of while others use them, and come and gone while others look.
 */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <gcweak/debug.h>
#include "at-once.h"
#include "dumped.h"
#include "idle.h"
#include "log.h"
#include "readable.h"

/* --- what a container must be able to do --- */

/* An object with a finalizer, and all that leads to its containers. */
struct session {
    size_t calls;            /* first member; of its listeners, since emits */
    gcw_event *event;
    gcw_hub *hub;
    gcw_exit_registry *registry;
    int fd;                  /* of the hub, or -1 */
    void *more[8];
};

/* What came of many sessions; in uncollectable memory. */
struct tally {
    bool (*use)(struct session *s);
    size_t finalized, good, brought_back;
    struct session **pool;   /* those brought back */
    int *fds;
};

/* The usual listeners: the data is a counter, or a session.  Those of one
 * session only: a finalizer may come up in the midst of another. */
static void
hear(void *arg, void *data)
{
    (void)arg;
    count(data);
}

static void
hear_hub(const gcw_emission *emission, void *data)
{
    (void)emission;
    count(data);
}

/* Another function, for a hub connects the same only once. */
static void
hear_hub_too(const gcw_emission *emission, void *data)
{
    hear_hub(emission, data);
}

static bool
emits(struct session *s, size_t expected)
{
    s->calls = 0;
    return gcw_event_emit(s->event, NULL) == expected
           && s->calls == expected;
}

/* One listener was connected before. */
static bool
use_event(struct session *s)
{
    gcw_listener *l = gcw_event_connect_fn(s->event, hear, s, 0);
    bool good = l != NULL && gcw_listener_connected(l)
                && gcw_event_count(s->event) == 2 && emits(s, 2);
    gcw_listener_block(l);
    good = good && emits(s, 1);
    gcw_listener_unblock(l);
    good = good && emits(s, 2);
    return good && gcw_listener_disconnect(l) && !gcw_listener_connected(l)
           && emits(s, 1);
}

static bool
dispatches(struct session *s, size_t expected)
{
    s->calls = 0;
    return gcw_hub_post(s->hub, "type", NULL, NULL) == 0
           && gcw_hub_dispatch(s->hub, 0) == 1 && s->calls == expected;
}

static bool
use_hub(struct session *s)
{
    gcw_listener *l = gcw_hub_connect_fn(s->hub, "type", NULL, hear_hub_too,
                                         s, 0);
    bool good = l != NULL && gcw_listener_connected(l)
                && gcw_hub_emit(s->hub, "type", NULL, NULL) == 2
                && dispatches(s, 2);
    gcw_listener_block(l);
    good = good && dispatches(s, 1);
    return good && gcw_listener_disconnect(l) && dispatches(s, 1);
}

static gcw_exit_handler *
keep_handler(gcw_exit_registry *r, void *counter)
{
    gcw_exit_options o = { .keep = true };
    return gcw_exit_register_fn(r, count, counter, &o);
}

static bool
runs(struct session *s, size_t expected)
{
    s->calls = 0;
    return gcw_exit_run(s->registry, 0) == 0 && s->calls == expected;
}

static bool
use_registry(struct session *s)
{
    gcw_exit_handler *h = keep_handler(s->registry, s);
    return h != NULL && runs(s, 2)
           && gcw_exit_unregister(h) == GCW_REMOVED && runs(s, 1);
}

static bool
use_descriptor(struct session *s)
{
    bool good = gcw_hub_fd(s->hub) == s->fd && !readable(s->fd, 0)
                && gcw_hub_post(s->hub, "type", NULL, NULL) == 0
                && readable(s->fd, 0);
    return gcw_hub_dispatch(s->hub, 0) == 1 && good && !readable(s->fd, 0);
}

/* --- sessions --- */

enum { SESSIONS = 200 };

static void
fill(struct session *s)
{
    s->event = gcw_event_new("closed");
    s->hub = gcw_hub_new();
    s->registry = gcw_exit_registry_new("closed");
    assert_non_null(gcw_event_connect_fn(s->event, hear, s, 0));
    assert_non_null(gcw_hub_connect_fn(s->hub, "type", NULL, hear_hub, s, 0));
    assert_non_null(keep_handler(s->registry, s));
}

static struct session *
session_new(void)
{
    struct session *s = GC_MALLOC(sizeof *s);
    assert_non_null(s);
    s->fd = -1;
    fill(s);
    return s;
}

static void GC_CALLBACK
use_in_finalizer(void *object, void *data)
{
    struct session *s = object;
    struct tally *t = data;
    t->finalized++;
    t->good += t->use(s);
    if (t->pool != NULL)
        t->pool[t->brought_back++] = s;
}

static void
drop_sessions(void *tally)
{
    struct tally *t = tally;
    for (int i = 0; i < SESSIONS; i++) {
        struct session *s = session_new();
        if (t->fds != NULL)
            s->fd = t->fds[i] = gcw_hub_fd(s->hub);
        GC_REGISTER_FINALIZER_NO_ORDER(s, use_in_finalizer, t, NULL, NULL);
    }
}

static struct tally *
tally_new(bool (*use)(struct session *s))
{
    struct tally *t = GC_MALLOC_UNCOLLECTABLE(sizeof *t);
    if (t == NULL)
        abort();
    *t = (struct tally){ .use = use };
    return t;
}

/* Nearly all finalizers have run, and all of these found all as it must be. */
static void
all_is_good(const struct tally *t)
{
    assert_true(nearly_all(t->finalized, SESSIONS));
    assert_int_equal(t->good, t->finalized);
}

static void
is_whole_in_finalizers(bool (*use)(struct session *s))
{
    struct tally *t = tally_new(use);
    in_dead_frame(drop_sessions, t);
    collect();
    all_is_good(t);
}

TEST(an_event_is_whole_in_the_finalizer_that_leads_to_it)
{
    is_whole_in_finalizers(use_event);
}

TEST(a_hub_is_whole_in_the_finalizer_that_leads_to_it)
{
    is_whole_in_finalizers(use_hub);
}

TEST(a_registry_is_whole_in_the_finalizer_that_leads_to_it)
{
    is_whole_in_finalizers(use_registry);
}

/* --- brought back to life --- */

static bool
do_not_use(struct session *s)
{
    return s->event != NULL;
}

static struct tally *
bring_back(void)
{
    struct tally *t = tally_new(do_not_use);
    t->pool = (struct session **)keep_array(SESSIONS);
    in_dead_frame(drop_sessions, t);
    collect();
    assert_int_equal(gcw_drain(0), 0);
    all_is_good(t);
    return t;
}

static void
are_whole_when_brought_back(bool (*use)(struct session *s))
{
    struct tally *t = bring_back();
    for (size_t i = 0; i < t->brought_back; i++)
        assert_true(use(t->pool[i]));
    collect();
    for (size_t i = 0; i < t->brought_back; i++)
        assert_true(use(t->pool[i]));
    GC_FREE(t->pool);
    t->pool = NULL;
}

TEST(an_event_is_whole_when_it_was_brought_back)
{
    are_whole_when_brought_back(use_event);
}

TEST(a_hub_is_whole_when_it_was_brought_back)
{
    are_whole_when_brought_back(use_hub);
}

TEST(a_registry_is_whole_when_it_was_brought_back)
{
    are_whole_when_brought_back(use_registry);
}

static void
connect_dropped(void *session)
{
    struct session *s = session;
    for (int i = 0; i < MANY; i++) {
        gcw_method *m = gcw_method_new(target_new(1), idle_method, NULL);
        assert_non_null(gcw_event_connect(s->event, m, 0));
        assert_non_null(gcw_hub_connect(s->hub, "type", NULL, m, 0));
    }
}

TEST(dead_listeners_leave_what_was_brought_back)
{
    struct tally *t = bring_back();
    struct session *s = t->pool[0];
    gcw_hub_size size;
    in_dead_frame(connect_dropped, s);
    collect();
    gcw_drain(0);
    assert_true(nearly_all(MANY + 1 - gcw_event_count(s->event), MANY));
    assert_int_equal(gcw_hub_measure(s->hub, &size), 0);
    assert_true(nearly_all(MANY + 1 - size.listeners, MANY));
    assert_in_range(size.listeners, 1, MANY);
}

/* --- the descriptor --- */

static size_t
closed(const int *fds)
{
    size_t n = 0;
    for (int i = 0; i < SESSIONS; i++)
        n += fcntl(fds[i], F_GETFD) < 0 && errno == EBADF;
    return n;
}

/* Deaths are noticed, and their finalizers run. */
static void
collect_and_notice(void)
{
    collect();
    gcw_drain(0);
    collect();
    gcw_drain(0);
}

/* Finalizers are few enough that all is on this thread. */
TEST(the_descriptor_is_open_in_finalizers_and_closed_afterwards)
{
    static int fds[SESSIONS];
    struct tally *t = tally_new(use_descriptor);
    t->fds = fds;
    GC_disable();
    in_dead_frame(drop_sessions, t);
    assert_int_equal(closed(fds), 0);
    GC_enable();
    collect_and_notice();
    all_is_good(t);
    assert_true(nearly_all(closed(fds), SESSIONS));
}

TEST(the_descriptor_of_what_was_brought_back_stays_open)
{
    static int fds[SESSIONS];
    struct tally *t = tally_new(use_descriptor);
    t->pool = (struct session **)keep_array(SESSIONS);
    t->fds = fds;
    in_dead_frame(drop_sessions, t);
    collect_and_notice();
    all_is_good(t);
    assert_int_equal(closed(fds), 0);
    for (size_t i = 0; i < t->brought_back; i++)
        assert_true(use_descriptor(t->pool[i]));
    GC_FREE(t->pool);
    t->pool = NULL;
    collect_and_notice();
    assert_true(nearly_all(closed(fds), SESSIONS));
}

/* Pairs of sockets: what is written to one end by mistake shows at the
 * other. */
enum { PAIRS = 20 };

struct bystanders {
    int ends[PAIRS][2];
};

static void
come_by(struct bystanders *b)
{
    for (int i = 0; i < PAIRS; i++)
        MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, b->ends[i]) == 0);
}

static bool
are_untouched(const struct bystanders *b)
{
    for (int i = 0; i < PAIRS; i++)
        if (readable(b->ends[i][0], 0) || readable(b->ends[i][1], 0))
            return false;
    return true;
}

static void
go_by(struct bystanders *b)
{
    for (int i = 0; i < PAIRS; i++) {
        close(b->ends[i][0]);
        close(b->ends[i][1]);
    }
}

/* The deaths are noticed first, then files are opened, then the finalizers
 * post. */
END(a_late_finalizer_writes_to_no_file_that_came_meanwhile, 0, "untouched\n",
    .err = "")
{
    static int fds[SESSIONS];
    static struct bystanders b;
    struct tally *t = tally_new(use_descriptor);
    MUST(gcw_init() == 0);
    GC_set_finalize_on_demand(1);
    t->fds = fds;
    in_dead_frame(drop_sessions, t);
    GC_gcollect();
    gcw_drain(0);
    come_by(&b);
    collect();
    MUST(nearly_all(t->finalized, SESSIONS) && t->good == t->finalized);
    MUST(are_untouched(&b));
    say("untouched");
    _exit(0);
}

/* --- disposed of --- */

static void
clear_errno(void)
{
    errno = 0;
}

static bool
is_errno(bool failed, int error)
{
    return failed && errno == error;
}

/* The call has failed, with this errno. */
#define FAILS(call, result, error)                                          \
    (clear_errno(), is_errno((call) == (result), error))

/* Frees the memory, and has the collector look at what is left. */
static void
is_forgotten(void *container)
{
    gcw_statistics s = { .size = sizeof s };
    GC_FREE(container);
    for (int i = 0; i < 100; i++)
        target_new(1);
    gcw_collect();
    gcw_stats(&s);
    assert_int_equal(gcw_drain(0), 0);
}

TEST(an_event_that_is_disposed_of_has_no_listeners_and_takes_none)
{
    struct session *s = session_new();
    gcw_event *e = s->event;
    gcw_method *m = gcw_method_new(lasting_target(1), idle_method, NULL);
    gcw_listener *l = gcw_event_connect_fn(e, hear, s, 0);
    gcw_listener *of_method = gcw_event_connect(e, m, 0);
    assert_int_equal(gcw_dispose(e), 0);
    assert_false(gcw_listener_connected(l));
    assert_false(gcw_listener_connected(of_method));
    assert_true(emits(s, 0));
    assert_int_equal(gcw_event_count(e), 0);
    assert_true(FAILS(gcw_event_connect_fn(e, hear, s, 0), NULL, ESTALE));
    assert_true(FAILS(gcw_event_connect(e, m, 0), NULL, ESTALE));
    assert_true(emits(s, 0));
    assert_true(FAILS(gcw_listener_disconnect(l), false, 0));
    is_forgotten(e);
    assert_false(gcw_listener_connected(l));
}

TEST(a_hub_that_is_disposed_of_has_no_listeners)
{
    struct session *s = session_new();
    gcw_hub *h = s->hub;
    gcw_hub_size size;
    gcw_listener *l = gcw_hub_connect_fn(h, NULL, s, hear_hub, s->event, 0);
    assert_non_null(l);
    assert_int_equal(gcw_hub_post(h, "type", NULL, NULL), 0);
    assert_int_equal(gcw_dispose(h), 0);
    assert_false(gcw_listener_connected(l));
    assert_true(FAILS(gcw_hub_emit(h, "type", s, NULL), 0, 0));
    assert_true(FAILS(gcw_hub_dispatch(h, 0), 0, 0));
    assert_int_equal(s->calls, 0);
    assert_int_equal(gcw_hub_measure(h, &size), 0);
    assert_int_equal(size.listeners + size.patterns + size.posted, 0);
    is_forgotten(h);
    assert_false(gcw_listener_connected(l));
}

TEST(a_hub_that_is_disposed_of_takes_nothing)
{
    struct session *s = session_new();
    gcw_hub *h = s->hub;
    gcw_method *m = gcw_method_new(s, idle_method, NULL);
    assert_int_equal(gcw_dispose(h), 0);
    assert_true(FAILS(gcw_hub_connect_fn(h, "type", NULL, hear_hub, s, 0),
                      NULL, ESTALE));
    assert_true(FAILS(gcw_hub_connect(h, NULL, h, m, 0), NULL, ESTALE));
    assert_true(FAILS(gcw_hub_post(h, "type", NULL, NULL), -1, ESTALE));
    assert_true(FAILS(gcw_hub_fd(h), -1, ESTALE));
    assert_true(FAILS(gcw_hub_dispatch(h, 0), 0, 0));
    is_forgotten(h);
}

TEST(a_hub_that_is_disposed_of_has_its_descriptor_closed)
{
    gcw_hub *h = gcw_hub_new();
    int fd = gcw_hub_fd(h);
    assert_true(fd >= 0);
    assert_int_equal(gcw_hub_post(h, "type", NULL, NULL), 0);
    assert_int_equal(gcw_dispose(h), 0);
    assert_true(FAILS(fcntl(fd, F_GETFD), -1, EBADF));
    assert_true(FAILS(gcw_hub_fd(h), -1, ESTALE));
    is_forgotten(h);
}

static void
post_many(void *arg)
{
    gcw_hub **hub = arg;
    gcw_ref **refs = (gcw_ref **)hub[1];
    for (int i = 0; i < MANY; i++) {
        struct target *t = target_new(1);
        refs[i] = gcw_ref_new(t);
        assert_int_equal(gcw_hub_post(hub[0], "type", NULL, t), 0);
    }
}

TEST(what_was_posted_goes_when_its_hub_is_disposed_of, .lacks = nothing_astray)
{
    gcw_ref **refs = (gcw_ref **)keep_array(MANY);
    gcw_hub *h = gcw_hub_new();
    size_t dead = 0;
    assert_true(gcw_hub_fd(h) >= 0);
    in_dead_frame(post_many, (gcw_hub *[]){ h, (gcw_hub *)refs });
    assert_int_equal(gcw_dispose(h), 0);
    collect();
    for (int i = 0; i < MANY; i++)
        dead += gcw_ref_get(refs[i]) == NULL;
    assert_true(nearly_all(dead, MANY));
    GC_reachable_here(h);
}

TEST(a_registry_that_is_disposed_of_has_no_handlers_and_takes_none)
{
    struct session *s = session_new();
    gcw_exit_registry *r = s->registry;
    gcw_method *m = gcw_method_new(lasting_target(1), idle_method, NULL);
    gcw_exit_handler *h = keep_handler(r, s);
    gcw_exit_handler *of_method = gcw_exit_register(r, m, NULL);
    assert_int_equal(gcw_dispose(r), 0);
    assert_true(runs(s, 0));
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
    assert_int_equal(gcw_exit_unregister(of_method), GCW_GONE);
    assert_true(FAILS(gcw_exit_register_fn(r, count, s, NULL), NULL, ESTALE));
    assert_true(FAILS(gcw_exit_register(r, m, NULL), NULL, ESTALE));
    assert_true(FAILS(gcw_exit_unregister_fn(r, count), 0, 0));
    assert_true(runs(s, 0));
    is_forgotten(r);
}

/* --- disposed of while others use it --- */

enum { ROUNDS = 150, ROLES = 7 };

struct round {
    gcw_hub *hub;
    sem_t at_work;           /* posted by each who uses the hub */
    atomic_bool over;        /* it is disposed of */
    struct bystanders bystanders;
};

/* Each uses the hub once.  True if the hub was as it must be: `over` tells
 * whether it was known to be disposed of. */
static bool
post_once(gcw_hub *h, bool over)
{
    int result = gcw_hub_post(h, "type", NULL, h);
    return result == 0 ? !over : errno == ESTALE;
}

static bool
emit_once(gcw_hub *h, bool over)
{
    return gcw_hub_emit(h, "type", NULL, NULL) == 0 || !over;
}

static bool
connect_once(gcw_hub *h, bool over)
{
    static _Atomic uintptr_t different;
    gcw_listener *l = gcw_hub_connect_fn(
        h, "type", NULL, idle_hub_fn,
        (void *)(atomic_fetch_add(&different, 16) << 1 & 0xfff0), 0);
    return l != NULL ? !over : errno == ESTALE;
}

static bool
disconnect_once(gcw_hub *h, bool over)
{
    gcw_listener *l = gcw_hub_connect_fn(h, NULL, NULL, idle_hub_fn, NULL,
                                         0);
    if (l == NULL)
        return errno == ESTALE;
    if (over)
        return false;
    gcw_listener_block(l);
    gcw_listener_disconnect(l);
    return !gcw_listener_connected(l);
}

static bool
dispatch_once(gcw_hub *h, bool over)
{
    return gcw_hub_dispatch(h, 3) == 0 || !over;
}

static bool
ask_for_descriptor(gcw_hub *h, bool over)
{
    return gcw_hub_fd(h) >= 0 ? !over : errno == ESTALE;
}

static bool
dispose_in_their_midst(struct round *r)
{
    for (int i = 1; i < ROLES; i++)
        while (sem_wait(&r->at_work) != 0)
            continue;
    bool disposed = gcw_dispose(r->hub) == 0;
    come_by(&r->bystanders);
    atomic_store(&r->over, true);
    return disposed;
}

static bool
play_role(size_t number, void *round)
{
    static bool (*const uses[ROLES])(gcw_hub *h, bool over) = {
        NULL, post_once, emit_once, connect_once, disconnect_once,
        dispatch_once, ask_for_descriptor
    };
    struct round *r = round;
    bool good = true, over = false;
    if (number == 0)
        return dispose_in_their_midst(r);
    good = uses[number](r->hub, false);
    sem_post(&r->at_work);
    while (good && !over) {
        over = atomic_load(&r->over);
        good = uses[number](r->hub, over);
    }
    return good;
}

TEST(a_hub_may_be_disposed_of_while_others_use_it)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct round r = { .hub = gcw_hub_new(), .over = false };
        sem_init(&r.at_work, 0, 0);
        at_once(ROLES, play_role, &r);
        assert_true(are_untouched(&r.bystanders));
        go_by(&r.bystanders);
        sem_destroy(&r.at_work);
    }
}

/* --- what is left of those that went --- */

/* Two events that overlap with the next, in uncollectable memory. */
static void
begin_with_a_handle(void *kept)
{
    void **keep = kept;
    gcw_event *first = gcw_event_new("first");
    keep[0] = gcw_event_connect_fn(first, hear, NULL, 0);
    keep[1] = gcw_event_new("older");
    keep[2] = gcw_event_new("newer");
}

static void
come_and_go(void *kept)
{
    void **keep = kept;
    keep[1] = keep[2];
    keep[2] = gcw_event_new("next");
}

static size_t
heap_in_use(void)
{
    GC_word heap, free_bytes, unmapped, since, total;
    gcw_collect();
    GC_get_heap_usage_safe(&heap, &free_bytes, &unmapped, &since, &total);
    return heap - free_bytes;
}

static size_t
after_events(void **keep, int n)
{
    for (int i = 0; i < n; i++) {
        in_dead_frame(come_and_go, keep);
        gcw_collect();
    }
    return heap_in_use();
}

/* The record of an event is more than a hundred bytes. */
END(the_handle_of_a_dead_events_listener_holds_no_later_events, 0, "small\n",
    .err = "")
{
    enum { EVENTS = 1200 };
    void **keep = keep_array(3);
    gcw_statistics s = { .size = sizeof s };
    size_t before;
    in_dead_frame(begin_with_a_handle, keep);
    before = after_events(keep, EVENTS / 10);
    MUST(after_events(keep, EVENTS) < before + EVENTS * 50);
    MUST(!gcw_listener_connected(keep[0]));
    gcw_stats(&s);
    MUST(s.events < EVENTS / 20);
    say("small");
    _exit(0);
}

/* --- listed while they come and go --- */

enum { LISTINGS = 60, STAYING = 20, GOERS = 3 };

struct crowd {
    void **staying;          /* older than all that comes and goes */
    atomic_int looking;
};

static void
make_and_drop(size_t i)
{
    gcw_event *e = gcw_event_new("passing");
    gcw_hub *h = gcw_hub_new();
    gcw_exit_registry *r = gcw_exit_registry_new("passing");
    gcw_event_connect_fn(e, hear, NULL, 0);
    gcw_hub_connect_fn(h, "passing", NULL, idle_hub_fn, NULL, 0);
    gcw_exit_register_fn(r, count, NULL, NULL);
    if (i % 8 == 0)          /* the collector gets the others */
        return;
    gcw_dispose(h);
    gcw_dispose(e);
    gcw_dispose(r);
}

static size_t
times_in(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

static bool
all_that_stay_are_listed(void)
{
    gcw_statistics s = { .size = sizeof s };
    char *text = dumped();
    size_t n = times_in(text, "\"staying\"");
    free(text);
    gcw_stats(&s);
    return n == STAYING && s.events >= STAYING;
}

static bool
make_or_look(size_t number, void *crowd)
{
    struct crowd *c = crowd;
    bool good = true;
    for (size_t i = 0; number < GOERS && atomic_load(&c->looking) > 0; i++)
        make_and_drop(i);
    if (number < GOERS)
        return true;
    for (int i = 0; i < LISTINGS; i++)
        good = good && all_that_stay_are_listed();
    atomic_fetch_sub(&c->looking, 1);
    return good;
}

/* A stream that disposes of events in the midst of a listing. */
struct stream {
    FILE *copy;
    gcw_event **doomed;      /* NULL once that is done */
};

enum { DOOMED = 3 };

static ssize_t
copy_and_dispose(void *stream, const char *bytes, size_t n)
{
    struct stream *s = stream;
    fwrite(bytes, 1, n, s->copy);
    if (s->doomed != NULL && memmem(bytes, n, "doomed", 6) != NULL) {
        for (int i = 0; i < DOOMED; i++)
            gcw_dispose(s->doomed[i]);
        s->doomed = NULL;
    }
    return (ssize_t)n;
}

static char *
dump_and_dispose(gcw_event **doomed)
{
    char *text = NULL;
    size_t length;
    struct stream s = { open_memstream(&text, &length), doomed };
    FILE *out = fopencookie(&s, "w", (cookie_io_functions_t){
        .write = copy_and_dispose
    });
    assert_non_null(out);
    setvbuf(out, NULL, _IONBF, 0);
    gcw_dump(out);
    fclose(out);
    fclose(s.copy);
    assert_null(s.doomed);
    return text;
}

TEST(a_listing_goes_on_though_the_one_it_is_at_goes)
{
    void **keep = keep_array(2);
    gcw_event *doomed[DOOMED];
    keep[0] = gcw_event_new("older");
    for (int i = 0; i < DOOMED; i++)
        doomed[i] = gcw_event_new("doomed");
    keep[1] = gcw_event_new("newer");
    char *text = dump_and_dispose(doomed);
    assert_int_equal(times_in(text, "\"older\""), 1);
    assert_int_equal(times_in(text, "\"newer\""), 1);
    assert_in_range(times_in(text, "\"doomed\""), 1, DOOMED);
    free(text);
    GC_FREE(keep);
}

TEST(those_that_stay_are_listed_while_others_come_and_go)
{
    struct crowd c = { keep_array(STAYING), 2 };
    for (int i = 0; i < STAYING; i++)
        c.staying[i] = gcw_event_new("staying");
    assert_true(all_that_stay_are_listed());
    at_once(GOERS + 2, make_or_look, &c);
    GC_FREE(c.staying);
}
