/* coverage.h: counts of coverage that last to any end of a process.
 *
 * What has run is written down at exit, so a process that ends without it, as
 * forked children in tests do, would not have counted.  make coverage has the
 * compiler include this before each source, library and tests alike.
 */
#ifndef COVERAGE_H
#define COVERAGE_H

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void __gcov_dump(void);

__attribute__((__constructor__)) static void
coverage_begin(void)
{
    at_quick_exit(__gcov_dump);
}

#define _exit(status) (__gcov_dump(), _exit(status))
#define abort() (__gcov_dump(), abort())
#define raise(sig) (__gcov_dump(), raise(sig))

#endif
