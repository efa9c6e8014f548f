/* set.h: weak sets, and sets of weak methods.
 *
 * A weak set has objects for members, and keeps none of them alive.  A set of
 * weak methods has methods (see method.h), and holds each as long as the method
 * is alive: so the method can be made in place, and dropped.
 *
 * What may be a member of a weak set: any pointer into an object of the
 * collected heap, compared by address; two pointers into one object are two
 * members.  Methods are compared by gcw_method_equal: by target, function and
 * data.  Who adds an equal one has added nothing.
 *
 * When a member goes: in the collection that finds it dead, before any finalizer
 * runs, so a finalizer never finds its own object in a set.  A method dies with
 * its object, or with its weak data.  A set does not keep the object, not even
 * where the method's strong data leads to it.  gcw_dispose of a member, of a
 * method's object or of its weak data, takes it out at once; of a set, all its
 * members, for good.  A set that only an object with a finalizer leads to is
 * whole for the finalizer.
 *
 * Threads, shrinking, forks, and who takes the collector's event function: sets
 * are weak maps, and all is as in map.h.
 */
#ifndef GCWEAK_SET_H
#define GCWEAK_SET_H

#include <gcweak/map.h>
#include <gcweak/method.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_set gcw_set;

/* A new set, empty.
 *
 * Any known thread; also from finalizers and callbacks, as all that follows.
 * Returns NULL with errno: EPERM, ENOMEM; ENOTSUP as gcw_map_new.
 * Cost: as gcw_map_new. */
gcw_set *gcw_set_new(void);

/* Adds a member.
 *
 * Returns 1 if it was added, 0 if it was there; or -1 with errno: EINVAL (`s` is
 * NULL, or `member` is no heap object), ESTALE (somebody has disposed of the
 * set), EPERM, ENOMEM, ENOTSUP.
 * Cost: a lock, and a look-up; now and then everything moves to a larger table.
 * After Python's weakref.WeakSet. */
int gcw_set_add(gcw_set *s, const void *member);

/* Whether it is a member.
 *
 * False with errno EINVAL if an argument is NULL, or EPERM.
 * Cost: a look-up in a hash table; no lock. */
bool gcw_set_has(const gcw_set *s, const void *member);

/* Takes a member out.
 *
 * True if it was one.  False if not; with errno EINVAL if an argument is NULL,
 * or EPERM, ESTALE. */
bool gcw_set_remove(gcw_set *s, const void *member);

/* How many members there are, none that was found dead.
 *
 * 0, with errno EINVAL, if `s` is NULL, or EPERM. */
size_t gcw_set_count(gcw_set *s);

/* A walk through a set; as gcw_map_iter. */
typedef struct gcw_set_iter {
    gcw_map_iter entries;
} gcw_set_iter;

/* Begins a walk; on errors an empty one, with errno EINVAL if an argument is
 * NULL, or EPERM. */
void gcw_set_first(gcw_set *s, gcw_set_iter *i);

/* Gives the next member, as a strong pointer, with the promises of gcw_map_next:
 * what stays is given once, and the set may be changed meanwhile by anybody.
 * False at the end, and with errno EINVAL if an argument is NULL. */
bool gcw_set_next(gcw_set_iter *i, void **member);

typedef struct gcw_method_set gcw_method_set;

/* A new set of weak methods, empty; as gcw_set_new. */
gcw_method_set *gcw_method_set_new(void);

/* Adds a method, unless an equal one is in.
 *
 * The set holds the handle, and the method's strong data, as long as its object
 * is alive; the data may lead to the object.
 * Returns 1 if it was added, 0 if an equal one was there, which stays; or -1 with
 * errno: EINVAL (an argument is NULL), ESTALE (the method is dead, or somebody
 * has disposed of the set), EPERM, ENOMEM, ENOTSUP.
 * Cost: as gcw_set_add, also where an object has many methods.  After a WeakSet
 * of Python's weakref.WeakMethod. */
int gcw_method_set_add(gcw_method_set *s, gcw_method *m);

/* Whether an equal method is in.  A dead one never is.
 *
 * False with errno EINVAL if an argument is NULL, or EPERM.
 * Cost: a look-up in a hash table, and gcw_method_bind; no lock. */
bool gcw_method_set_has(const gcw_method_set *s, const gcw_method *m);

/* Takes the method that is equal out.
 *
 * True if there was one.  False if not, or if it is dead; with errno EINVAL if an
 * argument is NULL, or EPERM, ESTALE. */
bool gcw_method_set_remove(gcw_method_set *s, const gcw_method *m);

/* How many methods there are, none that was found dead.
 *
 * 0, with errno EINVAL, if `s` is NULL, or EPERM. */
size_t gcw_method_set_count(gcw_method_set *s);

/* A walk through a set of methods; as gcw_map_iter. */
typedef struct gcw_method_set_iter {
    gcw_map_iter entries;
} gcw_method_set_iter;

/* Begins a walk; on errors an empty one, with errno EINVAL if an argument is
 * NULL, or EPERM. */
void gcw_method_set_first(gcw_method_set *s, gcw_method_set_iter *i);

/* Gives the next method twice: bound, to be called, for so it is alive; and as
 * the handle that was added, to be compared or taken out; `method` may be NULL.
 * With the promises of gcw_map_next.
 * False at the end, and with errno EINVAL if another argument is NULL. */
bool gcw_method_set_next(gcw_method_set_iter *i, gcw_method **method,
                         gcw_bound *bound);

/* Calls all methods with that argument, on this thread, in no order; what they
 * return is dropped.
 *
 * Each that is in throughout and stays alive is called once; one that is taken
 * out or dies before its turn is not; one that is added meanwhile may be.  No
 * lock is held, so the functions may change the set, call this again, or leave
 * it with longjmp, and other threads may do the same.  gcw_fail in one of them is
 * for the callback, if any, that this is called from: a hub or an event is what
 * calls on when a listener fails.
 * Returns how many it has called; errno is what they left.  0 with errno EINVAL
 * if `s` is NULL, or EPERM. */
size_t gcw_method_set_invoke(gcw_method_set *s, void *arg);

#ifdef __cplusplus
}
#endif

#endif
