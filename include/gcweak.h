/* gcweak: weak maps and ephemerons, weak method handles, death callbacks, events
 * and an exit registry for programs on the Boehm-Demers-Weiser collector.
 *
 * This header includes every part but <gcweak/atexit.h> and <gcweak/debug.h>.
 * Each part also stands alone.
 */
#ifndef GCWEAK_H
#define GCWEAK_H

#include <gcweak/base.h>
#include <gcweak/call.h>
#include <gcweak/ref.h>
#include <gcweak/method.h>
#include <gcweak/cleanup.h>
#include <gcweak/drain.h>
#include <gcweak/queue.h>
#include <gcweak/event.h>
#include <gcweak/hub.h>
#include <gcweak/exit.h>
#include <gcweak/signal.h>
#include <gcweak/tell.h>
#include <gcweak/proxy.h>
#include <gcweak/map.h>
#include <gcweak/ephemeron.h>
#include <gcweak/guardian.h>
#include <gcweak/intern.h>
#include <gcweak/set.h>

#endif
