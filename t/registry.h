/* registry.h: what the tests of exit registries share: a fresh registry, and
 * ways to fill and run it in one line.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "log.h"

static inline gcw_exit_registry *
fresh_registry(void)
{
    gcw_exit_registry *r = gcw_exit_registry_new("test");
    assert_non_null(r);
    forget();
    return r;
}

static inline gcw_exit_handler *
add_fn(gcw_exit_registry *r, void (*fn)(void *), void *data)
{
    gcw_exit_handler *h = gcw_exit_register_fn(r, fn, data, NULL);
    assert_non_null(h);
    return h;
}

static inline gcw_exit_handler *
add(gcw_exit_registry *r, char *word)
{
    return add_fn(r, note_it, word);
}

static inline gcw_exit_handler *
add_kept(gcw_exit_registry *r, void (*fn)(void *), void *data)
{
    gcw_exit_options o = { .keep = true };
    gcw_exit_handler *h = gcw_exit_register_fn(r, fn, data, &o);
    assert_non_null(h);
    return h;
}

static inline void *
note_method(void *self, void *info, void *data)
{
    (void)self;
    (void)info;
    note(data);
    return NULL;
}

static inline gcw_exit_handler *
add_method(gcw_exit_registry *r, struct target *t, char *word)
{
    gcw_method *m = gcw_method_new(t, note_method, word);
    assert_non_null(m);
    gcw_exit_handler *h = gcw_exit_register(r, m, NULL);
    assert_non_null(h);
    return h;
}

/* Runs without a failure and leaves these words. */
static inline void
run_leaves(gcw_exit_registry *r, const char *words)
{
    forget();
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_string_equal(noted(), words);
}

#endif
