/* way.c: short references, whichever way they hold their targets, and what is
 * special of marks: when the collector's event is missing, collections are given
 * up, or no kind is left (src/weak/way.h).
 *
 * Each is a process of its own, for the way is chosen when the library starts.
 */
#include <config.h>

#include "support.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <gc/gc_mark.h>

#include "log.h"
#include "thread.h"
#include <gcweak/debug.h>
#include <gcweak/ephemeron.h>
#include <gcweak/guardian.h>
#include <gcweak/map.h>

enum { ROUNDS = 50, FEW = 50, STEPS = 40, CROWD = 100000 };

/* In uncollectable memory, which is not freed. */
struct herd {
    gcw_ref *refs[MANY];
    gcw_method *methods[MANY];
    gcw_cleanup *cleanups[MANY];
    struct target *held[MANY];       /* first all, then those whose number is
                                      * even */
    uintptr_t hidden[MANY];          /* where each is */
    uint64_t ids[MANY];
    bool dead[MANY];
    atomic_int calls[MANY];          /* of cleanups */
};

static gcw_statistics
statistics(void)
{
    gcw_statistics s = { .size = sizeof s };

    gcw_stats(&s);
    return s;
}

static bool
is_held(size_t i)
{
    return i % 2 == 0;
}

static void
count_call(void *calls)
{
    atomic_fetch_add((atomic_int *)calls, 1);
}

static void *
nothing(void *self, void *arg, void *data)
{
    (void)arg, (void)data;
    return self;
}

static void
add_target(struct herd *h, size_t i)
{
    struct target *t = target_new(i);

    h->refs[i] = gcw_ref_new(t);
    h->methods[i] = gcw_method_new(t, nothing, NULL);
    h->cleanups[i] = gcw_cleanup_new(t, count_call, &h->calls[i]);
    MUST(h->refs[i] != NULL && h->methods[i] != NULL
         && h->cleanups[i] != NULL);
    h->ids[i] = gcw_ref_id(h->refs[i]);
    h->hidden[i] = ~(uintptr_t)t;
    h->held[i] = t;
}

static void
fill(void *herd)
{
    for (size_t i = 0; i < MANY; i++)
        add_target(herd, i);
}

static void
drop_all(struct herd *h)
{
    memset(h->held, 0, sizeof h->held);
}

static void
drop_some(struct herd *h)
{
    for (size_t i = 0; i < MANY; i++)
        if (!is_held(i))
            h->held[i] = NULL;
}

/* A few of each herd stay, so that chunks do. */
static void
pass_by(void *herd)
{
    struct herd *h = herd;

    fill(h);
    for (size_t i = 0; i < MANY; i++)
        if (i % FEW != 0)
            h->held[i] = NULL;
}

/* Without a collection. */
static struct herd *
herd_new(void)
{
    struct herd *h = GC_MALLOC_UNCOLLECTABLE(sizeof *h);

    MUST(h != NULL);
    GC_disable();
    in_dead_frame(fill, h);
    drop_some(h);
    GC_enable();
    return h;
}

/* What a reference leads to is what it was made for. */
static bool
is_intact(struct target *t, size_t i)
{
    return GC_base(t) == t && t->magic == MAGIC && t->number == i;
}

/* Notes who is dead; nothing dangles. */
static size_t
look(struct herd *h)
{
    size_t dead = 0;

    for (size_t i = 0; i < MANY; i++) {
        struct target *t = gcw_ref_get(h->refs[i]);
        gcw_bound bound;

        h->dead[i] = t == NULL;
        dead += h->dead[i];
        MUST(t == NULL || is_intact(t, i));
        MUST(t != NULL || !gcw_method_bind(h->methods[i], &bound));
    }
    return dead;
}

/* The cleanups of the dead run once, and of nobody else. */
static void
check_cleanups(struct herd *h)
{
    (void)look(h);
    gcw_drain(0);
    for (size_t i = 0; i < MANY; i++) {
        int calls = atomic_load(&h->calls[i]);

        MUST(calls <= 1);
        MUST(calls == 1 || !h->dead[i]);
        MUST(calls == 0 || gcw_ref_get(h->refs[i]) == NULL);
    }
}

