/* hub-step.h: an emission through a hub, step by step.  See hub-step.c. */
#ifndef GCW__HUB_STEP_H
#define GCW__HUB_STEP_H

#include "event/listeners.h"
#include "ground/table.h"

#include <gcweak/hub.h>

/* The set of identities that were called. */
struct gcw__called {
    struct gcw__table by_hash;       /* of the identities */
    struct gcw__identity *identities;
    size_t n;
};

/* Allocates room for n identities, in a set that is empty.  False: no
 * memory. */
bool gcw__called_get_room(struct gcw__called *called, size_t n);

/* Takes the listeners of all patterns that fit step->emission, at this
 * moment. */
void gcw__hub_take_listeners(gcw_hub_step *step);

/* The slot that comes next, of all lists; NULL at the end. */
const struct gcw__slot *gcw__hub_next_slot(gcw_hub_step *step);

/* The call for the next listener of several lists, without the argument; its
 * slot, or NULL at the end.  step->called is the set.  Counts those that are
 * passed over. */
const struct gcw__slot *gcw__hub_next_of_many(gcw_hub_step *step,
                                              size_t *passed_over,
                                              gcw_call *out);

/* Begins an emission in the step, which is clear, and makes room for what it
 * needs.  False: no memory. */
bool gcw__hub_step_begin(gcw_hub_step *step, const gcw_emission *emission);

/* Makes step->call the call of the next listener; false at the end. */
bool gcw__hub_step_next(gcw_hub_step *step);

/* Has the step hold nothing. */
void gcw__hub_step_clear(gcw_hub_step *step);

#endif
