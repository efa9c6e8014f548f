/* death.h: noticing that targets have died.  See death.c. */
#ifndef GCW__DEATH_H
#define GCW__DEATH_H

#include "collector/collector.h"
#include "ground/part.h"
#include "weak/shard.h"

/* The last collection whose deaths have been noticed. */
extern _Atomic GC_word gcw__noticed;

/* Notices the deaths of all collections so far, and calls `died` of the
 * watches.  Without may_wait, what is locked is put off until the next
 * call. */
void gcw__notice_deaths(bool may_wait);

/* The same, if there was a collection since the last time and no other thread
 * is noticing deaths.  Called at the beginning of each call into the
 * library. */
static inline void
gcw__tick(void)
{
    if (!GCW__LIKELY(gcw__gc_no()
            == atomic_load_explicit(&gcw__noticed, memory_order_acquire)))
        gcw__notice_deaths(false);
}

/* Kills all references into the object that starts at base, and calls `died`
 * of their watches. */
void gcw__deaths_of(void *base);

/* As gcw__watch_add, and sees to it that the death is noticed promptly. */
bool gcw__death_watch(struct gcw__watch *watch);

/* As gcw__shard_watch, and sees to it that the death is noticed promptly. */
gcw_ref *gcw__death_watch_new(void *base, const void *target,
                              struct gcw__watch *watch);

/* What is called at each sweep; set once, before anything can die. */
struct gcw__death_listener {
    /* A collection has ended, and there are watches.  Inside the collector, so
     * it may only set flags and post. */
    void (*collected)(void);
    /* `died` of all watches that were swept so far has been called; several
     * times a sweep.  Under the sweep lock.  False if it may not wait and has
     * to be called again. */
    bool (*called)(bool may_wait);
    /* The sweep is over.  On any thread, perhaps within an allocation; no lock
     * held. */
    void (*swept)(void);
};

void gcw__deaths_install(const struct gcw__death_listener *listener);

/* Installs the collector's hook, which calls `collected` if there are watches.
 * Takes the collector's lock. */
void gcw__deaths_hook(void);

extern const struct gcw__part gcw__death_part;

#endif
