/* proxy-threads.c: tests of proxies used by many threads at once, by threads
 * that the collector does not know, and across forks.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/wait.h>
#include "at-once.h"
#include "log.h"
#include "storm.h"
#include "thread.h"

enum { THREADS = 8 };

typedef void function(void);
typedef int method_fn(struct target *self, int n);
typedef int plain_fn(int n);

/* These run on threads on which a test must not fail: they return NULL. */
static gcw_proxy *
proxy_new(struct target *self, method_fn *fn)
{
    return gcw_proxy_new(self, (function *)fn, "i)i");
}

static int
call(const gcw_proxy *p, int n)
{
    return ((plain_fn *)gcw_proxy_code(p))(n);
}

static bool
is_stale(const gcw_proxy *p)
{
    errno = 0;
    return call(p, 7) == 0 && errno == ESTALE;
}

/* Says nothing right of what is no target any more. */
static int
add(struct target *self, int n)
{
    return self->magic == MAGIC ? (int)self->number + n : -1;
}

/* --- all at random --- */

enum { SLOTS = 32, TURNS = 20000 };

/* What one thread does it all with; each has its own, in collected memory. */
struct slot {
    struct target *target;
    gcw_proxy *proxy;
    bool dead;
};

static size_t
turn_of(size_t number, size_t i)
{
    uint64_t x = (number * TURNS + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(x >> 33);
}

static bool
fill(struct slot *s, size_t number)
{
    s->target = target_new(number);
    s->dead = false;
    s->proxy = proxy_new(s->target, add);
    return s->proxy != NULL;
}

static bool
empty(struct slot *s)
{
    bool good = gcw_proxy_free(s->proxy) == 0;
    s->proxy = NULL;
    s->target = NULL;
    return good;
}

/* One in four ends the target, one in four the proxy. */
static bool
use(struct slot *s, size_t chance)
{
    bool good = s->dead ? is_stale(s->proxy)
                        : call(s->proxy, 3) == (int)s->target->number + 3;
    if (chance % 4 == 0)
        good &= empty(s);
    else if (chance % 4 == 1 && !s->dead)
        s->dead = gcw_dispose(s->target) == 0;
    return good;
}

static bool
make_call_and_free(size_t number, void *shared)
{
    struct slot *slots = GC_MALLOC(SLOTS * sizeof *slots);
    bool good = true;
    (void)shared;
    for (size_t i = 0; i < TURNS; i++) {
        size_t chance = turn_of(number, i);
        struct slot *s = &slots[chance / 4 % SLOTS];
        good &= s->proxy == NULL ? fill(s, i) : use(s, chance);
    }
    for (size_t i = 0; i < SLOTS; i++)
        good &= slots[i].proxy == NULL || empty(&slots[i]);
    return good;
}

TEST(threads_make_call_and_free_at_random)
{
    at_once(THREADS, make_call_and_free, NULL);
}

/* Of what many threads made at once, none is lost: all proxies are held by
 * the library alone, and work after collections. */
enum { EACH = 5000 };

struct made {
    struct target *target;
    plain_fn *codes[THREADS * EACH];
};

static bool
make_and_drop(size_t number, void *shared)
{
    struct made *m = shared;
    bool good = true;
    for (size_t i = 0; i < EACH; i++) {
        gcw_proxy *p = proxy_new(m->target, add);
        good &= p != NULL;
        if (p != NULL)
            /* cppcheck-suppress AssignmentAddressToInteger ; it is none */
            m->codes[number * EACH + i] = (plain_fn *)gcw_proxy_code(p);
    }
    return good;
}

TEST(what_threads_make_at_once_stays)
{
    struct made *m = GC_MALLOC_UNCOLLECTABLE(sizeof *m);
    assert_non_null(m);
    m->target = target_new(1);
    at_once(THREADS, make_and_drop, m);
    collect();
    for (size_t i = 0; i < 10 * THREADS * EACH; i++)
        target_new(i);
    for (size_t i = 0; i < THREADS * EACH; i++)
        assert_int_equal(m->codes[i](2), 3);
    GC_FREE(m);
}

/* Signatures that nobody had before, the same ones for all, come and go. */
static bool
use_new_signatures(size_t number, void *shared)
{
    struct target *t = target_new(number);
    char text[16];
    bool good = true;
    (void)shared;
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "{c[%u]}i)i", 20 + i % 50);
        gcw_proxy *p = gcw_proxy_new(t, (function *)add, text);
        gcw_proxy *same = gcw_proxy_new(t, (function *)add, text);
        good &= p != NULL && same != NULL && gcw_proxy_free(p) == 0
             && gcw_proxy_free(same) == 0;
    }
    GC_reachable_here(t);
    return good;
}

