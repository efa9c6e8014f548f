/* map.h: weak maps.
 *
 * A map from objects to objects that keeps neither for longer than it must.
 * With weak keys, the usual kind, the value of an entry is held as long as the
 * map and the key are alive, and the entry goes when the key dies, even if the
 * value leads back to the key: the entry is an ephemeron.  So data can be
 * attached to objects that one does not own, whatever the data refers to.
 *
 * What may be a key: any pointer into an object of the collected heap, compared
 * by address; two pointers into one object are two keys.  NULL as a value is
 * EINVAL, for NULL means that there is no entry.
 *
 * When an entry goes: in the collection that finds its key dead, before any
 * finalizer runs, and with it a whole chain of entries that live by each other.
 * A finalizer never sees the entry of its own object.  gcw_dispose of the key
 * takes its entries away at once.  A map that only an object with a finalizer
 * leads to is whole for the finalizer; but the collector is conservative, and if
 * it takes the map for one in use, as a stale word may make it do, entries go
 * whose keys only that object leads to.
 *
 * Threads.  Any number may use a map at once.  gcw_map_get takes no lock.  The
 * others are atomic: of several threads that set a default, one wins, and all
 * get its value.
 *
 * Maps are collectable objects, and shrink as their entries go.  After a fork
 * the child has copies.
 *
 * Who takes the collector's event function (GC_set_on_collection_event) without
 * calling the one before: maps hold keys and values strongly until the library
 * finds that and puts its own back before it (ref.h).  So they do in a program
 * that has set a function for toggle references (GC_set_toggleref_func), from
 * the next map or growth of one on.  gcw_stats counts the collections of both
 * sorts.
 *
 * Where two copies of the library are in one process, as when one of them is
 * linked statically into a plugin, each knows its own maps only: a key that
 * nothing but a map of the other copy holds is dead to it.
 */
#ifndef GCWEAK_MAP_H
#define GCWEAK_MAP_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_map gcw_map;

typedef enum gcw_map_kind {
    /* The entry lives as long as its key, and holds its value until then. */
    GCW_WEAK_KEYS,
    /* The other way round: it lives as long as its value, and holds its key. */
    GCW_WEAK_VALUES,
    /* It lives as long as both, and holds neither. */
    GCW_WEAK_BOTH,
    /* It lives as long as its key; and the map holds its value as other objects
     * hold theirs, so one that leads to its own key is kept for ever. */
    GCW_STRONG_VALUES
} gcw_map_kind;

/* A new map, empty.
 *
 * Any known thread; also from finalizers and callbacks, as all that follows.
 * Returns NULL with errno: EINVAL (no such kind), EPERM, ENOMEM; ENOTSUP if the
 * collector is none that weak maps are known to work with.
 * Cost: five small allocations, and one long weak reference. */
gcw_map *gcw_map_new(gcw_map_kind kind);

/* The value that `key` has in the map, or NULL if it has none.
 *
 * The result is a strong pointer.  Returns NULL with errno EINVAL if `m` or
 * `key` is NULL, or EPERM; NULL with errno untouched if there is no entry.
 * Cost: a look-up in a hash table; no lock. */
void *gcw_map_get(const gcw_map *m, const void *key);

/* Lets `key` have that value, whatever it had before.
 *
 * Returns 0, or -1 with errno: EINVAL (`m` or `value` is NULL; what is to be
 * held weakly is no heap object; or what is to be held would not be, see
 * base.h), ESTALE (somebody has disposed of the map), EPERM, ENOMEM, ENOTSUP.
 * Cost: a lock, and a look-up; now and then everything moves to a larger
 * table. */
int gcw_map_put(gcw_map *m, const void *key, void *value);

/* The value that `key` has; if it has none, it is given this one.
 *
 * Returns the value that it then has; or NULL, with errno as gcw_map_put.
 * After Python's dict.setdefault. */
void *gcw_map_setdefault(gcw_map *m, const void *key, void *value);

/* Lets `key` have `value`, if what it has is `expected`.
 *
 * True if it was so.  False if it has another value or none, or with errno:
 * EINVAL also if `expected` is NULL, the others as gcw_map_put.
 * After Java's ConcurrentMap.replace. */
bool gcw_map_replace(gcw_map *m, const void *key, void *expected, void *value);

/* Takes the entry of `key` away.
 *
 * Returns the value that it had, or NULL if there was none; with errno EINVAL
 * if `m` or `key` is NULL, or EPERM, ESTALE. */
void *gcw_map_remove(gcw_map *m, const void *key);

/* How many entries there are, none whose key was found dead.
 *
 * 0, with errno EINVAL, if `m` is NULL, or EPERM. */
size_t gcw_map_count(gcw_map *m);

/* A walk through a map.  Its members are the library's affair.  It holds the
 * map and what it walks through, where the collector sees it: on a stack, or in
 * collected memory. */
typedef struct gcw_map_iter {
    gcw_map *map;
    void *table;
    size_t at;
} gcw_map_iter;

/* Begins a walk; on errors an empty one, with errno EINVAL if an argument is
 * NULL, or EPERM. */
void gcw_map_first(gcw_map *m, gcw_map_iter *i);

/* Gives the next entry, as strong pointers.
 *
 * What is in the map from the beginning of the walk to its end is given once;
 * what is removed, or dies, before its turn is not; what is added meanwhile may
 * be.  The map may be changed meanwhile by anybody, also by the thread that
 * walks; nothing is locked between two calls, so a walk may be given up at any
 * time.
 * False at the end, and with errno EINVAL if an argument is NULL. */
bool gcw_map_next(gcw_map_iter *i, void **key, void **value);

#ifdef __cplusplus
}
#endif

#endif
