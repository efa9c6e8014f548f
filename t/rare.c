/* rare.c: what hardly ever happens.
 *
 * Locks that another thread holds at just that moment, threads that come
 * between two steps of another, systems that refuse what they never refuse.
 * Linked with the library's objects, so that this can be brought about: the
 * linker puts functions of this file and of failing.c in the place of others
 * (-Wl,--wrap=NAME).
 */
#include <config.h>

#include "idle.h"
#include "support.h"
#include "thread.h"
#include "failing.h"

#include "ground/code.h"
#include "debug/debug.h"
#include "weak/death.h"
#include "weak/shards.h"
#include "event/event.h"
#include "exit/exit.h"
#include "ground/guard.h"
#include "event/hub.h"
#include "ground/lock.h"
#include "ground/process.h"
#include "ground/names.h"
#include "ground/text.h"
#include "ground/wakeup.h"
#if HAVE_LIBFFI
# include "proxy/signature.h"
#endif

#include <gcweak/debug.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gc/javaxfc.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the library calls for these. */
#ifdef HAVE_EVENTFD
# define DESCRIPTOR "eventfd"
#else
# define DESCRIPTOR "pipe2"
#endif
#ifdef HAVE_ON_EXIT
# define AT_EXIT "on_exit"
#else
# define AT_EXIT "atexit"
#endif

/* --- What fails once --- */

static const char *_Atomic to_fail;
static atomic_int calls_left;        /* until it does */

/* The n-th call of it from here on fails, on whatever thread. */
static void
fail_at(const char *name, int n)
{
    atomic_store(&calls_left, n);
    atomic_store(&to_fail, name);
}

/* Whether it has failed; from here on it does not. */
static bool
has_failed(void)
{
    return atomic_exchange(&to_fail, NULL) == NULL;
}

static bool
fails(const char *name)
{
    const char *wanted = atomic_load(&to_fail);

    if (wanted == NULL || strcmp(wanted, name) != 0
        || atomic_fetch_sub(&calls_left, 1) != 1)
        return false;
    atomic_store(&to_fail, NULL);
    errno = EIO;
    return true;
}

/* To add one: a line here, and one in local.mk. */
#define RARE(type, name, parameters, arguments, failure)                    \
    type __real_##name parameters;                                          \
    type __wrap_##name parameters;                                          \
    type __wrap_##name parameters                                           \
    {                                                                       \
        return fails(#name) ? failure : __real_##name arguments;            \
    }

RARE(int, pthread_mutex_trylock, (pthread_mutex_t *m), (m), EBUSY)
RARE(int, pthread_condattr_init, (pthread_condattr_t *a), (a), ENOMEM)
RARE(int, pthread_cond_init,
     (pthread_cond_t *c, const pthread_condattr_t *a), (c, a), ENOMEM)
RARE(int, pthread_attr_init, (pthread_attr_t *a), (a), ENOMEM)
RARE(int, sem_init, (sem_t *s, int shared, unsigned n), (s, shared, n), -1)
RARE(int, sem_wait, (sem_t *s), (s), -1)
RARE(int, GC_get_stack_base, (struct GC_stack_base *b), (b),
     GC_UNIMPLEMENTED)
RARE(int, GC_register_my_thread, (const struct GC_stack_base *b), (b),
     GC_UNIMPLEMENTED)
RARE(int, msync, (void *address, size_t n, int flags), (address, n, flags),
     -1)
RARE(long, sysconf, (int name), (name), 65536)
RARE(ssize_t, write, (int fd, const void *bytes, size_t n), (fd, bytes, n),
     -1)
#if HAVE_LIBFFI
RARE(ffi_status, ffi_prep_cif,
     (ffi_cif *cif, ffi_abi abi, unsigned n, ffi_type *r, ffi_type **types),
     (cif, abi, n, r, types), FFI_BAD_TYPEDEF)
RARE(ffi_status, ffi_prep_closure_loc,
     (ffi_closure *closure, ffi_cif *cif,
      void (*fn)(ffi_cif *, void *, void **, void *), void *data, void *code),
     (closure, cif, fn, data, code), FFI_BAD_ABI)
#endif

/* Whether all memory that is not the collector's looks as if it were. */
static bool all_is_the_collectors;

void *__real_GC_base(void *pointer);
void *__wrap_GC_base(void *pointer);
void *
__wrap_GC_base(void *pointer)
{
    void *base = __real_GC_base(pointer);

    return base == NULL && all_is_the_collectors ? pointer : base;
}

/* --- What comes in between --- */

/* Before the thread takes a lock for the n-th time from here on, this is
 * called: what another thread might have done just then. */
static _Thread_local int locks_left;
static _Thread_local void (*in_between)(void *arg);
static _Thread_local void *in_between_arg;

static void
come_between(int n, void (*call)(void *arg), void *arg)
{
    in_between = call;
    in_between_arg = arg;
    locks_left = n;
}

/* Whether it came; from here on it does not. */
static bool
came_between(void)
{
    bool came = locks_left <= 0;

    locks_left = 0;
    return came;
}

int __real_pthread_mutex_lock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock);

