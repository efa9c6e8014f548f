/* gcweak-guile.h: what the files of the Guile extension share.
 *
 * The extension defines procedures in the module (gcweak), whose Scheme half
 * is gcweak.scm.  Names that begin with % are for that half alone.
 *
 * A Scheme object is its own pointer to the library: the collector of both is
 * the same, and a Scheme value that lies in the heap points at the start of
 * its memory.
 */
#ifndef GCWEAK_GUILE_H
#define GCWEAK_GUILE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <libguile.h>

#include <gcweak.h>

/* handle.c: the library's handles as Scheme objects. */

enum gcwg_type {
    GCWG_REFERENCE, GCWG_METHOD, GCWG_CLEANUP, GCWG_EVENT, GCWG_LISTENER,
    GCWG_HUB, GCWG_REGISTRY, GCWG_HANDLER, GCWG_MAP, GCWG_EPHEMERON,
    GCWG_GUARDIAN, GCWG_TYPES
};

SCM gcwg_wrap(enum gcwg_type type, void *handle);
SCM gcwg_wrap_place(enum gcwg_type type, void *handle, void *place);
bool gcwg_is(enum gcwg_type type, SCM x);

/* The handle; raises wrong-type-arg if x is of another type. */
void *gcwg_handle(enum gcwg_type type, SCM x, int position, const char *who);

/* The second pointer that it was wrapped with. */
void *gcwg_place(SCM x);

/* check.c: arguments, and what the library says of them. */

/* The object, if it can be held weakly; raises wrong-type-arg if not. */
void *gcwg_object(SCM x, int position, const char *who);

/* The same, but NULL for #f. */
void *gcwg_object_or_any(SCM x, int position, const char *who);

bool gcwg_collectable(SCM x);
void gcwg_check_procedure(SCM x, int position, const char *who);
void gcwg_check_callee(SCM x, int position, const char *who);

/* Numbers; 0 for an optional one that is not given. */
size_t gcwg_count(SCM x, int position, const char *who);
size_t gcwg_count_or_0(SCM x, int position, const char *who);
int gcwg_int_or_0(SCM x, int position, const char *who);

/* The name in a symbol or a string, to be freed; NULL for #f. */
char *gcwg_name(SCM x, int position, const char *who);

/* A port to wait on, with a descriptor of its own that shows what fd shows. */
SCM gcwg_port(int fd, const char *who);

/* Raises what errno says. */
SCM_NORETURN void gcwg_failed(const char *who);

/* call.c: calls into Scheme out of the library's frames. */

/* What became of a call. */
struct gcwg_call {
    SCM procedure, arguments;    /* to be set */
    void *object;                /* comes before the arguments; or NULL */
    bool returned;
    SCM key, details;            /* why not: as catch tells it */
};

/* Calls it, in Guile mode.  Nothing but a return leaves this: what is thrown,
 * and every other way out, ends up in the structure.  A call to exit in the
 * procedure ends the process.  Only within one of the next. */
void gcwg_call(struct gcwg_call *call);

/* Runs C code that makes such calls: in Guile mode; from any thread in any
 * mode.  The library's frames belong inside. */
void gcwg_outside(void *(*run)(void *data), void *data);
void gcwg_outside_anywhere(void *(*run)(void *data), void *data);

/* A single call, from any thread in any mode. */
void gcwg_call_anywhere(struct gcwg_call *call);

/* step.c: what Scheme steps through. */

/* An iteration: the beginning of a structure that has the rest. */
struct gcwg_steps {
    bool (*next)(struct gcwg_steps *steps);
    const char *who;             /* for errors of the iteration itself */
    gcw_call *call;              /* which is to be made; NULL: none of the
                                  * library's */
    SCM procedure;               /* the same as Scheme has it; #f: foreign */
    SCM object, arguments;
    SCM handle;                  /* of a cleanup, where there is no call */
    size_t n, n_failed;          /* how many there were */
    bool counts_failures;        /* which of them is the result */
    int error;                   /* that has ended it */
};

SCM gcwg_steps_wrap(struct gcwg_steps *steps);
struct gcwg_steps *gcwg_steps_of(SCM x);

/* failure.c: telling of callbacks that failed. */

/* What Scheme needs to tell of the current call, which has thrown to this key:
 * (what name handler handle); #f if somebody else has heard of it. */
SCM gcwg_news(const struct gcwg_steps *steps, SCM key);

/* What the error hook of a place needs. */
struct gcwg_place {
    SCM what, name;              /* for the report */
    _Atomic scm_t_bits handler;  /* a procedure, or #f */
    atomic_bool has_limit;       /* of a registry: it, or one of its handlers, has
                                  * had one */
};

