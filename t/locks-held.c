/* locks-held.c: what t/locks.t runs: does the library hold a lock of its own
 * when it asks the collector for something that takes the collector's lock?
 * Does it call the system with cancellation on where that could cut it off?
 * Does it have a lock that a fork does not take?
 *
 * The linker puts the functions below in the place of those (-Wl,--wrap=NAME
 * for each NAME below and for fprintf, see t/local.mk).  They look at what
 * src/ground/lock.h knows of the thread, while the program does all that the
 * library is for.  Each violation is a line on stdout; so is each of them
 * that was never called, for then this program tells nothing about it.
 *
 *     locks-held             does all that
 *     locks-held collector   names the functions of the collector's
 */
#include <config.h>

#include <gc/gc_inline.h>
#include <gc/gc_mark.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include "all-calls.h"
#include "thread.h"
#include "ground/lock.h"
#include "weak/way.h"

/* --- what is watched --- */

/* Those that not all collectors have. */
#if HAVE_GC_GET_MY_STACKBOTTOM
# define ASKED_IF_NEW(WATCH)                                                \
    WATCH(void *, GC_get_my_stackbottom, (struct GC_stack_base *base),      \
          (base))
#else
# define ASKED_IF_NEW(WATCH)
#endif

/* All of the collector's functions that the library calls and that may take
 * its lock: WATCH(type, name, parameters, arguments), and the same for those
 * that return nothing. */
#define ASKED(WATCH, WATCH_VOID)                                            \
    WATCH(void *, GC_malloc, (size_t n), (n))                               \
    WATCH(void *, GC_malloc_atomic, (size_t n), (n))                        \
    WATCH(void *, GC_malloc_uncollectable, (size_t n), (n))                 \
    WATCH(void *, GC_malloc_atomic_uncollectable, (size_t n), (n))          \
    WATCH(void *, GC_malloc_ignore_off_page, (size_t n), (n))               \
    WATCH(void *, GC_malloc_atomic_ignore_off_page, (size_t n), (n))        \
    WATCH(void *, GC_generic_malloc, (size_t n, int kind), (n, kind))       \
    WATCH_VOID(GC_generic_malloc_many,                                      \
               (size_t n, int kind, void **result), (n, kind, result))      \
    WATCH_VOID(GC_stop_world_external, (void), ())                          \
    WATCH_VOID(GC_start_world_external, (void), ())                         \
    WATCH(GC_toggleref_func, GC_get_toggleref_func, (void), ())             \
    WATCH_VOID(GC_free, (void *object), (object))                           \
    WATCH(void *, GC_call_with_alloc_lock, (GC_fn_type fn, void *arg),      \
          (fn, arg))                                                        \
    WATCH(int, GC_general_register_disappearing_link,                       \
          (void **link, const void *object), (link, object))                \
    WATCH(int, GC_unregister_disappearing_link, (void **link), (link))      \
    WATCH(int, GC_register_long_link, (void **link, const void *object),    \
          (link, object))                                                   \
    WATCH(int, GC_unregister_long_link, (void **link), (link))              \
    WATCH_VOID(GC_register_finalizer_no_order,                              \
               (void *object, GC_finalization_proc fn, void *data,          \
                GC_finalization_proc *old, void **old_data),                \
               (object, fn, data, old, old_data))                           \
    WATCH(GC_on_collection_event_proc, GC_get_on_collection_event, (void),  \
          ())                                                               \
    WATCH_VOID(GC_set_on_collection_event,                                  \
               (GC_on_collection_event_proc fn), (fn))                      \
    WATCH(GC_abort_func, GC_get_abort_func, (void), ())                     \
    WATCH_VOID(GC_set_abort_func, (GC_abort_func fn), (fn))                 \
    WATCH_VOID(GC_register_displacement, (size_t at), (at))                 \
    WATCH_VOID(GC_init, (void), ())                                         \
    WATCH_VOID(GC_gcollect, (void), ())                                     \
    ASKED_IF_NEW(WATCH)                                                     \
    WATCH(int, GC_thread_is_registered, (void), ())                         \
    WATCH(int, GC_register_my_thread, (const struct GC_stack_base *base),   \
          (base))                                                           \
    WATCH(int, GC_unregister_my_thread, (void), ())                         \
    WATCH(void *, GC_call_with_gc_active, (GC_fn_type fn, void *arg),       \
          (fn, arg))                                                        \
    WATCH(int, GC_pthread_create,                                           \
          (pthread_t *thread, const pthread_attr_t *attributes,             \
           void *(*start)(void *), void *arg),                              \
          (thread, attributes, start, arg))