static void
check_living(struct herd *h)
{
    (void)look(h);
    for (size_t i = 0; i < MANY; i++) {
        MUST(!is_held(i) || !h->dead[i]);
        MUST(!is_held(i) || gcw_ref_new(h->held[i]) == h->refs[i]);
    }
}

/* Exactly those have died that nobody holds. */
static void
check_deaths(struct herd *h)
{
    check_living(h);
    MUST(nearly_all(look(h), MANY / 2));
    check_cleanups(h);
}

/* Takes the memory of the dead, without a collection. */
static void
reuse_memory(void *unused)
{
    (void)unused;
    GC_disable();
    for (size_t i = 0; i < 4 * MANY; i++)
        memset(GC_MALLOC(sizeof(struct target)), 0x77, sizeof(struct target));
    GC_enable();
}

static bool
is_by_marks(void)
{
    gcw_ref *ref = gcw_ref_new(lasting_target(0));

    return ref != NULL && statistics().link_pages == 0;
}

static void
begin_with(const char *refs)
{
    if (refs != NULL)
        setenv("GCWEAK_REFS", refs, 1);
    else
        unsetenv("GCWEAK_REFS");
    MUST(gcw_init() == 0);
}

static void
begin_by_marks(void)
{
    begin_with(NULL);
    MUST(is_by_marks());
}

/* --- the start --- */

static void
hear_event(void *arg, void *word)
{
    (void)arg;
    note(word);
}

static void
check_events(void)
{
    gcw_event *e = gcw_event_new("event");

    forget();
    MUST(gcw_event_connect_fn(e, hear_event, "heard", 0) != NULL);
    gcw_event_emit(e, NULL);
    MUST(strcmp(noted(), "heard") == 0);
}

static void
check_all(void)
{
    struct herd *h = herd_new();

    check_living(h);
    for (int i = 0; i < 2; i++) {
        collect();
        in_dead_frame(reuse_memory, NULL);
        check_deaths(h);
    }
    check_events();
}

END(all_is_by_marks_if_nothing_is_said, 0, "")
{
    begin_by_marks();
    check_all();
}

END(all_is_by_links_if_that_is_said, 0, "")
{
    begin_with("links");
    MUST(!is_by_marks());
    check_all();
}

END(another_word_means_nothing, 0, "")
{
    begin_with("link");
    MUST(is_by_marks());
}

/* --- toggle references --- */

static GC_ToggleRefStatus GC_CALLBACK
keep_strong(void *object)
{
    (void)object;
    return GC_TOGGLE_REF_STRONG;
}

static void
toggle_all(void *herd)
{
    struct herd *h = herd;

    fill(h);
    for (size_t i = 0; i < MANY; i++)
        MUST(GC_toggleref_add((void *)~h->hidden[i], 1) == GC_SUCCESS);
    drop_all(h);
}

static struct herd *
herd_of_toggles(void)
{
    struct herd *h = GC_MALLOC_UNCOLLECTABLE(sizeof *h);

    in_dead_frame(toggle_all, h);
    return h;
}

END(what_a_toggle_reference_holds_keeps_its_reference, 0, "")
{
    struct herd *h;

    GC_INIT();
    GC_set_toggleref_func(keep_strong);
    begin_with(NULL);
    MUST(!is_by_marks());
    h = herd_of_toggles();
    for (int i = 0; i < 3; i++) {
        collect();
        in_dead_frame(reuse_memory, NULL);
        MUST(look(h) == 0);
        check_cleanups(h);
    }
}

/* The engine asks when it makes a chunk. */
END(so_it_does_if_they_came_later, 0, "")
{
    struct herd *h;

    begin_by_marks();
    GC_set_toggleref_func(keep_strong);
    MUST(gcw_map_new(GCW_WEAK_KEYS) != NULL);
    h = herd_of_toggles();
    for (int i = 0; i < 3; i++) {
        collect();
        in_dead_frame(reuse_memory, NULL);
        MUST(look(h) == 0);
    }
}

/* --- finalizers --- */

static void GC_CALLBACK
wake_nobody(void)
{
}

