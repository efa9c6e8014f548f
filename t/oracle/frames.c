/* frames.c: calls that may call back; see oracle.h.
 *
 * Whatever is called looks at the innermost frame, which says what may come.
 */
#include <string.h>

#include "oracle.h"

enum { DEPTH = 4 };              /* of callbacks inside callbacks */

struct frame *innermost;
size_t depth;
bool ending;
static unsigned busy;

void
frames_begin(unsigned how_busy)
{
    innermost = NULL;
    depth = 0;
    ending = false;
    busy = how_busy;
}

void
enter(struct frame *f)
{
    f->outer = innermost;
    innermost = f;
    depth++;
}

void
leave(struct frame *f)
{
    must(innermost == f, "the frames are in disorder");
    must(f->failing == NULL, "a failure was not reported");
    innermost = f->outer;
    depth--;
}

void *
frame_for(enum call call)
{
    struct frame *f = innermost;

    must(f != NULL && f->call == call, "a callback came from nowhere");
    must(f->failing == NULL, "a failure was not reported");
    f->called++;
    return f;
}

void
go_on(void)
{
    unsigned n = depth <= DEPTH && !ending ? below(busy) : 0;

    for (; n > 0; n--)
        operate();
}

bool
is_to_fail(void)
{
    return !ending && below(8) == 7;
}

/* What stands for a callback that has no handle. */
static const char no_handle;

void
will_fail(struct frame *f, const void *handle, const char *why)
{
    tell("it fails");
    met[FAILED]++;
    f->failing = handle == NULL ? &no_handle : handle;
    f->why = why;
    f->failed++;
}

void
perhaps_fail(struct frame *f, const void *handle)
{
    if (!is_to_fail())
        return;
    will_fail(f, handle, "on purpose");
    gcw_fail(f->why);
}

void
hear_of_failure(void *handle, const char *name, const char *why, void *data)
{
    struct frame *f = innermost;

    (void)name;
    if (handle == NULL)
        handle = (void *)&no_handle;
    must(f != NULL && f->failing == handle && strcmp(why, f->why) == 0,
         "a wrong report");
    must(data == (f->hearer == NULL ? FAILURES : f->hearer),
         "a wrong hook has heard");
    f->failing = NULL;
    met[OWN_HOOK] += data != FAILURES;
}
