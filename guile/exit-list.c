/* exit-list.c: the handlers of an exit registry: telling which there are, and
 * taking off many.
 *
 * A procedure is the data of its handler's method, so what equals the method
 * that it would be registered with is what was registered with it.
 */
#include "gcweak-guile.h"

#include <errno.h>

/* How many handlers were taken off. */
static SCM
taken_off(size_t n, const char *who)
{
    if (n == 0 && errno != 0)
        gcwg_failed(who);
    return scm_from_size_t(n);
}

static SCM
unregister_object(SCM object, SCM registry)
{
    static const char who[] = "exit-unregister-object!";
    void *self = gcwg_object(object, 1, who);
    gcw_exit_registry *r = gcwg_handle(GCWG_REGISTRY, registry, 2, who);
    size_t n;

    errno = 0;
    n = gcw_exit_unregister_object(r, self);
    scm_remember_upto_here_2(object, registry);
    return taken_off(n, who);
}

/* The handlers of a dead method have gone already. */
static SCM
unregister_callee(SCM callee, SCM registry)
{
    static const char who[] = "exit-unregister-callee!";
    gcw_exit_registry *r = gcwg_handle(GCWG_REGISTRY, registry, 2, who);
    gcw_method *m;
    size_t n = 0;

    gcwg_check_callee(callee, 1, who);
    errno = 0;
    m = gcwg_handler_method(callee);
    if (m != NULL)
        n = gcw_exit_unregister_method(r, m);
    if (errno == ESTALE)
        errno = 0;
    scm_remember_upto_here_2(callee, registry);
    return taken_off(n, who);
}

static SCM
clear(SCM registry)
{
    static const char who[] = "exit-registry-clear!";
    gcw_exit_registry *r = gcwg_handle(GCWG_REGISTRY, registry, 1, who);
    size_t n;

    errno = 0;
    n = gcw_exit_clear(r);
    scm_remember_upto_here_1(registry);
    return taken_off(n, who);
}

static SCM
pair(const char *name, SCM value)
{
    return scm_cons(scm_from_utf8_symbol(name), value);
}

static SCM
level(long number)
{
    switch (number) {
    case GCW_EXIT_FIRST: return scm_from_utf8_symbol("first");
    case GCW_EXIT_LAST: return scm_from_utf8_symbol("last");
    default: return scm_from_long(number);
    }
}

/* Those of C that have a number only have no handle. */
static SCM
describe(const gcw_exit_entry *entry)
{
    SCM handler = entry->handler == NULL ? SCM_BOOL_F
        : gcwg_wrap(GCWG_HANDLER, entry->handler);
    SCM name = entry->name == NULL ? SCM_BOOL_F
        : scm_from_utf8_string(entry->name);
    SCM age = entry->has_age ? scm_from_uint32(entry->age) : SCM_BOOL_F;

    return scm_list_5(pair("handler", handler), pair("name", name),
                      pair("level", level(entry->level)),
                      pair("running", scm_from_bool(entry->running)),
                      pair("age", age));
}

/* Others may register more between the two calls: then once more. */
static gcw_exit_entry *
entries_of(gcw_exit_registry *r, size_t *n, const char *who)
{
    gcw_exit_entry *entries = NULL;
    size_t room = 0;

    errno = 0;
    while ((*n = gcw_exit_list(r, entries, room)) > room) {
        room = *n + *n / 8;
        entries = scm_gc_malloc(room * sizeof *entries, "gcweak");
    }
    if (*n == 0 && errno != 0)
        gcwg_failed(who);
    return entries;
}

static SCM
handlers(SCM registry)
{
    static const char who[] = "exit-registry-handlers";
    gcw_exit_registry *r = gcwg_handle(GCWG_REGISTRY, registry, 1, who);
    SCM list = SCM_EOL;
    size_t n;
    gcw_exit_entry *entries = entries_of(r, &n, who);

    while (n > 0)
        list = scm_cons(describe(&entries[--n]), list);
    scm_remember_upto_here_1(registry);
    return list;
}

static const struct gcwg_definition definitions[] = {
    { "%exit-unregister-object", 2, 0, 0, unregister_object },
    { "%exit-unregister-callee", 2, 0, 0, unregister_callee },
    { "exit-registry-clear!", 1, 0, 0, clear },
    { "exit-registry-handlers", 1, 0, 0, handlers },
};

void
gcwg_exit_list_init(void)
{
    GCWG_DEFINE(definitions);
}
