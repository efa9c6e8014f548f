/* handle.c: the library's handles as foreign objects.
 *
 * The first slot is the handle, which the object keeps alive; the second,
 * where there is one, is what the extension knows of it.  Several objects may
 * stand for one handle: they are equal? then, which gcweak.scm sees to.
 */
#include "gcweak-guile.h"

static const char *const names[GCWG_TYPES] = {
    "<weak-reference>", "<weak-method>", "<cleanup>", "<event>",
    "<listener>", "<hub>", "<exit-registry>", "<exit-handler>",
    "<weak-map>", "<ephemeron>", "<guardian-handle>"
};

static const char *const expected[GCWG_TYPES] = {
    "weak reference", "weak method", "cleanup", "event",
    "listener", "hub", "exit registry", "exit handler",
    "weak map", "ephemeron", "weak guardian"
};

static SCM types[GCWG_TYPES];

SCM
gcwg_wrap(enum gcwg_type type, void *handle)
{
    return scm_make_foreign_object_1(types[type], handle);
}

SCM
gcwg_wrap_place(enum gcwg_type type, void *handle, void *place)
{
    return scm_make_foreign_object_2(types[type], handle, place);
}

bool
gcwg_is(enum gcwg_type type, SCM x)
{
    return SCM_STRUCTP(x) && scm_is_eq(SCM_STRUCT_VTABLE(x), types[type]);
}

void *
gcwg_handle(enum gcwg_type type, SCM x, int position, const char *who)
{
    if (!gcwg_is(type, x))
        scm_wrong_type_arg_msg(who, position, x, expected[type]);
    return scm_foreign_object_ref(x, 0);
}

void *
gcwg_place(SCM x)
{
    return scm_foreign_object_ref(x, 1);
}

static SCM
same_handle(SCM a, SCM b)
{
    return scm_from_bool(scm_foreign_object_ref(a, 0)
                         == scm_foreign_object_ref(b, 0));
}

static const struct gcwg_definition definitions[] = {
    { "%same-handle?", 2, 0, 0, same_handle },
};

static SCM
make_type(const char *name)
{
    SCM slots = scm_list_2(scm_from_utf8_symbol("handle"),
                           scm_from_utf8_symbol("place"));

    return scm_make_foreign_object_type(scm_from_utf8_symbol(name), slots,
                                        NULL);
}

void
gcwg_handle_init(void)
{
    for (int i = 0; i < GCWG_TYPES; i++) {
        types[i] = scm_permanent_object(make_type(names[i]));
        scm_c_define(names[i], types[i]);
    }
    GCWG_DEFINE(definitions);
}
