/* world.c: what is told, lists, the beginning and the end of a world; see
 * oracle.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

/* --- what is told --- */

enum { TRAIL = 40 };             /* steps that are told when it goes wrong */

struct step {
    size_t depth, told[TOLD];
};

static struct step trail[TRAIL];
static size_t steps, worlds;

static void
print_step(const struct step *s)
{
    const size_t *of = s->told;

    fprintf(stderr, "%*s", (int)(2 * s->depth), "");
    fprintf(stderr, (const char *)of[0], of[1], of[2], of[3], of[4], of[5]);
    fputc('\n', stderr);
}

void
told(const size_t step[TOLD])
{
    static int at_once = -1;
    struct step *s = &trail[steps++ % TRAIL];

    if (at_once < 0)
        at_once = getenv("GCWEAK_FUZZ_TELL") != NULL;
    s->depth = depth;
    memcpy(s->told, step, sizeof s->told);
    if (at_once)
        print_step(s);
}

void
wrong(const char *what)
{
    for (size_t i = steps < TRAIL ? 0 : steps - TRAIL; i < steps; i++)
        print_step(&trail[i % TRAIL]);
    fprintf(stderr, "wrong, in world %zu: %s\n", worlds, what);
    abort();
}

size_t met[RARES];
const char *const rare_names[RARES] = {
    [NESTED] = "an emission inside another",
    [FAILED] = "a callback that failed",
    [ONCE] = "a listener with GCW_ONCE",
    [TWICE] = "a listener whose equal was called already",
    [AGAIN] = "a listener that was connected again",
    [REFUSED] = "a method that was refused",
    [SEEN_DEAD] = "a thing that died by itself",
    [CROWD_HEARS] = "an emission to many",
    [KEPT] = "a handler that runs again",
    [RUN_IN_RUN] = "a run inside another",
    [CROWD_RUNS] = "a run of many handlers",
    [MADE_AT_EXIT] = "a cleanup made at exit",
    [CROWD_EXITS] = "many cleanups at exit",
    [STALE] = "a stale proxy",
    [HELD_BY_OTHERS] = "an object that only others hold",
    [KEY_DIES] = "an entry whose weak key has died",
    [VALUE_DIES] = "an entry whose weak value has died",
    [ONE_OF_BOTH_DIES] = "an entry of which one has died",
    [STRONG_ONE_DIES] = "an entry with a strong value that has died",
    [CYCLE_DIES] = "an entry that has died though what it holds led back",
    [LONE_DIES] = "an ephemeron that has died",
    [CROWD_IN_MAP] = "a map of many entries",
    [RIVAL] = "an object that was interned while another was made",
    [INTERNED_DIES] = "an interned object that has died",
    [MEMBER_DIES] = "a member of a set that has died",
    [HOLDING_METHOD_DIES] = "a method with strong data that has died in a set",
    [METHOD_WITH_WEAK_DIES] = "a method with weak data that has died in a set",
    [METHOD_CYCLE_DIES] =
        "a method in a set that has died though its data led back",
    [ABOVE] = "a handler of a higher level than the one before",
    [BY_NUMBER] = "a handler that was taken off by its number",
    [BY_METHOD] = "a handler that was taken off by its method",
    [ASIDE] = "a list with a handler that has run and stays",
    [MUTED_MIDWAY] = "a listener whose place was muted during the emission",
    [STOPPED] = "an emission that was stopped before its end",
    [OBJECT_LEAVES] = "an object of which several listeners were disconnected",
    [CUT_SHORT] = "a list of listeners that had no room for all",
    [QUEUE_MOVES] = "a queue that left something to the default one",
    [OWN_HOOK] = "a failure that a queue's own hook has heard of",
    [STEP_FAILS] = "a callback of a queue that failed in a step",
};

/* --- lists --- */

static struct list *all_lists;   /* that were ever used */

static void
make_room(struct list *l)
{
    size_t room = 2 * l->room + 64;

    if (l->at == NULL) {
        l->next = all_lists;
        all_lists = l;
    }
    l->at = realloc(l->at, room * sizeof *l->at);
    must(l->at != NULL, "memory has run out");
    memset(l->at + l->room, 0, (room - l->room) * sizeof *l->at);
    l->room = room;
}

/* The memory of what was cleared is used again. */
void *
add(struct list *l, const void *record)
{
    struct thing *t;

    if (l->n == l->room)
        make_room(l);
    if (l->at[l->n] == NULL)
        l->at[l->n] = GC_MALLOC_UNCOLLECTABLE(l->size);
    t = l->at[l->n++];
    must(t != NULL, "memory has run out");
    memcpy(t, record, l->size);
    t->number = l->n;
    tell("  is %zu", l->n);
    return t;
}

static void
clear_all_lists(void)
{
    for (struct list *l = all_lists; l != NULL; l = l->next) {
        for (size_t i = 0; i < l->n; i++)
            memset(l->at[i], 0, l->size);
        l->n = 0;
    }
}

void *
one_of(const struct list *l)
{
    return l->n == 0 ? NULL : l->at[below((unsigned)l->n)];
}

void *
one_left(const struct list *l)
{
    struct thing *chosen = one_of(l);

    for (size_t i = 0; i < l->n; i++) {
        struct thing *t = l->at[(chosen->number - 1 + i) % l->n];

        if (!t->gone)
            return t;
    }
    return chosen;
}

void
perform(const struct operation *o)
{
    struct thing *t = NULL;

    if (o->of != NULL) {
        t = o->choose(o->of);
        if (t == NULL)
            return;
    }
    tell(o->tells, t == NULL ? 0 : t->number);
    o->run(t);
}

/* --- worlds --- */

void
world_begin(const struct setting *setting)
{
    worlds++;
    steps = 0;
    frames_begin(setting->busy);
    objects_begin(setting->slots);
    places_begin(setting->events, setting->hub);
    registries_begin(setting->registries);
    maps_begin(setting->maps);
    interns_begin(setting->maps > 0);
    sets_begin(setting->maps > 0);
    queues_begin();
}

void
world_end(void)
{
    ending = true;
    emissions_end();
    run_all();
    clear_all();
    if (below(2) == 0)
        dispose_of_all();
    else
        detach_all();
    cleanups_end();
    measure_all();
    free_all_proxies();
    clear_all_lists();
}

/* What is perhaps dead must not be left to the exit, whose order nobody could
 * know. */
void
world_exit(unsigned busy)
{
    struct frame f = { .call = EXITS };

    dispose_of_dropped();
    drain_queues();
    drain_default();
    clear_all();
    frames_begin(busy);
    tell("exit");
    enter(&f);
    exit(0);
}

void
world_has_ended(void)
{
    must(depth == 1 && innermost->call == EXITS, "an exit inside something");
    cleanups_have_run_at_exit();
    leave(innermost);
}