TEST(threads_use_the_same_new_signatures_at_once)
{
    at_once(THREADS, use_new_signatures, NULL);
}

/* --- one target --- */

struct common {
    struct target *target;
    gcw_proxy *proxy;
    atomic_size_t calls, stale, hooked;
    atomic_bool wrong;
};

static struct common *
common_new(method_fn *fn)
{
    struct common *c = GC_MALLOC_UNCOLLECTABLE(sizeof *c);
    assert_non_null(c);
    c->target = target_new(5);
    c->proxy = proxy_new(c->target, fn);
    assert_non_null(c->proxy);
    return c;
}

static void
count_stale(gcw_proxy *p, void *data)
{
    struct common *c = data;
    if (p != c->proxy)
        atomic_store(&c->wrong, true);
    atomic_fetch_add(&c->hooked, 1);
}

/* Either the live result or zero with ESTALE, and once that, always. */
static bool
call_until_stale(struct common *c)
{
    for (;;) {
        errno = 0;
        int result = call(c->proxy, 2);
        if (result == 0 && errno == ESTALE)
            break;
        if (result != 7)
            return false;
        atomic_fetch_add(&c->calls, 1);
    }
    atomic_fetch_add(&c->stale, 1);
    return true;
}

/* The last thread disposes of it, once the others have called a while. */
static bool
call_or_dispose(size_t number, void *shared)
{
    struct common *c = shared;
    if (number != THREADS - 1)
        return call_until_stale(c);
    while (atomic_load(&c->calls) < MANY)
        sched_yield();
    return gcw_dispose(c->target) == 0;
}

TEST(a_target_that_is_disposed_of_meanwhile_is_called_or_stale)
{
    for (int round = 0; round < 50; round++) {
        struct common *c = common_new(add);
        assert_int_equal(gcw_proxy_on_stale(c->proxy, count_stale, c), 0);
        at_once(THREADS, call_or_dispose, c);
        assert_int_equal(atomic_load(&c->stale), THREADS - 1);
        assert_int_equal(atomic_load(&c->hooked), THREADS - 1);
        assert_false(atomic_load(&c->wrong));
        assert_int_equal(gcw_proxy_free(c->proxy), 0);
        GC_FREE(c);
    }
}

/* Hooks come and go while others make stale calls. */
static bool
call_or_hook(size_t number, void *shared)
{
    struct common *c = shared;
    bool good = true;
    for (size_t i = 0; i < MANY; i++) {
        if (number % 2 == 0)
            good &= is_stale(c->proxy);
        else
            good &= gcw_proxy_on_stale(c->proxy, i % 2 ? count_stale : NULL,
                                       c) == 0;
    }
    return good;
}

TEST(hooks_may_be_set_while_stale_calls_are_made)
{
    struct common *c = common_new(add);
    assert_int_equal(gcw_dispose(c->target), 0);
    at_once(THREADS, call_or_hook, c);
    assert_in_range(atomic_load(&c->hooked), 0, THREADS / 2 * MANY);
    assert_false(atomic_load(&c->wrong));
    assert_int_equal(gcw_proxy_free(c->proxy), 0);
}

/* --- a storm of collections ---
 *
 * The target lies in a slot of the thread's own.  The method takes it out,
 * waits until another thread has collected, and only then looks at self. */

