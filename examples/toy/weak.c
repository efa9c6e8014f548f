/* weak.c: what is weak in the language, on gcweak.
 *
 *     weakref(object)            call it: the object, or nil
 *     weakmethod(object.method)  call it: calls the method, or gives nil
 *     weakmethod(object, "name")
 *     weakmethod(object, fn)
 *     alive(weak)                of the above, and of a finalizer
 *     finalize(object, fn)       calls fn() when it has died, or at the end
 *     on_death(weakmethod, fn)   calls fn(weakmethod) when it has died
 *     guardian()                 call it: an object given to it that nobody
 *                                held any more, or nil
 *     guard(guardian, object)    gives it one
 *     on_exit(weakmethod or fn)  calls it when the program ends
 *     event()                    a new event
 *     connect(event, weakmethod or fn)
 *     emit(event, argument)      calls the listeners; tells how many
 *     listeners(event)           how many there are
 *     cancel(handle)             takes back any of finalize, on_death, on_exit
 *                                and connect; true: it was still to come
 *     gc()                       collects, and runs what deaths bring about
 *
 * Weak tables are in weaktable.c.
 */
#include "weak.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gcweak.h>

/* Arguments and results. */

struct object *
want(const struct call *c, size_t i, enum type type, const char *what)
{
    if (!is(c->args[i], type))
        fail(c->line, "%s wants %s, not %s", c->name, what,
             kind_name(c->args[i]));
    return c->args[i].as.object;
}

static void *
want_handle(const struct call *c, enum type type, const char *what)
{
    return ((struct handle *)want(c, 0, type, what))->of;
}

static struct closure *
want_function(const struct call *c, size_t i)
{
    return (struct closure *)want(c, i, CLOSURE, "a function");
}

/* What has an identity, and so a death that a script could speak of.  Numbers
 * are no objects at all, and of equal strings nobody knows which is which. */
struct object *
want_target(const struct call *c, size_t i)
{
    struct value v = c->args[i];
    if (v.kind != OBJECT || v.as.object->type == STRING)
        fail(c->line, "%s wants an object, not %s", c->name, kind_name(v));
    return v.as.object;
}

void *
checked_result(const struct call *c, void *of)
{
    if (of == NULL)
        fail(c->line, "%s: %s", c->name, errno == ESTALE
             ? "the weak method is dead" : strerror(errno));
    return of;
}

static struct value
handle_new(enum type type, void *of)
{
    struct handle *h = allocate_object(type, sizeof *h);
    h->of = of;
    return object(h);
}

/* A result of gcweak's as a value. */
static struct value
wrap(const struct call *c, enum type type, void *of)
{
    return handle_new(type, checked_result(c, of));
}

/* Functions of the script as callbacks of gcweak. */

struct callback {
    struct closure *closure;
    struct object *self;
    struct call call;
    bool about_death;
};

static void
call_back(void *callback)
{
    struct callback *cb = callback;
    vm->in_death |= cb->about_death;
    call_closure(cb->closure, cb->self, &cb->call);
}

/* The only way from gcweak into a script.  An error of the script is caught
 * here and handed on with gcw_fail: the next callback runs. */
static void
run_callback(struct closure *closure, struct object *self,
             const struct value *argument, bool about_death)
{
    struct callback cb = {
        closure, self,
        { NULL, closure->function->line, argument != NULL, argument },
        about_death
    };
    if (!attempt(call_back, &cb))
        gcw_fail(vm->error->text);
}

/* Hears of errors in callbacks; `what` is what they were. */
static void
report(void *handle, const char *name, const char *why, void *what)
{
    (void)handle;
    (void)name;
    fprintf(stderr, "toy: %s: %s\n", (char *)what, why);
}

/* Weak references. */

static struct value
weakref(const struct call *c)
{
    return wrap(c, WEAKREF, gcw_ref_new(want_target(c, 0)));
}

/* Weak methods.  The C function is the same for all; what differs, the
 * function of the script, is an object of the heap, and weak as well. */

static void *
hear(struct object *self, struct value *argument, struct closure *closure)
{
    run_callback(closure, self, argument, false);
    return NULL;
}
GCW_METHOD(hear, struct object, struct value, struct closure)