/* A finalizer of the library's own catches up with what was missed, and has the
 * library put its event back. */
static struct {
    int on_demand;
    GC_finalizer_notifier_proc notifier;
} finalizing;

static void
put_finalizers_off(void)
{
    finalizing.on_demand = GC_get_finalize_on_demand();
    finalizing.notifier = GC_get_finalizer_notifier();
    GC_set_finalize_on_demand(1);
    GC_set_finalizer_notifier(wake_nobody);
}

static void
let_finalizers_run(void)
{
    GC_set_finalize_on_demand(finalizing.on_demand);
    GC_set_finalizer_notifier(finalizing.notifier);
}

/* --- the event is taken before marking begins --- */

static size_t heard;

static void GC_CALLBACK
keep_to_oneself(GC_EventType event)
{
    heard += event == GC_EVENT_MARK_END;
}

static GC_on_collection_event_proc
steal_event(void)
{
    GC_on_collection_event_proc before = GC_get_on_collection_event();

    GC_set_on_collection_event(keep_to_oneself);
    return before;
}

/* Who looks has the library put its own back: so it is stolen each time. */
END(all_live_on_while_the_event_is_stolen, 0, "")
{
    struct herd *h;

    begin_by_marks();
    put_finalizers_off();
    h = herd_new();
    for (int i = 0; i < 4; i++) {
        GC_on_collection_event_proc before = steal_event();

        GC_gcollect();
        clear_stack();
        GC_gcollect();
        in_dead_frame(reuse_memory, NULL);
        GC_set_on_collection_event(before);
        MUST(look(h) == 0);
        check_cleanups(h);
    }
    let_finalizers_run();
    collect();
    in_dead_frame(reuse_memory, NULL);
    check_deaths(h);
}

/* Those made after the first collection, in which old pages are written to. */
END(so_do_those_that_were_made_meanwhile, 0, "")
{
    struct herd *herds[4];
    GC_on_collection_event_proc before;

    begin_by_marks();
    put_finalizers_off();
    before = steal_event();
    for (int i = 0; i < 4; i++) {
        herds[i] = herd_new();
        steal_event();
        GC_gcollect();
        steal_event();
        in_dead_frame(reuse_memory, NULL);
        for (int j = 0; j <= i; j++)
            MUST(look(herds[j]) == 0);
        steal_event();
    }
    GC_set_on_collection_event(before);
    let_finalizers_run();
    collect();
    for (int i = 0; i < 4; i++)
        check_deaths(herds[i]);
}

/* The thief is heard first, and keeps hearing. */
END(the_library_takes_its_event_back, 0, "")
{
    struct herd *h;
    size_t before;

    begin_by_marks();
    h = herd_new();
    steal_event();
    GC_gcollect();
    in_dead_frame(reuse_memory, NULL);
    MUST(look(h) == 0);
    before = heard;
    collect();
    in_dead_frame(reuse_memory, NULL);
    MUST(heard > before);
    check_deaths(h);
}

/* --- the end of marking is withheld --- */

static GC_on_collection_event_proc heard_before;

/* That the world goes on is passed on. */
static void GC_CALLBACK
withhold_end(GC_EventType event)
{
    if (event != GC_EVENT_MARK_END)
        heard_before(event);
}

static void GC_CALLBACK
withhold_more(GC_EventType event)
{
    if (event != GC_EVENT_MARK_END && event != GC_EVENT_PRE_START_WORLD)
        heard_before(event);
}

/* Something was allocated before, or else a stop cannot be told from another.  Of
 * the first `thief` withholds the end, of others all is withheld; what has died
 * in one is other objects in the next. */
static void
miss_collections(int n, GC_on_collection_event_proc thief)
{
    MUST(GC_MALLOC(16) != NULL);
    heard_before = GC_get_on_collection_event();
    GC_set_on_collection_event(thief);
    for (int i = 0; i < n; i++) {
        clear_stack();
        GC_gcollect();
        in_dead_frame(reuse_memory, NULL);
        GC_set_on_collection_event(keep_to_oneself);
    }
    GC_set_on_collection_event(heard_before);
}

/* The first call after that. */