int
__wrap_pthread_mutex_lock(pthread_mutex_t *lock)
{
    /* Not where the thread holds another one. */
    if (locks_left > 0 && gcw__holding.locks == 1 && --locks_left == 0)
        in_between(in_between_arg);
    return __real_pthread_mutex_lock(lock);
}

/* Does it with the call before each lock in turn, until there are no more. */
static void
between_all(void (*once)(int n))
{
    bool came = true;
    int n;

    for (n = 1; came; n++) {
        once(n);
        came = came_between();
    }
    assert_true(n > 2);
}

/* What happens while the thread waits for a condition, which then wakes it for
 * no reason, as it may. */
static _Thread_local void (*meanwhile)(void);

int __real_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *lock);
int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *lock);

static sem_t waiting;
static atomic_bool tells_of_waiting;

int
__wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *lock)
{
    void (*call)(void) = meanwhile;

    if (atomic_load(&tells_of_waiting))
        sem_post(&waiting);
    if (call == NULL)
        return __real_pthread_cond_wait(c, lock);
    meanwhile = NULL;
    pthread_mutex_unlock(lock);
    call();
    return pthread_mutex_lock(lock);
}

/* What the pass does when it finds the object dead. */
static void
die_by_marks(gcw_ref *ref, void *object)
{
    struct gcw__shard *shard = gcw__shard_of_ref(ref);
    struct gcw__seat *seat;

    gcw__lock(&shard->lock, true);
    seat = gcw__shard_seat(shard, object, 0);
    assert_non_null(seat);
    atomic_store(&ref->target, NULL);
    gcw__seat_die(&shard->chunks[GCW__BY_MARKS], seat);
    gcw__unlock(&shard->lock);
}

/* What the collector does then: clears the link of the reference. */
static void
die_by_links(gcw_ref *ref)
{
    if (gcw__ref_is_long(ref))
        GC_unregister_long_link((void **)&ref->target);
    else
        GC_unregister_disappearing_link((void **)&ref->target);
    atomic_store(&ref->target, NULL);
}

/* The object dies, and it is left to others to notice. */
static void
let_die(void *object)
{
    gcw_ref *ref = gcw_ref_new(object);

    assert_non_null(ref);
    if (gcw__short_way == GCW__BY_MARKS)
        die_by_marks(ref, object);
    else
        die_by_links(ref);
}

/* The same for a container, which its place knows by a long reference. */
static void
let_container_die(void *container)
{
    gcw_ref *ref = gcw_ref_new_long(container);

    assert_non_null(ref);
    die_by_links(ref);
}

/* As if a collection had just ended. */
static void
notice(bool may_wait)
{
    atomic_store(&gcw__noticed, gcw__gc_no() - 1);
    gcw__notice_deaths(may_wait);
}

/* --- Callbacks --- */

static void
hear_hub(const gcw_emission *emission, void *data)
{
    (void)emission;
    count(data);
}

static void *
count_call(void *self, void *arg, void *data)
{
    (void)self, (void)arg;
    count(data);
    return NULL;
}

/* --- The worker --- */

static sem_t may_return, has_begun;

static void
stay(void *unused)
{
    (void)unused;
    sem_post(&has_begun);
    while (__real_sem_wait(&may_return) != 0)
        continue;
}

static void
turn_on(void)
{
    assert_int_equal(gcw_drain_thread(true), 0);
}

static void
no_worker_if(const char *failure)
{
    fail_at(failure, 1);
    errno = 0;
    assert_int_equal(gcw_drain_thread(true), -1);
    assert_true(has_failed());
    assert_int_equal(errno, ENOMEM);
}

/* At first it cannot be had.  Then its sleep is interrupted.  Who turns it off
 * waits until what it runs has returned, but not if it is turned on again. */
TEST(the_worker_outlives_all_that)
{
    struct target *t = target_new(1);

    sem_init(&may_return, 0, 0);
    sem_init(&has_begun, 0, 0);
    no_worker_if("pthread_condattr_init");
    no_worker_if("pthread_cond_init");
    no_worker_if("sem_init");
    no_worker_if("pthread_attr_init");
    fail_at("sem_wait", 1);
    turn_on();
    while (atomic_load(&to_fail) != NULL)
        sched_yield();
    gcw_cleanup_new(t, stay, NULL);
    assert_int_equal(gcw_dispose(t), 0);
    while (__real_sem_wait(&has_begun) != 0)
        continue;
    meanwhile = turn_on;
    assert_int_equal(gcw_drain_thread(false), 0);
    assert_null(meanwhile);
    sem_post(&may_return);
    assert_int_equal(gcw_drain_thread(false), 0);
}

/* --- Threads of the library's own --- */

/* Whether another thread collects while the next one is made, for which its maker
 * may have to wait: for a lock of the dynamic linker's, which another has. */
static atomic_bool collects_meanwhile;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *arg), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *arg), void *arg);

