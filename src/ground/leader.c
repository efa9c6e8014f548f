/* leader.c: which thread ends the process.  See leader.h. */
#include <config.h>
#include "ground/leader.h"

#include "ground/compiler.h"
#include "ground/process.h"

/* Read by each call that registers something at exit, so it is worth its place
 * in the static block of the thread. */
static GCW__IN_STATIC_BLOCK _Thread_local uint64_t own_number;

/* The leader, and its process.  Written under the exit lock. */
_Atomic uint64_t gcw__leader;
static atomic_uint leader_process;

uint64_t
gcw__this_thread(void)
{
    static _Atomic uint64_t threads;

    if (own_number == 0)
        own_number = atomic_fetch_add(&threads, 1) + 1;
    return own_number;
}

/* The thread of this process that leads, or 0. */
static uint64_t
leading_thread(void)
{
    return atomic_load(&leader_process) == gcw__process()
        ? atomic_load(&gcw__leader) : 0;
}

bool
gcw__exit_is_begun(void)
{
    return leading_thread() != 0;
}

bool
gcw__exit_is_mine(void)
{
    uint64_t thread = leading_thread();

    return thread != 0 && thread == gcw__this_thread();
}

bool
gcw__exit_is_led_by_other(void)
{
    uint64_t thread = leading_thread();

    return thread != 0 && thread != gcw__this_thread();
}

void
gcw__exit_set_leader(uint64_t thread)
{
    atomic_store(&gcw__leader, thread);
    atomic_store(&leader_process, gcw__process());
}
