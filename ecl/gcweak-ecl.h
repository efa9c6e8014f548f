/* gcweak-ecl.h: the C half of the module for ECL, for the Lisp half to call.
 *
 * Nearly all of the module is Lisp, and calls the library by itself
 * (library.lisp).  Here is what must be C: the functions that methods and
 * cleanups are made with, and Lisp values as the library holds them.
 *
 * A Lisp object is its own pointer to the library: the collector of both is
 * the same.  A cons has a tag in its lowest bits, of which ECL has told the
 * collector.
 */
#ifndef GCWEAK_ECL_H
#define GCWEAK_ECL_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <gc.h>
#include <gcweak.h>

/* The functions of what the module makes; the data is the Lisp function.  Lisp
 * steps through its calls, and never calls these; what does is the library,
 * when the process exits, or somebody's C. */
void *gcwe_method(void *self, void *arg, void *data);
void *gcwe_exit_method(void *self, void *info, void *data);
void *gcwe_exit_function(void *anchor, void *info, void *data);
void gcwe_function(void *data);
void gcwe_listener(void *arg, void *data);
void gcwe_hub_listener(const gcw_emission *emission, void *data);
void gcwe_death(gcw_method *m, void *data);

/* The Lisp function of a call, and its object, or NIL.  NIL as the function
 * stands for one that is not ours. */
cl_object gcwe_call_function(const gcw_call *call);
cl_object gcwe_call_self(const gcw_call *call);

/* A copy of a call, as a foreign pointer. */
cl_object gcwe_copy_call(const gcw_call *call);

/* What an emission was posted with: a list. */
cl_object gcwe_posted(const gcw_hub_step *step);

/* The registry and the handler in a gcw_exit_info. */
cl_object gcwe_info_registry(cl_object info);
cl_object gcwe_info_handler(cl_object info);

/* A list with a list for each handler: the handler, its name, its level, whether
 * it is running, and its age or NIL.  NIL with errno if it fails. */
cl_object gcwe_handlers(gcw_exit_registry *r);

/* A handle as Lisp holds it, a foreign pointer; NIL for NULL. */
cl_object gcwe_wrap(void *handle);

/* Memory for a step, as such a pointer. */
cl_object gcwe_new_step(size_t bytes);

/* Any Lisp value as the library is to hold it, never NULL; and back.  An
 * object of the heap is its own pointer. */
void *gcwe_word(cl_object x);
cl_object gcwe_value(void *pointer);

/* What the library takes for the object: NULL for NIL. */
void *gcwe_object_or_null(cl_object x);

/* What the library gave: NIL for NULL. */
cl_object gcwe_value_or_nil(void *pointer);

/* Whether x can be held weakly. */
bool gcwe_collectable(cl_object x);

/* A string in UTF-8, in collected memory; NULL for NIL.  And back. */
const char *gcwe_name(cl_object string);
cl_object gcwe_string(const char *name);

/* Whether nobody else exits; true once in a process. */
bool gcwe_claim_exit(void);

/* Waits until the thread that has had us quit is none of ECL's any more. */
void gcwe_await_release(void);

/* Sees to it that somebody waits for a signal.  Not from two threads at once.
 * Returns 0, or -1 with errno. */
int gcwe_await_signals(void);

/* A descriptor for the program, which waits from now on.  -1 with errno. */
int gcwe_signal_fd(void);

/* The name of an error as in <errno.h>. */
const char *gcwe_errno_name(int number);

/* Waits until the descriptor is readable; a signal ends it early. */
void gcwe_poll(int fd, int milliseconds);

#endif
