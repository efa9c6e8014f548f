/* cleanup-model.c: cleanups against a plain model.
 *
 * Random sequences of making cleanups, detaching and running them, deaths and
 * drains, each in a process of its own that exits in the end.  The model is an
 * array, the oldest first, searched from end to end.  What a death brings must
 * run in the drain, for each object newest first; what is left must run at
 * exit, newest first, and what is made meanwhile next.  The seed is printed;
 * GCWEAK_TEST_SEED repeats it.
 */
#include <config.h>

#include "support.h"
#include "chance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEQUENCES = 12, OPERATIONS = 6000, OBJECTS = 40, AT_EXIT = 50 };

struct entry {
    gcw_cleanup *cleanup;
    uintptr_t id;
    unsigned object;             /* a dead one has a number of its own */
    bool pending;                /* its object is dead */
    bool at_exit;
};

/* In uncollectable memory. */
static struct world {
    struct target *objects[OBJECTS];
    struct entry entries[OPERATIONS + AT_EXIT];
    size_t n;
    uintptr_t last_id;
    unsigned deaths;
    uintptr_t alone;             /* the only one that may run now, or 0 */
    bool draining, exiting;
    unsigned made_at_exit;
    const char *wrong;
} *w;

static void
check(bool right, const char *what)
{
    if (!right && w->wrong == NULL)
        w->wrong = what;
}

static void
forget(size_t i)
{
    w->n--;
    memmove(&w->entries[i], &w->entries[i + 1],
            (w->n - i) * sizeof w->entries[0]);
}

/* --- what is called --- */

/* The newest that is to run now, of that object if there is one; or w->n. */
static size_t
next_to_run(const struct entry *of)
{
    for (size_t i = w->n; i > 0; i--) {
        const struct entry *e = &w->entries[i - 1];

        if (w->exiting ? e->at_exit : e->pending && e->object == of->object)
            return i - 1;
    }
    return w->n;
}

static size_t
find(uintptr_t id)
{
    size_t i = 0;

    while (i < w->n && w->entries[i].id != id)
        i++;
    return i;
}

static void make(unsigned object);

static void
called(void *id)
{
    size_t i = find((uintptr_t)id);

    check(i < w->n, "a cleanup ran twice, or after it was detached");
    if (i >= w->n)
        return;
    if (w->alone != 0)
        check(w->entries[i].id == w->alone, "another one ran");
    else if (w->draining || w->exiting)
        check(next_to_run(&w->entries[i]) == i, "it was not its turn");
    else
        check(false, "a cleanup ran by itself");
    forget(i);
    if (w->exiting && w->made_at_exit < AT_EXIT && below(3) == 0) {
        w->made_at_exit++;
        make(below(OBJECTS));
    }
}

/* --- operations --- */

static void
make(unsigned object)
{
    struct entry *e = &w->entries[w->n];

    e->id = ++w->last_id;
    e->object = object;
    e->pending = false;
    e->at_exit = below(5) != 0;
    e->cleanup = gcw_cleanup_new(w->objects[object], called, (void *)e->id);
    check(e->cleanup != NULL, "a cleanup was not made");
    if (!e->at_exit)
        check(gcw_cleanup_set_atexit(e->cleanup, false) == 0, "not set");
    w->n++;
}

static void
detach(void)
{
    size_t i;

    if (w->n == 0)
        return;
    i = below((unsigned)w->n);
    check(gcw_cleanup_alive(w->entries[i].cleanup), "one was not there");
    check(gcw_cleanup_detach(w->entries[i].cleanup), "one was not detached");
    check(!gcw_cleanup_detach(w->entries[i].cleanup), "one was there twice");
    forget(i);
}

static void
run(void)
{
    size_t i;
    gcw_cleanup *cleanup;

    if (w->n == 0)
        return;
    i = below((unsigned)w->n);
    cleanup = w->entries[i].cleanup;
    w->alone = w->entries[i].id;
    check(gcw_cleanup_run(cleanup), "one did not run");
    check(find(w->alone) == w->n, "one was not called");
    w->alone = 0;
    check(!gcw_cleanup_run(cleanup), "one ran twice");
}

static void
kill_object(void)
{
    unsigned object = below(OBJECTS);

    w->deaths++;
    for (size_t i = 0; i < w->n; i++)
        if (w->entries[i].object == object) {
            w->entries[i].pending = true;
            w->entries[i].object = OBJECTS + w->deaths;
        }
    check(gcw_dispose(w->objects[object]) == 0, "not disposed of");
    w->objects[object] = target_new(object);
}

static void
drain(void)
{
    size_t pending = 0, ran;

    for (size_t i = 0; i < w->n; i++)
        pending += w->entries[i].pending;
    w->draining = true;
    ran = below(4) == 0 ? gcw_collect() : gcw_drain(0);
    w->draining = false;
    check(ran == pending, "not as many ran as had died");
    for (size_t i = 0; i < w->n; i++)
        check(!w->entries[i].pending, "one is still pending");
}

/* `growth` in a hundred make one. */
static void
operate(unsigned growth)
{
    unsigned choice = below(100);

    if (choice < growth)
        make(below(OBJECTS));
    else if (choice < 88)
        detach();
    else if (choice < 97)
        run();
    else if (choice < 99)
        kill_object();
    else
        drain();
}

/* --- one sequence, one process --- */

static void
complain(const char *what)
{
    fprintf(stderr, "seed %" PRIu64 ": %s\n", seed(), what);
    _exit(1);
}

/* Registered before the library's own handler, so called after it. */
static void
at_end(void)
{
    for (size_t i = 0; i < w->n; i++)
        check(!w->entries[i].at_exit, "one did not run at exit");
    if (w->wrong != NULL)
        complain(w->wrong);
}

static void
play(void)
{
    unsigned growth = 0;

    w = GC_MALLOC_UNCOLLECTABLE(sizeof *w);
    atexit(at_end);
    chance_begin(strtoull(getenv("GCWEAK_TEST_SEQUENCE"), NULL, 10));
    for (unsigned i = 0; i < OBJECTS; i++)
        w->objects[i] = target_new(i);
    for (unsigned i = 0; i < OPERATIONS && w->wrong == NULL; i++) {
        if (i % 500 == 0)
            growth = below(2) == 0 ? 85 : below(40);
        operate(growth);
    }
    drain();
    w->exiting = true;
    exit(0);
}

static void
cleanups_do_as_the_model(void **state)
{
    char number[32];

    (void)state;
    snprintf(number, sizeof number, "%" PRIu64, seed());
    setenv("GCWEAK_TEST_SEED", number, 1);
    for (int i = 0; i < SEQUENCES; i++) {
        struct outcome o;

        snprintf(number, sizeof number, "%d", i);
        setenv("GCWEAK_TEST_SEQUENCE", number, 1);
        o = run_scenario("play");
        if (o.status != 0)
            fail_msg("sequence %d: status %d: %s", i, o.status, o.err);
        outcome_free(&o);
    }
}

static const struct scenario scenarios[] = { { "play", play } };

static int
run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cleanups_do_as_the_model),
    };

    printf("# seed %" PRIu64 "\n", seed());
    fflush(stdout);
    return cmocka_run_group_tests_name("cleanup-model", tests, NULL, NULL);
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, scenarios,
                     sizeof scenarios / sizeof scenarios[0], run_all);
}