static void *
collect_once(void *done)
{
    GC_gcollect();
    return done;
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                      void *(*run)(void *arg), void *arg)
{
    if (atomic_exchange(&collects_meanwhile, false))
        in_thread(collect_once, NULL);
    return __real_pthread_create(thread, attributes, run, arg);
}

/* The collector ends the process if a thread cannot be stopped. */
TEST(others_collect_while_a_watcher_of_limits_is_made)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_exit_options o = { .limit = 100000 };
    GC_word before = GC_get_gc_no();

    assert_non_null(gcw_exit_register_fn(r, idle, NULL, &o));
    atomic_store(&collects_meanwhile, true);
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_false(atomic_load(&collects_meanwhile));
    assert_true(GC_get_gc_no() > before);
}

#if HAVE_LIBFFI

/* --- libffi --- */

static gcw_proxy *
proxy_of(struct target *t, const char *signature)
{
    return gcw_proxy_new(t, (gcw_proxy_fn *)idle_method, signature);
}

static void
no_proxy_if(const char *failure, int n, const char *signature, int error)
{
    struct target *t = target_new(1);

    fail_at(failure, n);
    errno = 0;
    assert_null(proxy_of(t, signature));
    assert_true(has_failed());
    assert_int_equal(errno, error);
    GC_reachable_here(t);
}

