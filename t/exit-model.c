/* exit-model.c: exit registries against a plain model.
 *
 * Random sequences of registering, unregistering by handle and by function,
 * deaths, collections and runs.  The model is an array, the oldest first,
 * searched from end to end.  Each run must call exactly those that the model
 * has, the newest first.  The seed is printed; GCWEAK_TEST_SEED repeats it.
 */
#include <config.h>

#include "support.h"
#include "chance.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SEQUENCES = 60, OPERATIONS = 2000, FUNCTIONS = 3, OBJECTS = 20
};

/* What a handler calls: one of the functions, or a method of an object. */
struct entry {
    gcw_exit_handler *handler;
    uintptr_t id;
    unsigned callee;             /* FUNCTIONS and more: an object's method */
    bool keep;
};

/* In uncollectable memory. */
static struct world {
    gcw_exit_registry *registry;
    struct target *objects[OBJECTS];
    struct entry entries[OPERATIONS];
    size_t n;
    uintptr_t last_id;
    size_t to_call;              /* how many of the entries this run has yet
                                  * to call */
    const char *wrong;
} *w;

/* --- what is called --- */

static void
called(uintptr_t id)
{
    if (w->to_call == 0 || w->entries[w->to_call - 1].id != id)
        w->wrong = "a handler was called that was not the next";
    else
        w->to_call--;
}

static void
call_0(void *id)
{
    called((uintptr_t)id);
}

static void
call_1(void *id)
{
    called((uintptr_t)id);
}

static void
call_2(void *id)
{
    called((uintptr_t)id);
}

static void (*const functions[FUNCTIONS])(void *id) = {
    call_0, call_1, call_2
};

static void *
call_method(void *self, void *info, void *id)
{
    (void)self;
    (void)info;
    called((uintptr_t)id);
    return NULL;
}

/* --- operations --- */

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

static size_t
forget_all_of(unsigned callee)
{
    size_t before = w->n;
    for (size_t i = w->n; i > 0; i--)
        if (w->entries[i - 1].callee == callee)
            forget(i - 1);
    return before - w->n;
}

static gcw_exit_handler *
register_callee(unsigned callee, void *id, const gcw_exit_options *o)
{
    if (callee < FUNCTIONS)
        return gcw_exit_register_fn(w->registry, functions[callee], id, o);
    return gcw_exit_register(w->registry,
                             gcw_method_new(w->objects[callee - FUNCTIONS],
                                            call_method, id), o);
}

static void
do_register(void)
{
    gcw_exit_options o = { .name = below(6) == 0 ? "named" : NULL,
                           .keep = below(4) == 0 };
    struct entry *e = &w->entries[w->n];
    e->id = ++w->last_id;
    e->keep = o.keep;
    e->callee = below(5) == 0 ? FUNCTIONS + below(OBJECTS)
                              : below(FUNCTIONS);
    e->handler = register_callee(e->callee, (void *)e->id, &o);
    check(e->handler != NULL, "a handler was not registered");
    w->n++;
}

static void
do_unregister(void)
{
    size_t i;
    if (w->n == 0)
        return;
    i = below((unsigned)w->n);
    check(gcw_exit_unregister(w->entries[i].handler) == GCW_REMOVED,
          "a handler was not there");
    check(gcw_exit_unregister(w->entries[i].handler) == GCW_GONE,
          "a handler was there twice");
    forget(i);
}

static void
do_unregister_function(void)
{
    unsigned function = below(FUNCTIONS);
    check(gcw_exit_unregister_fn(w->registry, functions[function])
          == forget_all_of(function), "another number had the function");
}

static void
do_dispose(void)
{
    unsigned i = below(OBJECTS);
    forget_all_of(FUNCTIONS + i);
    assert_int_equal(gcw_dispose(w->objects[i]), 0);
    w->objects[i] = target_new(i);
}

static void
do_run(void)
{
    w->to_call = w->n;
    check(gcw_exit_run(w->registry, 0) == 0, "a handler failed");
    check(w->to_call == 0, "a handler was not called");
    for (size_t i = w->n; i > 0; i--)
        if (!w->entries[i - 1].keep)
            forget(i - 1);
}

/* `growth` in a hundred register. */
static void
operate(unsigned growth, bool by_function)
{
    unsigned choice = below(100);
    if (choice < growth)
        do_register();
    else if (choice < 96)
        do_unregister();
    else if (choice == 96 && by_function)
        do_unregister_function();
    else if (choice == 97)
        do_dispose();
    else if (choice == 98 && below(8) == 0)
        do_run();
    else if (choice == 99 && below(20) == 0)
        gcw_collect();
}

/* Some sequences never ask for handlers by function. */
static void
play(void)
{
    bool by_function = below(2) == 0;
    unsigned growth = 0;
    memset(w, 0, sizeof *w);
    w->registry = gcw_exit_registry_new(NULL);
    for (unsigned i = 0; i < OBJECTS; i++)
        w->objects[i] = target_new(i);
    for (unsigned i = 0; i < OPERATIONS && w->wrong == NULL; i++) {
        if (i % 400 == 0)
            growth = below(96);
        operate(growth, by_function);
    }
    do_run();
}

static void
registries_do_as_the_model(void **state)
{
    (void)state;
    w = GC_MALLOC_UNCOLLECTABLE(sizeof *w);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        chance_begin(i);
        play();
        if (w->wrong != NULL)
            fail_msg("seed %" PRIu64 ", sequence %u: %s", seed(), i,
                     w->wrong);
    }
    GC_FREE(w);
}

static int
run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registries_do_as_the_model),
    };
    printf("# seed %" PRIu64 "\n", seed());
    fflush(stdout);
    return cmocka_run_group_tests_name("exit-model", tests, NULL, NULL);
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, NULL, 0, run_all);
}