static void
read_one(struct herd *h)
{
    (void)gcw_ref_get(h->refs[1]);
}

static void
bind_one(struct herd *h)
{
    gcw_bound bound;

    (void)gcw_method_bind(h->methods[1], &bound);
}

static void
dispose_of_one(struct herd *h)
{
    (void)h;
    MUST(gcw_dispose(target_new(0)) == 0);
}

static void
find_one(struct herd *h)
{
    gcw_ref *found = gcw_ref_find(h->held[0]);

    MUST(found == h->refs[0] || found == NULL);
}

static void
drain(struct herd *h)
{
    (void)h;
    gcw_drain(0);
}

static void
peek_at_one(struct herd *h)
{
    (void)gcw_cleanup_peek(h->cleanups[1]);
}

static void
make_map(struct herd *h)
{
    (void)h;
    MUST(gcw_map_new(GCW_WEAK_KEYS) != NULL);
}

/* Also where the dead were, and no reference of theirs is taken for one of the
 * new. */
static void
make_new(struct herd *h)
{
    struct herd *young = GC_MALLOC_UNCOLLECTABLE(sizeof *young);

    fill(young);
    for (size_t i = 0; i < MANY; i++)
        for (size_t j = 0; j < MANY; j++)
            MUST(young->refs[i] != h->refs[j] && young->ids[i] != h->ids[j]);
    drop_some(young);
    check_living(young);
    GC_gcollect();
    in_dead_frame(reuse_memory, NULL);
    check_living(young);
}

static void *
make_new_here(void *herd)
{
    make_new(herd);
    return NULL;
}

static void
make_in_a_thread(struct herd *h)
{
    in_thread(make_new_here, h);
}

static void (*const firsts[])(struct herd *h) = {
    read_one, bind_one, dispose_of_one, find_one, drain, peek_at_one, make_map,
    make_new, make_in_a_thread
};

enum { FIRSTS = sizeof firsts / sizeof *firsts };

static void
check_after(int missed, void (*first)(struct herd *h))
{
    struct herd *h = herd_new();
    gcw_statistics was = statistics();

    put_finalizers_off();
    miss_collections(missed, withhold_more);
    first(h);
    let_finalizers_run();
    MUST(statistics().collections_missed
         >= was.collections_missed + (unsigned)missed);
    in_dead_frame(reuse_memory, NULL);
    check_cleanups(h);
    collect();
    in_dead_frame(reuse_memory, NULL);
    check_cleanups(h);
    check_all();
}

/* Nothing is missed, and nothing is taken for dead that is alive. */
static void
check_exactly_after(void (*first)(struct herd *h))
{
    struct herd *h = herd_new();
    gcw_statistics was = statistics();

    put_finalizers_off();
    miss_collections(1, withhold_end);
    first(h);
    let_finalizers_run();
    MUST(statistics().collections_missed == was.collections_missed);
    in_dead_frame(reuse_memory, NULL);
    check_deaths(h);
    check_cleanups(h);
    check_all();
}

END(exactly_the_dead_are_found_if_the_end_of_marking_is_withheld, 0, "")
{
    begin_by_marks();
    for (size_t i = 0; i < FIRSTS; i++)
        check_exactly_after(firsts[i]);
}

END(none_dangles_if_more_is_missed, 0, "")
{
    begin_by_marks();
    for (int missed = 1; missed <= 3; missed++)
        for (size_t i = 0; i < FIRSTS; i++)
            check_after(missed, firsts[i]);
}

static void
wait_for_next(struct herd *h)
{
    (void)h;
    GC_gcollect();
}

END(nor_if_the_next_collection_finds_out, 0, "")
{
    begin_by_marks();
    check_after(1, wait_for_next);
}

/* --- collections that are given up --- */

static int steps_left;
static bool is_marking;

static int GC_CALLBACK
stop_after_steps(void)
{
    return is_marking && steps_left-- <= 0;
}

static void GC_CALLBACK
hear_start(GC_EventType event)
{
    is_marking |= event == GC_EVENT_MARK_START;
    heard_before(event);
}

/* Begins a collection that is given up after so many steps of marking, unless it
 * ends before: then returns true. */