/* As there is no table of signatures yet. */
TEST(the_first_signature_needs_memory)
{
    struct target *t = target_new(1);

    failing_begin_only("calloc");
    errno = 0;
    assert_null(proxy_of(t, "pp)p"));
    assert_int_equal(failing_end(), 1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(gcw_proxy_free(proxy_of(t, "pp)p")), 0);
}

TEST(what_libffi_refuses_is_no_proxy)
{
    no_proxy_if("ffi_prep_cif", 1, "pp)p", ENOTSUP);
    no_proxy_if("ffi_prep_cif", 2, "pp)p", ENOTSUP);
    no_proxy_if("ffi_prep_closure_loc", 1, "pp)p", ENOMEM);
    no_proxy_if("ffi_prep_closure_loc", 1, "{ii})p", ENOTSUP);
}

/* libffi is not tried with what is larger than a small stack would bear. */
TEST(large_arguments_are_taken_on_trust)
{
    struct target *t = target_new(1);

    fail_at("ffi_prep_closure_loc", 2);
    assert_int_equal(gcw_proxy_free(proxy_of(t, "{i[5000]})v")), 0);
    assert_false(has_failed());
    GC_reachable_here(t);
}

TEST(signatures_with_the_same_hash_are_told_apart)
{
    size_t position;
    struct gcw__signature *s = gcw__signature_read("pi)p", &position);
    const char *text = s->text;

    assert_true(gcw__signature_hold(s));
    assert_ptr_equal(gcw__signature_find("pi)p"), s);
    s->text = "another";
    assert_null(gcw__signature_find("pi)p"));
    s->text = text;
    gcw__signature_release(s);
    assert_null(gcw__signature_find("pi)p"));
}

static void *
call_unknown(void *code)
{
    fail_at("GC_register_my_thread", 1);
    errno = 0;
    return ((void *(*)(void *, void *))code)(NULL, NULL) == NULL
        && errno == EPERM ? code : NULL;
}

TEST(a_proxy_needs_a_thread_that_can_be_made_known)
{
    struct target *t = target_new(1);
    gcw_proxy *p = gcw_proxy_new(t, (gcw_proxy_fn *)count_call, "pp)p");
    pthread_t thread;
    void *code = (void *)(uintptr_t)gcw_proxy_code(p), *result;

    assert_int_equal(pthread_create(&thread, NULL, call_unknown, code), 0);
    pthread_join(thread, &result);
    assert_ptr_equal(result, code);
    assert_int_equal(gcw_proxy_free(p), 0);
    GC_reachable_here(t);
}

#endif

/* --- Threads --- */

static void *
use_atexit(void *result)
{
    int *found = result;

    fail_at("GC_register_my_thread", 1);
    errno = 0;
    found[0] = gcw_atexit((void (*)(void))use_atexit) == -1 ? errno : 0;
    fail_at("GC_get_stack_base", 1);
    errno = 0;
    found[1] = gcw_atexit_cancel((void (*)(void))use_atexit) == -1 ? errno : 0;
    return NULL;
}

TEST(a_thread_that_cannot_be_made_known_is_refused)
{
    int found[2];

    assert_int_equal(gcw_init(), 0);
    in_unknown_thread(use_atexit, found);
    assert_int_equal(found[0], EPERM);
    assert_int_equal(found[1], EPERM);
}

/* --- Somebody else holds a lock when a finalizer looks for deaths --- */

/* All that waits for deaths, and what it waits for. */
struct world {
    struct target *live, *dead[8];
    gcw_event *event, *dying_event;
    gcw_hub *hub, *dying_hub;
    gcw_exit_registry *registry;
    gcw_listener *leaving;
    size_t calls;
    int fd;
};

static gcw_method *
method_of(struct world *w, int i)
{
    return gcw_method_new(w->dead[i], idle_method, NULL);
}

static gcw_method *
weak_method_of(struct world *w, int i)
{
    return gcw_method_new_weak(w->live, idle_method, w->dead[i]);
}

static struct world *
world_new(void)
{
    struct world *w = GC_MALLOC_UNCOLLECTABLE(sizeof *w);

    assert_non_null(w);
    w->live = target_new(0);
    for (size_t i = 0; i < 8; i++)
        w->dead[i] = target_new(i);
    w->event = gcw_event_new("event");
    w->dying_event = gcw_event_new("dying");
    w->hub = gcw_hub_new();
    w->dying_hub = gcw_hub_new();
    w->registry = gcw_exit_registry_new(NULL);
    gcw_event_connect(w->event, method_of(w, 0), 0);
    gcw_event_connect(w->event, weak_method_of(w, 1), 0);
    gcw_hub_connect(w->hub, NULL, NULL, method_of(w, 2), 0);
    gcw_hub_connect_fn(w->hub, "news", w->dead[3], hear_hub, &w->calls, 0);
    gcw_exit_register(w->registry, method_of(w, 4), NULL);
    gcw_exit_register(w->registry, weak_method_of(w, 5), NULL);
    gcw_cleanup_new(w->dead[6], count, &w->calls);
    gcw_event_connect(w->dying_event, weak_method_of(w, 7), 0);
    w->leaving = gcw_event_connect(
        w->dying_event, gcw_method_new(w->live, idle_method, NULL), 0);
    w->fd = gcw_hub_fd(w->dying_hub);
    assert_true(w->fd >= 0);
    return w;
}

/* As if the thread that has disconnected the one had not come to tidying. */
static void
kill_world(struct world *w)
{
    pthread_mutex_t *lock = gcw__listeners_lock(w->dying_event->list.container);

    pthread_mutex_lock(lock);
    gcw__listener_remove(w->leaving);
    pthread_mutex_unlock(lock);
    for (size_t i = 0; i < 7; i++)
        let_die(w->dead[i]);
    let_container_die(w->dying_event);
    let_container_die(w->dying_hub);
}

static void
all_was_told(struct world *w)
{
    gcw_hub_size size;

    assert_int_equal(gcw_event_count(w->event), 0);
    assert_int_equal(gcw_hub_measure(w->hub, &size), 0);
    assert_int_equal(size.listeners, 0);
    assert_int_equal(w->registry->order.live, 0);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(w->calls, 1);
    assert_int_equal(fcntl(w->fd, F_GETFD), -1);
}

/* An object of an earlier test may die meanwhile. */
TEST(what_a_finalizer_found_locked_is_done_later)
{
    size_t before = gcw__shards_watches(), now;
    bool failed = true;
    int n;

    for (n = 1; failed; n++) {
        struct world *w = world_new();

        kill_world(w);
        fail_at("pthread_mutex_trylock", n);
        notice(false);
        failed = has_failed();
        notice(true);
        all_was_told(w);
        /* Those of the containers that still live. */
        now = gcw__shards_watches();
        assert_true(now <= before + 3);
        gcw_dispose(w->event);
        gcw_dispose(w->hub);
        gcw_dispose(w->registry);
        assert_int_equal(gcw__shards_watches(), now - 3);
        GC_FREE(w);
    }
    assert_true(n > GCW__SHARDS);
}

/* --- Another thread comes between --- */

static void
take_off(void *handler)
{
    gcw_exit_handler *h = handler;

    if (pthread_mutex_trylock(&gcw__exit_lock) != 0)
        return;
    if (h->state == GCW__WAITING)
        gcw__exit_remove(h);
    pthread_mutex_unlock(&gcw__exit_lock);
}

static void
take_off_between(int n)
{
    struct target *t = target_new(1);
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_method *m = gcw_method_new(t, idle_method, NULL);
    gcw_exit_handler *h = gcw_exit_register(r, m, NULL);

    let_die(t);
    come_between(n, take_off, h);
    notice(true);
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
    assert_int_equal(gcw_exit_run(r, 0), 0);
    GC_reachable_here(r);
}

TEST(a_handler_may_be_taken_off_while_its_object_dies)
{
    between_all(take_off_between);
}

static void
open_too(void *hub)
{
    gcw_hub_fd(hub);
}

static void
open_between(int n)
{
    gcw_hub *h = gcw_hub_new();
    int fd;

    come_between(n, open_too, h);
    fd = gcw_hub_fd(h);
    assert_true(fd >= 0);
    assert_int_equal(gcw_hub_fd(h), fd);
    gcw_dispose(h);
    GC_reachable_here(h);
}

TEST(two_may_ask_for_a_descriptor_at_once)
{
    between_all(open_between);
}

struct again {
    gcw_event *event;
    gcw_method *method;
};

static void
connect_again(void *arg)
{
    struct again *again = arg;

    gcw_event_connect(again->event, again->method, GCW_UNIQUE);
}

static void
connect_between(int n)
{
    struct target *t = target_new(1);
    size_t *calls = counter_new(), first;
    struct again again = { gcw_event_new("again"),
                           gcw_method_new(t, count_call, calls) };

    gcw_event_connect(again.event, again.method, GCW_UNIQUE | GCW_ONCE);
    come_between(n, connect_again, &again);
    assert_int_equal(gcw_event_emit(again.event, NULL), 1);
    first = gcw_event_count(again.event);
    gcw_event_emit(again.event, NULL);
    assert_int_equal(*calls, 1 + first);
    GC_reachable_here(t);
}

/* It is called, and stays. */
TEST(what_was_to_be_called_once_may_be_connected_for_good)
{
    between_all(connect_between);
}

static void
kill_it(void *event)
{
    let_die(event);
}

static void
count_between(int n)
{
    gcw_statistics s = { .size = sizeof s };
    gcw_event *e = gcw_event_new("counted");
    size_t with;

    notice(true);
    GC_disable();                /* events of other tests live as long */
    gcw_stats(&s);
    with = s.events;
    come_between(n, kill_it, e);
    gcw_stats(&s);
    GC_enable();
    assert_true(s.events == with || s.events == with - 1);
    gcw_dispose(e);
    GC_reachable_here(e);
}

TEST(what_died_during_a_count_does_not_count)
{
    between_all(count_between);
}

static void
kill_and_drain(void *target)
{
    gcw_dispose(target);
    gcw_drain(0);
}

static void
lose_between(int n)
{
    struct target *t = target_new(1);
    size_t *calls = counter_new();
    gcw_cleanup *c;

    failing_begin_only("realloc");
    come_between(n, kill_and_drain, t);
    c = gcw_cleanup_new(t, count, calls);
    failing_end();
    assert_int_equal(*calls, c != NULL);
    if (c != NULL)
        assert_false(gcw_cleanup_alive(c));
    else
        assert_true(errno == ENOMEM || errno == ESTALE);
    GC_reachable_here(t);
}

/* Fills the order, so that the next one needs more memory. */
TEST(a_cleanup_without_room_is_refused_unless_it_has_run)
{
    struct target *t = target_new(1);
    size_t *calls = counter_new();
    gcw_cleanup *c = gcw_cleanup_new(t, count, calls);

    assert_non_null(c);
    failing_begin_only("realloc");
    do
        c = gcw_cleanup_new(t, count, calls);
    while (c != NULL);
    assert_int_equal(errno, ENOMEM);
    failing_end();
    between_all(lose_between);
    gcw_dispose(t);
    gcw_drain(0);
    assert_true(*calls > 0);
}

/* --- Hashes that are the same --- */

static void
put(struct gcw__map *map, uintptr_t hash, void *item)
{
    struct gcw__map_spare spare = { 0, NULL };

    while (!gcw__map_ready(map, &spare))
        assert_true(gcw__map_fill(&spare));
    gcw__map_add(map, hash, item);
}

TEST(types_with_the_same_hash_are_told_apart)
{
    gcw_hub *h = GC_MALLOC(sizeof *h);
    struct gcw__type *type = GC_MALLOC_ATOMIC(sizeof *type + sizeof "a");

    strcpy(type->name, "a");
    put(&h->types, gcw__hash("b"), type);
    assert_null(gcw__hub_type(h, "b"));
    put(&h->types, gcw__hash("a"), type);
    assert_ptr_equal(gcw__hub_type(h, "a"), type);
}

TEST(patterns_with_the_same_hash_are_told_apart)
{
    gcw_hub *h = GC_MALLOC(sizeof *h);
    struct gcw__pattern *pattern = GC_MALLOC(sizeof *pattern);
    struct gcw__type type, other;

    pattern->type = &type;
    put(&h->patterns, gcw__hub_pattern_hash(&other, NULL), pattern);
    assert_null(gcw__hub_pattern(h, &other, NULL));
    put(&h->patterns, gcw__hub_pattern_hash(&type, h), pattern);
    assert_null(gcw__hub_pattern(h, &type, h));
    put(&h->patterns, gcw__hub_pattern_hash(&type, NULL), pattern);
    assert_ptr_equal(gcw__hub_pattern(h, &type, NULL), pattern);
}

/* Another object may come to lie where the source was. */
TEST(the_pattern_of_a_dead_source_is_not_found)
{
    gcw_hub *h = gcw_hub_new();
    struct target *t = target_new(1);

    gcw_hub_connect_fn(h, NULL, t, hear_hub, counter_new(), 0);
    assert_non_null(gcw__hub_pattern(h, NULL, t));
    let_die(t);
    assert_null(gcw__hub_pattern(h, NULL, t));
    notice(true);
    GC_reachable_here(h);
}

/* --- Objects that come to lie where others were --- */

/* A reference into another object, at that address, was left over. */
TEST(what_is_left_over_at_an_address_is_not_its_own)
{
    struct target *before = target_new(1), *now = target_new(2);
    size_t *calls = counter_new();
    gcw_ref *left = gcw__shard_ref(before, now, false);

    assert_non_null(left);
    gcw_cleanup_new(now, count, calls);
    assert_int_equal(gcw_dispose(now), 0);
    gcw_drain(0);
    assert_int_equal(*calls, 1);
    assert_int_equal(gcw_dispose(before), 0);
    assert_null(gcw_ref_get(left));
}

/* --- More than can be counted --- */

TEST(more_slots_than_have_numbers_are_refused)
{
    struct gcw__order_spare order = { .wanted = UINT32_MAX };
    struct gcw__listeners_spare list = { .capacity = UINT32_MAX };

    assert_false(gcw__order_fill(&order));
    assert_false(gcw__listeners_fill(&list));
}

/* --- Unloaded code --- */

static struct gcw__range
range_around(void (*fn)(void *data))
{
    return (struct gcw__range){ (uintptr_t)fn, (uintptr_t)fn + 1 };
}

struct going {
    gcw_exit_registry *registry;
    size_t calls;
};

static void
go_later(void *going)
{
    ((struct going *)going)->calls += 100;
}

static void
go_first(void *arg)
{
    struct going *going = arg;
    struct gcw__range range = range_around(go_later);

    if (going->calls++ == 0)
        gcw__exit_object_unloading(going->registry, &range);
}

/* Those of the other object are marked, too, but not this run's. */
TEST(code_may_go_while_other_code_goes)
{
    struct going going = { gcw_exit_registry_new(NULL), 0 };
    struct gcw__range range = range_around(go_first);

    gcw_exit_register_fn(going.registry, go_later, &going, NULL);
    gcw_exit_register_fn(going.registry, go_first, &going, NULL);
    gcw_exit_register_fn(going.registry, go_first, &going, NULL);
    gcw__exit_object_unloading(going.registry, &range);
    assert_int_equal(going.calls, 102);
    assert_int_equal(gcw_exit_run(going.registry, 0), 0);
    assert_int_equal(going.calls, 102);
}

static void
unload_counting(void *registry)
{
    struct gcw__range range = range_around(count);

    gcw__exit_object_unloading(registry, &range);
}

/* One that is kept has run, and waits for the next run. */
TEST(what_has_run_does_not_run_again_when_its_code_goes)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_exit_options keep = { .keep = true };
    size_t *calls = counter_new();

    gcw_exit_register_fn(r, unload_counting, r, NULL);
    gcw_exit_register_fn(r, count, calls, &keep);
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_int_equal(*calls, 1);
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_int_equal(*calls, 1);
}

