/* tracer.h: marking what an object leads to, when the collector has done its
 * own marking.
 *
 * Called while the world is stopped, by the engine.  What has a descriptor is
 * read as the collector reads it; whether a word is a pointer, and to what, the
 * collector says itself (GC_mark_and_push).  See tracer.c.
 */
#ifndef GCW__TRACER_H
#define GCW__TRACER_H

#include <gc.h>
#include <stdbool.h>
#include <stdint.h>

/* Gets the stack, and sees whether the collector's entries are as we take them
 * to be, with a new object of 64 bytes.  `own` is the descriptor of our
 * tables.  Under the collector's lock.  Returns 0 or an errno: ENOTSUP if they
 * are not. */
int gcw__tracer_start(GC_word own, void *object);

/* What the trace comes upon. */
struct gcw__trace_calls {
    /* A table of ours that was marked; it is not looked into.  Perhaps more
     * than once. */
    void (*table)(void *table);
    /* An object that was marked just now, by its beginning; or NULL. */
    void (*marked)(uintptr_t base);
};

/* Marks the object that the word leads to, if to any.  What this leads to is
 * marked by gcw__trace_rest, as long as there is memory: so a few objects can be
 * fetched into the cache at once.  World stopped. */
void gcw__trace(uintptr_t word, const struct gcw__trace_calls *calls);
void gcw__trace_rest(void);

/* Whether all was marked; if not, goes on, and is to be asked again. */
bool gcw__trace_is_complete(const struct gcw__trace_calls *calls);

/* For tests: the stack may have no more than so many entries. */
extern size_t gcw__trace_most;

#endif