static int
wait_for_a_collection(struct target *self, int n)
{
    enum { PIECES = 1000 };
    *(void **)self->field = NULL;
    await_round();
    for (int i = 0; i < PIECES; i++)
        memset(GC_MALLOC(sizeof *self), 0x77, sizeof *self);
    return add(self, n);
}

static NOINLINE gcw_proxy *
proxy_in_slot(void **slot, size_t number)
{
    struct target *t = target_new(number);
    t->field = slot;
    *slot = t;
    return proxy_new(t, wait_for_a_collection);
}

static bool
call_in_a_storm(size_t number, void *unused)
{
    void **slot = GC_MALLOC(sizeof *slot);
    bool good = true;
    (void)number;
    (void)unused;
    for (size_t i = 0; i < 20; i++) {
        gcw_proxy *p = proxy_in_slot(slot, i);
        good &= p != NULL && call(p, 1) == (int)i + 1;
        good &= p != NULL && gcw_proxy_free(p) == 0;
    }
    return good;
}

TEST(self_is_held_while_others_collect)
{
    begin_storm();
    at_once(THREADS, call_in_a_storm, NULL);
    end_storm();
}

/* --- threads that the collector does not know --- */

/* What one is given; in uncollectable memory. */
struct given {
    struct common *common;
    gcw_proxy *stale;
    const char *wrong;
};

static void
expect(struct given *g, bool ok, const char *what)
{
    if (!ok && g->wrong == NULL)
        g->wrong = what;
}

#define EXPECT(ok) expect(g, (ok), #ok)

/* The thread is known while this runs: it may do anything that others may. */
static int
work(struct target *self, int n)
{
    int error = errno;
    bool good = GC_thread_is_registered() != 0;
    struct target *mine = target_new(2);
    gcw_proxy *p = proxy_new(mine, add);
    good &= p != NULL && call(p, n) == n + 2;
    good &= GC_thread_is_registered() != 0;
    GC_gcollect();
    good &= mine->magic == MAGIC && gcw_proxy_free(p) == 0;
    errno = error + 1;
    return good ? add(self, n) : -2;
}

static void *
call_as_a_stranger(void *data)
{
    struct given *g = data;
    EXPECT(!GC_thread_is_registered());
    for (int i = 0; i < 20; i++) {
        errno = 1000 + i;
        EXPECT(call(g->common->proxy, i) == i + 5);
        EXPECT(errno == 1001 + i);
        EXPECT(!GC_thread_is_registered());
        EXPECT(is_stale(g->stale));
        EXPECT(!GC_thread_is_registered());
    }
    errno = 0;
    EXPECT(gcw_proxy_new(g->common->target, (function *)add, "i)i") == NULL);
    EXPECT(errno == EPERM);
    errno = 0;
    EXPECT(gcw_proxy_free(g->common->proxy) == -1);
    EXPECT(errno == EPERM);
    errno = 0;
    EXPECT(gcw_proxy_on_stale(g->common->proxy, NULL, NULL) == -1);
    EXPECT(errno == EPERM);
    errno = 0;
    EXPECT(gcw_signature_check(")v", NULL) == -1 && errno == EPERM);
    return NULL;
}

static struct given *
given_new(struct common *c)
{
    struct given *g = GC_MALLOC_UNCOLLECTABLE(sizeof *g);
    struct target *t = target_new(1);
    assert_non_null(g);
    g->common = c;
    g->stale = proxy_new(t, add);
    assert_int_equal(gcw_proxy_on_stale(g->stale, count_stale, c), 0);
    assert_int_equal(gcw_dispose(t), 0);
    return g;
}

