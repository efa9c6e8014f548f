/* proxy.h: a method where only a function pointer fits.
 *
 * Many C interfaces take a bare function pointer, with no room for data:
 * qsort, atexit, the hooks of old libraries.  A proxy is such a pointer, made
 * at run time, for a method of an object that is held weakly:
 *
 *     int by_rank(struct table *self, const void *a, const void *b);
 *
 *     gcw_proxy *p = gcw_proxy_new(table, (gcw_proxy_fn *)by_rank, "pp)i");
 *     qsort(rows, n, sizeof *rows,
 *           (int (*)(const void *, const void *))gcw_proxy_code(p));
 *
 * Calling the pointer with (a, b, ...) calls fn(self, a, b, ...), as long as
 * self lives, and self stays alive until that has returned.  After self's
 * death the call returns zero of its type, with errno ESTALE.
 *
 * Signatures
 *   What the pointer is called with and what it returns is told in the
 *   notation of dyncall: a character for each argument, then `)`, then that
 *   of the result.  self is not named; it comes first by itself.
 *
 *       B bool                 c char        C unsigned char
 *       s short                S unsigned short
 *       i int                  I unsigned
 *       j long                 J unsigned long
 *       l long long            L unsigned long long
 *       f float                d double
 *       p any pointer          Z a string, char *
 *       v void, as the result only
 *       {...} a struct by value, of its members in order, themselves structs
 *             perhaps; a number in brackets after a member makes it an array:
 *             {ic[8]d} is struct { int a; char b[8]; double c; }
 *
 *   So "ii)i" is int (int, int), ")v" is void (void), and "{dd}p)d" is
 *   double (struct { double x, y; }, void *).  c is signed, whatever the
 *   compiler's plain char is.  An enum is what the compiler makes of it,
 *   mostly I.  Structs nest 32 deep, and a signature has at most 65,535
 *   scalars, each element of an array counted.  Unions, bit fields, packed
 *   structs, complex numbers, long double, variable arguments and other
 *   calling conventions than the usual one cannot be said.
 *
 *   No compiler checks the signature against the function, nor against the
 *   pointer's caller: a wrong one is as bad as a wrong cast.
 *
 * How long a proxy lasts
 *   The pointer lies where the collector cannot see it, in the tables of the
 *   library that it was given to, so nobody can know when it is called for
 *   the last time.  A proxy therefore stays until gcw_proxy_free, also when
 *   its handle was dropped, and long after its target's death.  It costs
 *   about 150 bytes all in all.
 *
 * Threads and fork
 *   A proxy may be called by any thread at any time (base.h), also by one that
 *   ends, or that is within GC_do_blocking, as a loop that waits there and
 *   calls back.  So each call takes the collector's lock for a moment.  A
 *   thread that the collector does not know is made known for the time of the
 *   call, which costs a microsecond; if that fails, the call returns zero with
 *   errno EPERM.  Not from a signal handler, nor from inside the collector;
 *   nor by a thread that has called gcweak and has left the collector since
 *   (base.h).
 *   A forked child has its own copy of every proxy.
 *
 * dlclose
 *   A proxy whose function lies in an unloaded shared object is as one whose
 *   target is dead; see base.h.
 *
 * Proxies need libffi.  Where gcweak was built without it, gcw_proxy_new and
 * gcw_signature_check fail with ENOTSUP.
 */
#ifndef GCWEAK_PROXY_H
#define GCWEAK_PROXY_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_proxy gcw_proxy;

/* Any function, for a cast. */
typedef void gcw_proxy_fn(void);

/* A proxy for fn(self, ...).
 *
 * self       any pointer into a heap object (see ref.h); held weakly
 * fn         the function, cast; not NULL
 * signature  see above; not kept
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns the handle, or NULL with errno: EINVAL (self is no heap object, fn
 * or signature is NULL, or the signature is malformed: gcw_signature_check
 * tells where), EPERM, ENOMEM (also if the system gives no executable memory),
 * ENOTSUP (also if libffi does not pass such structs rightly on this machine,
 * which a call is made to find out: it happens with libffi before 3.4.7, and on
 * arm64 before 3.7.1).
 * Cost: gcw_ref_new, an allocation, and a closure of libffi's; the first with
 * a signature reads it.  After ctypes' callbacks and dyncall's. */
gcw_proxy *gcw_proxy_new(void *self, gcw_proxy_fn *fn, const char *signature);

/* The function pointer; cast it to the type that the signature says.
 *
 * Good until gcw_proxy_free.  What a call does to errno: nothing but what fn
 * does; a call that finds the target dead sets it to ESTALE.  gcw_fail in fn
 * gives up the callback of gcweak in which the call is made, if there is one.
 * Any thread.
 * Returns NULL with errno EINVAL if p is NULL or was freed.
 * Cost of a call: some tens of nanoseconds, for libffi takes the arguments
 * from where they are and puts them where fn wants them; and the collector's
 * lock, taken and given back. */
gcw_proxy_fn *gcw_proxy_code(const gcw_proxy *p);

/* Frees a proxy.  Its pointer must not be called any more: who frees it knows
 * that nobody does, and that no other thread is in it.  fn itself may free
 * the proxy that it is called by.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns 0; or -1 with errno EINVAL (p is NULL or was freed before) or
 * EPERM. */
int gcw_proxy_free(gcw_proxy *p);

/* Sets the function that hears of calls after the target's death; NULL takes
 * it out.  It runs on the thread that makes the call, before that returns, and
 * may do whatever fn could; so it may free the proxy.  `data` is held strongly
 * until gcw_proxy_free; it must not lead to the target.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns 0; or -1 with errno EINVAL (p is NULL or was freed, or `data` is the
 * target or cannot be held: base.h) or EPERM. */
int gcw_proxy_on_stale(gcw_proxy *p, void (*fn)(gcw_proxy *p, void *data),
                       void *data);

/* Reads a signature.
 *
 * Any known thread.
 * Returns 0 if it is well formed; or -1 with errno EINVAL, and in *position,
 * unless that is NULL, the index of the first character that is wrong, which
 * is its length if it ends too early (signature is NULL: 0); or ENOMEM,
 * EPERM, ENOTSUP. */
int gcw_signature_check(const char *signature, size_t *position);

#ifdef __cplusplus
}
#endif

#endif
