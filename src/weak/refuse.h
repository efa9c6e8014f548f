/* refuse.h: a call of the program's that fails, in words.
 *
 *     return gcw__refuse_null(EINVAL, "heap self, given fn, apart data",
 *                             self, fn, data);
 *
 * sets errno, and tells which argument is to blame, if refusals are told.  The
 * words say what each argument must be, in the order of the values that follow;
 * the first that is not so is to blame.  All values are pointers:
 *
 *     given NAME     not NULL
 *     heap NAME      a pointer into a heap object
 *     held NAME      data that the library can hold
 *     apart NAME     the same, and not in the object of the argument before that
 *                    was to be a heap object, or whose method that is
 *     method NAME    a method; one that is alive, if the error is ESTALE
 *     open NAME      an event or its like; one that was not disposed of, if the
 *                    error is ESTALE
 *     number NAME    an int that the function takes: to blame if nobody before is
 *     because WORDS  no value: the reason, if nobody before is to blame
 *
 * The name that is told is that of the function where this stands: a public one.
 * What it calls sets errno and tells nothing, or knows for whom it works, and
 * says so with gcw__refused.
 *
 * ENOMEM is not told: it says all, and there may be no memory to say more.
 *
 * All of it is out of the way: a call that is not refused runs nothing of it.
 */
#ifndef GCW__REFUSE_H
#define GCW__REFUSE_H

#include "ground/fail.h"

/* Sets errno, and tells; not if `function` is NULL.  No lock held; any thread,
 * known or not. */
void gcw__refused(const char *function, int error, const char *words, ...)
    __attribute__((__cold__, __noinline__));

#define gcw__refuse(...) gcw__refused(__func__, __VA_ARGS__)
#define gcw__refuse_null(...) (gcw__refuse(__VA_ARGS__), (void *)NULL)
#define gcw__refuse_int(...) (gcw__refuse(__VA_ARGS__), -1)
#define gcw__refuse_false(...) (gcw__refuse(__VA_ARGS__), false)
#define gcw__refuse_zero(...) (gcw__refuse(__VA_ARGS__), 0)

#endif
