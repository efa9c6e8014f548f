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

/* The same with that lock held.  False if the world must be stopped for it, which
 * gcw__engine_catch_up does. */
bool gcw__engine_try_to_catch_up(void);

/* A reader loads this before anything else, */
static inline GC_word
gcw__engine_load_done(void)
{
    return atomic_load_explicit(&gcw__engine_done, memory_order_acquire);
}

/* and trusts what it has read if this is true; else it catches up, and reads
 * again.  See engine.c; why a signal fence is enough, weak/read.h. */
static inline bool
gcw__engine_is_done(GC_word done)
{
    atomic_signal_fence(memory_order_seq_cst);
    return GCW__LIKELY(done == gcw__gc_no());
}

/* Takes away all entries that live by the object that begins there.  Takes the
 * collector's lock. */
void gcw__engine_kill(void *base);

/* Whether the object that begins there is of the kind of tables, perhaps not set
 * up yet (gcw__weak_is_table): not every pointer in it holds something.  Under
 * the collector's lock. */
bool gcw__engine_owns(const void *base);

/* Whether tables have held all that is in them in the last collection: there were
 * toggle references, or the engine has not heard of it.  Lock held. */
bool gcw__engine_holds_all(void);

/* Around moving entries from one table to another: for that, meanwhile, an entry
 * may be neither here nor there.  Who moves one looks after it is there whether
 * it was taken away here.  Only differences of these matter.  Machine words, for
 * the world may be stopped: see weak/seats.h. */
extern _Atomic size_t gcw__moves_begun, gcw__moves_ended;

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

/* Weak references that the engine clears, which are not in tables
 * (weak/by-marks.c). */

struct GC_ms_entry;

/* An object of the kind of tables, which the owner of the references keeps alive.
 * When the collector marks it, and the engine is not coming, it asks what it
 * holds. */
struct gcw__holder {
    struct gcw__weak_table head;
    const void *_Atomic of;          /* what its owner knows it by; NULL once it
                                      * was ended */
    _Atomic size_t touched;
};

struct gcw__engine_refs {
    /* Marking is complete, also of what the tables hold: clears the references
     * whose targets are not marked.  World stopped. */
    void (*pass)(void);
    /* Calls gcw__engine_hold for all targets instead.  World stopped. */
    void (*hold_all)(void);
    /* A collection has passed without a pass in which the references were left to
     * the engine: clears all.  World stopped. */
    void (*drop_all)(void);
    /* Pushes the targets that the holder of that name is to hold, by
     * gcw__engine_push.  A mark procedure: reads only, takes no lock. */
    struct GC_ms_entry *(*push)(const void *of, struct GC_ms_entry *top,
                                struct GC_ms_entry *limit);
};

/* Set once, before there are holders. */
void gcw__engine_refs(const struct gcw__engine_refs *refs);

/* Marks the object. */
void gcw__engine_hold(uintptr_t object);
struct GC_ms_entry *gcw__engine_push(uintptr_t object,
                                     struct GC_ms_entry *top,
                                     struct GC_ms_entry *limit);

/* A holder, or NULL: no memory. */
struct gcw__holder *gcw__holder_new(const void *of);

/* What the holder holds has become more: in incremental mode it is asked only
 * then. */
static inline void
gcw__holder_touch(struct gcw__holder *holder)
{
    atomic_store_explicit(&holder->touched, 1, memory_order_relaxed);
}

/* It holds nothing any more, and is not asked.  Takes the collector's lock. */
void gcw__holder_end(struct gcw__holder *holder);

struct gcw__engine_stats {
    size_t tables, singles;          /* all, and those of one entry */
    uint64_t passes;                 /* of the engine, in all collections */
    uint64_t held;                   /* collections in which all was held, for
                                      * there were toggle references */
    uint64_t missed;                 /* others that it did not hear of */
    uint64_t dropped;                /* entries, for the engine could not know
                                      * whether they were alive */
    uint64_t died;                   /* entries */
};
void gcw__engine_stats(struct gcw__engine_stats *out);

#endif
