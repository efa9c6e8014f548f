/* failure.c: telling of callbacks that failed.
 *
 * A call that failed for the library is given up with gcw_fail, so that the
 * library counts it, and knows which handle it was; the place's hook then
 * hears of it.  What was thrown travels as the reason: `why` is the beginning
 * of a record that has the rest.  The hook knows the record by its address,
 * which this thread has kept; any other reason is from a callback that is not
 * ours, but lies in the same registry.
 *
 * A call that Scheme has made is reported with gcw_call_failed, and then
 * Scheme tells of it itself, so that an error handler too is an ordinary call:
 * there the hook only notes that it was asked.
 */
#include "gcweak-guile.h"

#include <stdio.h>
#include <stdlib.h>

enum { WHY = 80 };

struct failure {
    char why[WHY];
    SCM procedure, key, details;
};

/* The last that this thread gave up with.  Until the hook has run, the
 * library's frames hold it. */
static _Thread_local const struct failure *last;

struct gcwg_place *
gcwg_place_new(const char *what, SCM name)
{
    struct gcwg_place *place = scm_gc_malloc(sizeof *place, "gcweak");

    place->what = scm_from_utf8_string(what);
    place->name = name;
    atomic_init(&place->handler, SCM_UNPACK(SCM_BOOL_F));
    atomic_init(&place->has_limit, false);
    return place;
}

void
gcwg_place_set_handler(struct gcwg_place *place, SCM handler, int position,
                       const char *who)
{
    if (!scm_is_false(handler) && scm_is_false(scm_procedure_p(handler)))
        scm_wrong_type_arg_msg(who, position, handler, "procedure or #f");
    atomic_store(&place->handler, SCM_UNPACK(handler));
}

SCM
gcwg_set_handler(enum gcwg_type type, SCM x, SCM handler, const char *who)
{
    gcwg_handle(type, x, 1, who);
    gcwg_place_set_handler(gcwg_place(x), handler, 2, who);
    return SCM_UNSPECIFIED;
}

/* For hooks that are not ours. */
static void
tell_why(char why[WHY], SCM key)
{
    char *text = scm_to_utf8_string(scm_object_to_string(key,
                                                         SCM_UNDEFINED));

    snprintf(why, WHY, "it threw %s", text);
    free(text);
}

static void *
make_failure(void *arg)
{
    const struct gcwg_call *call = arg;
    struct failure *failure = scm_gc_malloc(sizeof *failure, "gcweak");

    tell_why(failure->why, call->key);
    failure->procedure = call->procedure;
    failure->key = call->key;
    failure->details = call->details;
    return failure;
}

void
gcwg_give_up(const struct gcwg_call *call)
{
    last = scm_with_guile(make_failure, (void *)call);
    gcw_fail(last->why);
}

static SCM reporter;

/* In Guile mode; what fails here is ignored. */
static void
report(const struct gcwg_place *place, SCM name,
       const struct gcwg_call *failed)
{
    struct gcwg_call call = {
        .procedure = reporter,
        .arguments = scm_list_4(place->what, name, failed->key,
                                failed->details)
    };

    gcwg_call(&call);
}

void
gcwg_tell(const struct gcwg_place *place, SCM handle, SCM name,
          const struct gcwg_call *failed)
{
    SCM handler = SCM_PACK(atomic_load(&place->handler));
    struct gcwg_call call = {
        .procedure = handler,
        .arguments = scm_list_3(handle, failed->key, failed->details)
    };

    if (scm_is_false(handler))
        report(place, name, failed);
    else
        gcwg_call(&call);
}

struct news {
    enum gcwg_type type;
    void *handle;
    const char *name, *why;
    const struct gcwg_place *place;
};

/* What the hook has noted, for a failure of this thread that Scheme tells of;
 * NULL: it tells of all itself. */
static _Thread_local struct news *noted;

/* Of a callback that is not ours. */
static struct gcwg_call
foreign(const char *why)
{
    SCM text = scm_from_utf8_string(why == NULL ? "no reason given" : why);

    return (struct gcwg_call){
        .key = scm_from_utf8_symbol("misc-error"),
        .details = scm_list_4(SCM_BOOL_F, scm_from_utf8_string("~A"),
                              scm_list_1(text), SCM_BOOL_F)
    };
}

/* What is named in the report.  The name of a procedure is long in finding, so
 * it is only asked for here. */
static SCM
name_of(const struct news *news, bool ours)
{
    if (news->type == GCWG_LISTENER)
        return news->place->name;
    if (news->name != NULL)
        return scm_from_utf8_string(news->name);
    return ours ? scm_procedure_name(last->procedure) : SCM_BOOL_F;
}

static void *
tell_news(void *arg)
{
    const struct news *news = arg;
    bool ours = last != NULL && news->why == last->why;
    SCM name = name_of(news, ours);
    struct gcwg_call failed = ours
        ? (struct gcwg_call){ .key = last->key, .details = last->details }
        : foreign(news->why);

    last = NULL;
    gcwg_tell(news->place, gcwg_wrap(news->type, news->handle), name,
              &failed);
    return NULL;
}

static void
hear(struct news *news)
{
    if (noted != NULL)
        *noted = *news;
    else
        gcwg_outside_anywhere(tell_news, news);
}

void
gcwg_listener_failed(void *handle, const char *name, const char *why,
                     void *place)
{
    struct news news = { GCWG_LISTENER, handle, NULL, why, place };

    (void)name;
    hear(&news);
}

void
gcwg_handler_failed(void *handle, const char *name, const char *why,
                    void *place)
{
    struct news news = { GCWG_HANDLER, handle, name, why, place };

    hear(&news);
}

static SCM
news_for_scheme(const struct gcwg_place *place, SCM name, SCM handle)
{
    return scm_list_4(place->what, name,
                      SCM_PACK(atomic_load(&place->handler)), handle);
}

/* The procedure's name, if there is no other. */
static SCM
news_of_call(const struct gcwg_steps *steps, const struct news *news)
{
    SCM name = scm_procedure_name(steps->procedure);

    if (news->type == GCWG_LISTENER)
        name = news->place->name;
    else if (news->name != NULL)
        name = scm_from_utf8_string(news->name);
    return news_for_scheme(news->place, name,
                           gcwg_wrap(news->type, news->handle));
}

SCM
gcwg_news(const struct gcwg_steps *steps, SCM key)
{
    struct news news = { .place = NULL };
    char why[WHY];

    if (steps->call == NULL)
        return news_for_scheme(gcwg_cleanups,
                               scm_procedure_name(steps->procedure),
                               steps->handle);
    tell_why(why, key);
    noted = &news;
    gcw_call_failed(steps->call, why);
    noted = NULL;
    return news.place == NULL ? SCM_BOOL_F : news_of_call(steps, &news);
}

static SCM
set_reporter(SCM procedure)
{
    reporter = scm_permanent_object(procedure);
    return SCM_UNSPECIFIED;
}

/* Of an event, a hub or a registry. */
static SCM
place_name(SCM x)
{
    return ((const struct gcwg_place *)gcwg_place(x))->name;
}

static const struct gcwg_definition definitions[] = {
    { "%place-name", 1, 0, 0, place_name },
    { "%set-reporter!", 1, 0, 0, set_reporter },
};

void
gcwg_failure_init(void)
{
    GCWG_DEFINE(definitions);
}