TEST(unknown_threads_call_and_are_unknown_again)
{
    struct common *c = common_new(work);
    pthread_t threads[THREADS];
    struct given *g[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        g[i] = given_new(c);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_as_a_stranger,
                                        g[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        if (g[i]->wrong != NULL)
            fail_msg("thread %zu: not so: %s", i, g[i]->wrong);
    assert_int_equal(atomic_load(&c->hooked), 20 * THREADS);
    assert_int_equal(call(c->proxy, 1), 6);
}

#if CAN_UNWIND

/* A thread that is no more may not stay known: the next collection would wait
 * for it. */
static int
end_the_thread(struct target *self, int unused)
{
    (void)self;
    (void)unused;
    pthread_exit(NULL);
}

static void *
end_in_a_call(void *proxy)
{
    call(proxy, 1);
    return proxy;
}

TEST(unknown_threads_may_end_in_a_call)
{
    struct target *t = target_new(1);
    gcw_proxy *p = proxy_new(t, end_the_thread);
    pthread_t thread;
    for (int i = 0; i < 20; i++) {
        void *ended;
        assert_int_equal(pthread_create(&thread, NULL, end_in_a_call, p), 0);
        assert_int_equal(pthread_join(thread, &ended), 0);
        assert_null(ended);
        GC_gcollect();
        assert_int_equal(t->magic, MAGIC);
    }
    assert_int_equal(gcw_proxy_free(p), 0);
}

#endif

/* One that its program has made known stays known. */
static void *
call_when_made_known(void *data)
{
    struct given *g = data;
    struct GC_stack_base base;
    EXPECT(GC_get_stack_base(&base) == GC_SUCCESS);
    EXPECT(GC_register_my_thread(&base) == GC_SUCCESS);
    EXPECT(call(g->common->proxy, 1) == 6);
    EXPECT(GC_thread_is_registered());
    EXPECT(gcw_proxy_new(g->common->target, (function *)add, "i)i") != NULL);
    GC_unregister_my_thread();
    return NULL;
}

TEST(a_thread_that_is_known_stays_known)
{
    struct given *g = GC_MALLOC_UNCOLLECTABLE(sizeof *g);
    g->common = common_new(work);
    in_unknown_thread(call_when_made_known, g);
    assert_null(g->wrong);
}

/* --- fork while others are at it --- */

enum { FORKS = 30, BATCH = 500 };

static atomic_bool over;

static gcw_proxy *
new_sort_of_proxy(size_t i)
{
    char text[16];
    struct target *t = target_new(i);
    snprintf(text, sizeof text, "i{c[%zu]})i", i % 100 + 1);
    gcw_proxy *p = gcw_proxy_new(t, (function *)add, text);
    MUST(p != NULL && gcw_dispose(t) == 0);
    return p;
}

/* Many are freed at a stretch, for that takes no lock but the proxies' own. */
static void *
make_and_free_on(void *unused)
{
    gcw_proxy *batch[BATCH];
    while (!atomic_load(&over)) {
        for (size_t i = 0; i < BATCH; i++)
            batch[i] = new_sort_of_proxy(i);
        for (size_t i = 0; i < BATCH; i++)
            MUST(gcw_proxy_on_stale(batch[i], NULL, NULL) == 0);
        for (size_t i = 0; i < BATCH; i++)
            MUST(gcw_proxy_free(batch[i]) == 0);
    }
    return unused;
}

static void
work_in_child(struct common *c)
{
    MUST(call(c->proxy, 1) == 6);
    for (size_t i = 0; i < MANY; i++) {
        gcw_proxy *p = proxy_new(c->target, add);
        MUST(p != NULL && call(p, 1) == 6 && gcw_proxy_free(p) == 0);
    }
    GC_gcollect();
    MUST(gcw_dispose(c->target) == 0 && is_stale(c->proxy));
}

static void
fork_once(struct common *c)
{
    int status;
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        alarm(20);
        work_in_child(c);
        _exit(0);
    }
    MUST(waitpid(pid, &status, 0) == pid);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

END(a_fork_while_threads_make_proxies_leaves_both_well, 0, "done\n")
{
    struct common *c = common_new(add);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        MUST(GC_pthread_create(&threads[i], NULL, make_and_free_on, NULL)
             == 0);
    for (int i = 0; i < FORKS; i++)
        fork_once(c);
    atomic_store(&over, true);
    for (int i = 0; i < 2; i++)
        MUST(GC_pthread_join(threads[i], NULL) == 0);
    MUST(call(c->proxy, 1) == 6);
    say("done");
}