/* As the end of a run by turns on another thread does. */
static void
bring_back(void *registry)
{
    gcw_exit_registry *r = registry;

    if (pthread_mutex_trylock(&gcw__exit_lock) != 0)
        return;
    gcw__order_bring_back(&r->order);
    pthread_mutex_unlock(&gcw__exit_lock);
}

static void
bring_back_between(int n)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_exit_options keep = { .keep = true };
    size_t *calls = counter_new();
    gcw_exit_handler *h = gcw_exit_register_fn(r, count, calls, &keep);
    struct gcw__range range = range_around(count);

    pthread_mutex_lock(&gcw__exit_lock);
    gcw__order_set_aside(&r->order);
    pthread_mutex_unlock(&gcw__exit_lock);
    come_between(n, bring_back, r);
    gcw__exit_object_unloading(r, &range);
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
    assert_int_equal(r->order.live, 0);
    assert_true(*calls <= 1);
}

TEST(what_waits_again_while_its_code_goes_goes_too)
{
    between_all(bring_back_between);
}

TEST(code_that_no_object_has_is_no_plugin)
{
    struct gcw__range range;
    struct target *t = target_new(1);

    assert_false(gcw__object_of((uintptr_t)t, &range));
    gcw_object_unloading((void (*)(void))(uintptr_t)t);
}

