/* emitting.c: what a listener can learn of the emission that it is called in,
 * and do to it.
 *
 * An emission leaves nothing where it could be found but its guard, which lies
 * on its stack (guard.c).  So who does not ask pays nothing; who asks looks
 * through the guards of his stack, from the innermost outwards.
 */
#include <config.h>
#include "event/emitting.h"

#include "ground/fail.h"

#include <stddef.h>

static const struct gcw__emitting *
emitting_of(const struct gcw__guarded *how)
{
    static const struct gcw__emitting *const all[] = {
        &gcw__event_emitting, &gcw__hub_emitting_one, &gcw__hub_emitting_many
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (how == &all[i]->guard)
            return all[i];
    return NULL;
}

/* The run of the innermost emission of the stack of `here`, an address in the
 * caller's frame; NULL: there is none. */
static void *
innermost_emission(uintptr_t here, const struct gcw__emitting **emitting)
{
    const struct gcw__guarded *how;
    uintptr_t at = here;
    void *run;

    while ((run = gcw__guard_around(here, &at, &how)) != NULL) {
        *emitting = emitting_of(how);
        if (*emitting != NULL)
            return run;
    }
    return NULL;
}

gcw_listener *
gcw_listener_current(void)
{
    const struct gcw__emitting *emitting;
    void *run = innermost_emission((uintptr_t)__builtin_frame_address(0),
                                   &emitting);

    return run == NULL ? NULL : emitting->current(run);
}

int
gcw_emission_stop(void)
{
    const struct gcw__emitting *emitting;
    void *run = innermost_emission((uintptr_t)__builtin_frame_address(0),
                                   &emitting);

    if (run == NULL)
        return gcw__fail_int(ENOENT);
    emitting->stop(run);
    return 0;
}
