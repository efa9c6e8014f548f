/* exit-place.c: the places of handlers among those of the C library.
 *
 * A program that calls gcw_atexit where it called atexit relies on the order
 * in which its handlers run beside those that other code registers with the C
 * library itself.  So each such handler has a place in the C library's list as
 * well: a call of ours (shutdown.c), which runs what has still to run down to
 * that handler.
 *
 * The C library takes nothing back.  A handler that was taken back leaves its
 * place in the list, at which nothing is to be done; when there are many more
 * of these than of the others, new handlers get no place.
 *
 * Under the exit lock.  Memory from malloc: a byte a place.
 */
#include <config.h>
#include "exit/exit.h"

#include "ground/lock.h"
#include "ground/memory.h"

#include <stdlib.h>

enum { SMALLEST = 64, SPARE = 64 };

static struct {
    bool *waits;             /* of each place, by its number */
    size_t capacity, n;      /* places; number 0 is none */
    size_t waiting;          /* of them */
} places = { NULL, 0, 1, 0 };

static bool
has_room_for_place(void)
{
    size_t capacity = places.capacity == 0 ? SMALLEST : places.capacity * 2;
    bool *waits;

    if (places.n < places.capacity)
        return true;
    waits = gcw__realloc(places.waits, capacity * sizeof *waits);
    if (waits == NULL)
        return false;
    places.waits = waits;
    places.capacity = capacity;
    return true;
}

uintptr_t
gcw__exit_place_new(void)
{
    uintptr_t place = 0;

    gcw__lock(&gcw__exit_lock, true);
    if (places.n - places.waiting <= places.waiting + SPARE
        && has_room_for_place()) {
        place = places.n++;
        places.waits[place] = false;
    }
    gcw__unlock(&gcw__exit_lock);
    return place;
}

void
gcw__exit_place_set(uintptr_t place, bool waits)
{
    if (places.waits[place] == waits)
        return;
    places.waits[place] = waits;
    places.waiting += waits ? 1 : (size_t)-1;
}

bool
gcw__exit_place_waits(uintptr_t place)
{
    return places.waits[place];
}

bool
gcw__exit_place_is_due(uintptr_t place)
{
    bool due;

    gcw__lock(&gcw__exit_lock, true);
    due = gcw__exit_place_waits(place);
    gcw__unlock(&gcw__exit_lock);
    return due;
}