/* --- Names --- */

TEST(what_has_no_name_is_told_by_its_address)
{
    uintptr_t word = (uintptr_t)target_new(1);
    char *text = NULL, *wanted;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    gcw__print_code(out, 0);
    putc(' ', out);
    gcw__print_code(out, word);
    putc(' ', out);
    gcw__print_data(out, word);
    fclose(out);
    assert_true(asprintf(&wanted, "0 %#jx %#jx", (uintmax_t)word,
                         (uintmax_t)word) > 0);
    assert_string_equal(text, wanted);
    assert_null(gcw__function_name(0));
    assert_null(gcw__function_name(word));
    free(wanted);
    free(text);
}

/* A word of an array of listeners that is before the slots. */
TEST(an_index_of_listeners_is_explained)
{
    struct target *t = target_new(1);
    gcw_event *e = gcw_event_new("indexed");
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    gcw_event_connect(e, gcw_method_new(t, idle_method, NULL), GCW_UNIQUE);
    assert_true(gcw_explain(atomic_load(&e->list.array)->index, out) > 0);
    fclose(out);
    assert_null(strstr(text, "as data of"));
    free(text);
    GC_reachable_here(t);
    GC_reachable_here(e);
}

/* --- Descriptors --- */

static bool
is_readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    return poll(&p, 1, 0) == 1;
}