static bool
collect_for(int steps)
{
    bool has_ended;

    steps_left = steps;
    is_marking = false;
    heard_before = GC_get_on_collection_event();
    GC_set_on_collection_event(hear_start);
    has_ended = GC_try_to_collect(stop_after_steps);
    GC_set_on_collection_event(heard_before);
    return has_ended;
}

/* In incremental mode another may have ended before it. */
END(a_collection_that_is_given_up_changes_nothing, 0, "")
{
    struct herd *h;
    int given_up = 0;
    GC_word was;

    begin_by_marks();
    h = herd_new();
    was = GC_get_gc_no();
    for (int steps = 0; steps < STEPS && !collect_for(steps); steps++) {
        in_dead_frame(reuse_memory, NULL);
        MUST(look(h) == 0 || GC_get_gc_no() != was);
        check_living(h);
        check_cleanups(h);
        given_up++;
    }
    MUST(given_up > 0);
    collect();
    in_dead_frame(reuse_memory, NULL);
    check_deaths(h);
}

/* The marks that it leaves are not those of the one whose end was withheld. */
static void
give_up(struct herd *h)
{
    (void)h;
    (void)collect_for(1);
}

END(nor_does_any_dangle_if_it_comes_after_one_that_was_missed, 0, "")
{
    begin_by_marks();
    check_after(1, give_up);
}

static void GC_CALLBACK
hear_start_alone(GC_EventType event)
{
    is_marking |= event == GC_EVENT_MARK_START;
}

static void
collect_unheard_for(int steps)
{
    GC_on_collection_event_proc before = GC_get_on_collection_event();

    GC_set_on_collection_event(hear_start_alone);
    steps_left = steps;
    is_marking = false;
    (void)GC_try_to_collect(stop_after_steps);
    GC_set_on_collection_event(before);
}

/* Held, in the memory of the dead. */
static void
settle_there(struct target **keep)
{
    GC_disable();
    for (size_t i = 0; i < 2 * MANY; i++) {
        keep[i] = GC_MALLOC(sizeof **keep);
        memset(keep[i], 0x77, sizeof **keep);
    }
    GC_enable();
}

END(nor_if_it_was_not_heard_of_either, 0, "")
{
    struct target **keep;

    begin_by_marks();
    keep = (struct target **)keep_array(2 * MANY);
    put_finalizers_off();
    for (int steps = 0; steps < STEPS; steps++) {
        struct herd *h = herd_new();

        heard_before = GC_get_on_collection_event();
        GC_set_on_collection_event(withhold_more);
        GC_gcollect();
        GC_set_on_collection_event(heard_before);
        settle_there(keep);
        collect_unheard_for(steps);
        check_cleanups(h);
        drop_all(h);
    }
}

END(a_theft_after_a_collection_that_was_given_up_loses_nothing, 0, "")
{
    struct herd *h;

    begin_by_marks();
    h = herd_new();
    for (int steps = 0; steps < STEPS; steps++) {
        GC_on_collection_event_proc before;

        (void)collect_for(steps);
        before = steal_event();
        GC_gcollect();
        in_dead_frame(reuse_memory, NULL);
        GC_set_on_collection_event(before);
        if (GC_is_incremental_mode())
            check_cleanups(h);
        else
            check_living(h);
    }
    check_cleanups(h);
}

/* --- what only the library, or a finalizer, leads to --- */

struct chains {
    struct herd herd;
    struct target *keys[MANY];
    struct owner *owners[MANY];
    gcw_ephemeron *ephemerons[MANY];
    gcw_map *map;
    gcw_guardian *guardian;
};

static struct chains *
chains_new(void (*make)(void *chains))
{
    struct chains *c = GC_MALLOC_UNCOLLECTABLE(sizeof *c);

    c->map = gcw_map_new(GCW_WEAK_KEYS);
    c->guardian = gcw_guardian_new();
    MUST(c->map != NULL && c->guardian != NULL);
    in_dead_frame(make, c);
    collect();
    in_dead_frame(reuse_memory, NULL);
    return c;
}

