/* debug-explain.c: what keeps an object alive, in words.
 *
 * The chain comes from debug-search.c, and lies on the stack, which holds its
 * objects while they are named.  The library's own objects in it are found by
 * a walk over everything that is registered (walk.c), which compares each
 * object that it meets with the chain: records do not say themselves what they
 * are.  All are named before anything is printed, which is done without a
 * lock.
 */
#include <config.h>
#include "debug/debug.h"

#include "collector/objects.h"
#include "debug/debug-search.h"
#include "deliver/cleanup.h"
#include "deliver/drain.h"
#include "event/listeners.h"
#include "ground/code.h"
#include "ground/lock.h"
#include "ground/roots.h"
#include "ground/hidden.h"
#include "ground/names.h"
#include "ground/stack.h"
#include "proxy/proxy.h"
#include "weak/enter.h"
#include "weak/ref.h"

#include <string.h>

/* What is known of an object of the chain. */
struct label {
    const char *what;                /* NULL: nothing */
    bool in_table, in_entry;         /* whether it is part of: */
    struct gcw__table_seen table;
    struct gcw__entry_seen entry;
};

struct explanation {
    struct gcw__chain chain;
    struct label labels[2 * GCW__STEPS];     /* of `first`, and of `last` */
    volatile uintptr_t hidden;       /* the target; volatile, so that it is not
                                      * revealed before the search is over */
    uintptr_t caller;                /* where its frames begin */
    FILE *out;
};

/* The steps that are remembered: `first` and, of a long chain, `last`. */

static size_t
remembered(const struct gcw__chain *chain)
{
    return chain->length < 2 * GCW__STEPS ? chain->length : 2 * GCW__STEPS;
}

static const struct gcw__step *
step_at(const struct gcw__chain *chain, size_t i)
{
    size_t n = remembered(chain);

    return i < GCW__STEPS ? &chain->first[i]
                          : &chain->last[GCW__STEPS - (n - i)];
}

/* Naming the library's own. */

static void
label_part(const void *object, const char *what,
           const struct gcw__table_seen *table,
           const struct gcw__entry_seen *entry, void *arg)
{
    struct explanation *e = arg;

    for (size_t i = 0; i < remembered(&e->chain); i++) {
        struct label *label = &e->labels[i];

        if (step_at(&e->chain, i)->object != object)
            continue;
        label->what = what;
        label->in_table = table->container != NULL;
        if (label->in_table)
            label->table = *table;
        label->in_entry = entry != NULL;
        if (label->in_entry)
            label->entry = *entry;
    }
}

static void
label_others(struct explanation *e)
{
    for (size_t i = 0; i < remembered(&e->chain); i++) {
        const void *object = step_at(&e->chain, i)->object;

        if (object == gcw__roots)
            e->labels[i].what = "what the library holds";
        else if (gcw__shards_keep_is(object))
            e->labels[i].what = "a table of what waits for deaths";
        else if (gcw__proxies_have(object))
            e->labels[i].what = "proxy";
    }
}

static void
pass_table(const struct gcw__table_seen *table, void *arg)
{
    (void)table;
    (void)arg;
}

static void
pass_entry(const struct gcw__entry_seen *entry, void *arg)
{
    (void)entry;
    (void)arg;
}

static void
label_all(struct explanation *e)
{
    static const struct gcw__walker walker = { pass_table, pass_entry,
                                               label_part };

    gcw__walk_containers(&walker, e);
    gcw__walk_cleanups(&walker, e);
    label_others(e);
}

/* Naming the program's own. */

static const char *
name_of_object(const struct gcw__step *step)
{
    struct gcw__hook name = gcw__hook_get(&gcw__roots->name_hook,
                                          &gcw__queue_lock);

    return name.fn == NULL ? NULL
        : ((gcw_name_fn *)name.fn)(step->object, step->size, name.data);
}

int
gcw_explain_name(gcw_name_fn *name, void *data)
{
    if (gcw__enter() != 0)
        return -1;
    if (!gcw__holdable(data))
        return gcw__fail_int(EINVAL);
    gcw__hook_set(&gcw__roots->name_hook, &gcw__queue_lock,
                  (void (*)(void))name, data);
    return 0;
}

static void
explain_unloading(const struct gcw__range *range)
{
    gcw__hook_unload(&gcw__roots->name_hook, &gcw__queue_lock, range);
}

/* Printing. */

static void
print_entry_label(const struct explanation *e, const struct label *label)
{
    const struct gcw__entry_seen *entry = &label->entry;

    fputs(" with ", e->out);
    gcw__print_code(e->out, entry->code);
    if (entry->name != NULL)
        fprintf(e->out, " \"%s\"", entry->name);
    if (entry->target == NULL)
        return;
    fprintf(e->out, ", for %p", (void *)(uintptr_t)entry->target);
    if (gcw__base(entry->target) == gcw__base(gcw__reveal(e->hidden)))
        fputs(" itself", e->out);
}

/* Prints which listener's function the step's word is the data of, if the word
 * lies in a slot of an array of listeners.  For a word before the slots, `at`
 * wraps to a number that is larger than all slots. */
static void
print_slot(const struct explanation *e, const struct gcw__step *step)
{
    const struct gcw__array *array = (const struct gcw__array *)step->object;
    size_t at = step->at - offsetof(struct gcw__array, slots);
    size_t in_slot = at % sizeof array->slots[0];

    if (at / sizeof array->slots[0] >= array->capacity
        || in_slot != offsetof(struct gcw__slot, data))
        return;
    fputs(", as data of ", e->out);
    gcw__print_code(e->out, (uintptr_t)
                    array->slots[at / sizeof array->slots[0]].code);
}