TEST(a_wake_up_that_cannot_be_written_leaves_errno)
{
    struct gcw__wakeup w = GCW__WAKEUP_INIT;
    int fd = gcw__wakeup_open(&w);

    fail_at("write", 1);
    errno = ERANGE;
    gcw__wakeup_set(&w);
    assert_true(has_failed());
    assert_int_equal(errno, ERANGE);
    assert_false(is_readable(fd));
    gcw__wakeup_clear(&w);
    gcw__wakeup_set(&w);
    assert_true(is_readable(fd));
    assert_true(gcw__wakeup_close(&w, true));
}

/* Several threads may have written. */
TEST(all_that_is_there_is_cleared)
{
    struct gcw__wakeup w = GCW__WAKEUP_INIT;
    int fd = gcw__wakeup_open(&w);
    uint64_t one = 1;

    for (int i = 0; i < 20; i++)
        assert_int_equal(write(w.writing, &one, sizeof one), sizeof one);
    assert_true(is_readable(fd));
    gcw__wakeup_clear(&w);
    assert_false(is_readable(fd));
    assert_true(gcw__wakeup_close(&w, true));
}

TEST(a_descriptor_that_could_not_be_had_is_not_closed)
{
    struct world w = { 0 };

    w.dying_hub = gcw_hub_new();
    failing_begin_all();
    assert_int_equal(gcw_hub_fd(w.dying_hub), -1);
    failing_end();
    failing_begin_only(DESCRIPTOR);
    assert_int_equal(gcw_hub_fd(w.dying_hub), -1);
    failing_end();
    assert_non_null(w.dying_hub->container->wakeup);
    gcw_dispose(w.dying_hub);
    assert_null(w.dying_hub->container->wakeup);
}

/* --- The collector --- */

/* Which runs finalizers until there are none: the canaries stay down. */
TEST(all_finalizers_may_be_run)
{
    struct target *t = target_new(1);
    size_t *calls = counter_new();

    gcw_cleanup_new(t, count, calls);
    GC_finalize_all();
    assert_int_equal(*calls, 0);
    gcw_cleanup_new(t, count, calls);
    gcw_dispose(t);
    assert_int_equal(gcw_drain(0), 2);
}

/* --- Memory --- */

TEST(an_emission_that_could_not_be_made_is_posted_still)
{
    gcw_hub *h = gcw_hub_new();
    size_t *calls = counter_new(), *other = counter_new();

    for (int i = 0; i < 100; i++) {
        gcw_hub_connect_fn(h, "news", NULL, hear_hub, counter_new(), 0);
        gcw_hub_connect_fn(h, NULL, NULL, hear_hub, counter_new(), 0);
    }
    gcw_hub_connect_fn(h, "news", NULL, hear_hub, calls, 0);
    gcw_hub_connect_fn(h, "olds", NULL, hear_hub, other, 0);
    assert_int_equal(gcw_hub_post(h, "news", NULL, NULL), 0);
    failing_begin_all();
    assert_int_equal(gcw_hub_dispatch(h, 0), 0);
    failing_end();
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(gcw_hub_post(h, "olds", NULL, NULL), 0);
    assert_int_equal(gcw_hub_dispatch(h, 1), 1);
    assert_int_equal(*calls, 1);
    assert_int_equal(*other, 0);
    assert_int_equal(gcw_hub_dispatch(h, 0), 1);
    assert_int_equal(*other, 1);
}

static const char object_to_unload[] = "libutil.so.1";

static const char *
unloading(void)
{
    void *object = dlopen(object_to_unload, RTLD_NOW);

    if (object == NULL || dlclose(object) != 0)
        return object_to_unload;
    return lacks_unloading(object_to_unload);
}

/* msync says something else than that nothing is there. */
TEST(code_is_there_unless_it_is_known_that_it_is_not, .lacks = unloading)
{
    void *object = dlopen(object_to_unload, RTLD_NOW);
    size_t page = (size_t)__real_sysconf(_SC_PAGESIZE);
    void *code = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);

    assert_non_null(object);
    assert_int_equal(dlclose(object), 0);
    assert_int_equal(munmap(code, page), 0);
    gcw__code_look();
    assert_true(gcw__code_gone((uintptr_t)code));
    fail_at("msync", 1);
    errno = ERANGE;
    assert_false(gcw__code_gone((uintptr_t)code));
    assert_true(has_failed());
    assert_int_equal(errno, ERANGE);
}

/* --- The beginning and the end of a process --- */

static void
say(void *word)
{
    puts(word);
}

static void
say_it(void)
{
    puts("it");
}

/* Some of what calls the library when the process ends is registered. */
SCENARIO(begin_by_half)
{
    gcw_object_unloading(say_it);
    failing_begin_from(AT_EXIT, 2);
    puts(gcw_init() == 0 ? "it began" : "it did not begin");
    failing_end();
}

