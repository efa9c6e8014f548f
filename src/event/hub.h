/* hub.h: what hubs are made of.  See hub.c. */
#ifndef GCW__HUB_H
#define GCW__HUB_H

#include "event/listeners.h"
#include "ground/hook.h"
#include "ground/map.h"
#include "weak/polled.h"

#include <gcweak/hub.h>

/* A type, as long as something is connected to it.  Pointer-free memory. */
struct gcw__type {
    uintptr_t hash;                  /* constant */
    size_t patterns;                 /* how many have it; under the lock */
    char name[];                     /* constant */
};

/* The listeners that are connected to one type and source. */
struct gcw__pattern {
    struct gcw__listeners list;      /* first member */
    gcw_hub *hub;                    /* constant, as all that follows */
    uintptr_t hash;
    struct gcw__type *type;          /* NULL: any */
    struct gcw__source_watch *source;    /* NULL: any */
};

/* A pattern's watch on its source.  It must not hold the pattern, whose
 * listeners' data may lead to the source. */
struct gcw__source_watch {
    struct gcw__entry_watch on;
    uintptr_t pattern;               /* hidden: held by the hub's map; 0: not
                                      * in that; under the lock */
};

/* An emission that was posted. */
struct gcw__post {
    struct gcw__post *next;
    uint64_t number;                 /* counted up within the hub */
    size_t size;
    void *source, *arg;
    char *type;                      /* in the same memory; or NULL */
};

/* A hub.  All is under the lock of its listeners, but for reading the maps. */
struct gcw_hub {
    struct gcw__polled *container;           /* constant */
    struct gcw__map types, patterns;
    struct gcw__listeners *sparse;   /* lists to be tidied */
    int64_t first, last;             /* orders that listeners have */
    struct gcw__hook hook;
    struct gcw__post *oldest, *newest;
    size_t posted, posted_bytes;
    uint64_t last_number;
};

static inline pthread_mutex_t *
gcw__hub_lock(const gcw_hub *h)
{
    return gcw__listeners_lock(&h->container->container);
}

/* The type of that name, or NULL.  Any thread, no lock. */
struct gcw__type *gcw__hub_type(const gcw_hub *h, const char *name);

/* The pattern of that type and source, or NULL.  Any thread, no lock. */
struct gcw__pattern *gcw__hub_pattern(const gcw_hub *h,
                                      const struct gcw__type *type,
                                      const void *source);

uintptr_t gcw__hub_pattern_hash(const struct gcw__type *type,
                                const void *source);

/* Calls call(pattern, arg) for each pattern.  No lock held, nor taken
 * (event-see.c). */
void gcw__hub_each_pattern(const gcw_hub *h,
                           void (*call)(struct gcw__pattern *pattern,
                                        void *arg),
                           void *arg);

/* As gcw_hub_emit; false: no memory, and nothing was called (hub-emit.c). */
bool gcw__hub_emit(gcw_hub *h, const char *type, void *source, void *arg,
                   size_t *called);

extern const struct gcw__container_ops gcw__hub_ops;

/* The operations of a pattern's list (hub-pattern.c). */
extern const struct gcw__listeners_ops gcw__pattern_ops;

/* Has a list tidied that could be in less memory.  Lock held. */
void gcw__hub_sparse(struct gcw__listeners *list);

/* Drops all posted emissions.  Lock held. */
void gcw__hub_drop_posts(gcw_hub *h);

/* `see` and `count` of a hub's container (event-see.c). */
void gcw__hub_see(struct gcw__walk *walk, void *hub);
void gcw__hub_count(void *hub, gcw_statistics *out);

#endif
