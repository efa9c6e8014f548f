/* refuse.c: a call of the program's that fails, in words.
 *
 * The arguments are looked at once more, now that time does not matter, to find
 * the one that is to blame.  What was wrong a moment ago may be right by now, if
 * another thread or a collection came between: then the error alone is told.
 */
#include <config.h>
#include "weak/refuse.h"

#include "collector/collector.h"
#include "collector/objects.h"
#include "collector/threads.h"
#include "ground/code.h"
#include "ground/names.h"
#include "ground/roots.h"
#include "ground/stack.h"
#include "ground/tell.h"
#include "weak/method.h"
#include "weak/read.h"
#include "weak/ref.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Room for a pointer with what it is, and for the code that it may be. */
enum { REASON = GCW__CODE_TEXT + 256 };

struct refusal {
    int error;
    const void *object;              /* of the argument before, or NULL */
    char why[REASON];
};

/* An argument with its name, which is not ended by a 0. */
struct argument {
    const void *value;
    const char *name;
    int length;
};

#define BLAME(r, argument, format, ...)                                     \
    snprintf((r)->why, sizeof (r)->why, "%.*s " format,                     \
             (argument)->length, (argument)->name, __VA_ARGS__)

/* What can be said of an address that leads into no object of the heap. */
static void
describe(struct refusal *r, const struct argument *a)
{
    char code[GCW__CODE_TEXT];

    if (gcw__stack_own((uintptr_t)a->value)) {
        BLAME(r, a, "%p is on this thread's stack", a->value);
    } else if (GC_is_heap_ptr(a->value)) {
        BLAME(r, a, "%p is no heap object: it was freed", a->value);
    } else if (gcw__in_object(a->value)) {
        gcw__code_text(code, sizeof code, (uintptr_t)a->value);
        BLAME(r, a, "%p is no heap object, but static data or code: %s",
              a->value, code);
    } else {
        BLAME(r, a, "%p is no heap object: it was freed, or malloc made it, or"
              " another thread has it on its stack", a->value);
    }
}

/* Each returns whether the argument is to blame; then it has said why. */

static bool
blame_null(struct refusal *r, const struct argument *a)
{
    if (a->value == NULL)
        BLAME(r, a, "is %s", "NULL");
    return a->value == NULL;
}

static bool
blame_heap(struct refusal *r, const struct argument *a)
{
    if (blame_null(r, a))
        return true;
    r->object = gcw__base(a->value);
    if (r->object == NULL)
        describe(r, a);
    return r->object == NULL;
}

static bool
blame_held(struct refusal *r, const struct argument *a)
{
    bool held = gcw__holdable(a->value);

    if (!held)
        BLAME(r, a, "%p leads into the middle of an object, and would not hold"
              " it: the collector follows no such pointers here", a->value);
    return !held;
}

static bool
blame_apart(struct refusal *r, const struct argument *a)
{
    const void *base = gcw__base(a->value);

    if (base == NULL || base != r->object)
        return blame_held(r, a);
    BLAME(r, a, "%p leads into the very object that is to be held weakly, which"
          " would never die", a->value);
    return true;
}

static bool
blame_method(struct refusal *r, const struct argument *a)
{
    const gcw_method *m = a->value;
    gcw_ref *data;

    if (blame_null(r, a))
        return true;
    r->object = gcw__base(gcw__read(m->self));
    data = gcw__method_weak_data(m);
    if (r->error != ESTALE || (r->object != NULL
                               && (data == NULL || gcw__read(data) != NULL)))
        return false;
    BLAME(r, a, "%p is dead: %s has died, or was disposed of", a->value,
          r->object == NULL ? "its object" : "its weak data");
    return true;
}

static bool
blame_open(struct refusal *r, const struct argument *a)
{
    if (blame_null(r, a))
        return true;
    if (r->error == ESTALE)
        BLAME(r, a, "%p was disposed of", a->value);
    return r->error == ESTALE;
}