/* A method of the object's class, which the class holds, or a function in a
 * field, which the object holds itself. */
static struct closure *
named_function(const struct call *c)
{
    struct instance *o = (struct instance *)want(c, 0, INSTANCE, "an object");
    struct string *given = (struct string *)c->args[1].as.object;
    struct string *name = symbol(given->text, given->length);
    struct value *box = find_member(o, name);
    if (box == NULL || !is(*box, CLOSURE))
        fail(c->line, "%s has no method %s", o->class->name->text,
             name->text);
    return (struct closure *)box->as.object;
}

static struct value
weakmethod(const struct call *c)
{
    struct closure *closure;
    struct object *self;
    if (c->count == 1) {
        struct bound *b = (struct bound *)want(c, 0, BOUND, "object.method");
        self = b->self;
        closure = b->closure;
    } else {
        self = want_target(c, 0);
        closure = is(c->args[1], STRING) ? named_function(c)
                  : want_function(c, 1);
    }
    return wrap(c, WEAKMETHOD, hear_method_weak(self, closure));
}

/* Calls what the method binds, not the method: so gcweak is not in between,
 * and an error of the script goes straight to the caller. */
static struct value
call_method(const gcw_method *m, const struct call *c)
{
    gcw_bound bound;
    if (!gcw_method_bind(m, &bound))
        return nil();
    return call_closure(bound.data, bound.self, c);
}

struct value
weak_call(struct object *weak, const struct call *c)
{
    void *of = ((struct handle *)weak)->of;
    return weak->type == WEAKREF ? object(gcw_ref_get(of))
           : weak->type == GUARDIAN ? object(gcw_guardian_next(of))
           : call_method(of, c);
}

bool
weak_equal(const struct object *a, const struct object *b)
{
    if (a->type != b->type || (a->type != WEAKREF && a->type != WEAKMETHOD))
        return false;
    const void *x = ((const struct handle *)a)->of;
    const void *y = ((const struct handle *)b)->of;
    return a->type == WEAKREF ? x == y : gcw_method_equal(x, y);
}

static struct value
alive(const struct call *c)
{
    if (is(c->args[0], WEAKREF))
        return truth(gcw_ref_get(want_handle(c, WEAKREF, "")) != NULL);
    if (is(c->args[0], FINALIZER))
        return truth(gcw_cleanup_alive(want_handle(c, FINALIZER, "")));
    return truth(gcw_method_alive(want_handle(c, WEAKMETHOD,
                                              "something weak")));
}

/* Deaths. */

static void
object_died(void *closure)
{
    run_callback(closure, NULL, NULL, true);
}

static struct value
finalize(const struct call *c)
{
    struct object *target = want_target(c, 0);
    return wrap(c, FINALIZER,
                gcw_cleanup_new(target, object_died, want_function(c, 1)));
}

static void
method_died(gcw_method *m, void *closure)
{
    struct value method = handle_new(WEAKMETHOD, m);
    run_callback(closure, NULL, &method, true);
}

/* The end of the program is no death, so that is turned off. */
static struct value
on_death(const struct call *c)
{
    gcw_method *m = want_handle(c, WEAKMETHOD, "a weak method");
    gcw_cleanup *death =
        gcw_method_on_death(m, method_died, want_function(c, 1));
    if (death != NULL && gcw_cleanup_set_atexit(death, false) != 0)
        death = NULL;
    return wrap(c, FINALIZER, death);
}

/* Guardians. */

static struct value
guardian(const struct call *c)
{
    return wrap(c, GUARDIAN, gcw_guardian_new());
}

static struct value
guard(const struct call *c)
{
    gcw_guardian *g = want_handle(c, GUARDIAN, "a guardian");
    if (gcw_guardian_add(g, want_target(c, 1), NULL) != 0)
        checked_result(c, NULL);
    return c->args[1];
}

static struct value
gc(const struct call *c)
{
    (void)c;
    return number((double)gcw_collect());
}

/* The end of the program. */