/* Those of the system in which a thread may be cancelled.  This program has
 * the library alone call them. */
#define CALLED(WATCH)                                                       \
    WATCH(ssize_t, write, (int fd, const void *bytes, size_t n),            \
          (fd, bytes, n))                                                   \
    WATCH(ssize_t, read, (int fd, void *bytes, size_t n), (fd, bytes, n))   \
    WATCH(int, close, (int fd), (fd))                                       \
    WATCH(int, msync, (void *page, size_t n, int flags), (page, n, flags))  \
    WATCH(FILE *, fopen, (const char *path, const char *how), (path, how))  \
    WATCH(int, fclose, (FILE *file), (file))                                \
    WATCH(char *, fgets, (char *line, int n, FILE *file), (line, n, file))  \
    WATCH(int, access, (const char *path, int how), (path, how))            \
    WATCH(int, sem_wait, (sem_t *sem), (sem))

/* The compiler chooses among those that print. */
#define PRINTING(WATCH)                                                     \
    WATCH(int, fputs, (const char *text, FILE *file), (text, file))         \
    WATCH(int, fputc, (int c, FILE *file), (c, file))                       \
    WATCH(size_t, fwrite,                                                   \
          (const void *text, size_t size, size_t n, FILE *file),            \
          (text, size, n, file))                                            \
    WATCH(int, vfprintf, (FILE *file, const char *format, va_list list),    \
          (file, format, list))

#define CALLED_TO_WAIT(WATCH)                                               \
    WATCH(int, pthread_cond_wait,                                           \
          (pthread_cond_t *condition, pthread_mutex_t *lock),               \
          (condition, lock))                                                \
    WATCH(int, pthread_cond_timedwait,                                      \
          (pthread_cond_t *condition, pthread_mutex_t *lock,                \
           const struct timespec *until), (condition, lock, until))

enum watched {
#define NAME(type, name, parameters, arguments) AT_##name,
#define NAME_VOID(name, parameters, arguments) AT_##name,
    ASKED(NAME, NAME_VOID)
    N_ASKED,
    BEFORE_CALLED = N_ASKED - 1,
    CALLED(NAME)
    CALLED_TO_WAIT(NAME)
    N_CALLED,
    BEFORE_PRINTING = N_CALLED - 1,
    PRINTING(NAME)
    N_WATCHED
#undef NAME
#undef NAME_VOID
};

static const char *const names[] = {
#define NAME(type, name, parameters, arguments) #name,
#define NAME_VOID(name, parameters, arguments) #name,
    ASKED(NAME, NAME_VOID)
    CALLED(NAME)
    CALLED_TO_WAIT(NAME)
    PRINTING(NAME)
#undef NAME
#undef NAME_VOID
};

static atomic_size_t times[N_WATCHED];
static atomic_size_t violations;

/* --- watching --- */

static void
blame(enum watched which, const char *why)
{
    atomic_fetch_add(&violations, 1);
    dprintf(STDOUT_FILENO, "%s: called with %u locks held%s\n", names[which],
            gcw__holding.locks, why);
}

static void
expect_no_lock(enum watched which)
{
    atomic_fetch_add(&times[which], 1);
    if (gcw__holding.locks != 0)
        blame(which, "");
}

