/* intern.h: tables of interned objects: of equal ones there is one.
 *
 * A program that makes an object for each symbol, string or type it meets, and
 * wants equal ones to be the same object, keeps them in a table.  This one
 * finds them by the program's own hash and equality, and holds them weakly: an
 * object that nobody else holds is collected, and its place with it.
 *
 * What an entry is: an object, and the hash that it was added under.  Which
 * objects are equal to what is wanted, the program says (gcw_equal_fn); what is
 * wanted need be no object, so nothing is made for a look-up.
 *
 * When an object goes: as a short reference to it reads NULL, in the collection
 * that finds it dead, before any finalizer runs.  One that a finalizer brings
 * back to life is not in the table any more.  gcw_dispose of an object takes it
 * out at once.
 *
 * The program's functions are called with no lock held and outside of
 * allocations, on the thread that called.  So they may use the library, this
 * table too, allocate, collect, and leave the call: by an exception, by
 * longjmp, by ending the thread.  Nothing is caught on the way; gcw_fail gives
 * up the callback that they are called in.  What gcw_equal_fn is asked about is
 * held while it runs.
 *
 * Threads.  Any number may use a table at once.  gcw_intern_find takes no lock.
 * Of several threads that add equal objects one wins, and all get its object.
 *
 * Tables are collectable objects, and shrink as their objects go.  After a fork
 * the child has copies.  What map.h says of the collector's event function and
 * of toggle references holds for them: meanwhile they hold their objects
 * strongly.
 */
#ifndef GCWEAK_INTERN_H
#define GCWEAK_INTERN_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_intern gcw_intern;

/* Whether the object in the table is what is wanted.  It is asked about objects
 * of the same hash, and may be asked about others. */
typedef bool gcw_equal_fn(const void *wanted, const void *object);

/* A new table, empty.
 *
 * Any known thread; also from finalizers and callbacks, as all that follows.
 * Returns NULL with errno: EPERM, ENOMEM; ENOTSUP as gcw_map_new.
 * Cost: as gcw_map_new. */
gcw_intern *gcw_intern_new(void);

/* The object of that hash in the table that is equal to `wanted`, or NULL if
 * there is none.
 *
 * Any number is a hash; `wanted` is passed to equal(), and may be NULL.
 * The result is a strong pointer.  Returns NULL with errno EINVAL if `t` or
 * `equal` is NULL, or EPERM; NULL with errno as equal() has left it if there is
 * none.
 * Cost: a look-up in a hash table, no lock, and a call of equal() for each
 * object of that hash up to the one. */
void *gcw_intern_find(gcw_intern *t, uint64_t hash, gcw_equal_fn *equal,
                      const void *wanted);

/* The same; if there is none, the one that make(wanted, data) returns is added.
 *
 * make() is called once at most.  If meanwhile somebody has added an object
 * that is equal, that one is returned, and what was made is left to the
 * collector.  make() may itself use the table.
 * The table holds what was made weakly.  It must be a pointer into an object of
 * the heap, which holds the object where it is kept (see base.h).
 * Returns NULL with errno: as make() has left it, if that returns NULL; EINVAL
 * (a pointer but `wanted` and `data` is NULL, or make() returns none as it must
 * be), ESTALE (somebody has disposed of the table), EPERM, ENOMEM, ENOTSUP.
 * Then nothing has changed.
 * Cost: as gcw_intern_find; to add, a lock besides, and now and then everything
 * moves to a larger table.  Where more than eight objects of one hash are not
 * equal, memory. */
void *gcw_intern_add(gcw_intern *t, uint64_t hash, gcw_equal_fn *equal,
                     const void *wanted,
                     void *(*make)(const void *wanted, void *data),
                     void *data);

/* How many objects there are, none that was found dead.
 *
 * 0, with errno EINVAL, if `t` is NULL, or EPERM. */
size_t gcw_intern_count(gcw_intern *t);

#ifdef __cplusplus
}
#endif

#endif
