/* link-atexit.c: atexit itself, for programs that are linked anew but not
 * compiled (libgcweak-atexit.a, and nothing else).
 *
 * The library must not call atexit then, for it would call itself: it uses
 * on_exit, and where there is none, this is not built.
 */
#include <config.h>

/* The C library's declaration is of no use here. */
int gcw_atexit(void (*fn)(void));
int atexit(void (*fn)(void));

int
atexit(void (*fn)(void))
{
    return gcw_atexit(fn);
}
