/* atexit.h: puts the exit registry in the place of atexit.
 *
 * Include it in a source file that calls atexit, before the first call, or
 * compile an unchanged one with `-include gcweak/atexit.h`: its handlers go to
 * the default registry, keep their place among those that other code registers
 * with the C library, and can be taken back with gcw_atexit_cancel.
 *
 * Only the symbol is another.  The header includes nothing, declares atexit no
 * more than it defines it, and has no name that a program could mind: its feature
 * test macros, its bool, and std::atexit stay as they are.  (A compiler that is
 * not gcc's kin gets a macro instead.)
 *
 * A program that is not compiled again is linked with -lgcweak-atexit, before
 * -lgcweak: then its atexit is gcw_atexit.
 *
 * <gcweak.h> does not include it.
 */
#ifndef GCWEAK_ATEXIT_H
#define GCWEAK_ATEXIT_H

#if defined __GNUC__
# pragma GCC system_header
#else
# include <stdlib.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* See exit.h and base.h. */
int gcw_atexit(void (*fn)(void));
int gcw_atexit_cancel(void (*fn)(void));
void gcw_object_unloading(void (*code)(void));

#if defined __GNUC__
# pragma redefine_extname atexit gcw_atexit
#else
# undef atexit
# define atexit gcw_atexit
#endif

/* Has the handlers of a shared object run when it is unloaded. */
#if defined __GNUC__ && defined __PIC__ && !defined __PIE__ \
    && !defined GCW_NO_UNLOAD && !defined GCW__UNLOADS
# define GCW__UNLOADS
__attribute__((__destructor__)) static void
gcw__this_object_unloading(void)
{
    gcw_object_unloading(gcw__this_object_unloading);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