/* The value leads to the target. */
static void
make_valued(void *chains)
{
    struct chains *c = chains;

    fill(&c->herd);
    for (size_t i = 0; i < MANY; i++) {
        struct target *value = target_new(i);

        value->field = (void *)~c->herd.hidden[i];
        c->keys[i] = target_new(i);
        if (i / 2 % 2 == 0)
            c->ephemerons[i] = gcw_ephemeron_new(c->keys[i], value);
        else
            MUST(gcw_map_put(c->map, c->keys[i], value) == 0);
    }
    drop_all(&c->herd);
}

END(what_the_value_of_a_living_key_leads_to_keeps_its_reference, 0, "")
{
    struct chains *c;

    begin_by_marks();
    c = chains_new(make_valued);
    MUST(look(&c->herd) == 0);
    check_cleanups(&c->herd);
    memset(c->keys, 0, sizeof c->keys);
    collect();
    in_dead_frame(reuse_memory, NULL);
    MUST(nearly_all(look(&c->herd), MANY));
    check_cleanups(&c->herd);
}

static void
make_guarded(void *chains)
{
    struct chains *c = chains;

    fill(&c->herd);
    for (size_t i = 0; i < MANY; i++)
        MUST(gcw_guardian_add(c->guardian, (void *)~c->herd.hidden[i], NULL)
             == 0);
    drop_all(&c->herd);
}

static size_t
take_guarded(struct chains *c)
{
    struct target *t;
    size_t n = 0;

    for (; (t = gcw_guardian_next(c->guardian)) != NULL; n++) {
        MUST(is_intact(t, t->number));
        MUST(gcw_ref_get(c->herd.refs[t->number]) == t);
        c->keys[t->number] = t;
    }
    return n;
}

END(what_a_guardian_brings_back_keeps_its_reference, 0, "")
{
    struct chains *c;

    begin_by_marks();
    c = chains_new(make_guarded);
    MUST(look(&c->herd) == 0);
    MUST(nearly_all(take_guarded(c), MANY));
    check_cleanups(&c->herd);
    memset(c->keys, 0, sizeof c->keys);
    collect();
    in_dead_frame(reuse_memory, NULL);
    MUST(nearly_all(look(&c->herd), MANY));
}

/* What a finalizer has seen. */
static size_t finalized, seen_short, seen_long;

struct owner {
    struct target *target;
    gcw_ref *short_ref, *long_ref;
};

static void
see(void *object, void *unused)
{
    struct owner *o = object;

    (void)unused;
    MUST(is_intact(o->target, o->target->number));
    finalized++;
    seen_short += gcw_ref_get(o->short_ref) != NULL;
    seen_long += gcw_ref_get(o->long_ref) == o->target;
}

static void
make_owners(void *chains)
{
    struct chains *c = chains;

    fill(&c->herd);
    for (size_t i = 0; i < MANY; i++) {
        struct owner *o = c->owners[i] = GC_MALLOC(sizeof *o);

        o->target = (void *)~c->herd.hidden[i];
        o->short_ref = c->herd.refs[i];
        o->long_ref = gcw_ref_new_long(o->target);
        GC_REGISTER_FINALIZER_NO_ORDER(o, see, NULL, NULL, NULL);
    }
    drop_all(&c->herd);
    memset(c->owners, 0, sizeof c->owners);
}

END(what_only_a_finalizer_leads_to_is_dead_before_it_runs, 0, "")
{
    struct chains *c;

    begin_by_marks();
    c = chains_new(make_owners);
    MUST(nearly_all(finalized - seen_short, MANY));
    MUST(seen_long == finalized);
    MUST(nearly_all(look(&c->herd), MANY));
    check_cleanups(&c->herd);
}

/* --- uncollectable targets --- */

static struct target *
uncollectable_new(size_t number)
{
    struct target *t = GC_MALLOC_UNCOLLECTABLE(sizeof *t);

    t->magic = MAGIC;
    t->number = number;
    return t;
}

static void
check_uncollectable(gcw_ref *const *refs, uintptr_t *hidden, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct target *t = gcw_ref_get(refs[i]);

        MUST(t == (void *)~hidden[i] && is_intact(t, i));
    }
}

