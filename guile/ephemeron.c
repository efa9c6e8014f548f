/* ephemeron.c: single ephemerons, as SRFI 124 has them.
 *
 * A key that never dies, for it is no object of the heap, is none to the
 * library; then there is no handle, and the second slot is the pair of key and
 * datum.
 */
#include "gcweak-guile.h"

static gcw_ephemeron *
new_ephemeron(SCM key, SCM datum)
{
    gcw_ephemeron *e = gcw_ephemeron_new(SCM_UNPACK_POINTER(key),
                                         gcwg_word(datum));

    if (e == NULL)
        gcwg_failed("make-ephemeron");
    scm_remember_upto_here_2(key, datum);
    return e;
}

static SCM
make_ephemeron(SCM key, SCM datum)
{
    if (gcwg_collectable(key))
        return gcwg_wrap(GCWG_EPHEMERON, new_ephemeron(key, datum));
    return gcwg_wrap_place(GCWG_EPHEMERON, NULL,
                           SCM_UNPACK_POINTER(scm_cons(key, datum)));
}

static SCM
ephemeron_p(SCM x)
{
    return scm_from_bool(gcwg_is(GCWG_EPHEMERON, x));
}

/* One of its two, which `get` gives of the library's, `of_pair` of a pair. */
static SCM
half(SCM x, const char *who, void *(*get)(const gcw_ephemeron *e),
     SCM (*of_pair)(SCM pair))
{
    gcw_ephemeron *e = gcwg_handle(GCWG_EPHEMERON, x, 1, who);
    SCM result;

    if (e == NULL)
        return of_pair(SCM_PACK_POINTER(gcwg_place(x)));
    result = gcwg_value_or_false(get(e));
    scm_remember_upto_here_1(x);
    return result;
}

static SCM
ephemeron_key(SCM x)
{
    return half(x, "ephemeron-key", gcw_ephemeron_key, scm_car);
}

static SCM
ephemeron_datum(SCM x)
{
    return half(x, "ephemeron-datum", gcw_ephemeron_value, scm_cdr);
}

static SCM
ephemeron_broken_p(SCM x)
{
    gcw_ephemeron *e = gcwg_handle(GCWG_EPHEMERON, x, 1, "ephemeron-broken?");
    bool broken = e != NULL && gcw_ephemeron_key(e) == NULL;

    scm_remember_upto_here_1(x);
    return scm_from_bool(broken);
}

static const struct gcwg_definition definitions[] = {
    { "make-ephemeron", 2, 0, 0, make_ephemeron },
    { "ephemeron?", 1, 0, 0, ephemeron_p },
    { "ephemeron-key", 1, 0, 0, ephemeron_key },
    { "ephemeron-datum", 1, 0, 0, ephemeron_datum },
    { "ephemeron-broken?", 1, 0, 0, ephemeron_broken_p },
};

void
gcwg_ephemeron_init(void)
{
    GCWG_DEFINE(definitions);
}