static void
say_it_runs(void)
{
    puts("it runs");
}

SCENARIO(begin_by_half_and_end_quickly)
{
    begin_by_half();
    fflush(stdout);
    quick_exit(0);
}

static void
leaves(const char *scenario, const char *out, const char *err)
{
    struct outcome o = run_scenario(scenario);

    assert_string_equal(o.err, err);
    assert_string_equal(o.out, out);
    assert_int_equal(o.status, 0);
    outcome_free(&o);
}

TEST(a_library_that_began_by_half_does_nothing_at_exit)
{
    leaves("begin_by_half", "it did not begin\n", "");
    leaves("begin_by_half_and_end_quickly", "it did not begin\n", "");
}

END(a_library_that_cannot_begin_takes_plain_functions, 0,
    "that is\nnot supported\nnor is that\nit runs\n", .err = "")
{
    GC_INIT();
    GC_set_find_leak(1);
    if (gcw_atexit(say_it_runs) == 0)
        puts("that is");
    if (gcw_exit_default() == NULL && errno == ENOTSUP)
        puts("not supported");
    if (gcw_drain_fd() == -1 && errno == ENOTSUP)
        puts("nor is that");
    GC_set_find_leak(0);
}

END(a_collector_that_reads_what_malloc_gives_is_refused, 0, "ENOTSUP\n",
    .err = "gcweak: gcw_init: ENOTSUP: the collector was built with"
           " --enable-redirect-malloc: it looks for pointers in malloc's"
           " memory, and nothing would die\n")
{
    GC_INIT();
    gcw_tell(GCW_TOLD_REFUSE, true);
    all_is_the_collectors = true;
    if (gcw_init() == -1 && errno == ENOTSUP)
        puts("ENOTSUP");
    all_is_the_collectors = false;
}

enum { LATE = 60 };

/* Each of those that another thread registers while the process ends runs. */
static size_t late, late_ran;

static void
count_late(void *unused)
{
    (void)unused;
    late_ran++;
    if (late_ran == LATE)
        puts("all of them");
}

static void
register_late(void *unused)
{
    (void)unused;
    if (late < LATE
        && gcw_exit_register_fn(gcw_exit_default(), count_late, NULL, NULL)
           != NULL)
        late++;
    come_between(1, register_late, NULL);
}

static void
begin_to_register_late(void)
{
    come_between(1, register_late, NULL);
}

END(whatever_is_registered_until_the_end_runs, 0, "all of them\n", .err = "")
{
    gcw_init();
    atexit(begin_to_register_late);
}

static void *
end_too(void *unused)
{
    (void)unused;
    exit(3);
}

/* Comes when the library has done its last, but still has calls ahead of it
 * among those that the C library makes. */
static void
let_another_end_it(void)
{
    pthread_t thread;

    atomic_store(&tells_of_waiting, true);
    pthread_create(&thread, NULL, end_too, NULL);
    while (__real_sem_wait(&waiting) != 0)
        continue;
    puts("it stays behind");
}

static void
come_late(void)
{
    atexit(let_another_end_it);
}

END(who_ends_a_process_that_has_ended_waits, 0, "it stays behind\n", .err = "")
{
    sem_init(&waiting, 0, 0);
    gcw_atexit(come_late);
}

/* As a child finds it, without fork handlers. */
static void
be_another_process(void)
{
    atomic_store(gcw__process_word, 0);
    assert_int_not_equal(gcw__process(), 0);
}

/* After so many forks the number of a process has no room in a handler. */
END(processes_are_told_apart_after_seventy_thousand_forks, 0, "its own\n",
    .err = "")
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);

    for (int i = 1; i < 70000; i++)
        be_another_process();
    gcw_exit_register_fn(r, say, (char *)"its own", NULL);
    gcw_exit_run(r, 0);
    gcw_exit_register_fn(r, say, (char *)"its parent's", NULL);
    be_another_process();
    gcw_exit_run(r, 0);
}

static void
find_memory_again(void)
{
    failing_end();
}

static void
look_for_leaks_without(const char *allocator)
{
    void **keep = keep_array(1);

    atexit(find_memory_again);
    setenv("GCWEAK_DEBUG", "leak", 1);
    keep[0] = target_new(1);
    for (int i = 0; i < 20; i++)
        gcw_cleanup_new(keep[0], count, counter_new());
    for (int i = 0; i < 20; i++)
        GC_gcollect();
    failing_begin_only(allocator);
}

SCENARIO(look_for_leaks_without_malloc)
{
    look_for_leaks_without("malloc");
}

SCENARIO(look_for_leaks_without_calloc)
{
    look_for_leaks_without("calloc");
}

TEST(leaks_that_could_not_be_looked_for_are_said_to_be)
{
    const char *line = "gcweak: leak: not all was looked at: no memory\n";

    leaves("look_for_leaks_without_malloc", "", line);
    leaves("look_for_leaks_without_calloc", "", line);
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, failing_is_left_out());
}