static const struct {
    const char *word;
    bool (*blame)(struct refusal *r, const struct argument *a);
} sorts[] = {
    { "given", blame_null },
    { "heap", blame_heap },
    { "held", blame_held },
    { "apart", blame_apart },
    { "method", blame_method },
    { "open", blame_open },
};

/* Whether the text begins with the word and a space. */
static bool
begins_with(const char *text, const char *word)
{
    size_t length = strlen(word);

    return strncmp(text, word, length) == 0 && text[length] == ' ';
}

static bool
blame_next(struct refusal *r, const char *word, va_list *values)
{
    const char *name = strchr(word, ' ') + 1;
    struct argument a = { NULL, name, (int)strcspn(name, ",") };

    if (begins_with(word, "number")) {
        BLAME(r, &a, "cannot be %d", va_arg(*values, int));
        return true;
    }
    a.value = va_arg(*values, const void *);
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++)
        if (begins_with(word, sorts[i].word))
            return sorts[i].blame(r, &a);
    return false;
}

/* Finds the first that is to blame.  False: nobody is. */
static bool
find_blame(struct refusal *r, const char *words, va_list *values)
{
    while (*words != '\0') {
        if (begins_with(words, "because")) {
            snprintf(r->why, sizeof r->why, "%s", strchr(words, ' ') + 1);
            return true;
        }
        if (blame_next(r, words, values))
            return true;
        words += strcspn(words, ",");
        words += strspn(words, ", ");
    }
    return false;
}

/* What errors mean, wherever they come from. */
static const struct {
    int error;
    const char *name, *means;
} errors[] = {
    { EINVAL, "", "an argument cannot be that" },
    { EPERM, "EPERM: ", "this thread is not known to the collector: include"
      " <gc.h> with GC_THREADS defined, or call GC_register_my_thread" },
    { ESTALE, "ESTALE: ", "an object has died, or was disposed of" },
    { ESHUTDOWN, "ESHUTDOWN: ", "the process exits, or gcw_shutdown was called" },
    { ENOTSUP, "ENOTSUP: ", "the collector runs in its find-leak mode, which has"
      " no weak links" },
    { EBUSY, "EBUSY: ", "it is in use" },
    { EOVERFLOW, "EOVERFLOW: ", "it was done too often" },
    { EMFILE, "EMFILE: ", "the process has too many open files" },
    { ENFILE, "ENFILE: ", "the system has too many open files" },
    { EAGAIN, "EAGAIN: ", "there is no room for another thread" },
};

enum { N_ERRORS = sizeof errors / sizeof errors[0] };

static void
tell_refusal(const char *function, const struct refusal *r)
{
    size_t i = 0;

    while (i < N_ERRORS && errors[i].error != r->error)
        i++;
    if (i == N_ERRORS)
        gcw__tell(GCW_TOLD_REFUSE, "%s: the system refused something: errno %d",
                  function, r->error);
    else
        gcw__tell(GCW_TOLD_REFUSE, "%s: %s%s", function, errors[i].name,
                  r->why[0] != '\0' ? r->why : errors[i].means);
}

/* The sink may use the collector, also where the thread is refused because it
 * does not know the thread. */
struct told_as_known {
    const char *function;
    const struct refusal *refusal;
};

static void
tell_known(void *arg)
{
    const struct told_as_known *told = arg;

    tell_refusal(told->function, told->refusal);
}

static void
tell_on_any_thread(const char *function, const struct refusal *r)
{
    struct told_as_known told = { function, r };

    if (gcw__known || !atomic_load(&gcw__ready)
        || !gcw__as_known(tell_known, &told))
        tell_refusal(function, r);
}

void
gcw__refused(const char *function, int error, const char *words, ...)
{
    struct refusal r = { .error = error };
    va_list values;

    gcw__tell_install();
    if (function != NULL && error != ENOMEM && gcw__told(GCW_TOLD_REFUSE)) {
        va_start(values, words);
        find_blame(&r, words, &values);
        va_end(values);
        tell_on_any_thread(function, &r);
    }
    errno = error;
}
