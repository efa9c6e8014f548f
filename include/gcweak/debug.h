/* debug.h: looking inside, for people at work on a program.
 *
 * No promise of stability: what is printed, what is counted and the functions
 * themselves may change with any version.  <gcweak.h> does not include this
 * header.
 *
 * The environment variable GCWEAK_DEBUG makes the library tell on stderr, or to
 * the sink (tell.h), what it does.  It is read once, when gcweak is first
 * called; several words are separated by commas:
 *     exit    each exit handler, and each cleanup that runs at exit, with its
 *             name and how long it took; and each handler that does not run,
 *             with the reason
 *     drain   each callback that a drain runs, with how long it took; and at
 *             exit, how many nobody had drained
 *     leak    at exit, before any handler runs: listeners, cleanups and exit
 *             handlers that look like leaks.  That is, of those with one and
 *             the same function, ten or more that each have lived through ten
 *             collections or more and whose object is still alive.  One or two
 *             that live long are nothing unusual.  Functions without an object
 *             do not count.
 */
#ifndef GCWEAK_DEBUG_H
#define GCWEAK_DEBUG_H

#include <stdio.h>

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Prints every listener, exit handler and cleanup, as tables, and how full weak
 * maps and guardians are.
 *
 * A table for each event, for each pattern of a hub (a type and a source), for
 * each exit registry, and one for all cleanups.  Of a weak map one line: its
 * kind, its entries, the slots that it has for them, and how many entries have
 * died since it has these; of a guardian too.  Ephemerons are counted.  If weak
 * maps were not told of collections, or hold everything (map.h), a line says
 * so.  A row has
 *     age       collections since it was registered; `-` for functions in exit
 *               registries that have no name and are not kept, whose records
 *               have no room for it
 *     state     alive; dead: its object is, and it goes soon; blocked;
 *               pending: a cleanup that waits for the drain; running: an exit
 *               handler with `keep`
 *     kind      method, weak method (its data is held weakly too), function,
 *               cleanup, or on death (gcw_method_on_death)
 *     target    the address of its object, if it has one
 *     function  its name and shared object, where it was given one (method.h),
 *               as those of GCW_METHOD are, or the dynamic linker knows them,
 *               which it never does of other static functions; else where it
 *               lies in that, as addr2line takes it
 * and behind that its own name, if it has one.  Rows come in the order
 * in which they would be called: listeners from the first on, handlers and
 * cleanups from the newest on.  An exit handler that is being called and is
 * not to be kept is in no registry any more, so it is not shown.
 *
 * No lock is held while `out` is written, and no memory is needed but what
 * stdio takes.  So it is no picture of one moment: what other threads register
 * or end meanwhile may be there or not.
 *
 * Any known thread; also from callbacks.
 * On failure nothing is printed and errno is EINVAL (out is NULL), EPERM,
 * ENOMEM or ENOTSUP (the last two only if the library was not started yet);
 * what goes wrong with `out` is left to ferror. */
void gcw_dump(FILE *out);

/* Counts.  Members are only ever added, at the end. */
typedef struct gcw_statistics {
    size_t size;                 /* set by the caller: see gcw_stats */
    size_t references;           /* to targets not found dead; one for each
                                  * event, hub and registry of these */
    size_t index_capacity;       /* entries that the indexes of references
                                  * have room for */
    size_t slots;                /* places for references */
    size_t link_pages;           /* pages of 4096 bytes of references that are
                                  * held by links (ref.h) */
    size_t watches;              /* what waits for deaths, in all: cleanups,
                                  * listeners, handlers, sources, and one for
                                  * each event, hub and registry */
    size_t cleanups;             /* that have still to run */
    size_t pending;              /* callbacks in all queues; of these, some may
                                  * have been taken back since */
    size_t events, hubs;
    size_t patterns;             /* types and sources, of all hubs */
    size_t listeners;            /* of all events and hubs */
    size_t posted;               /* emissions that wait, of all hubs */
    size_t registries;           /* exit registries, the default one too */
    size_t exit_handlers;
    size_t proxies;              /* that were not freed */
    uint64_t collections;        /* since the collector was started */
    uint64_t noticed;            /* the last one whose deaths were noticed:
                                  * less than `collections` until the next
                                  * call, or when some had to be put off */
    uint64_t cleanups_run;       /* cleanups and death callbacks */
    uint64_t exit_handlers_run;
    uint64_t callbacks_failed;   /* of all kinds, listeners too */
    size_t maps, map_entries;    /* weak maps, sets and intern tables, and
                                  * what is in them */
    size_t weak_tables;          /* of maps and ephemerons, but for those that
                                  * collections have found dead */
    uint64_t entries_died;       /* of maps and ephemerons; not those that were
                                  * removed, or went with a map */
    uint64_t collections_missed; /* of which weak maps and references were not
                                  * told, for somebody had taken the collector's
                                  * event function (ref.h) */
    uint64_t entries_dropped;    /* because of that, though they may have been
                                  * alive */
    size_t guardians, guarded;   /* guardians, and objects that they have,
                                  * also those that can be taken out */
    size_t ephemerons;           /* of weak_tables */
    uint64_t collections_held;   /* in which weak maps held all that is in them,
                                  * for there are toggle references (map.h) */
    size_t references_by_marks;  /* of references, those that are held by marks:
                                  * the others are held by links (ref.h) */
    size_t queues;               /* of callbacks, but for the default one */
} gcw_statistics;

