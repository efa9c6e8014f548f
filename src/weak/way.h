/* way.h: the two ways to hold a target weakly.
 *
 * by links   The collector has a disappearing link on the reference's own word.
 *            It looks at all links one by one after each collection, when the
 *            world runs again.  A link costs 50 bytes, and 60 to 600 ns to
 *            make.
 * by marks   Nothing is registered: our own pass (by-marks.c) looks which
 *            targets were marked, in the stopped world, and clears the others'
 *            references.
 *
 * Long references are always held by links.  Short ones are held by marks if the
 * engine (marks/engine.c) has started, there are no toggle references, and the
 * environment variable GCWEAK_REFS is not `links`; that is decided once, when
 * the library starts.
 *
 * Nothing above the seats knows which way it is: whoever makes a reference asks
 * gcw__way_hold, which for marks does nothing, and a sweep asks gcw__way_find,
 * which for marks finds nothing that is not known yet.
 */
#ifndef GCW__WAY_H
#define GCW__WAY_H

#include "collector/collector.h"
#include "weak/shard.h"

enum gcw__way { GCW__BY_MARKS, GCW__BY_LINKS, GCW__BY_LONG_LINKS, GCW__WAYS };

struct gcw__chunks;

/* The one of short references. */
extern enum gcw__way gcw__short_way;

static inline enum gcw__way
gcw__way_of(bool is_long)
{
    return is_long ? GCW__BY_LONG_LINKS : gcw__short_way;
}

/* Whether the collector is told of each reference, which must not be done under a
 * lock. */
static inline bool
gcw__way_registers(enum gcw__way way)
{
    return way != GCW__BY_MARKS;
}

/* Has the collector clear the reference when the object that begins at base is
 * dead.  Takes the collector's lock.  Returns 0 or an errno: ENOMEM,
 * ENOTSUP. */
int gcw__way_hold(enum gcw__way way, gcw_ref *ref, void *base);

/* Undoes that; the reference then reads NULL. */
void gcw__way_let_go(enum gcw__way way, gcw_ref *ref);

/* Notes which seats of these chunks have died, as far as the pass does not do
 * that.  The shard's lock is held. */
void gcw__way_find(enum gcw__way way, struct gcw__chunks *chunks);

/* Whether short references can be held by marks.  Takes the collector's lock. */
bool gcw__ways_can_mark(bool engine_has_started);

/* Has them held so; once, when the library starts, before there are any. */
void gcw__ways_mark(void);

#endif
