/* settled.c: waiting until the dead of all collections read NULL. */
#include <config.h>
#include "weak/settled.h"

#include "ground/delay.h"
#include "marks/engine.h"

/* False if something is to be caught up first. */
static bool
settle(GC_word *now)
{
    *now = gcw__gc_no();
    if (!gcw__engine_try_to_catch_up())
        return false;
    gcw__set_settled(*now);
    return true;
}

struct settling {
    bool is_settled;
    GC_word now;
    const gcw_ref *ref;      /* to be read, or NULL */
    void *target;
};

/* The collector's lock is held, so links are cleared. */
static void *
settle_locked(void *settling)
{
    struct settling *s = settling;

    s->is_settled = settle(&s->now);
    if (s->is_settled && s->ref != NULL)
        s->target = atomic_load(&s->ref->target);
    return NULL;
}

static struct settling
settle_and_read(const gcw_ref *ref)
{
    struct settling s = { false, 0, ref, NULL };

    for (;;) {
        gcw__with_lock(settle_locked, &s);
        if (s.is_settled)
            break;
        gcw__engine_catch_up();
    }
    gcw__hook_take_back();
    return s;
}

GC_word
gcw__settle(void)
{
    GC_word now = settle_and_read(NULL).now;

    GCW__DELAY(2);
    return now;
}

void *
gcw__read_settled(const gcw_ref *ref)
{
    GCW__DELAY(1);
    return settle_and_read(ref).target;
}