static void
print_label(const struct explanation *e, const struct label *label,
            const struct gcw__step *step)
{
    fputs("gcweak: ", e->out);
    if (!label->in_table || label->table.container != step->object)
        fputs(label->what, e->out);
    if (label->in_entry)
        print_entry_label(e, label);
    if (label->in_table && label->table.container != step->object)
        fputs(" of ", e->out);
    if (label->in_table)
        gcw__print_table_name(e->out, &label->table);
    if (label->in_table && !label->in_entry
        && strcmp(label->what, "listeners") == 0)
        print_slot(e, step);
}

static void
print_step(const struct explanation *e, size_t i)
{
    const struct gcw__step *step = step_at(&e->chain, i);
    const struct label *label = &e->labels[i];
    bool is_last = i == remembered(&e->chain) - 1;
    const char *name;

    fprintf(e->out, "  -> %p, %zu bytes", (void *)step->object, step->size);
    if (label->what != NULL) {
        fputs(", ", e->out);
        print_label(e, label, step);
    } else {
        name = name_of_object(step);
        if (name != NULL)
            fprintf(e->out, ", %s", name);
    }
    if (is_last)
        fputs(": the target", e->out);
    else
        fprintf(e->out, ", at offset %zu", step->at);
    putc('\n', e->out);
}

static void
print_root(const struct explanation *e)
{
    const struct gcw__chain *chain = &e->chain;

    /* There are no other roots. */
    switch (chain->root) {  /* GCOVR_EXCL_BR_LINE */
    case GCW__ROOT_UNCOLLECTABLE:
        fputs("uncollectable object", e->out);
        break;
    case GCW__ROOT_STATIC:
        fputs("static data: ", e->out);
        gcw__print_data(e->out, chain->word);
        break;
    case GCW__ROOT_STACK:
        if (chain->word < e->caller)
            fputs("a register of this thread", e->out);
        else
            fprintf(e->out, "stack of this thread, at %#jx",
                    (uintmax_t)chain->word);
        break;
    case GCW__ROOT_COLLECTOR:
        fputs("the collector itself, as what a finalizer is or was given, or"
              " by chance: ", e->out);
        gcw__print_data(e->out, chain->word);
        break;
    }
    putc('\n', e->out);
}

static int
print_chain(struct explanation *e)
{
    size_t n = remembered(&e->chain);

    label_all(e);
    fprintf(e->out, "gcweak: %p is kept alive by\n  ",
            gcw__reveal(e->hidden));
    print_root(e);
    for (size_t i = 0; i < n; i++) {
        if (i == GCW__STEPS && e->chain.length > n)
            fprintf(e->out, "  -> ... %zu more\n", e->chain.length - n);
        print_step(e, i);
    }
    if (e->chain.root == GCW__ROOT_STACK)
        fputs("  (perhaps only a variable of who asks, or a stale word)\n",
              e->out);
    return (int)e->chain.length;
}

static int
print_nobody(const struct explanation *e, enum gcw__found found)
{
    fprintf(e->out, "gcweak: %p: nobody was found who keeps it alive, ",
            gcw__reveal(e->hidden));
    if (found == GCW__NOT_MARKED) {
        fputs("nor did the collector find anybody: it is dead\n", e->out);
        return 0;
    }
    fputs(found == GCW__NOT_FOUND
              ? "but the collector knows somebody\n"
              : "and whether the collector knows somebody cannot be told, for"
                " it\n  collects bit by bit, or not at all\n", e->out);
    fputs("  Not looked at: stacks and registers of other threads, thread-local"
          " variables,\n  roots that the program gave to the collector by"
          " itself", e->out);
    if (GC_get_no_dls())
        fputs(", static data (GC_set_no_dls)", e->out);
    fputs("\n", e->out);
    return 0;
}

static __attribute__((__noinline__)) bool
is_object(uintptr_t hidden)
{
    return gcw__base(gcw__reveal(hidden)) != NULL;
}

static __attribute__((__noinline__)) int
explain(uintptr_t hidden, uintptr_t caller, FILE *out)
{
    struct explanation e = { .hidden = hidden, .caller = caller, .out = out };

    enum gcw__found found = gcw__search(hidden, &e.chain);
    int length;

    if (found == GCW__NO_MEMORY)
        return gcw__fail_int(ENOMEM);
    gcw__cancel_off();
    length = found == GCW__FOUND ? print_chain(&e) : print_nobody(&e, found);
    gcw__cancel_on();
    return length;
}

static __attribute__((__noinline__)) int
explain_hidden(uintptr_t hidden, uintptr_t caller, FILE *out)
{
    if (gcw__enter() != 0)
        return -1;
    if (out == NULL || !is_object(hidden))
        return gcw__fail_int(EINVAL);
    gcw__clear_stack();
    return explain(hidden, caller, out);
}

/* The argument is hidden before anything else is done, and the stack of calls
 * that have seen it is cleared, so that this call does not itself keep the
 * target alive. */
int
gcw_explain(const void *target, FILE *out)
{
    uintptr_t caller = (uintptr_t)__builtin_frame_address(0);
    uintptr_t hidden = gcw__hide(target);

    target = NULL;
    GCW__KEEP(target);
    return explain_hidden(hidden, caller, out);
}

const struct gcw__part gcw__explain_part = {
    "explain", NULL, NULL, NULL, explain_unloading
};
