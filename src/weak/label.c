/* label.c: names of handles.
 *
 * There may be millions of listeners and cleanups, nearly all without a name,
 * so a handle has no room for one.  Its name is a watch on the handle itself:
 * found by the handle, as all that watches it; held as long as that is alive,
 * and dropped when it has died.  A program that names nothing pays for
 * nothing: not even a look.
 *
 * Two threads that name one handle for the first time make two such watches.
 * The newer one counts from then on.
 */
#include <config.h>
#include "weak/label.h"

#include "ground/memory.h"
#include "ground/text.h"
#include "weak/enter.h"

struct label {
    struct gcw__watch watch;
    char *_Atomic text;              /* NULL: it was taken away */
};

/* There is nothing to be done. */
static bool
labelled_died(struct gcw__watch *watch, bool may_wait)
{
    (void)watch, (void)may_wait;
    return true;
}

static const struct gcw__watch_ops label_ops = { .died = labelled_died };

/* Whether there was ever a label. */
static atomic_bool any_label;

static struct label *
label_of(const void *handle)
{
    void *base = (void *)(uintptr_t)handle;

    if (!atomic_load_explicit(&any_label, memory_order_acquire))
        return NULL;
    return (struct label *)gcw__shard_find_watch(base, false, &label_ops);
}

static int
make_label(void *handle, char *text)
{
    struct label *label = gcw__new(sizeof *label);

    if (label == NULL)
        return ENOMEM;
    label->watch.ops = &label_ops;
    atomic_init(&label->text, text);
    atomic_store_explicit(&any_label, true, memory_order_release);
    return gcw__death_watch_new(handle, handle, &label->watch) == NULL ? errno
                                                                       : 0;
}

/* Gives the handle a name, in the place of any other.  Returns 0 or an errno. */
static int
set_name(void *handle, const char *name)
{
    char *text = name == NULL ? NULL : gcw__copy(name);
    struct label *label;

    if (text == NULL && name != NULL)
        return ENOMEM;
    label = label_of(handle);
    if (label != NULL)
        atomic_store_explicit(&label->text, text, memory_order_release);
    else if (text != NULL)
        return make_label(handle, text);
    return 0;
}

const char *
gcw__label_of(const void *handle)
{
    struct label *label = label_of(handle);

    return label == NULL ? NULL : atomic_load_explicit(&label->text,
                                                       memory_order_acquire);
}

/* False with errno. */
static bool
may_be_named(const char *function, const char *words, const void *handle)
{
    if (gcw__enter_for(function) != 0)
        return false;
    if (handle == NULL)
        gcw__refused(function, EINVAL, words, handle);
    return handle != NULL;
}

int
gcw__label_set(const char *function, const char *words, void *handle,
               const char *name)
{
    int error;

    if (!may_be_named(function, words, handle))
        return -1;
    error = set_name(handle, name);
    return error == 0 ? 0 : gcw__fail_int(error);
}

const char *
gcw__label_get(const char *function, const char *words, const void *handle)
{
    return may_be_named(function, words, handle) ? gcw__label_of(handle) : NULL;
}
