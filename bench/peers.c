/* peers.c: says which peers are not there. */
#include <config.h>

#include "peers.h"

#include <stdio.h>

void
print_missing_peers(void)
{
#ifndef HAVE_BOOST_SIGNALS2
    puts("  skipped: Boost.Signals2, which configure did not find");
#endif
#ifndef HAVE_GOBJECT
    puts("  skipped: GLib's signals, which configure did not find");
#endif
}
