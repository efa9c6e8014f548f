/* torture-read.c: torture of the weak read.
 *
 * Includes src/weak/read.h with delays between its loads, and races several
 * readers with a storm of collections.  Some read one by one (gcw__read),
 * others as who reads many (gcw__read_at): they keep `settled` over all their
 * reads.  Built several times: with the right order of the loads, which must
 * never return a dead object, and with the wrong ones, which t/torture.t
 * expects to be caught.
 *
 * How a dead object gets read.  The collector lets the threads run again
 * before it clears the links of what has died.  Three things make that window
 * easy to hit:
 *   - many idle references, which make the clearing take milliseconds;
 *   - all targets of a round are dropped at once, so nearly every reference
 *     that is read in the window leads to a dead object;
 *   - the delay before the pointer is loaded is mostly a nap, and a nap is cut
 *     short by the signal that stops the thread: it ends just when the world
 *     runs again.
 * What the loads that come after the pointer are caught with is a nap after
 * it: long enough for the clearing to end and for another reader to settle
 * the collection.
 *
 * How it is noticed.  Two oracles, while the pointer is held on the stack:
 * the object's magic word is no longer there; or the reference reads NULL
 * under the collector's lock, so it was cleared though the object was held.
 *
 * GCWEAK_TORTURE_SEED and GCWEAK_TORTURE_SECONDS set what they say.  Ends at
 * the first violation, with status 1.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "support.h"
#include "collector/collector.h"
#include "weak/settled.h"

/* --- delays --- */

static _Thread_local uint64_t random_state;

static uint64_t
next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t
below(uint64_t bound)
{
    return next_random() % bound;
}

static void
spin(uint64_t turns)
{
    while (turns-- > 0)
        __asm__ volatile("" : : : "memory");
}

/* Ends early when the collector stops the thread. */
static void
nap(uint64_t microseconds)
{
    struct timespec t = { 0, (long)microseconds * 1000 };
    nanosleep(&t, NULL);
}

/* Goes on through stops, and so through whole collections. */
static void
sleep_through(uint64_t microseconds)
{
    struct timespec t = { 0, (long)microseconds * 1000 };
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

/* The longest nap at each step of the read, in microseconds. */
static const uint64_t longest_nap[] = { 1, 2000, 8000, 8000, 200 };

/* Most reads are not delayed, so that there are many. */
static _Thread_local bool delayed;

static void
delay(int step)
{
    if (!delayed)
        return;
    switch (below(32)) {
    case 0: case 1: case 2: case 3:
        break;
    case 4: case 5: case 6: case 7:
        sched_yield();
        break;
    case 8: case 9: case 10: case 11:
        spin(below(5000));
        break;
    case 12:
        sleep_through(1 + below(8 * longest_nap[step]));
        break;
    default:
        nap(1 + below(longest_nap[step]));
    }
}

/* --- the read, with delays --- */

/* A kind of readers, and how many of its reads were slow. */
struct kind {
    const char *enough;      /* what to report of that */
    void *(*read)(const gcw_ref *ref, GC_word *settled);
    atomic_size_t slow;
};

static _Thread_local struct kind *my_kind;

static void *
read_slowly(const gcw_ref *ref)
{
    void *volatile pointer;
    atomic_fetch_add(&my_kind->slow, 1);
    delay(4);
    pointer = gcw__read_settled(ref);
    delay(4);
    return pointer;
}

#define GCW__DELAY(step) delay(step)
#define gcw__read_settled read_slowly
#include "weak/read.h"
#undef gcw__read_settled

/* With a wrong order there are only readers of the kind that has it. */
#if GCW__READ_ORDER != 3

static void *
read_single(const gcw_ref *ref, GC_word *settled)
{
    (void)settled;
    return gcw__read(ref);
}

#endif
#if GCW__READ_ORDER == 0

static void *
read_keeping(const gcw_ref *ref, GC_word *settled)
{
    delay(1);
    return gcw__read_at(ref, settled);
}

#elif GCW__READ_ORDER == 3

/* Wrong: the pointer, settled anew, gc_no. */
static void *
read_keeping(const gcw_ref *ref, GC_word *settled)
{
    void *pointer = gcw__load_pointer(ref);

    *settled = gcw__load_settled();
    return *settled == gcw__gc_no() ? pointer : read_slowly(ref);
}

#endif

static struct kind kinds[] = {
#if GCW__READ_ORDER != 3
    { .enough = "many single reads were slow ones", .read = read_single },
#endif
#if GCW__READ_ORDER == 0 || GCW__READ_ORDER == 3
    { .enough = "many that kept settled were", .read = read_keeping },
#endif
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* --- targets --- */

enum {
    READERS = 6,
    SLOTS = 300,             /* targets of a round */
    IDLE = 10000,            /* references that only lengthen the clearing */
    LONGEST_LIFE = 3000,     /* of a target, in microseconds */
    OTHER_MAGIC = 0x0bad
};

/* What the readers find. */
struct slot {
    gcw_ref *_Atomic ref;
    struct target *strong;   /* only the storm's */
};

/* Both in uncollectable memory, so statics may lead there in all modes. */
static struct slot *slots;
static void **idle;

/* Counted by all threads. */
static atomic_size_t reads, deaths;
static atomic_size_t overwritten, cleared;
static atomic_bool over;

static void *
object_new(uintptr_t magic)
{
    struct target *t = GC_MALLOC(sizeof *t);
    if (t == NULL)
        abort();
    t->magic = magic;
    return t;
}

/* --- the oracles --- */

struct look {
    const gcw_ref *ref;
    void *pointer;
    bool same;
};

static void *GC_CALLBACK
look_locked(void *data)
{
    struct look *l = data;
    l->same = atomic_load(&l->ref->target) == l->pointer;
    return NULL;
}

/* With the collector's lock held no clearing is going on, so a reference to
 * an object that is held must still lead to it. */
static bool
still_reads(const gcw_ref *ref, void *pointer)
{
    struct look l = { ref, pointer, false };
    GC_call_with_alloc_lock(look_locked, &l);
    return l.same;
}

/* A wrong read may return what never was an object, so look before. */
static bool
is_intact(const struct target *held)
{
    return GC_base((void *)(uintptr_t)held) == held && held->magic == MAGIC;
}

static void
judge(const gcw_ref *ref, struct target *held)
{
    if (!is_intact(held))
        atomic_fetch_add(&overwritten, 1);
    if (!still_reads(ref, held))
        atomic_fetch_add(&cleared, 1);
}

static size_t
violations(void)
{
    return atomic_load(&overwritten) + atomic_load(&cleared);
}

/* --- readers --- */

static void
read_one(GC_word *settled)
{
    gcw_ref *ref = atomic_load(&slots[below(SLOTS)].ref);
    struct target *volatile held;
    if (ref == NULL)
        return;
    delayed = below(32) == 0;
    held = my_kind->read(ref, settled);
    atomic_fetch_add(&reads, 1);
    if (held == NULL)
        return;
    judge(ref, held);
    if (delayed) {
        nap(1 + below(2000));
        judge(ref, held);
    }
    held = NULL;
}

struct reader {
    struct kind *kind;
    uint64_t seed;
};

static void *
read_on(void *data)
{
    const struct reader *reader = data;
    GC_word settled = gcw__load_settled();
    my_kind = reader->kind;
    random_state = reader->seed;
    while (!atomic_load(&over))
        read_one(&settled);
    return NULL;
}

/* --- the storm --- */

/* The targets live for a while, so that readers come upon them. */
static void
fill_slots(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < SLOTS; i++) {
        slots[i].strong = object_new(MAGIC);
        atomic_store(&slots[i].ref, gcw_ref_new(slots[i].strong));
    }
    nap(1 + below(LONGEST_LIFE));
    for (size_t i = 0; i < SLOTS; i++)
        slots[i].strong = NULL;
}

/* Takes the memory of the dead. */
static void
reuse_memory(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 2 * SLOTS; i++)
        object_new(OTHER_MAGIC);
}

