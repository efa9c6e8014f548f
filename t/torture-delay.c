/* torture-delay.c: chance, delays inside the library, storms of collections.
 * See torture.h.
 */
#include <config.h>

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "torture.h"
#include "collector/collector.h"
#include "ground/delay.h"

/* --- Chance --- */

struct chance {
    uint64_t state;
};

static _Thread_local struct chance own, of_delays;

static uint64_t
mixed(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t
next(struct chance *chance)
{
    chance->state += UINT64_C(0x9e3779b97f4a7c15);
    return mixed(chance->state);
}

void
chance_begin(uint64_t seed, uint64_t number)
{
    own.state = mixed(seed + number) | 1;
}

uint64_t
random_word(void)
{
    return next(&own);
}

unsigned
below(unsigned n)
{
    return (unsigned)(random_word() >> 32) % n;
}

/* --- Delays --- */

enum { LONGEST = 300, COLLECTION = 1000 };    /* microseconds */

static atomic_bool delaying;
static uint64_t delay_seed;
static atomic_uint delayed_threads;
static sem_t wanted;         /* a collection */

static uint64_t
microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void
spin(uint64_t turns)
{
    while (turns-- > 0)
        __asm__ volatile("" : : : "memory");
}

static void
wait_for(uint64_t time)
{
    uint64_t end = microseconds() + time;
    while (microseconds() < end)
        sched_yield();
}

/* Not for ever: the caller may hold what the collecting thread needs. */
static void
wait_for_collection(void)
{
    GC_word before = gcw__gc_no();
    uint64_t end = microseconds() + COLLECTION;
    sem_post(&wanted);
    while (gcw__gc_no() == before && microseconds() < end)
        sched_yield();
}

static void
delay(uint64_t how)
{
    switch (how % 4) {
    case 0:
        spin(how >> 32 & 4095);
        break;
    case 1:
        sched_yield();
        break;
    case 2:
        wait_for((how >> 32) % LONGEST);
        break;
    default:
        wait_for_collection();
    }
}

/* For a while a thread is slow at some points, and hardly ever at others: what
 * takes several delays in a row would else never come up. */
static bool
is_slow_at(unsigned line, uint64_t how)
{
    static _Thread_local unsigned calls, slow;
    if (++calls % 256 == 0)
        slow = (unsigned)(how >> 16) % 16;
    return line % 8 == slow ? how >> 8 & 1 : how % 1024 < 4;
}

void
gcw__delay(unsigned line)
{
    uint64_t how;
    if (!atomic_load_explicit(&delaying, memory_order_relaxed))
        return;
    if (of_delays.state == 0)
        of_delays.state = mixed(delay_seed
                                + atomic_fetch_add(&delayed_threads, 1)) | 1;
    how = next(&of_delays);
    if (is_slow_at(line, how))
        delay(how >> 4);
}

void
delays_begin(uint64_t seed)
{
    delay_seed = seed;
    atomic_store(&delaying, true);
}

void
delays_end(void)
{
    atomic_store(&delaying, false);
}

/* --- Storms --- */

static atomic_bool storming;
static pthread_t storm_thread;

/* Takes the memory of the dead, so that they lose their magic words. */
static void
litter(void)
{
    for (int i = 0; i < 400; i++)
        if (GC_MALLOC(sizeof(struct object)) == NULL)
            abort();
}

static void
await_wish(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 3000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    sem_timedwait(&wanted, &until);
    while (sem_trywait(&wanted) == 0)
        ;
}

static void *
storm(void *unused)
{
    while (atomic_load(&storming)) {
        await_wish();
        litter();
        GC_gcollect();
    }
    return unused;
}

/* --- A thief --- */

enum { LONGEST_NAP = 20000 };        /* microseconds */

bool with_thief;
static pthread_t thief;

static void GC_CALLBACK
tell_nobody(GC_EventType event)
{
    (void)event;
}

static void
nap(void)
{
    struct timespec t = { 0, (long)below(LONGEST_NAP) * 1000 };

    nanosleep(&t, NULL);
}

/* Never between the beginning of marking and its end: both are in one stop, for
 * the collector is not incremental. */
static void *
steal(void *unused)
{
    chance_begin(delay_seed, UINT_MAX);
    while (atomic_load(&storming)) {
        GC_on_collection_event_proc before = GC_get_on_collection_event();

        GC_set_on_collection_event(tell_nobody);
        nap();
        GC_set_on_collection_event(before);
        nap();
    }
    return unused;
}

void
storms_begin(void)
{
    sem_init(&wanted, 0, 0);
    atomic_store(&storming, true);
    if (GC_pthread_create(&storm_thread, NULL, storm, NULL) != 0
        || (with_thief
            && GC_pthread_create(&thief, NULL, steal, NULL) != 0))
        abort();
}

void
storms_end(void)
{
    atomic_store(&storming, false);
    GC_pthread_join(storm_thread, NULL);
    if (with_thief)
        GC_pthread_join(thief, NULL);
}
