/* listeners.h: what the tests of events share: a fresh event or hub, ways to
 * connect to it and to emit it in one line.
 */
#ifndef LISTENERS_H
#define LISTENERS_H

#include <errno.h>
#include <gcweak/event.h>
#include <gcweak/hub.h>
#include "idle.h"
#include "log.h"

static inline gcw_event *
fresh_event(void)
{
    gcw_event *e = gcw_event_new("test");
    assert_non_null(e);
    forget();
    return e;
}

static inline gcw_hub *
fresh_hub(void)
{
    gcw_hub *h = gcw_hub_new();
    assert_non_null(h);
    forget();
    return h;
}

static inline gcw_listener *
on_fn(gcw_event *e, void (*fn)(void *arg, void *data), void *data,
      unsigned flags)
{
    gcw_listener *l = gcw_event_connect_fn(e, fn, data, flags);
    assert_non_null(l);
    return l;
}

static inline gcw_listener *
on_method(gcw_event *e, gcw_method *m, unsigned flags)
{
    assert_non_null(m);
    gcw_listener *l = gcw_event_connect(e, m, flags);
    assert_non_null(l);
    return l;
}

/* The usual listeners: the data is the word that they leave. */
static inline void
note_word(void *arg, void *data)
{
    (void)arg;
    note(data);
}

static inline void *
method_notes_word(void *self, void *arg, void *data)
{
    (void)self;
    (void)arg;
    note(data);
    return NULL;
}

static inline gcw_listener *
on(gcw_event *e, char *word, unsigned flags)
{
    return on_fn(e, note_word, word, flags);
}

/* Emitting calls n listeners, and they leave these words. */
static inline void
emit_calls(gcw_event *e, size_t n, const char *words)
{
    forget();
    assert_int_equal(gcw_event_emit(e, NULL), n);
    assert_string_equal(noted(), words);
}

#endif