static void *
at_exit(struct object *self, gcw_exit_info *info, struct closure *closure)
{
    (void)info;
    run_callback(closure, self, NULL, false);
    return NULL;
}
GCW_METHOD(at_exit, struct object, gcw_exit_info, struct closure)

static void
at_exit_function(void *closure)
{
    run_callback(closure, NULL, NULL, false);
}

/* The same two halves once more, with the C function for exit handlers. */
static gcw_exit_handler *
register_method(const gcw_method *m)
{
    gcw_bound bound;
    if (gcw_method_bind(m, &bound))
        return gcw_exit_register(
            gcw_exit_default(), at_exit_method_weak(bound.self, bound.data),
            NULL);
    errno = ESTALE;
    return NULL;
}

static struct value
add_exit_handler(const struct call *c)
{
    gcw_exit_handler *h =
        is(c->args[0], WEAKMETHOD)
        ? register_method(want_handle(c, WEAKMETHOD, ""))
        : gcw_exit_register_fn(gcw_exit_default(), at_exit_function,
                               want_function(c, 0), NULL);
    return wrap(c, EXIT_HANDLER, h);
}

/* Events. */

static struct value
event(const struct call *c)
{
    gcw_event *e = gcw_event_new(NULL);
    if (e != NULL && gcw_event_on_error(e, report, "in a listener") != 0)
        e = NULL;
    return wrap(c, EVENT, e);
}

static void
hear_function(void *argument, void *closure)
{
    run_callback(closure, NULL, argument, false);
}

static struct value
connect(const struct call *c)
{
    gcw_event *e = want_handle(c, EVENT, "an event");
    if (!is(c->args[1], WEAKMETHOD))
        return wrap(c, LISTENER,
                    gcw_event_connect_fn(e, hear_function,
                                         want_function(c, 1), 0));
    gcw_method *m = ((struct handle *)c->args[1].as.object)->of;
    return wrap(c, LISTENER, gcw_event_connect(e, m, 0));
}

static struct value
emit(const struct call *c)
{
    struct value argument = c->count > 1 ? c->args[1] : nil();
    gcw_event *e = want_handle(c, EVENT, "an event");
    return number((double)gcw_event_emit(e, &argument));
}

static struct value
listeners(const struct call *c)
{
    return number((double)gcw_event_count(want_handle(c, EVENT,
                                                      "an event")));
}

/* What finalize, on_death, on_exit and connect gave. */
static struct value
cancel(const struct call *c)
{
    if (is(c->args[0], EXIT_HANDLER))
        return truth(gcw_exit_unregister(want_handle(c, EXIT_HANDLER, ""))
                     == GCW_REMOVED);
    if (is(c->args[0], LISTENER))
        return truth(gcw_listener_disconnect(want_handle(c, LISTENER, "")));
    return truth(gcw_cleanup_detach(want_handle(c, FINALIZER, "a handle")));
}

static struct builtin builtins[] = {
    { { BUILTIN }, "weakref", weakref, 1, 1 },
    { { BUILTIN }, "weakmethod", weakmethod, 1, 2 },
    { { BUILTIN }, "alive", alive, 1, 1 },
    { { BUILTIN }, "finalize", finalize, 2, 2 },
    { { BUILTIN }, "on_death", on_death, 2, 2 },
    { { BUILTIN }, "guardian", guardian, 0, 0 },
    { { BUILTIN }, "guard", guard, 2, 2 },
    { { BUILTIN }, "on_exit", add_exit_handler, 1, 1 },
    { { BUILTIN }, "event", event, 0, 0 },
    { { BUILTIN }, "connect", connect, 2, 2 },
    { { BUILTIN }, "emit", emit, 1, 2 },
    { { BUILTIN }, "listeners", listeners, 1, 1 },
    { { BUILTIN }, "cancel", cancel, 1, 1 },
    { { BUILTIN }, "gc", gc, 0, 0 },
};

void
weak_define(void)
{
    vm_define(builtins, sizeof builtins / sizeof *builtins);
    if (gcw_drain_on_error(report, "in a finalizer") != 0
        || gcw_exit_on_error(gcw_exit_default(), report,
                             "in an exit handler") != 0) {
        perror("toy: gcweak");
        exit(1);
    }
}