static bool
can_be_cancelled(void)
{
    int state, ignored;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_setcancelstate(state, &ignored);
    return state == PTHREAD_CANCEL_ENABLE;
}

/* The thread that runs Guile's finalizers waits as it likes. */
static bool
is_no_concern(enum watched which)
{
    const char *mode = getenv("GCWEAK_TEST_MODE");
    return which == AT_sem_wait && mode != NULL && strcmp(mode, "guile") == 0;
}

static void
expect_no_cancellation(enum watched which)
{
    atomic_fetch_add(&times[which], 1);
    if (can_be_cancelled() && !is_no_concern(which))
        blame(which, ", and cancellation on");
}

/* The lock that is given back meanwhile is the only one. */
static void
expect_one_lock(enum watched which)
{
    atomic_fetch_add(&times[which], 1);
    if (gcw__holding.locks != 1)
        blame(which, ", not one");
}

#define WRAP(expect, type, name, parameters, arguments)                     \
    type __real_##name parameters;                                          \
    type __wrap_##name parameters;                                          \
    type __wrap_##name parameters                                           \
    {                                                                       \
        expect(AT_##name);                                                  \
        return __real_##name arguments;                                     \
    }
#define WRAP_ASKED(type, name, parameters, arguments)                       \
    WRAP(expect_no_lock, type, name, parameters, arguments)
#define WRAP_ASKED_VOID(name, parameters, arguments)                        \
    void __real_##name parameters;                                          \
    void __wrap_##name parameters;                                          \
    void __wrap_##name parameters                                           \
    {                                                                       \
        expect_no_lock(AT_##name);                                          \
        __real_##name arguments;                                            \
    }
#define WRAP_CALLED(type, name, parameters, arguments)                      \
    WRAP(expect_no_cancellation, type, name, parameters, arguments)
#define WRAP_WAIT(type, name, parameters, arguments)                        \
    WRAP(expect_one_lock, type, name, parameters, arguments)
ASKED(WRAP_ASKED, WRAP_ASKED_VOID)
CALLED(WRAP_CALLED)
CALLED_TO_WAIT(WRAP_WAIT)
PRINTING(WRAP_CALLED)

int __wrap_fprintf(FILE *file, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
int
__wrap_fprintf(FILE *file, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = __wrap_vfprintf(file, format, list);
    va_end(list);
    return n;
}

/* --- locks that fork does not take --- */

/* The library's locks are all in the data of this program, which lies behind its
 * code. */
extern char _etext[], _end[];

enum { SEEN = 1, TAKEN = 2 };
static atomic_uchar *locks;          /* of each word of the data */
static _Thread_local bool forking;

static size_t
word_of(const void *lock)
{
    return (size_t)((const char *)lock - _etext) / sizeof(void *);
}

int __real_pthread_mutex_lock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_lock(pthread_mutex_t *lock);
int
__wrap_pthread_mutex_lock(pthread_mutex_t *lock)
{
    if (gcw__holding.locks != 0 && (char *)lock >= _etext
        && (char *)lock < _end && locks != NULL)
        atomic_fetch_or(&locks[word_of(lock)], forking ? TAKEN : SEEN);
    return __real_pthread_mutex_lock(lock);
}

static void
watch_locks(void)
{
    locks = calloc(word_of(_end) + 1, 1);
    MUST(locks != NULL);
}

static void
fork_and_watch(void)
{
    forking = true;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    forking = false;
    MUST(child > 0 && waitpid(child, NULL, 0) == child);
}

/* What a fork does not take has no row in the table of parts. */
static void
expect_all_taken(void)
{
    size_t taken = 0;
    for (size_t i = 0; i < word_of(_end); i++) {
        unsigned char lock = atomic_load(&locks[i]);
        taken += (lock & TAKEN) != 0;
        if (lock == SEEN) {
            printf("the lock in the %zuth word of the data: fork does not"
                   " take it\n", i);
            atomic_fetch_add(&violations, 1);
        }
    }
    MUST(taken > 0);
}

/* --- what the library is made to do --- */

static void
join(pthread_t thread)
{
    MUST(GC_pthread_join(thread, NULL) == 0);
}

/* So many that arrays and tables grow, and shrink when most go. */
enum { VERY_MANY = 6000 };

static void
grow_and_shrink_event(void)
{
    static char data[VERY_MANY];
    gcw_event *e = gcw_event_new("many");
    for (size_t i = 0; i < VERY_MANY; i++)
        MUST(gcw_event_connect_fn(e, idle_fn, &data[i], GCW_UNIQUE)
             != NULL);
    for (size_t i = 0; i < VERY_MANY; i++)
        MUST(gcw_event_disconnect_fn(e, idle_fn, &data[i]) == 1);
    MUST(gcw_event_emit(e, NULL) == 0);
}

static void
grow_and_shrink_registry(void)
{
    gcw_exit_registry *r = gcw_exit_registry_new("many");
    gcw_exit_handler *(*handlers)[VERY_MANY] = (void *)keep_array(VERY_MANY);
    for (size_t i = 0; i < VERY_MANY; i++)
        (*handlers)[i] = gcw_exit_register_fn(r, idle, NULL, NULL);
    for (size_t i = 0; i < VERY_MANY; i++)
        MUST(i % 10 == 0
             || gcw_exit_unregister((*handlers)[i]) == GCW_REMOVED);
    MUST(gcw_exit_run(r, 0) == 0);
    GC_FREE(handlers);
}

/* All of these hang on one object, and go with it. */
static void
hang_all_on(struct target *t, gcw_event *e, gcw_hub *h, gcw_exit_registry *r)
{
    gcw_method *m = gcw_method_new(t, idle_method, NULL);
    MUST(gcw_ref_new(t) != NULL && gcw_ref_new_long(t) != NULL);
    MUST(gcw_ref_find(t) != NULL);
    MUST(gcw_cleanup_new(t, idle, NULL) != NULL);
    MUST(gcw_method_on_death(m, idle_on_death, NULL) != NULL);
    MUST(gcw_event_connect(e, m, 0) != NULL);
    MUST(gcw_hub_connect(h, "type", t, m, 0) != NULL);
    MUST(gcw_exit_register(r, m, NULL) != NULL);
}

static void
dispose_of_all(void)
{
    gcw_event *e = gcw_event_new(NULL);
    gcw_hub *h = gcw_hub_new();
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    struct target *t = target_new(1);
    MUST(gcw_hub_fd(h) >= 0 && gcw_hub_post(h, NULL, NULL, NULL) == 0);
    hang_all_on(t, e, h, r);
    hang_all_on(t, e, h, r);
    MUST(gcw_dispose(t) == 0);
    MUST(gcw_dispose(h) == 0 && gcw_dispose(e) == 0 && gcw_dispose(r) == 0);
    gcw_drain(0);
}

static void
drop_all(void *unused)
{
    (void)unused;
    gcw_event *e = gcw_event_new(NULL);
    gcw_hub *h = gcw_hub_new();
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    for (size_t i = 0; i < MANY; i++)
        hang_all_on(target_new(i), e, h, r);
    GC_gcollect();
    for (size_t i = 0; i < MANY; i++)
        gcw_hub_fd(gcw_hub_new());
    gcw_event_emit(e, NULL);
    gcw_hub_emit(h, "type", NULL, NULL);
    gcw_exit_run(r, 0);
}

/* Descriptors may run out, and the worker may drain as well. */
static void *
churn(void *unused)
{
    for (int i = 0; i < 3; i++) {
        in_dead_frame(drop_all, NULL);
        for (int j = 0; j < MANY; j++)
            MUST(GC_MALLOC(1000) != NULL);
        collect();
        gcw_drain(0);
        grow_and_shrink_event();
        grow_and_shrink_registry();
        dispose_of_all();
    }
    return unused;
}

static void
churn_at_once(void)
{
    pthread_t threads[3];
    MUST(gcw_drain_thread(true) == 0);
    for (size_t i = 0; i < 3; i++)
        threads[i] = run_thread(churn, NULL);
    for (size_t i = 0; i < 3; i++)
        join(threads[i]);
    MUST(gcw_drain_thread(false) == 0);
}

static sem_t there, go;

static void
await(sem_t *sem)
{
    while (__real_sem_wait(sem) != 0)
        continue;
}

static void
stay(void *unused)
{
    (void)unused;
    sem_post(&there);
    await(&go);
}

static void *
run(void *registry)
{
    MUST(gcw_exit_run(registry, 0) == 0);
    return NULL;
}

/* Who waits for a turn looks at the owner every now and then. */
static void
wait_for_a_turn(void)
{
    struct timespec moment = { .tv_nsec = 10000000 };
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    size_t before = atomic_load(&times[AT_fopen]);
    MUST(gcw_exit_register_fn(r, stay, NULL, NULL) != NULL);
    pthread_t owner = run_thread(run, r);
    await(&there);
    pthread_t waits = run_thread(run, r);
    while (atomic_load(&times[AT_fopen]) == before)
        nanosleep(&moment, NULL);
    sem_post(&go);
    join(owner);
    join(waits);
}

/* The worker is waited for, without a bound and with one. */
static void *
stop_worker(void *unused)
{
    sem_post(&there);
    MUST(gcw_drain_thread(false) == 0);
    return unused;
}

static void
keep_worker_busy(void)
{
    struct target *t = target_new(1);
    MUST(gcw_drain_thread(true) == 0);
    MUST(gcw_cleanup_new(t, stay, NULL) != NULL);
    MUST(gcw_dispose(t) == 0);
    await(&there);
}

static void
end_child(void)
{
    atomic_store(&violations, 0);
    MUST(gcw_drain_thread(false) == 0);
    make_all_calls();
    churn_at_once();
    _exit(atomic_load(&violations) != 0 ? 1 : 0);
}

/* Until the wait has begun. */
static void
await_wait(size_t before)
{
    struct timespec moment = { .tv_nsec = 1000000 };
    while (atomic_load(&times[AT_pthread_cond_wait]) == before)
        nanosleep(&moment, NULL);
}

static void
wait_for_the_worker(void)
{
    keep_worker_busy();
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0)
        end_child();
    ends_well(child);
    size_t before = atomic_load(&times[AT_pthread_cond_wait]);
    pthread_t stops = run_thread(stop_worker, NULL);
    await(&there);
    await_wait(before);
    sem_post(&go);
    join(stops);
}

static void
hold_a_debugged_object(void)
{
    struct target *t = target_new(1);
    void *object = GC_debug_malloc(16, GC_EXTRAS);
    MUST(gcw_cleanup_new(t, idle, object) != NULL);
    MUST(gcw_dispose(t) == 0 && gcw_drain(0) > 0);
}

/* Whether the program's own code is there need not be asked. */
static void
call_a_library(void)
{
    struct target *t = target_new(1);
    void (*fn)(void *data);
    *(void **)&fn = dlsym(RTLD_DEFAULT, "free");
    MUST(fn != NULL && gcw_cleanup_new(t, fn, malloc(1)) != NULL);
    MUST(gcw_dispose(t) == 0 && gcw_drain(0) > 0);
}

static void *
call_proxy_unknown(void *proxy)
{
    ((int (*)(void))gcw_proxy_code(proxy))();
    return NULL;
}

/* One that the collector does not know posts, and calls a proxy. */
static void *
post_unknown(void *hub)
{
    MUST(gcw_hub_post(hub, NULL, NULL, NULL) == 0);
    return NULL;
}

static void
use_unknown_threads(void)
{
    struct target *t = target_new(1);
    gcw_hub *h = gcw_hub_new();
    gcw_proxy *p = gcw_proxy_new(t, (gcw_proxy_fn *)seven, ")i");
    in_unknown_thread(post_unknown, h);
    MUST(gcw_hub_dispatch(h, 0) == 1);
    if (p == NULL)
        return;
    in_unknown_thread(call_proxy_unknown, p);
    MUST(gcw_dispose(t) == 0);
    in_unknown_thread(call_proxy_unknown, p);
    MUST(gcw_proxy_free(p) == 0);
}

static GC_on_collection_event_proc library_event;

static void GC_CALLBACK
keep_the_end_to_oneself(GC_EventType event)
{
    if (event != GC_EVENT_MARK_END && event != GC_EVENT_PRE_START_WORLD)
        library_event(event);
}

/* Afterwards all that is held weakly may be dead: so this comes last. */
static void
miss_the_end(void)
{
    struct target *t = target_new(1);
    gcw_ref *ref = gcw_ref_new(t);
    library_event = GC_get_on_collection_event();
    GC_set_on_collection_event(keep_the_end_to_oneself);
    GC_gcollect();
    MUST(ref != NULL);
    gcw_ref_get(ref);
    GC_reachable_here(t);
}

/* A child that dies by a signal, if it has broken no rule. */
static bool dies;

static void
end_by_signal(int on_this_thread)
{
    dies = true;
    atomic_store(&violations, 0);
    if (on_this_thread)
        gcw_exit_by_signal(SIGTERM);
    MUST(gcw_exit_on_signal(SIGTERM, 0) == 0 && raise(SIGTERM) == 0);
    await(&go);
}

static void
die_by_signals(void)
{
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        int status;
        MUST(child >= 0);
        if (child == 0)
            end_by_signal(i);
        MUST(waitpid(child, &status, 0) == child);
        MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    }
}

static bool unloaded;

static void
do_all(void)
{
    FILE *nowhere = __real_fopen("/dev/null", "we");
    MUST(nowhere != NULL);
    unloaded = unload_something();
    make_all_calls();
    call_tables(nowhere);
    churn(NULL);
    use_unknown_threads();
    hold_a_debugged_object();
    call_a_library();
    churn_at_once();
    wait_for_a_turn();
    wait_for_the_worker();
    make_all_calls();
    fork_and_watch();
    die_by_signals();
    miss_the_end();
    MUST(gcw_shutdown(0) == 0);
    MUST(gcw__holding.locks == 0 && gcw__holding.off == 0);
}

/* --- the end --- */

/* Where nothing could be unloaded, there is nothing to ask; nor is there
 * anything to tell a collector that follows all pointers, nor to catch up by
 * links. */
static bool
need_not_be_called(enum watched which)
{
    return (which == AT_msync && !unloaded)
           || (which == AT_GC_register_displacement
               && GC_get_all_interior_pointers())
           || ((which == AT_GC_stop_world_external
                || which == AT_GC_start_world_external)
               && gcw__short_way != GCW__BY_MARKS);
}

static void
see_that_all_were_called(void)
{
    for (size_t i = 0; i < N_CALLED; i++)
        if (atomic_load(&times[i]) == 0 && !need_not_be_called(i)) {
            printf("%s: never called\n", names[i]);
            atomic_fetch_add(&violations, 1);
        }
}

/* After all handlers. */
static void
judge(void)
{
    if (dies && atomic_load(&violations) == 0)
        return;
    see_that_all_were_called();
    expect_all_taken();
    fflush(stdout);
    _exit(atomic_load(&violations) != 0 ? 1 : 0);
}

static int
play(void)
{
    watch_locks();
    MUST(sem_init(&there, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    alarm(300);
    MUST(atexit(judge) == 0);
    do_all();
    exit(0);
}

SCENARIO(list_collector)
{
    for (size_t i = 0; i < N_ASKED; i++)
        puts(names[i]);
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, play);
}