static size_t
count_dead(void)
{
    size_t dead = 0;
    for (size_t i = 0; i < SLOTS; i++)
        dead += gcw_ref_get(atomic_load(&slots[i].ref)) == NULL;
    return dead;
}

static void
one_round(void)
{
    in_dead_frame(fill_slots, NULL);
    GC_gcollect();
    atomic_fetch_add(&deaths, count_dead());
    in_dead_frame(reuse_memory, NULL);
}

static void
make_idle_references(void)
{
    for (size_t i = 0; i < IDLE; i++) {
        idle[i] = object_new(MAGIC);
        if (gcw_ref_new(idle[i]) == NULL)
            abort();
    }
}

static long
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void
storm(long seconds)
{
    long end = seconds_now() + seconds;
    while (seconds_now() < end && violations() == 0)
        one_round();
    atomic_store(&over, true);
}

/* --- one run --- */

static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text ? strtoull(text, NULL, 0) : otherwise;
}

static void
race(uint64_t seed, long seconds)
{
    pthread_t threads[READERS];
    struct reader readers[READERS];
    random_state = seed | 1;
    for (size_t i = 0; i < READERS; i++) {
        readers[i].kind = &kinds[i % N_KINDS];
        readers[i].seed = (seed + i + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        if (GC_pthread_create(&threads[i], NULL, read_on, &readers[i]) != 0)
            abort();
    }
    storm(seconds);
    for (size_t i = 0; i < READERS; i++)
        GC_pthread_join(threads[i], NULL);
}

static int number;

static void
report(bool good, const char *what, size_t count)
{
    printf("%s %d - %s (%zu)\n", good ? "ok" : "not ok", ++number, what,
           count);
}

static int
torture(void)
{
    uint64_t seed = setting("GCWEAK_TORTURE_SEED",
                            (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32);
    long seconds = (long)setting("GCWEAK_TORTURE_SECONDS",
                                 GCW__READ_ORDER == 0 ? 3 : 20);
    GC_word before;
    size_t collections;
    printf("1..%d\n# GCWEAK_TORTURE_SEED=%llu\n", 4 + N_KINDS,
           (unsigned long long)seed);
    if (gcw_init() != 0)
        abort();
    slots = GC_MALLOC_UNCOLLECTABLE(SLOTS * sizeof *slots);
    idle = GC_MALLOC_UNCOLLECTABLE(IDLE * sizeof *idle);
    make_idle_references();
    before = GC_get_gc_no();
    race(seed, seconds);
    collections = (size_t)(GC_get_gc_no() - before);
    report(atomic_load(&cleared) == 0,
           "no reference was cleared while its object was held",
           atomic_load(&cleared));
    report(atomic_load(&overwritten) == 0,
           "no object was overwritten while it was held",
           atomic_load(&overwritten));
    report(collections >= 20, "there were many collections", collections);
    for (size_t i = 0; i < N_KINDS; i++)
        report(atomic_load(&kinds[i].slow) >= 20, kinds[i].enough,
               atomic_load(&kinds[i].slow));
    report(atomic_load(&deaths) >= 1000, "many targets died",
           atomic_load(&deaths));
    printf("# %zu reads\n", atomic_load(&reads));
    return violations() == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, torture);
}
