/* method.c: weak references and weak methods.
 *
 * The first slot of a method's object is the library's method, the second its
 * procedure, if that is held strongly.  The method of the library calls as an
 * event does; a hub and an exit registry, which call in other ways, get
 * methods of their own with the same parts.
 *
 * Calling a method from Scheme goes through none of the library's frames:
 * gcweak.scm asks for the parts, and calls.
 */
#include "gcweak-guile.h"

#include <errno.h>

static SCM
make_weak_reference(SCM object, SCM is_long)
{
    static const char who[] = "make-weak-reference";
    void *target = gcwg_object(object, 1, who);
    gcw_ref *ref = scm_is_true(is_long) ? gcw_ref_new_long(target)
        : gcw_ref_new(target);

    if (ref == NULL)
        gcwg_failed(who);
    return gcwg_wrap(GCWG_REFERENCE, ref);
}

static SCM
weak_reference_p(SCM x)
{
    return scm_from_bool(gcwg_is(GCWG_REFERENCE, x));
}

static SCM
object_or_false(void *object)
{
    return object == NULL ? SCM_BOOL_F : SCM_PACK_POINTER(object);
}

static SCM
weak_reference_value(SCM x)
{
    return object_or_false(gcw_ref_get(
        gcwg_handle(GCWG_REFERENCE, x, 1, "weak-reference-value")));
}

/* Methods. */

static void
call_in_place(struct gcwg_call call)
{
    gcwg_call_anywhere(&call);
    if (!call.returned)
        gcwg_give_up(&call);
}

void *
gcwg_call_method(void *self, void *arguments, void *procedure)
{
    call_in_place((struct gcwg_call){
        .procedure = SCM_PACK_POINTER(procedure),
        .object = self, .arguments = SCM_PACK_POINTER(arguments)
    });
    return NULL;
}

void
gcwg_call_function(void *arguments, void *procedure)
{
    call_in_place((struct gcwg_call){
        .procedure = SCM_PACK_POINTER(procedure),
        .arguments = SCM_PACK_POINTER(arguments)
    });
}

static gcw_method *
new_method(void *self, gcw_method_fn *fn, void *procedure, bool weak)
{
    return weak ? gcw_method_new_weak(self, fn, procedure)
        : gcw_method_new(self, fn, procedure);
}

gcw_method *
gcwg_method_with(SCM x, gcw_method_fn *fn)
{
    gcw_method *m = scm_foreign_object_ref(x, 0), *other;
    gcw_bound bound;

    if (!gcw_method_bind(m, &bound)) {
        errno = ESTALE;
        return NULL;
    }
    other = new_method(bound.self, fn, bound.data, gcwg_place(x) == NULL);
    scm_remember_upto_here_2(SCM_PACK_POINTER(bound.self),
                             SCM_PACK_POINTER(bound.data));
    return other;
}

/* A procedure that never dies need not be held weakly, nor can it be. */
static SCM
make_weak_method(SCM object, SCM procedure, SCM weak)
{
    static const char who[] = "make-weak-method";
    bool is_weak = !SCM_UNBNDP(weak) && scm_is_true(weak)
                   && gcwg_collectable(procedure);
    void *self = gcwg_object(object, 1, who);
    void *data = SCM_UNPACK_POINTER(procedure);
    gcw_method *m;

    gcwg_check_procedure(procedure, 2, who);
    if (!is_weak && data == self)
        scm_misc_error(who, "The procedure is the object itself: ~S",
                       scm_list_1(object));
    m = new_method(self, gcwg_call_method, data, is_weak);
    if (m == NULL)
        gcwg_failed(who);
    scm_remember_upto_here_2(object, procedure);
    return gcwg_wrap_place(GCWG_METHOD, m, is_weak ? NULL : data);
}

static SCM
weak_method_p(SCM x)
{
    return scm_from_bool(gcwg_is(GCWG_METHOD, x));
}

static bool
bind(SCM x, const char *who, gcw_bound *out)
{
    return gcw_method_bind(gcwg_handle(GCWG_METHOD, x, 1, who), out);
}

static gcw_bound
bind_live(SCM x)
{
    gcw_bound bound;

    if (!bind(x, "weak-method-call", &bound)) {
        errno = ESTALE;
        gcwg_failed("weak-method-call");
    }
    return bound;
}

static SCM
method_self(SCM x)
{
    return SCM_PACK_POINTER(bind_live(x).self);
}

/* Of a method whose object is live. */
static SCM
method_procedure(SCM x)
{
    void *procedure = gcwg_place(x);

    return SCM_PACK_POINTER(procedure != NULL ? procedure
                            : bind_live(x).data);
}

/* The object and the procedure. */
static SCM
method_parts(SCM x)
{
    gcw_bound bound;

    if (!bind(x, "weak-method-bind", &bound))
        return SCM_BOOL_F;
    return scm_cons(SCM_PACK_POINTER(bound.self),
                    SCM_PACK_POINTER(bound.data));
}

/* What call-with-live calls with; the other arguments are for the check. */
static SCM
live(SCM x, SCM procedure, SCM when_dead)
{
    static const char who[] = "call-with-live";
    gcw_bound bound;

    gcwg_check_procedure(procedure, 2, who);
    if (!scm_is_false(when_dead))
        gcwg_check_procedure(when_dead, 3, who);
    if (gcwg_is(GCWG_REFERENCE, x))
        return weak_reference_value(x);
    if (!gcwg_is(GCWG_METHOD, x))
        scm_wrong_type_arg_msg(who, 1, x, "weak method or weak reference");
    bind(x, who, &bound);
    return object_or_false(bound.self);
}

static SCM
weak_method_alive_p(SCM x)
{
    gcw_bound bound;

    return scm_from_bool(bind(x, "weak-method-alive?", &bound));
}

static SCM
weak_method_equal_p(SCM a, SCM b)
{
    static const char who[] = "weak-method=?";

    return scm_from_bool(gcw_method_equal(
        gcwg_handle(GCWG_METHOD, a, 1, who),
        gcwg_handle(GCWG_METHOD, b, 2, who)));
}

static SCM
weak_method_hash(SCM x, SCM size)
{
    static const char who[] = "weak-method-hash";
    gcw_method *m = gcwg_handle(GCWG_METHOD, x, 1, who);
    size_t n = gcwg_count(size, 2, who);

    if (n == 0)
        scm_out_of_range(who, size);
    return scm_from_size_t(gcw_method_hash(m) % n);
}

static const struct gcwg_definition definitions[] = {
    { "%make-weak-reference", 2, 0, 0, make_weak_reference },
    { "weak-reference?", 1, 0, 0, weak_reference_p },
    { "weak-reference-value", 1, 0, 0, weak_reference_value },
    { "%make-weak-method", 2, 1, 0, make_weak_method },
    { "weak-method?", 1, 0, 0, weak_method_p },
    { "%method-self", 1, 0, 0, method_self },
    { "%method-procedure", 1, 0, 0, method_procedure },
    { "%method-parts", 1, 0, 0, method_parts },
    { "%live", 3, 0, 0, live },
    { "weak-method-alive?", 1, 0, 0, weak_method_alive_p },
    { "weak-method=?", 2, 0, 0, weak_method_equal_p },
    { "weak-method-hash", 2, 0, 0, weak_method_hash },
};

void
gcwg_method_init(void)
{
    GCWG_DEFINE(definitions);
}
