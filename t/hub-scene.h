/* hub-scene.h: what the tests of hubs share: a hub with a few objects, and
 * ways to connect and to emit in one line.
 */
#ifndef HUB_SCENE_H
#define HUB_SCENE_H

#include <errno.h>
#include <gcweak/hub.h>
#include "idle.h"
#include "log.h"

/* What nearly every test needs; in uncollectable memory. */
struct scene {
    gcw_hub *hub;
    struct target *self;     /* the object of the methods */
    struct target *source, *other;
    gcw_listener *listener;  /* where a test's listeners need one */
    gcw_method *method;
};

static inline struct scene *
scene_new(void)
{
    struct scene *s = GC_MALLOC_UNCOLLECTABLE(sizeof *s);
    assert_non_null(s);
    *s = (struct scene){
        .hub = gcw_hub_new(), .self = target_new(0),
        .source = target_new(1), .other = target_new(2)
    };
    assert_non_null(s->hub);
    forget();
    return s;
}

/* A test with a scene of its own, s. */
#define SCENE_TEST(name)                                                    \
    static void name##_in(struct scene *s);                                 \
    TEST(name)                                                              \
    {                                                                       \
        struct scene *s = scene_new();                                      \
        name##_in(s);                                                       \
        GC_FREE(s);                                                         \
    }                                                                       \
    static void name##_in(struct scene *s)

static inline void *
note_method(void *self, void *emission, void *data)
{
    (void)emission;
    assert_true(((struct target *)self)->magic == MAGIC);
    note(data);
    return NULL;
}

static inline void *
do_nothing(void *self, void *emission, void *data)
{
    (void)emission, (void)data;
    return self;
}

static inline void
note_fn(const gcw_emission *emission, void *data)
{
    (void)emission;
    note(data);
}

static inline gcw_method *
method_new(struct scene *s, gcw_method_fn *fn, void *data)
{
    gcw_method *m = gcw_method_new(s->self, fn, data);
    assert_non_null(m);
    return m;
}

static inline gcw_listener *
connect(struct scene *s, const char *type, void *source, gcw_method *m,
        unsigned flags)
{
    gcw_listener *l = gcw_hub_connect(s->hub, type, source, m, flags);
    assert_non_null(l);
    return l;
}

/* A listener that notes the word. */
static inline gcw_listener *
on(struct scene *s, const char *type, void *source, const char *word)
{
    return connect(s, type, source, method_new(s, note_method, (char *)word),
                   0);
}

static inline gcw_listener *
on_fn(struct scene *s, const char *type, void *source,
      void (*fn)(const gcw_emission *, void *), void *data)
{
    gcw_listener *l = gcw_hub_connect_fn(s->hub, type, source, fn, data, 0);
    assert_non_null(l);
    return l;
}

/* An emission leaves these words, whoever notes them. */
static inline size_t
leaves(struct scene *s, const char *type, void *source, const char *words)
{
    forget();
    size_t n = gcw_hub_emit(s->hub, type, source, NULL);
    assert_string_equal(noted(), words);
    return n;
}

static inline size_t
words_in(const char *words)
{
    size_t n = *words != '\0';
    for (; *words != '\0'; words++)
        n += *words == ' ';
    return n;
}

/* An emission calls so many listeners as there are words. */
static inline void
calls(struct scene *s, const char *type, void *source, const char *words)
{
    assert_int_equal(leaves(s, type, source, words), words_in(words));
}

static inline void
holds(struct scene *s, size_t listeners, size_t patterns, size_t types)
{
    gcw_hub_size size;
    assert_int_equal(gcw_hub_measure(s->hub, &size), 0);
    assert_int_equal(size.listeners, listeners);
    assert_int_equal(size.patterns, patterns);
    assert_int_equal(size.types, types);
}

static inline size_t
bytes(gcw_hub *h)
{
    gcw_hub_size size;
    assert_int_equal(gcw_hub_measure(h, &size), 0);
    return size.bytes;
}

/* What an emission may ask for of a pattern. */
enum { TYPED = 1, SOURCED = 2, PATTERNS = 4 };

static inline gcw_listener *
on_front(struct scene *s, const char *type, void *source, const char *word)
{
    return connect(s, type, source, method_new(s, note_method, (char *)word),
                   GCW_FRONT);
}

static inline void *
note_number(void *self, void *emission, void *data)
{
    char word[32];
    (void)self, (void)emission;
    snprintf(word, sizeof word, "%zu", ((struct target *)data)->number);
    note(word);
    return NULL;
}

#endif