END(an_uncollectable_target_keeps_its_reference_until_it_is_freed, 0, "")
{
    enum { N = 100 };
    gcw_ref **refs;
    uintptr_t hidden[N];

    begin_by_marks();
    refs = (gcw_ref **)keep_array(N);
    for (size_t i = 0; i < N; i++) {
        struct target *t = uncollectable_new(i);

        refs[i] = gcw_ref_new(t);
        hidden[i] = ~(uintptr_t)t;
    }
    collect();
    check_uncollectable(refs, hidden, N);
    put_finalizers_off();
    miss_collections(1, withhold_end);
    let_finalizers_run();
    check_uncollectable(refs, hidden, N);
    for (size_t i = 0; i < N; i++)
        GC_FREE((void *)~hidden[i]);
    collect();
    for (size_t i = 0; i < N; i++)
        MUST(gcw_ref_get(refs[i]) == NULL);
}

/* --- seats --- */

static size_t
count_old_places(const struct herd *h, const uintptr_t *before)
{
    size_t n = 0;

    for (size_t i = 0; i < MANY; i++)
        for (size_t j = 0; j < MANY; j++)
            n += h->hidden[i] == before[j];
    return n;
}

/* The old are not read: so they keep their memory. */
END(a_new_target_in_an_old_place_has_a_new_reference, 0, "")
{
    struct herd *h, *young;

    begin_by_marks();
    h = herd_new();
    drop_all(h);
    collect();
    young = herd_new();
    for (size_t i = 0; i < MANY; i++)
        for (size_t j = 0; j < MANY; j++)
            MUST(young->refs[i] != h->refs[j] && young->ids[i] != h->ids[j]);
    MUST(count_old_places(young, h->hidden) > 0);
    check_living(young);
    MUST(nearly_all(look(h), MANY));
    check_cleanups(h);
}

END(seats_are_used_again, 0, "")
{
    begin_by_marks();
    for (int round = 0; round < ROUNDS; round++) {
        struct herd *h = GC_MALLOC_UNCOLLECTABLE(sizeof *h);

        in_dead_frame(pass_by, h);
        collect();
        check_cleanups(h);
    }
    MUST(statistics().slots <= ROUNDS * MANY / 2);
}

static void
make_crowd(void *keep)
{
    for (size_t i = 0; i < CROWD; i++) {
        struct target *t = ((struct target **)keep)[i] = target_new(i);

        MUST(gcw_ref_new(t) != NULL);
    }
}

/* The last chunk of each shard stays, and what stale words hold. */
END(memory_of_seats_goes_back, 0, "")
{
    void **keep;

    begin_by_marks();
    keep = keep_array(CROWD);
    in_dead_frame(make_crowd, keep);
    MUST(statistics().slots >= CROWD);
    GC_FREE(keep);
    collect();
    MUST(gcw_ref_find(lasting_target(0)) == NULL);
    MUST(statistics().slots <= CROWD / 4);
    MUST(statistics().references <= CROWD / 100);
}

/* --- watches that come and go in collections --- */

enum { BATCH = 200, WATCHES = 5, STORM = 2000 };    /* milliseconds */

struct batch {
    gcw_ref *refs[BATCH];
    gcw_cleanup *cleanups[BATCH][WATCHES];
    atomic_int calls;
};

static atomic_bool is_over;
static atomic_size_t collections;

static void *
collect_on(void *unused)
{
    while (!atomic_load(&is_over)) {
        collect_and_rest();
        in_dead_frame(reuse_memory, NULL);
        atomic_fetch_add(&collections, 1);
    }
    return unused;
}

static void
fill_batch(void *batch)
{
    struct batch *b = batch;

    for (size_t i = 0; i < BATCH; i++) {
        struct target *t = target_new(i);

        b->refs[i] = gcw_ref_new(t);
        for (size_t j = 0; j < WATCHES; j++)
            b->cleanups[i][j] = gcw_cleanup_new(t, count_call, &b->calls);
    }
}

