/* way.c: which way targets are held, and the way by links. */
#include <config.h>
#include "weak/way.h"

#include "weak/by-marks.h"
#include "weak/seats.h"

#include <stdlib.h>
#include <string.h>

enum gcw__way gcw__short_way = GCW__BY_LINKS;

int
gcw__way_hold(enum gcw__way way, gcw_ref *ref, void *base)
{
    return gcw__way_registers(way)
        ? gcw__link_add(&ref->target, base, way == GCW__BY_LONG_LINKS) : 0;
}

void
gcw__way_let_go(enum gcw__way way, gcw_ref *ref)
{
    if (gcw__way_registers(way))
        gcw__link_remove(&ref->target, way == GCW__BY_LONG_LINKS);
    else
        atomic_store(&ref->target, NULL);
}

static bool
link_was_cleared(const struct gcw__seat *seat)
{
    return gcw__seat_is_live(seat)
           && atomic_load_explicit(&gcw__seat_ref(seat)->target,
                                   memory_order_relaxed) == NULL;
}

static void
find_in(struct gcw__chunks *chunks, struct gcw__chunk *chunk)
{
    unsigned top = atomic_load_explicit(&chunk->top, memory_order_relaxed);

    for (unsigned i = 0; i < top; i++)
        if (link_was_cleared(&chunk->page->seats[i])
            && !gcw__seat_is_dead(chunk, i)) {
            gcw__link_gone();
            gcw__seat_die(chunks, &chunk->page->seats[i]);
        }
}

/* A walk through all references, for nobody says whose links were cleared. */
void
gcw__way_find(enum gcw__way way, struct gcw__chunks *chunks)
{
    if (!gcw__way_registers(way))
        return;
    for (struct gcw__chunk *chunk = atomic_load(&chunks->first);
         chunk != NULL; chunk = atomic_load(&chunk->next))
        find_in(chunks, chunk);
}

/* For tests, and for whoever has a collector in which marks cannot be trusted. */
static bool
links_are_wanted(void)
{
    const char *wanted = getenv("GCWEAK_REFS");

    return wanted != NULL && strcmp(wanted, "links") == 0;
}

bool
gcw__ways_can_mark(bool engine_has_started)
{
    return engine_has_started && !links_are_wanted()
           && GC_get_toggleref_func() == NULL;
}

void
gcw__ways_mark(void)
{
    gcw__by_marks_install();
    gcw__short_way = GCW__BY_MARKS;
}