struct gcwg_place *gcwg_place_new(const char *what, SCM name);

/* Sets the handler of the place in the second slot of x. */
SCM gcwg_set_handler(enum gcwg_type type, SCM x, SCM handler,
                     const char *who);
void gcwg_place_set_handler(struct gcwg_place *place, SCM handler,
                            int position, const char *who);

/* Gives up the callback of the library that the call was made for. */
SCM_NORETURN void gcwg_give_up(const struct gcwg_call *call);

/* A gcw_error_fn, whose data is a gcwg_place; one for each sort of handle. */
void gcwg_listener_failed(void *handle, const char *name, const char *why,
                          void *place);
void gcwg_handler_failed(void *handle, const char *name, const char *why,
                         void *place);

/* Tells of a call outside the library's hooks.  In Guile mode. */
void gcwg_tell(const struct gcwg_place *place, SCM handle, SCM name,
               const struct gcwg_call *call);

/* mailbox.c: which thread runs a callback. */

struct gcwg_letter {
    struct gcwg_letter *next;
    SCM thread;                  /* who is to run it */
    unsigned long generation;    /* of the process in which that was said */
    SCM procedure, arguments;
    SCM handle;                  /* the cleanup */
};

/* A callback that belongs to the thread. */
struct gcwg_letter *gcwg_letter_new(SCM thread, SCM procedure, SCM arguments);

/* For one that will not run any more. */
void gcwg_letter_empty(struct gcwg_letter *letter);

/* Gives it to this thread. */
void gcwg_readdress(struct gcwg_letter *letter);

/* Runs it here if the thread is this one or is gone, otherwise sends it on.
 * From any thread in any mode. */
void gcwg_deliver(struct gcwg_letter *letter);

/* Runs what was sent to this thread, and to threads that are gone.  Cheap if
 * there is none. */
void gcwg_open_mail(void);

/* The same for who runs it himself: the next of it, or NULL. */
struct gcwg_letter *gcwg_take_mail(void);

/* As gcwg_deliver, but what is to run here is returned, or lies behind other
 * mail that is to run here; in Guile mode. */
struct gcwg_letter *gcwg_forward(struct gcwg_letter *letter);

/* cleanup.c: where failing cleanups are told of. */
extern struct gcwg_place *gcwg_cleanups;

/* cleanup.c: if the call is of a cleanup of ours: what is to be delivered;
 * otherwise NULL. */
struct gcwg_letter *gcwg_letter_of(const gcw_call *call);

/* method.c */

/* A method with the parts of x, and another function.  NULL with errno. */
gcw_method *gcwg_method_with(SCM x, gcw_method_fn *fn);

/* Of methods and of listeners of events: data is the procedure, the argument
 * a list.  Called by code that does not step through. */
void *gcwg_call_method(void *self, void *arguments, void *procedure);
void gcwg_call_function(void *arguments, void *procedure);

/* exit.c: the method that a handler is registered with, for a weak method or a
 * procedure.  NULL with errno. */
gcw_method *gcwg_handler_method(SCM callee);

/* drain.c */

/* Makes the thread drain as soon as it can; raises an error if it is gone. */
void gcwg_drain_soon(SCM thread);

/* Opens all mail, and leaves what is to come to the library's own drain. */
void gcwg_drain_at_exit(void);

/* map.c: any Scheme value as the library is to hold it, never NULL; and back.
 * An object of the heap is its own pointer. */
void *gcwg_word(SCM x);
SCM gcwg_value(void *pointer);

/* The same, and #f for NULL. */
SCM gcwg_value_or_false(void *pointer);

/* Defining procedures (check.c). */

struct gcwg_definition {
    const char *name;
    int required, optional, rest;
    scm_t_subr function;
};

#define GCWG_DEFINE(table) \
    gcwg_define((table), sizeof (table) / sizeof (table)[0])
void gcwg_define(const struct gcwg_definition *table, size_t n);

void gcwg_handle_init(void);
void gcwg_call_init(void);
void gcwg_failure_init(void);
void gcwg_mailbox_init(void);
void gcwg_step_init(void);
void gcwg_method_init(void);
void gcwg_drain_init(void);
void gcwg_cleanup_init(void);
void gcwg_event_init(void);
void gcwg_hub_init(void);
void gcwg_exit_init(void);
void gcwg_exit_list_init(void);
void gcwg_signal_init(void);
void gcwg_map_init(void);
void gcwg_ephemeron_init(void);
void gcwg_guardian_init(void);

#endif