/* The newest first, so each time the seat changes. */
static size_t
detach_all(struct batch *b)
{
    size_t n = 0;

    for (size_t j = WATCHES; j-- > 0;)
        for (size_t i = 0; i < BATCH; i++)
            n += gcw_cleanup_detach(b->cleanups[i][j]);
    return n;
}

static void
play_batch(struct batch *b)
{
    size_t now, detached;

    in_dead_frame(fill_batch, b);
    detached = detach_all(b);
    now = atomic_load(&collections);
    while (atomic_load(&collections) < now + 2)
        sched_yield();
    for (size_t i = 0; i < BATCH; i++) {
        struct target *t = gcw_ref_get(b->refs[i]);

        MUST(t == NULL || is_intact(t, i));
    }
    gcw_drain(0);
    MUST(detached + (size_t)atomic_load(&b->calls) <= BATCH * WATCHES);
    memset(b, 0, sizeof *b);
}

static long
milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

/* The pass comes between the two words of a seat that is changed, where the target
 * is not held. */
END(watches_are_taken_away_while_their_targets_die, 0, "")
{
    struct batch *b = GC_MALLOC_UNCOLLECTABLE(sizeof *b);
    long end;
    pthread_t collecting;

    begin_by_marks();
    end = milliseconds() + STORM;
    collecting = run_thread(collect_on, NULL);
    while (milliseconds() < end)
        play_batch(b);
    atomic_store(&is_over, true);
    join_thread(collecting);
}

/* --- forks --- */

static void
in_child(void (*body)(struct herd *h), struct herd *h)
{
    pid_t pid = fork();

    MUST(pid >= 0);
    if (pid == 0) {
        alarm(20);
        body(h);
        _exit(0);
    }
    ends_well(pid);
}

static void
collect_and_check(struct herd *h)
{
    collect();
    in_dead_frame(reuse_memory, NULL);
    check_deaths(h);
    check_all();
}

END(both_processes_go_on_by_marks_after_a_fork, 0, "")
{
    struct herd *h;

    begin_by_marks();
    h = herd_new();
    in_child(collect_and_check, h);
    collect_and_check(h);
}

static void
check_missed(struct herd *h)
{
    check_cleanups(h);
    check_all();
}

END(a_child_catches_up_with_what_its_parent_has_missed, 0, "")
{
    struct herd *h;

    begin_by_marks();
    h = herd_new();
    put_finalizers_off();
    miss_collections(1, withhold_more);
    in_child(check_missed, h);
    let_finalizers_run();
    check_missed(h);
}

/* --- no kind left --- */

static jmp_buf no_more;

static void GC_CALLBACK
jump_back(const char *message)
{
    (void)message;
    longjmp(no_more, 1);
}

static void GC_CALLBACK
hear_abort(const char *message)
{
    (void)message;
}

static void *GC_CALLBACK
use_up_kinds(void *unused)
{
    if (setjmp(no_more) == 0)
        for (;;)
            (void)GC_new_kind_inner(GC_new_free_list_inner(), 0, 0, 0);
    return unused;
}

static struct GC_ms_entry *
mark_nothing(GC_word *object, struct GC_ms_entry *top,
             struct GC_ms_entry *limit, GC_word unused)
{
    (void)object, (void)limit, (void)unused;
    return top;
}

static void *GC_CALLBACK
use_up_procedures(void *unused)
{
    if (setjmp(no_more) == 0)
        for (;;)
            (void)GC_new_proc_inner(mark_nothing);
    return unused;
}

static void
check_without(void *(GC_CALLBACK *use_up)(void *unused))
{
    GC_INIT();
    GC_set_abort_func(jump_back);
    GC_call_with_alloc_lock(use_up, NULL);
    GC_set_abort_func(hear_abort);
    begin_with(NULL);
    MUST(GC_get_abort_func() == hear_abort);
    MUST(!is_by_marks());
    MUST(gcw_map_new(GCW_WEAK_KEYS) == NULL && errno == ENOTSUP);
    check_all();
    MUST(gcw_init() == 0);
}

END(without_a_kind_all_is_by_links, 0, "")
{
    check_without(use_up_kinds);
}

END(so_it_is_without_a_mark_procedure, 0, "")
{
    check_without(use_up_procedures);
}
