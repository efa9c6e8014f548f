/* engine.h: tables whose entries live as long as their keys, on a collector
 * that knows nothing of the kind.  See engine.c.
 */
#ifndef GCW__ENGINE_H
#define GCW__ENGINE_H

#include "collector/collector.h"
#include "marks/weak-table.h"

/* Starts it, once; any thread.  Returns 0 or an errno: ENOMEM; ENOTSUP if the
 * collector is not as it must be. */
int gcw__engine_start(void);

/* A table, registered: of one entry, which it has; or for a map, empty.  NULL
 * with errno.  Takes the collector's lock. */
struct gcw__single_table *gcw__single_table_new(const void *key, void *value);
struct gcw__map_table *gcw__map_table_new(enum gcw__sort sort,
                                          unsigned logarithm, void *owner);

/* The last collection after which all dead entries are known to have been
 * taken away. */
extern _Atomic GC_word gcw__engine_done;

/* Sees to it that they are taken away of all collections up to now.  Takes the
 * collector's lock. */
void gcw__engine_catch_up(void);

/* A reader loads this before anything else, */
static inline GC_word
gcw__engine_load_done(void)
{
    return atomic_load_explicit(&gcw__engine_done, memory_order_acquire);
}

/* and trusts what it has read if this is true; else it catches up, and reads
 * again.  See engine.c. */
static inline bool
gcw__engine_is_done(GC_word done)
{
    atomic_signal_fence(memory_order_seq_cst);
    return GCW__LIKELY(done == gcw__gc_no());
}

/* Takes away all entries that live by the object that begins there.  Takes the
 * collector's lock. */
void gcw__engine_kill(void *base);

/* Around moving entries from one table to another: for that, meanwhile, an entry
 * may be neither here nor there.  Who moves one looks after it is there whether
 * it was taken away here. */
extern _Atomic uint64_t gcw__moves_begun, gcw__moves_ended;

/* What the owners of tables hear.  The world is stopped or the collector's lock
 * is held, so it may only set flags and post. */
struct gcw__engine_listener {
    /* A sixteenth of a map's table has died; again at each further one. */
    void (*died)(void *owner);
    /* The key of a guarded entry has died; its key and value are the owner's
     * from now on.  The value is 0 if there is nothing to hand out.
     * `is_stopped`: the world is. */
    void (*fell)(void *owner, struct gcw__weak_entry *entry, bool is_stopped);
    /* What an entry of a table that asks lives by beside its key, from its
     * value, which may be dead: false if by nothing. */
    bool (*also)(uintptr_t value, uintptr_t *out);
};

/* Set once, before there are maps' tables, which have at least 16 entries. */
void gcw__engine_listen(const struct gcw__engine_listener *listener);

struct gcw__engine_stats {
    size_t tables;
    uint64_t passes;                 /* of the engine, in all collections */
    uint64_t missed;                 /* collections that it did not hear of */
    uint64_t dropped;                /* entries, for the engine could not know
                                      * whether they were alive */
    uint64_t died;                   /* entries */
};
void gcw__engine_stats(struct gcw__engine_stats *out);

#endif
