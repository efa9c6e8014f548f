/* atexit.h: puts the exit registry in the place of atexit.
 *
 * Include it in a source file that calls atexit, or compile an unchanged one
 * with `-include gcweak/atexit.h`: its handlers go to the default registry,
 * keep their place among those that other code registers with the C library,
 * and can be taken back with gcw_atexit_cancel.  It includes exit.h.
 * <gcweak.h> does not include it.
 */
#ifndef GCWEAK_ATEXIT_H
#define GCWEAK_ATEXIT_H

/* First the real one, before its name is taken. */
#include <stdlib.h>

#include <gcweak/exit.h>

#undef atexit
#define atexit gcw_atexit

#endif
