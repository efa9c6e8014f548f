/* debug-explain.c: what keeps an object alive, in words.
 *
 * The chain comes from debug-search.c, and lies on the stack, which holds its
 * objects while they are named.  The library's own objects in it are found by
 * a walk over everything that is registered (walk.c), which compares each
 * object that it meets with the chain: records do not say themselves what they
 * are.  All are named before anything is printed, which is done without a
 * lock.
 *
 * Where the chain leads through an entry of a table of the engine's, from the
 * entry's key to its value, there is a second chain, to the table.
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
#include "marks/engine.h"
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
    struct gcw__table_seen of;       /* the map by an entry of which the step
                                      * leads on; no container: an ephemeron, or
                                      * nobody's table */
};

/* Of the steps of a chain: of `first`, and of `last`. */
struct labels {
    struct label of[2 * GCW__STEPS];
};

struct explanation {
    struct gcw__answer answer;
    struct labels labels, to_table;
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
set_label(struct label *label, const char *what,
          const struct gcw__table_seen *table,
          const struct gcw__entry_seen *entry)
{
    label->what = what;
    label->in_table = table->container != NULL;
    if (label->in_table)
        label->table = *table;
    label->in_entry = entry != NULL;
    if (label->in_entry)
        label->entry = *entry;
}

static void
label_part_in(const struct gcw__chain *chain, struct labels *labels,
              const void *object, const char *what,
              const struct gcw__table_seen *table,
              const struct gcw__entry_seen *entry)
{
    for (size_t i = 0; i < remembered(chain); i++) {
        const struct gcw__step *step = step_at(chain, i);

        if (step->object == object)
            set_label(&labels->of[i], what, table, entry);
        if (step->table == object)
            labels->of[i].of = *table;
    }
}

static void
label_part(const void *object, const char *what,
           const struct gcw__table_seen *table,
           const struct gcw__entry_seen *entry, void *arg)
{
    struct explanation *e = arg;

    label_part_in(&e->answer.chain, &e->labels, object, what, table, entry);
    label_part_in(&e->answer.to_table, &e->to_table, object, what, table,
                  entry);
}

/* Of a table that no map has, what it is. */
static const char *
name_of_table(const void *table)
{
    const struct gcw__weak_table *t = table;

    return gcw__weak_capacity(atomic_load(&t->shape)) == 1
        ? "ephemeron" : "a table that a map has left";
}

static void
label_others(const struct gcw__chain *chain, struct labels *labels)
{
    for (size_t i = 0; i < remembered(chain); i++) {
        const void *object = step_at(chain, i)->object;
        struct label *label = &labels->of[i];

        if (object == gcw__roots)
            label->what = "what the library holds";
        else if (object == gcw__roots->queue)
            label->what = "the default queue of callbacks";
        else if (gcw__shards_keep_is(object))
            label->what = "a table of what waits for deaths";
        else if (gcw__proxies_have(object))
            label->what = "proxy";
        else if (label->what == NULL && gcw__engine_owns(object))
            label->what = name_of_table(object);
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
    label_others(&e->answer.chain, &e->labels);
    label_others(&e->answer.to_table, &e->to_table);
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
        return gcw__refuse_int(EINVAL, "held data", data);
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

/* The entry that the step's word lies in, if the object is a table of the
 * engine's; NULL if it lies in none.  For a word before the entries, `at` wraps,
 * as above. */
static const struct gcw__weak_entry *
entry_at(const struct gcw__step *step)
{
    struct gcw__weak_table *t = (struct gcw__weak_table *)step->object;
    struct gcw__weak_entry *entries;
    uintptr_t shape;
    size_t at;

    if (!gcw__engine_owns(t))
        return NULL;
    shape = atomic_load(&t->shape);
    entries = gcw__weak_entries(t, shape);
    at = step->at - (size_t)((char *)entries - step->object);
    return at / sizeof entries[0] < gcw__weak_capacity(shape)
        ? &entries[at / sizeof entries[0]] : NULL;
}

/* Prints which half of the entry the step's word is, if it lies in one. */
static void
print_half(const struct explanation *e, const struct gcw__step *step)
{
    const struct gcw__weak_entry *entry = entry_at(step);

    if (entry == NULL)
        return;
    if (step->object + step->at == (const char *)&entry->key)
        fputs(", as a key", e->out);
    else if (gcw__has_fallen(atomic_load(&entry->key)))
        fputs(", to be handed out", e->out);
    else
        fprintf(e->out, ", as the value of %p",
                (void *)atomic_load(&entry->key));
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
    print_half(e, step);
}

/* A map, by the seen one if it is one, or what else has that table. */
static void
print_owner(const struct explanation *e, const char *table,
            const struct gcw__table_seen *seen)
{
    if (seen->container != NULL)
        fprintf(e->out, "%s %p", seen->ops->kind, seen->container);
    else
        fprintf(e->out, "%s %p", name_of_table(table), (const void *)table);
}

/* Prints which half of the entry that the object lives by comes next. */
static void
print_entry(const struct explanation *e, const struct gcw__step *step,
            const struct label *label)
{
    const struct gcw__weak_table *t
        = (const struct gcw__weak_table *)step->table;

    fprintf(e->out, ", whose %s in ",
            gcw__weak_sort(atomic_load(&t->shape)) == GCW__VALUES ? "key"
                                                                  : "value");
    print_owner(e, step->table, &label->of);
    fputs(" is", e->out);
}

static void
print_object(const struct explanation *e, const struct gcw__step *step,
             const struct label *label)
{
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
}

static void
print_step(const struct explanation *e, const struct gcw__chain *chain,
           const struct labels *labels, size_t i)
{
    const struct gcw__step *step = step_at(chain, i);

    print_object(e, step, &labels->of[i]);
    if (i != remembered(chain) - 1 && step->table != NULL)
        print_entry(e, step, &labels->of[i]);
    else if (i != remembered(chain) - 1)
        fprintf(e->out, ", at offset %zu", step->at);
    else if (chain == &e->answer.chain)
        fputs(": the target", e->out);
    putc('\n', e->out);
}

static void
print_root(const struct explanation *e, const struct gcw__chain *chain)
{
    /* There are no other roots. */
    switch (chain->root) {  /* GCOVR_EXCL_BR_LINE */
    case GCW__ROOT_UNCOLLECTABLE:
        fputs("uncollectable object", e->out);
        break;
    case GCW__ROOT_STATIC:
        fputs("static data: ", e->out);
        gcw__print_data(e->out, chain->word);
        break;
    case GCW__ROOT_PROGRAM:
        fputs("static data, or the collector in the program, as what a"
              " finalizer is or was given: ", e->out);
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

static void
print_chain(const struct explanation *e, const struct gcw__chain *chain,
            const struct labels *labels)
{
    size_t n = remembered(chain);

    print_root(e, chain);
    for (size_t i = 0; i < n; i++) {
        if (i == GCW__STEPS && chain->length > n)
            fprintf(e->out, "  -> ... %zu more\n", chain->length - n);
        print_step(e, chain, labels, i);
    }
    if (chain->root == GCW__ROOT_STACK)
        fputs("  (perhaps only a variable of who asks, or a stale word)\n",
              e->out);
}

/* Whether the chain leads through a table to half of an entry, rather than from
 * one half to the other. */
static bool
leads_through_table(const struct gcw__chain *chain)
{
    for (size_t i = 0; i + 1 < remembered(chain); i++)
        if (entry_at(step_at(chain, i)) != NULL)
            return true;
    return false;
}

/* The last table by which the chain leads, and what keeps that alive. */
static void
print_to_table(const struct explanation *e)
{
    const struct gcw__chain *chain = &e->answer.to_table;
    size_t last = remembered(chain) - 1;
    const struct label *label = &e->to_table.of[last];

    fputs("  and ", e->out);
    print_owner(e, step_at(chain, last)->object, &label->table);
    fputs(" is kept alive by\n  ", e->out);
    print_chain(e, chain, &e->to_table);
}

static int
print_answer(struct explanation *e)
{
    label_all(e);
    fprintf(e->out, "gcweak: %p is kept alive by\n  ",
            gcw__reveal(e->hidden));
    print_chain(e, &e->answer.chain, &e->labels);
    if (e->answer.to_table.length != 0)
        print_to_table(e);
    if (e->answer.all_held && leads_through_table(&e->answer.chain))
        fputs("  (weak maps hold everything, for they are not told of"
              " collections, or there are\n  toggle references)\n", e->out);
    return (int)e->answer.chain.length;
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

    enum gcw__found found = gcw__search(hidden, &e.answer);
    int length;

    if (found == GCW__NO_MEMORY)
        return gcw__fail_int(ENOMEM);
    gcw__cancel_off();
    length = found == GCW__FOUND ? print_answer(&e) : print_nobody(&e, found);
    gcw__cancel_on();
    return length;
}

static __attribute__((__noinline__)) int
explain_hidden(uintptr_t hidden, uintptr_t caller, FILE *out)
{
    if (gcw__enter_for("gcw_explain") != 0)
        return -1;
    if (out == NULL || !is_object(hidden)) {
        gcw__refused("gcw_explain", EINVAL, "given out, heap target", out,
                     gcw__reveal(hidden));
        return -1;
    }
    gcw__clear_stack();
    return explain(hidden, caller, out);
}

/* The argument is hidden before anything else is done, and the stack of calls
 * that have seen it is cleared, so that this call does not itself keep the
 * target alive.  Nor does the argument's own place, which may lie on the stack
 * behind the caller's frame; the address sanitizer would have it copied. */
GCW__UNCHECKED int
gcw_explain(const void *target, FILE *out)
{
    uintptr_t caller = (uintptr_t)__builtin_frame_address(0);
    uintptr_t hidden = gcw__hide(target);

    GCW__CLEAR(target);
    return explain_hidden(hidden, caller, out);
}

const struct gcw__part gcw__explain_part = {
    "explain", NULL, NULL, NULL, explain_unloading
};