/* Counts what there is.
 *
 * out->size must be set to sizeof *out before the call.  A library that knows
 * more members than the caller writes only those that the caller has; one that
 * knows fewer writes those, and sets out->size to their size, so the others
 * are as they were:
 *     gcw_statistics s = { .size = sizeof s };
 *     gcw_stats(&s);
 *
 * Methods are not counted: nobody lists them, for nothing is to be done when
 * one goes.  Nor are calls of listeners, for an emission writes nothing that
 * threads share.  Counts are taken one after the other, while others go on.
 *
 * Any known thread; also from finalizers and callbacks.
 * On failure nothing is written and errno is EINVAL (out is NULL, or its size
 * is less than that of the first version), EPERM, ENOMEM or ENOTSUP.
 * Cost: a walk over all events, hubs and registries. */
void gcw_stats(gcw_statistics *out);

/* Prints who keeps the object alive that `target` leads to: why it does not
 * die.
 *
 * Collects first, fully.  Then it looks for the shortest chain of objects from
 * something that the collector starts from to the target, in this order:
 *     uncollectable objects, those of the library included, and the static
 *     data of the program and of shared objects;
 *     the stack and the registers of the calling thread;
 *     the collector's own data: finalizers and what they were given.
 * So the caller's own variables are named only if nothing else is found; and
 * the call itself does not keep the target alive: if nobody else does, it dies
 * in that collection, and the output says so.  Records of the library are named
 * as what they are: a cleanup of so and so with this function, the listeners of
 * that event.  So are objects that gcw_explain_name knows.
 *
 * In a program that the collector is linked into, static data may also be the
 * collector's own, as what a finalizer was given; the output says so.
 *
 * The value of an ephemeron, or of a weak map's entry, is alive because both its
 * key and the map are.  So there are two chains then: one leads from the key to
 * its value in that map, and another, behind it, to the map.  With weak values
 * it is the other way round, from the value to its key.  A key that only its own
 * value leads to is dead.
 *
 * What it cannot see
 *   Stacks and registers of other threads; thread-local variables; roots that
 *   a program gives to the collector by itself (GC_add_roots,
 *   GC_set_push_other_roots), and, where the collector was told to look at no
 *   static data (GC_set_no_dls), that.  If it finds nobody, it says whether the
 *   collector knows somebody: then it is one of these.  While the collector is
 *   incremental, or off, it cannot tell.
 *   A word that merely looks like the address of an object counts, as it does
 *   for the collector.  Of an object made with a type descriptor (gc_typed.h)
 *   or a mark procedure of its own it takes each word for a pointer.
 *
 * The collector's lock is held during the search, so all other threads wait
 * when they allocate.  Costs a full collection, and a walk through the live
 * heap that takes 40 to 80 bytes for each object in it, from mmap.
 *
 * Any known thread; also from callbacks, and not from finalizers.
 * Returns how many objects the chain has, the target included; 0 if nobody was
 * found; or -1 with errno: EINVAL (target is no heap object, or out is NULL),
 * EPERM, ENOMEM, ENOTSUP.  After `leaks --trace` and the paths to a root that
 * heap debuggers for Java show. */
int gcw_explain(const void *target, FILE *out);

/* Names an object for gcw_explain, or returns NULL.
 *
 *   object  its beginning, as the collector has it; from GC_debug_malloc, that
 *           is GC_get_debug_header_size() before the program's own pointer
 *   size    up to its end; not less than was asked for
 *   data    what was registered with the function
 *
 * It is called for every object of a chain that is not the library's own, so
 * for any object of the program; how it knows them is its own affair (a tag at
 * the beginning of each, a table of all).  No lock is held.  It must return,
 * without gcw_fail.  The string is printed at once. */
typedef const char *gcw_name_fn(const void *object, size_t size, void *data);

/* Sets the function that names objects; NULL takes it out, and so does the
 * unloading of the shared object that it lies in.  `data` is held strongly.
 * Any known thread.
 * Returns 0, or -1 with errno EINVAL (`data` cannot be held: base.h), EPERM,
 * ENOMEM, ENOTSUP. */
int gcw_explain_name(gcw_name_fn *name, void *data);

#ifdef __cplusplus
}
#endif

#endif
