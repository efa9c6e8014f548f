/* debug.c: tests of looking inside: the tables, the counts, who keeps an object
 * alive, and what GCWEAK_DEBUG makes the library tell.
 *
 * The functions here that are not static have names that the dynamic linker
 * knows.
 */
#include <config.h>

#include "dumped.h"
#include "idle.h"
#include "support.h"
#include "thread.h"

#include <errno.h>
#include <gcweak/debug.h>
#include <gcweak/ephemeron.h>
#include <gcweak/guardian.h>
#include <gcweak/intern.h>
#include <gcweak/map.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- callbacks with names --- */

void close_it(void *data);
void flush_it(void *data);
void fail_it(void *data);
void hear_it(void *arg, void *data);
void hear_of_hub(const gcw_emission *emission, void *data);
void *turn_it(void *self, void *arg, void *data);
void note_death(gcw_method *m, void *data);

void
close_it(void *data)
{
    (void)data;
}

void
flush_it(void *data)
{
    (void)data;
}

void
fail_it(void *data)
{
    (void)data;
    gcw_fail("on purpose");
}

void
hear_it(void *arg, void *data)
{
    (void)arg, (void)data;
}

void
hear_of_hub(const gcw_emission *emission, void *data)
{
    (void)emission, (void)data;
}

void *
turn_it(void *self, void *arg, void *data)
{
    (void)self, (void)arg, (void)data;
    return NULL;
}

void
note_death(gcw_method *m, void *data)
{
    (void)m, (void)data;
}

/* --- looking at what was printed --- */

/* The target is known by its turned bits, and turned back at the last moment,
 * so that this does not hold it. */
static NOINLINE char *
explained(const volatile uintptr_t *hidden, int *length)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    *length = gcw_explain((void *)~*hidden, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static size_t
occurrences(const char *text, const char *part)
{
    size_t n = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        n++;
    }
    return n;
}

/* The place behind the part, in a line. */
static char *
behind(char *line, const char *part)
{
    line = strstr(line, part);
    return line == NULL ? NULL : line + strlen(part);
}

/* A line has all of the parts, in that order. */
static bool
line_has(const char *text, const char *const *parts)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        char *line = strndup(text, length), *at = line;
        size_t i = 0;

        while (at != NULL && parts[i] != NULL)
            at = behind(at, parts[i++]);
        free(line);
        if (at != NULL)
            return true;
        text += length + (text[length] == '\n');
    }
    return false;
}

#define LINE(text, ...)                                                     \
    do {                                                                    \
        const char *const parts[] = { __VA_ARGS__, NULL };                  \
        if (!line_has(text, parts))                                         \
            fail_msg("no line with %s ... in:\n%s", parts[0], text);        \
    } while (0)

/* What comes after the heading of a table, up to the next one. */
static char *
table(const char *text, const char *heading)
{
    const char *begin = strstr(text, heading), *end;

    if (begin == NULL)
        fail_msg("no %s in:\n%s", heading, text);
    begin = strchr(begin, '\n');
    end = begin;
    while (strncmp(end, "\n ", 2) == 0)
        end = strchr(end + 1, '\n');
    return strndup(begin, (size_t)(end - begin));
}

static const char *
address(const void *p)
{
    char *text;

    return asprintf(&text, "%p", p) < 0 ? NULL : text;
}

/* Where the pointer of that number lies in an object of pointers. */
static char *
at_word(size_t number)
{
    char *text;

    return asprintf(&text, "at offset %zu", number * sizeof(void *)) < 0
        ? NULL : text;
}

/* --- the tables --- */

TEST(a_dump_shows_the_listeners_of_an_event)
{
    struct target *t = target_new(1);
    gcw_event *e = gcw_event_new("pressed");
    gcw_listener *l;
    char *text;

    gcw_event_connect(e, gcw_method_new(t, turn_it, NULL), 0);
    l = gcw_event_connect_fn(e, hear_it, NULL, 0);
    gcw_listener_block(l);
    gcw_event_connect(e, gcw_method_new_weak(t, turn_it, e), 0);
    text = table(dumped(), "event \"pressed\" ");
    LINE(text, "0  alive ", " method ", address(t), SHOWN(turn_it));
    LINE(text, "0  blocked ", " function ", " - ", SHOWN(hear_it));
    LINE(text, "0  alive ", " weak method ", address(t), SHOWN(turn_it));
    assert_int_equal(occurrences(text, "\n"), 4);
    gcw_listener_disconnect(l);
    assert_null(strstr(table(dumped(), "event \"pressed\" "), "hear_it"));
    GC_reachable_here(t);
    GC_reachable_here(e);
}

TEST(a_dump_shows_the_patterns_of_a_hub)
{
    struct target *t = target_new(1), *source = target_new(2);
    gcw_hub *h = gcw_hub_new();
    char *text, *heading;

    gcw_hub_connect(h, "opened", source, gcw_method_new(t, turn_it, NULL), 0);
    gcw_hub_connect_fn(h, NULL, NULL, hear_of_hub, NULL, 0);
    text = dumped();
    assert_true(asprintf(&heading, "hub %p, type \"opened\", source %p: 1\n",
                         (void *)h, (void *)source) > 0);
    LINE(table(text, heading), " method ", address(t), SHOWN(turn_it));
    assert_true(asprintf(&heading, "hub %p, any type, any source: 1\n",
                         (void *)h) > 0);
    LINE(table(text, heading), " function ", SHOWN(hear_of_hub));
    GC_reachable_here(t);
    GC_reachable_here(source);
    GC_reachable_here(h);
}

TEST(a_dump_shows_the_handlers_of_a_registry)
{
    struct target *t = target_new(1);
    gcw_exit_registry *r = gcw_exit_registry_new("plugins");
    gcw_exit_options o = { .name = "the index" };
    char *text;

    gcw_exit_register_fn(r, flush_it, NULL, NULL);
    gcw_exit_register_fn(r, flush_it, NULL, &o);
    gcw_exit_register(r, gcw_method_new(t, turn_it, NULL), NULL);
    text = table(dumped(), "exit registry \"plugins\" ");
    LINE(text, "0  alive ", " method ", address(t), SHOWN(turn_it));
    LINE(text, "0  alive ", " function ", SHOWN(flush_it), "\"the index\"");
    LINE(text, "-  alive ", " function ", SHOWN(flush_it));
    assert_true(strstr(text, "turn_it") < strstr(text, "the index"));
    assert_int_equal(occurrences(text, "\n"), 4);
    GC_reachable_here(t);
    GC_reachable_here(r);
}

static char *seen_inside;

static void
dump_inside(void *data)
{
    (void)data;
    seen_inside = table(dumped(), "exit registry \"running\" ");
}

TEST(a_handler_that_is_kept_shows_that_it_runs)
{
    gcw_exit_registry *r = gcw_exit_registry_new("running");
    gcw_exit_options o = { .keep = true };

    gcw_exit_register_fn(r, dump_inside, NULL, &o);
    gcw_exit_run(r, 0);
    LINE(seen_inside, " 0  running ", " function ");
    LINE(table(dumped(), "exit registry \"running\" "), "  alive ");
    GC_reachable_here(r);
}

static void
clean_up_after_dropped(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < MANY; i++)
        gcw_cleanup_new(target_new(i), close_it, NULL);
}

TEST(a_dump_shows_cleanups_armed_and_pending)
{
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t, close_it, NULL);
    gcw_cleanup *d = gcw_method_on_death(gcw_method_new(t, turn_it, NULL),
                                         note_death, NULL);
    char *text = table(dumped(), "cleanups: ");

    LINE(text, "0  alive ", " cleanup ", address(t), SHOWN(close_it));
    LINE(text, "0  alive ", " on death ", address(t), SHOWN(note_death));
    gcw_cleanup_detach(c);
    gcw_cleanup_detach(d);
    GC_reachable_here(t);
    assert_null(strstr(table(dumped(), "cleanups: "), address(t)));
    in_dead_frame(clean_up_after_dropped, NULL);
    collect();
    text = table(dumped(), "cleanups: ");
    assert_true(nearly_all(occurrences(text, "  pending "), MANY));
    assert_int_equal(occurrences(text, SHOWN(close_it)), MANY);
    gcw_drain(0);
    assert_int_equal(occurrences(dumped(), "  pending "), 0);
}

TEST(one_that_waits_for_two_is_pending_when_one_of_them_is_dead)
{
    struct target *t = target_new(1), *data = target_new(2);
    gcw_method *m = gcw_method_new_weak(t, turn_it, data);
    gcw_cleanup *d = gcw_method_on_death(m, note_death, NULL);

    LINE(dumped(), "  alive ", " on death ", address(t), SHOWN(note_death));
    gcw_dispose(data);
    LINE(dumped(), "  pending ", " on death ", " - ", SHOWN(note_death));
    gcw_drain(0);
    assert_false(gcw_cleanup_alive(d));
    GC_reachable_here(t);
    GC_reachable_here(data);
}

TEST(age_is_counted_in_collections)
{
    struct target *t;
    gcw_event *e;
    gcw_exit_registry *r;
    gcw_cleanup *c;
    GC_word born;
    char age[32];

    GC_disable();
    t = target_new(1);
    e = gcw_event_new("old");
    r = gcw_exit_registry_new("old");
    c = gcw_cleanup_new(t, close_it, NULL);
    gcw_event_connect_fn(e, hear_it, NULL, 0);
    gcw_exit_register(r, gcw_method_new(t, turn_it, NULL), NULL);
    born = GC_get_gc_no();
    GC_enable();
    for (int i = 0; i < 5; i++)
        GC_gcollect();
    GC_disable();
    snprintf(age, sizeof age, " %ju  alive ",
             (uintmax_t)(GC_get_gc_no() - born));
    LINE(table(dumped(), "event \"old\" "), age, SHOWN(hear_it));
    LINE(table(dumped(), "exit registry \"old\" "), age, SHOWN(turn_it));
    LINE(table(dumped(), "cleanups: "), age, address(t));
    GC_enable();
    assert_true(GC_get_gc_no() - born >= 5);
    gcw_cleanup_detach(c);
    GC_reachable_here(t);
    GC_reachable_here(e);
    GC_reachable_here(r);
}

/* More than a walk copies at a time. */
TEST(every_handler_and_every_cleanup_is_shown)
{
    struct target *t = target_new(1);
    gcw_exit_registry *r = gcw_exit_registry_new("many");
    gcw_cleanup *cleanups[MANY];
    char *text;

    for (size_t i = 0; i < MANY; i++) {
        gcw_exit_register_fn(r, flush_it, NULL, NULL);
        cleanups[i] = gcw_cleanup_new(t, close_it, NULL);
    }
    text = dumped();
    assert_int_equal(occurrences(table(text, "registry \"many\" "),
                                 SHOWN(flush_it)), MANY);
    assert_int_equal(occurrences(table(text, "cleanups: "), address(t)),
                     MANY);
    for (size_t i = 0; i < MANY; i++)
        gcw_cleanup_detach(cleanups[i]);
    GC_reachable_here(t);
    GC_reachable_here(r);
}

/* The line of a map in a dump. */
static void
dump_of_map(gcw_map_kind kind, const char *name)
{
    gcw_map *m = gcw_map_new(kind);
    struct target *key = target_new(1), *value = target_new(2);
    char *text, *line;

    gcw_map_put(m, key, value);
    gcw_map_put(m, value, value);
    text = dumped();
    assert_true(asprintf(&line, "\nmap %p, %s: 2 in 16 slots\n", (void *)m,
                         name) > 0);
    assert_non_null(strstr(text, line));
    gcw_dispose(value);
    text = dumped();
    assert_null(strstr(text, line));
    LINE(text, "map ", address(m), name, " in 16 slots, where ", " have died");
    GC_reachable_here(key);
    GC_reachable_here(value);
    GC_reachable_here(m);
}

TEST(a_dump_shows_the_maps)
{
    dump_of_map(GCW_WEAK_KEYS, "weak keys");
    dump_of_map(GCW_WEAK_VALUES, "weak values");
    dump_of_map(GCW_WEAK_BOTH, "weak keys and values");
    dump_of_map(GCW_STRONG_VALUES, "weak keys and strong values");
}

TEST(a_dump_shows_the_guardians)
{
    gcw_guardian *g = gcw_guardian_new();
    struct target *t = target_new(1);
    char *line;

    gcw_guardian_add(g, t, NULL);
    assert_true(asprintf(&line, "\nguardian %p: 1 in 16 slots\n", (void *)g)
                > 0);
    assert_non_null(strstr(dumped(), line));
    GC_reachable_here(t);
    GC_reachable_here(g);
}

TEST(a_dump_shows_intern_tables)
{
    gcw_intern *t = gcw_intern_new();
    char *line;

    assert_true(asprintf(&line, "\nintern table %p: 0 in 16 slots\n",
                         (void *)t) > 0);
    assert_non_null(strstr(dumped(), line));
    GC_reachable_here(t);
}

TEST(a_dump_counts_ephemerons)
{
    struct target *key = target_new(1);
    gcw_ephemeron *e = gcw_ephemeron_new(key, key);
    gcw_statistics s = { .size = sizeof s };
    char line[64];

    gcw_stats(&s);
    assert_true(s.ephemerons >= 1);
    snprintf(line, sizeof line, "\nephemerons: %zu\n", s.ephemerons);
    assert_non_null(strstr(dumped(), line));
    GC_reachable_here(e);
}

/* A stream that uses the library while it is written to. */
static ssize_t
write_and_use(void *cookie, const char *text, size_t size)
{
    struct target *t = target_new(1);
    gcw_event *e = gcw_event_new("while writing");
    gcw_exit_registry *r = gcw_exit_registry_new("while writing");
    gcw_cleanup *c = gcw_cleanup_new(t, close_it, NULL);
    gcw_listener *l;

    (void)text;
    gcw_exit_unregister(gcw_exit_register_fn(r, flush_it, NULL, NULL));
    l = gcw_event_connect(e, gcw_method_new(t, turn_it, NULL), 0);
    gcw_listener_disconnect(l);
    gcw_cleanup_detach(c);
    gcw_collect();
    ++*(size_t *)cookie;
    return (ssize_t)size;
}

TEST(no_lock_is_held_while_a_dump_is_written)
{
    size_t written = 0;
    cookie_io_functions_t io = { .write = write_and_use };
    FILE *out = fopencookie(&written, "w", io);
    struct target *t = target_new(1);
    gcw_event *e = gcw_event_new("watched");
    gcw_hub *h = gcw_hub_new();
    gcw_cleanup *c = gcw_cleanup_new(t, close_it, NULL);
    gcw_exit_registry *r = gcw_exit_registry_new("watched");
    int length;

    assert_non_null(out);
    setvbuf(out, NULL, _IONBF, 0);
    gcw_event_connect(e, gcw_method_new(t, turn_it, NULL), 0);
    gcw_hub_connect(h, "opened", t, gcw_method_new(t, turn_it, NULL), 0);
    gcw_exit_register(r, gcw_method_new(t, turn_it, NULL), NULL);
    gcw_dump(out);
    length = gcw_explain(t, out);
    assert_true(written > 20);
    assert_true(length >= 1);
    gcw_cleanup_detach(c);
    fclose(out);
    GC_reachable_here(e);
    GC_reachable_here(h);
    GC_reachable_here(r);
}

/* Old cleanups are taken back when some of the new ones have been written. */
enum { NEW = MANY / 10 };

struct taking_back {
    gcw_cleanup *cleanups[MANY];
    struct target *targets[MANY];
    FILE *copy;
    bool done;
};

static void
print_target(char *text, size_t size, const struct taking_back *t, size_t i)
{
    snprintf(text, size, " %p ", (void *)t->targets[i]);
}

static ssize_t
write_and_take_back(void *cookie, const char *text, size_t size)
{
    struct taking_back *t = cookie;
    char row[32];

    print_target(row, sizeof row, t, MANY - NEW / 4);
    fwrite(text, 1, size, t->copy);
    if (t->done || memmem(text, size, row, strlen(row)) == NULL)
        return (ssize_t)size;
    t->done = true;
    for (size_t i = 0; i < MANY - NEW; i++)
        assert_true(gcw_cleanup_detach(t->cleanups[i]));
    return (ssize_t)size;
}

TEST(a_cleanup_that_stays_is_shown_once_when_others_go_meanwhile)
{
    struct taking_back *t = GC_MALLOC_UNCOLLECTABLE(sizeof *t);
    cookie_io_functions_t io = { .write = write_and_take_back };
    FILE *out = fopencookie(t, "w", io);
    char *text, row[32];
    size_t size;

    assert_non_null(out);
    setvbuf(out, NULL, _IOLBF, 4096);
    t->copy = open_memstream(&text, &size);
    for (size_t i = 0; i < MANY; i++) {
        t->targets[i] = target_new(i);
        t->cleanups[i] = gcw_cleanup_new(t->targets[i], idle, NULL);
    }
    gcw_dump(out);
    fclose(out);
    fclose(t->copy);
    assert_true(t->done);
    for (size_t i = MANY - NEW; i < MANY; i++) {
        print_target(row, sizeof row, t, i);
        assert_int_equal(occurrences(text, row), 1);
        gcw_cleanup_detach(t->cleanups[i]);
    }
    free(text);
    GC_FREE(t);
}

TEST(a_dump_takes_no_memory_of_the_collector)
{
    static char buffer[1 << 16];
    FILE *out = fmemopen(buffer, sizeof buffer, "w");
    size_t before;

    assert_non_null(out);
    gcw_dump(out);
    before = GC_get_total_bytes();
    gcw_dump(out);
    assert_int_equal(GC_get_total_bytes(), before);
    fclose(out);
}

TEST(a_dump_to_nowhere_is_refused)
{
    errno = 0;
    gcw_dump(NULL);
    assert_int_equal(errno, EINVAL);
}

/* Objects have died and nobody has noticed yet, for the collector runs no
 * finalizers meanwhile. */
static void
collect_unnoticed(void)
{
    int on_demand = GC_get_finalize_on_demand();

    GC_set_finalize_on_demand(1);
    clear_stack();
    GC_gcollect();
    GC_set_finalize_on_demand(on_demand);
}

static ssize_t
collect_and_write(void *to, const char *text, size_t size)
{
    static bool collected;

    if (!collected)
        collect_unnoticed();
    collected = true;
    return (ssize_t)fwrite(text, 1, size, to);
}

/* With a collection after the first line, which the next call into the library
 * will notice. */
static char *
dumped_while_collecting(void)
{
    cookie_io_functions_t io = { .write = collect_and_write };
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    FILE *out = fopencookie(to, "w", io);

    assert_non_null(out);
    setvbuf(out, NULL, _IOLBF, 0);
    gcw_dump(out);
    fclose(out);
    fclose(to);
    return text;
}

struct kept {
    gcw_event *event;
    gcw_hub *hub;
    gcw_exit_registry *registry;
    void *data;
};

static void
keep_for_dropped(void *kept)
{
    struct kept *k = kept;

    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);
        gcw_method *m = gcw_method_new(t, turn_it, NULL);

        gcw_event_connect(k->event, m, 0);
        gcw_hub_connect_fn(k->hub, NULL, t, hear_of_hub, NULL, 0);
        gcw_exit_register(k->registry, m, NULL);
        m = gcw_method_new_weak(k->data, turn_it, t);
        gcw_exit_register(k->registry, m, NULL);
        gcw_event_new("unnoticed");
    }
}

/* The pump of another thread may notice it all the same. */
TEST(what_died_unnoticed_is_shown_as_dead)
{
    struct kept k = { gcw_event_new("waits"), gcw_hub_new(),
                      gcw_exit_registry_new("waits"), target_new(1) };
    gcw_statistics s = { .size = sizeof s };
    size_t before, alive;
    char *text;

    gcw_stats(&s);
    before = s.events;
    in_dead_frame(keep_for_dropped, &k);
    text = dumped_while_collecting();
    gcw_stats(&s);
    assert_true(s.events <= before + MANY - NEARLY_ALL);
    assert_true(occurrences(text, "\"unnoticed\"") <= MANY - NEARLY_ALL);
    alive = occurrences(table(text, "event \"waits\" "), "  alive ");
    assert_true(alive <= MANY - NEARLY_ALL);
    alive = occurrences(table(text, "registry \"waits\" "), "  alive ");
    assert_true(alive <= 2 * (MANY - NEARLY_ALL));
    GC_reachable_here(k.event);
    GC_reachable_here(k.hub);
    GC_reachable_here(k.registry);
    GC_reachable_here(k.data);
}

static void *
look_as_stranger(void *arg)
{
    int *refused = arg;
    gcw_statistics s = { .size = sizeof s };

    errno = 0;
    gcw_dump(stderr);
    refused[0] = errno;
    errno = 0;
    gcw_stats(&s);
    refused[1] = errno;
    errno = 0;
    refused[2] = gcw_explain(refused, stderr) == -1 ? errno : 0;
    errno = 0;
    refused[3] = gcw_explain_name(NULL, NULL) == -1 ? errno : 0;
    return NULL;
}

TEST(a_thread_that_the_collector_does_not_know_may_not_look)
{
    int refused[4];

    assert_int_equal(gcw_init(), 0);
    in_unknown_thread(look_as_stranger, refused);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(refused[i], EPERM);
}

/* --- the counts --- */

static gcw_statistics
stats(void)
{
    gcw_statistics s = { .size = sizeof s };

    errno = 0;
    gcw_stats(&s);
    assert_int_equal(errno, 0);
    assert_int_equal(s.size, sizeof s);
    return s;
}

/* Other tests leave things that may die at any time, but not here. */
/* Whether short references are held by links, because they are to be. */
static bool
is_by_links(void)
{
    const char *wanted = getenv("GCWEAK_REFS");

    return wanted != NULL && strcmp(wanted, "links") == 0;
}

TEST(counts_follow_what_is_made_and_ended)
{
    collect();
    gcw_drain(0);
    struct target *t = target_new(1);
    gcw_statistics before = stats(), now;
    gcw_event *e = gcw_event_new("counted");
    gcw_hub *h = gcw_hub_new();
    gcw_exit_registry *r = gcw_exit_registry_new("counted");
    gcw_cleanup *c = gcw_cleanup_new(t, close_it, NULL);

    gcw_event_connect(e, gcw_method_new(t, turn_it, NULL), 0);
    gcw_event_connect_fn(e, hear_it, NULL, 0);
    gcw_hub_connect_fn(h, "opened", NULL, hear_of_hub, NULL, 0);
    gcw_hub_post(h, "opened", NULL, NULL);
    gcw_exit_register_fn(r, flush_it, NULL, NULL);
    now = stats();
    assert_int_equal(now.references - before.references, 4);
    assert_int_equal(now.watches - before.watches, 5);
    assert_int_equal(now.events - before.events, 1);
    assert_int_equal(now.hubs - before.hubs, 1);
    assert_int_equal(now.patterns - before.patterns, 1);
    assert_int_equal(now.listeners - before.listeners, 3);
    assert_int_equal(now.posted - before.posted, 1);
    assert_int_equal(now.registries - before.registries, 1);
    assert_int_equal(now.exit_handlers - before.exit_handlers, 1);
    assert_int_equal(now.cleanups - before.cleanups, 1);
    assert_int_equal(now.pending, 0);
    assert_true(now.index_capacity >= now.references);
    assert_true(now.slots >= now.references);
    assert_true(now.link_pages * 255 <= now.slots);
    assert_int_equal(now.references_by_marks - before.references_by_marks,
                     is_by_links() ? 0 : 1);
    gcw_dispose(t);
    now = stats();
    assert_int_equal(now.pending, 1);
    assert_int_equal(now.cleanups - before.cleanups, 1);
    assert_int_equal(now.references - before.references, 3);
    assert_int_equal(now.listeners - before.listeners, 2);
    gcw_drain(0);
    now = stats();
    assert_int_equal(now.pending, 0);
    assert_int_equal(now.cleanups, before.cleanups);
    assert_int_equal(now.cleanups_run - before.cleanups_run, 1);
    assert_false(gcw_cleanup_alive(c));
    GC_reachable_here(t);
    GC_reachable_here(e);
    GC_reachable_here(h);
    GC_reachable_here(r);
}

static void *
fail_as_method(void *self, void *arg, void *data)
{
    (void)arg, (void)data;
    return self;
}

static void
fail_as_listener(void *arg, void *data)
{
    (void)arg, (void)data;
    gcw_fail("on purpose");
}

TEST(callbacks_that_run_and_fail_are_counted)
{
    struct target *t = target_new(1);
    gcw_exit_registry *r = gcw_exit_registry_new("failing");
    gcw_event *e = gcw_event_new("failing");
    gcw_statistics before = stats(), now;

    gcw_exit_on_error(r, idle_on_error, NULL);
    gcw_event_on_error(e, idle_on_error, NULL);
    gcw_drain_on_error(idle_on_error, NULL);
    gcw_exit_register_fn(r, flush_it, NULL, NULL);
    gcw_exit_register_fn(r, fail_it, NULL, NULL);
    gcw_exit_register(r, gcw_method_new(t, fail_as_method, NULL), NULL);
    assert_int_equal(gcw_exit_run(r, 0), 2);
    gcw_event_connect_fn(e, fail_as_listener, NULL, 0);
    gcw_event_emit(e, NULL);
    gcw_cleanup_run(gcw_cleanup_new(t, fail_it, NULL));
    gcw_cleanup_run(gcw_cleanup_new(t, close_it, NULL));
    gcw_cleanup_detach(gcw_cleanup_new(t, close_it, NULL));
    gcw_drain_on_error(NULL, NULL);
    now = stats();
    assert_int_equal(now.exit_handlers_run - before.exit_handlers_run, 3);
    assert_int_equal(now.cleanups_run - before.cleanups_run, 2);
    assert_int_equal(now.callbacks_failed - before.callbacks_failed, 4);
    GC_reachable_here(t);
}

TEST(collections_are_counted_and_noticed)
{
    gcw_statistics before = stats(), now;

    GC_gcollect();
    now = stats();
    assert_true(now.collections > before.collections);
    assert_true(now.noticed == now.collections);
}

/* --- counts of weak maps --- */

static void
put_dropped(void *map)
{
    for (size_t i = 0; i < MANY; i++) {
        struct target *key = target_new(i);

        assert_int_equal(gcw_map_put(map, key, key), 0);
    }
}

TEST(maps_and_their_entries_are_counted)
{
    collect();
    struct target *key = target_new(1), *value = target_new(2);
    gcw_statistics before = stats(), now;
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    gcw_ephemeron *e = gcw_ephemeron_new(key, value);

    gcw_map_put(m, key, value);
    now = stats();
    assert_int_equal(now.maps - before.maps, 1);
    assert_int_equal(now.map_entries - before.map_entries, 1);
    assert_int_equal(now.weak_tables - before.weak_tables, 2);
    assert_int_equal(now.ephemerons - before.ephemerons, 1);
    assert_int_equal(now.entries_died, before.entries_died);
    gcw_map_remove(m, key);
    now = stats();
    assert_int_equal(now.map_entries, before.map_entries);
    assert_int_equal(now.entries_died, before.entries_died);
    GC_reachable_here(key);
    GC_reachable_here(value);
    GC_reachable_here(e);
    GC_reachable_here(m);
}

TEST(entries_that_have_died_are_counted)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    gcw_statistics before = stats(), now;

    in_dead_frame(put_dropped, m);
    collect();
    now = stats();
    assert_true(nearly_all(now.entries_died - before.entries_died, MANY));
    assert_true(now.map_entries - before.map_entries <= MANY - NEARLY_ALL);
    GC_reachable_here(m);
}

static void
make_dropped_maps(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < MANY; i++) {
        struct target *key = target_new(i);
        gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);

        assert_int_equal(gcw_map_put(m, key, key), 0);
        assert_non_null(gcw_ephemeron_new(key, m));
    }
}

TEST(maps_and_ephemerons_that_have_died_are_not_counted)
{
    gcw_statistics before = stats(), now;

    in_dead_frame(make_dropped_maps, NULL);
    collect();
    now = stats();
    assert_true(now.weak_tables
                <= before.weak_tables + 2 * (MANY - NEARLY_ALL));
    assert_true(now.ephemerons <= before.ephemerons + MANY - NEARLY_ALL);
    assert_true(now.maps <= before.maps + MANY - NEARLY_ALL);
}

static void GC_CALLBACK
hear_nothing(GC_EventType event)
{
    (void)event;
}

TEST(collections_of_which_maps_are_not_told_are_counted)
{
    struct target *key = target_new(1);
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    GC_on_collection_event_proc library = GC_get_on_collection_event();
    gcw_statistics before = stats(), now;
    char line[99];

    gcw_map_put(m, key, key);
    GC_set_on_collection_event(hear_nothing);
    GC_gcollect();
    GC_set_on_collection_event(library);
    assert_ptr_equal(gcw_map_get(m, key), key);
    now = stats();
    assert_true(now.collections_missed > before.collections_missed);
    assert_int_equal(now.entries_dropped, before.entries_dropped);
    assert_int_equal(now.collections_held, before.collections_held);
    snprintf(line, sizeof line, "weak maps were not told of %ju collections, "
             "and dropped %ju entries\n", (uintmax_t)now.collections_missed,
             (uintmax_t)now.entries_dropped);
    assert_non_null(strstr(dumped(), line));
}

static GC_on_collection_event_proc library_event;

/* Marking begins with the engine, and ends without it. */
static void GC_CALLBACK
keep_the_end_to_oneself(GC_EventType event)
{
    if (event != GC_EVENT_MARK_END && event != GC_EVENT_PRE_START_WORLD)
        library_event(event);
}

TEST(entries_that_are_dropped_are_counted)
{
    struct target *key = target_new(1);
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    gcw_statistics before = stats(), now;

    gcw_map_put(m, key, key);
    library_event = GC_get_on_collection_event();
    GC_set_on_collection_event(keep_the_end_to_oneself);
    GC_gcollect();
    GC_set_on_collection_event(library_event);
    assert_null(gcw_map_get(m, key));
    now = stats();
    assert_true(now.collections_missed > before.collections_missed);
    assert_true(now.entries_dropped - before.entries_dropped
                >= before.map_entries + 1);
    assert_int_equal(now.map_entries, 0);
    GC_reachable_here(key);
}

static GC_ToggleRefStatus GC_CALLBACK
be_strong(void *object)
{
    (void)object;
    return GC_TOGGLE_REF_STRONG;
}

TEST(collections_in_which_all_is_held_are_counted)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    gcw_statistics before = stats(), now;

    GC_set_toggleref_func(be_strong);
    in_dead_frame(put_dropped, m);
    collect();
    assert_int_equal(gcw_map_count(m), MANY);
    now = stats();
    GC_set_toggleref_func(NULL);
    assert_true(now.collections_held > before.collections_held);
    assert_int_equal(now.collections_missed, before.collections_missed);
    LINE(dumped(), "weak maps held everything in ", " collections, for there"
         " are toggle references");
    assert_non_null(gcw_map_new(GCW_WEAK_KEYS));
    collect();
    assert_true(gcw_map_count(m) <= MANY - NEARLY_ALL);
}

/* A structure as a later version may have it, and what an earlier one had. */
struct later {
    gcw_statistics s;
    size_t more;
};

TEST(the_counts_may_be_of_another_version)
{
    const size_t first = offsetof(gcw_statistics, maps);
    struct later later = { { .size = sizeof later }, 4711 };
    gcw_statistics old = { .size = first, .maps = 4711 };
    gcw_statistics none = { .size = first - 1 };

    errno = 0;
    gcw_stats(&later.s);
    assert_int_equal(errno, 0);
    assert_int_equal(later.s.size, sizeof later.s);
    assert_int_equal(later.more, 4711);
    assert_true(later.s.registries >= 1);
    gcw_stats(&old);
    assert_int_equal(errno, 0);
    assert_int_equal(old.size, first);
    assert_int_equal(old.maps, 4711);
    assert_true(old.registries >= 1);
    gcw_stats(&none);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(none.registries, 0);
    errno = 0;
    gcw_stats(NULL);
    assert_int_equal(errno, EINVAL);
}

/* --- who keeps it alive --- */

struct node {
    struct node *next;
    uintptr_t more[11];
};

static struct node *
node_new(struct node *next)
{
    struct node *n = GC_MALLOC(sizeof *n);

    assert_non_null(n);
    n->next = next;
    return n;
}

/* A question whose target is nowhere but where the test has put it: made in a
 * frame that is gone, known by its turned bits. */
struct question {
    void (*prepare)(struct question *q);
    uintptr_t hidden;                /* the target */
    void **keep;                     /* uncollectable */
};

static void
prepare(void *question)
{
    struct question *q = question;

    q->prepare(q);
}

static char *
ask(const struct question *q, int *length)
{
    return explained(&q->hidden, length);
}

static char *
answer(struct question *q, void (*how)(struct question *q), int *length)
{
    q->prepare = how;
    q->keep = keep_array(4);
    in_dead_frame(prepare, q);
    return ask(q, length);
}

#define LENGTH(text, length, wanted)                                        \
    do {                                                                    \
        if ((length) != (wanted))                                           \
            fail_msg("%d and not %d objects in:\n%s", length, wanted, text);\
    } while (0)

/* Not inline: the caller's frame, and those of tests to come, which find the
 * same addresses, must not have the target in them. */
static NOINLINE void
ends_at_target(const char *text, const struct question *q)
{
    LINE(text, "  -> ", address((void *)~q->hidden), " bytes: the target");
}

struct node *root_of_chain;

static void
hang_on_static(struct question *q)
{
    struct node *t = node_new(NULL);

    root_of_chain = node_new(node_new(t));
    q->hidden = ~(uintptr_t)t;
}

TEST(a_chain_from_a_static_is_shown, .lacks = nothing_astray)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_static, &length);

    if (GC_get_no_dls()) {
        LENGTH(text, length, 0);
        return;
    }
    LENGTH(text, length, 3);
    LINE(text, "static data", ":", SHOWN(root_of_chain));
    LINE(text, address(root_of_chain), "at offset 0");
    LINE(text, address(root_of_chain->next), "at offset 0");
    ends_at_target(text, &q);
    assert_int_equal(occurrences(text, "->"), 3);
    root_of_chain->next = NULL;
    text = ask(&q, &length);
    LENGTH(text, length, 0);
    root_of_chain = NULL;
    free(text);
}

static void
hang_on_uncollectable(struct question *q)
{
    struct node *t = node_new(NULL);

    q->keep[2] = node_new(t);
    q->hidden = ~(uintptr_t)t;
}

TEST(a_chain_from_uncollectable_memory_is_shown)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_uncollectable, &length);

    LENGTH(text, length, 3);
    LINE(text, "uncollectable object");
    LINE(text, address(q.keep), at_word(2));
    LINE(text, address(q.keep[2]), "at offset 0");
    ends_at_target(text, &q);
}

static void
hang_on_nothing(struct question *q)
{
    q->hidden = ~(uintptr_t)node_new(NULL);
}

static void
hang_a_large_one_on_nothing(struct question *q)
{
    void *large = NULL;

    for (int i = 0; i < 8; i++)
        large = GC_MALLOC(300000);
    assert_non_null(large);
    q->hidden = ~(uintptr_t)large;
}

/* The question itself does not keep it alive, so it dies.  Whether it is dead
 * the incremental collector does not tell. */
enum { ASKED = 20 };

static void
most_are_dead(void (*prepare)(struct question *q), size_t expected)
{
    const char *dead_or = GC_is_incremental_mode() ? "cannot be told"
                                                   : "it is dead\n";
    struct question q[ASKED];
    size_t dead = 0;

    for (size_t i = 0; i < ASKED; i++) {
        int length;
        char *text = answer(&q[i], prepare, &length);

        dead += length == 0 && strstr(text, dead_or) != NULL;
    }
    assert_in_range(dead, expected, ASKED);
}

TEST(nobody_keeps_what_is_dead)
{
    most_are_dead(hang_on_nothing, ASKED - 2);
}

/* Its memory is no object's any more, nor known by its own address.  Where
 * addresses have 4 bytes, numbers lead into what is large. */
TEST(nor_what_was_large)
{
    most_are_dead(hang_a_large_one_on_nothing,
                  sizeof(void *) < 8 ? ASKED / 4 : ASKED - 2);
}

TEST(a_word_on_the_stack_is_shown)
{
    struct question q;
    int length;
    void *volatile word;
    char *text;

    hang_on_nothing(&q);
    word = (void *)~q.hidden;
    text = ask(&q, &length);
    assert_int_equal(~(uintptr_t)word, q.hidden);
    word = NULL;
    LENGTH(text, length, 1);
    assert_true(strstr(text, "stack of this thread") != NULL
                || strstr(text, "register of this thread") != NULL);
    LINE(text, "perhaps only a variable of who asks");
}

/* Held by a word in this frame that is far from all others. */
TEST(the_place_on_the_stack_is_told)
{
    struct question q;
    int length;
    void *volatile words[64] = { NULL };
    char *text;

    q.prepare = hang_on_uncollectable;
    q.keep = keep_array(4);
    in_dead_frame(prepare, &q);
    words[32] = q.keep[2];
    q.keep[2] = NULL;
    text = ask(&q, &length);
    words[32] = NULL;
    LENGTH(text, length, 2);
    LINE(text, "stack of this thread, at ", address((void *)&words[32]));
}

static void
hang_on_cleanup(struct question *q)
{
    struct node *t = node_new(NULL), *other = node_new(NULL);

    q->keep[0] = other;
    q->keep[1] = gcw_cleanup_new(other, close_it, node_new(t));
    q->keep[1] = NULL;
    q->hidden = ~(uintptr_t)t;
}

TEST(a_cleanup_whose_data_leads_there_is_named)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_cleanup, &length);

    LENGTH(text, length, 4);
    LINE(text, "gcweak: a table of what waits for deaths");
    LINE(text, "gcweak: cleanup with", SHOWN(close_it), ", for ",
         address(q.keep[0]), ", at offset");
    ends_at_target(text, &q);
    gcw_dispose(q.keep[0]);
    gcw_drain(0);
}

static void
hang_on_own_cleanup(struct question *q)
{
    struct node *t = node_new(NULL);

    gcw_cleanup_new(t, close_it, node_new(t));
    q->hidden = ~(uintptr_t)t;
}

TEST(a_cleanup_that_keeps_its_own_object_is_named_as_such)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_own_cleanup, &length);

    LINE(text, "gcweak: cleanup with", SHOWN(close_it), ", for ",
         " itself, at");
    gcw_dispose((void *)~q.hidden);
    gcw_drain(0);
}

static void
hang_on_death(struct question *q)
{
    struct node *t = node_new(NULL), *other = node_new(NULL);
    gcw_method *m = gcw_method_new(other, turn_it, NULL);

    q->keep[0] = other;
    gcw_method_on_death(m, note_death, t);
    q->hidden = ~(uintptr_t)t;
}

TEST(a_death_callback_whose_data_leads_there_is_named)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_death, &length);

    LINE(text, "gcweak: death callback with", SHOWN(note_death));
    LINE(text, "gcweak: method and data of a death callback with",
         SHOWN(note_death));
    ends_at_target(text, &q);
    gcw_dispose(q.keep[0]);
    gcw_drain(0);
}

static void
hang_on_listener(struct question *q)
{
    struct node *t = node_new(NULL);
    gcw_event *e = gcw_event_new("pressed");

    q->keep[0] = e;
    q->keep[1] = node_new(NULL);
    gcw_event_connect_fn(e, fail_as_listener, NULL, 0);
    gcw_event_connect(e, gcw_method_new(q->keep[1], turn_it, t), 0);
    q->hidden = ~(uintptr_t)t;
}

TEST(a_listener_whose_data_leads_there_is_named)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_listener, &length);

    LENGTH(text, length, 4);
    LINE(text, "gcweak: event \"pressed\" ", address(q.keep[0]));
    LINE(text, "gcweak: listeners of event \"pressed\" ",
         ", as data of", SHOWN(turn_it));
    ends_at_target(text, &q);
}

static void
hang_on_handler(struct question *q)
{
    struct node *t = node_new(NULL);
    gcw_exit_options o = { .name = "the index" };

    q->keep[0] = gcw_exit_register_fn(gcw_exit_default(), flush_it, t, &o);
    q->hidden = ~(uintptr_t)t;
}

TEST(an_exit_handler_whose_data_leads_there_is_named)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_handler, &length);

    LINE(text, "gcweak: exit handler with", SHOWN(flush_it), " \"the index\" of"
         " exit registry (the default one)");
    ends_at_target(text, &q);
    gcw_exit_unregister(q.keep[0]);
}

static void
hang_on_post(struct question *q)
{
    struct node *t = node_new(NULL);
    gcw_hub *h = gcw_hub_new();

    q->keep[0] = h;
    gcw_hub_post(h, "opened", t, NULL);
    q->hidden = ~(uintptr_t)t;
}

TEST(an_emission_that_waits_is_named)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_post, &length);

    LINE(text, "gcweak: hub ", address(q.keep[0]));
    LINE(text, "gcweak: emission that waits of hub ", address(q.keep[0]));
}

static void
finalize(void *object, void *data)
{
    (void)object, (void)data;
}

static void
hang_on_finalizer(struct question *q)
{
    struct node *t = node_new(NULL);

    q->keep[0] = node_new(NULL);
    GC_REGISTER_FINALIZER_NO_ORDER(q->keep[0], finalize, t, NULL, NULL);
    q->hidden = ~(uintptr_t)t;
}

TEST(what_a_finalizer_was_given_is_kept_by_the_collector)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_finalizer, &length);

    assert_true(length >= 1);
    LINE(text, "the collector", "as what a finalizer is or was given");
    ends_at_target(text, &q);
    GC_REGISTER_FINALIZER_NO_ORDER(q.keep[0], NULL, NULL, NULL, NULL);
}

/* Weak things are no answer. */
static void
refer_weakly(struct question *q)
{
    struct node *t = node_new(NULL);
    gcw_event *e = gcw_event_new("weak");

    q->keep[0] = gcw_ref_new(t);
    q->keep[1] = e;
    q->keep[2] = gcw_method_new(t, turn_it, NULL);
    gcw_event_connect(e, q->keep[2], 0);
    q->keep[3] = node_new(t);
    q->hidden = ~(uintptr_t)t;
}

TEST(weak_handles_do_not_count)
{
    struct question q;
    int length;
    char *text = answer(&q, refer_weakly, &length);

    LENGTH(text, length, 3);
    LINE(text, address(q.keep), at_word(3));
    LINE(text, address(q.keep[3]), "at offset 0");
}

/* More than the search has room for at first. */
enum { LONG = 5000, SHORT = 30 };

static void
hang_on_nodes(struct question *q, int number)
{
    struct node *t = node_new(NULL), *n = t;

    for (int i = 0; i < number; i++)
        n = node_new(n);
    q->keep[0] = n;
    q->hidden = ~(uintptr_t)t;
}

static void
hang_on_list(struct question *q)
{
    hang_on_nodes(q, LONG);
}

static void
hang_on_short_list(struct question *q)
{
    hang_on_nodes(q, SHORT);
}

TEST(of_a_long_chain_the_ends_are_shown)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_list, &length);

    /* A number that is an address by chance may lead into the list: then
     * another one lies elsewhere. */
    for (int i = 0; i < 5 && length < LONG + 2; i++)
        text = answer(&q, hang_on_list, &length);
    LENGTH(text, length, LONG + 2);
    LINE(text, address(q.keep), "at offset 0");
    LINE(text, address(q.keep[0]), "at offset 0");
    assert_int_equal(occurrences(text, "  -> "), 49);
    LINE(text, "-> ... 4954 more");
    ends_at_target(text, &q);
}

TEST(a_shorter_one_is_shown_as_a_whole)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_short_list, &length);

    LENGTH(text, length, SHORT + 2);
    assert_int_equal(occurrences(text, "  -> "), SHORT + 2);
    ends_at_target(text, &q);
}

/* --- who keeps it alive: weak maps --- */

/* keep: a map, and what an entry of it lives by; the target is what it holds,
 * and leads back. */
static void
hang_on_entry(struct question *q, gcw_map_kind kind)
{
    struct node *t = node_new(NULL), *by = node_new(NULL);
    gcw_map *m = gcw_map_new(kind);
    bool by_value = kind == GCW_WEAK_VALUES;

    t->next = by;
    q->keep[0] = m;
    q->keep[1] = by;
    gcw_map_put(m, by_value ? t : by, by_value ? by : t);
    q->hidden = ~(uintptr_t)t;
}

static void
hang_on_key(struct question *q)
{
    hang_on_entry(q, GCW_WEAK_KEYS);
}

static void
hang_on_value(struct question *q)
{
    hang_on_entry(q, GCW_WEAK_VALUES);
}

static void
hang_on_both(struct question *q)
{
    hang_on_entry(q, GCW_WEAK_BOTH);
}

static void
hang_on_map(struct question *q)
{
    hang_on_entry(q, GCW_STRONG_VALUES);
}

/* An answer that leads from what the entry lives by to what it holds. */
static void
leads_through_entry(void (*how)(struct question *q), const char *half,
                    const char *kind)
{
    struct question q;
    int length;
    char *text = answer(&q, how, &length);

    LENGTH(text, length, 3);
    LINE(text, address(q.keep), at_word(1));
    LINE(text, "  -> ", address(q.keep[1]), half, address(q.keep[0]), " is");
    ends_at_target(text, &q);
    LINE(text, "  and map ", address(q.keep[0]), " is kept alive by");
    LINE(text, address(q.keep), "at offset 0");
    LINE(text, "  -> ", address(q.keep[0]), "gcweak: map ", kind, "at offset");
    LINE(text, "bytes, gcweak: table of map ", address(q.keep[0]));
    assert_int_equal(occurrences(text, "->"), 6);
}

TEST(a_value_is_kept_by_its_key_and_the_map)
{
    leads_through_entry(hang_on_key, "whose value in map ", "weak keys");
}

TEST(with_weak_values_a_key_is_kept_by_its_value_and_the_map)
{
    leads_through_entry(hang_on_value, "whose key in map ", "weak values");
}

TEST(with_strong_values_the_map_alone_keeps_them)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_map, &length);

    LENGTH(text, length, 4);
    LINE(text, address(q.keep[0]), "gcweak: map ", "strong values, at offset");
    LINE(text, "gcweak: table of map ", address(q.keep[0]), "strong values, as"
         " the value of ", address(q.keep[1]), "at offset");
    ends_at_target(text, &q);
}

enum { TIMES = 20 };

/* When the map and what the entry lives by are kept, then without one. */
static size_t
answers_without(size_t which, void (*how)(struct question *q))
{
    size_t none = 0;

    for (int i = 0; i < TIMES; i++) {
        struct question q;
        int length;

        free(answer(&q, how, &length));
        q.keep[which] = NULL;
        free(ask(&q, &length));
        none += length == 0;
    }
    return none;
}

TEST(a_value_is_not_kept_by_a_key_that_it_keeps)
{
    assert_true(answers_without(1, hang_on_key) >= TIMES - 2);
    assert_true(answers_without(1, hang_on_value) >= TIMES - 2);
}

TEST(nor_by_a_key_without_the_map, .lacks = nothing_astray)
{
    assert_true(answers_without(0, hang_on_key) >= TIMES - 2);
    assert_true(answers_without(0, hang_on_value) >= TIMES - 2);
}

TEST(a_map_that_is_weak_both_ways_keeps_nothing)
{
    assert_true(answers_without(2, hang_on_both) >= TIMES - 2);
}

/* The target is the key. */
static void
be_a_key(struct question *q)
{
    hang_on_key(q);
    q->keep[3] = node_new(q->keep[1]);
    q->hidden = ~(uintptr_t)q->keep[1];
    q->keep[1] = NULL;
}

TEST(no_entry_keeps_its_key)
{
    struct question q;
    int length;
    char *text = answer(&q, be_a_key, &length);

    LENGTH(text, length, 3);
    LINE(text, address(q.keep), at_word(3));
    LINE(text, address(q.keep[3]), "at offset 0");
    assert_null(strstr(text, "map"));
}

static void
hang_on_ephemeron(struct question *q)
{
    struct node *t = node_new(NULL);

    q->keep[1] = node_new(NULL);
    t->next = q->keep[1];
    q->keep[0] = gcw_ephemeron_new(q->keep[1], t);
    q->hidden = ~(uintptr_t)t;
}

TEST(the_value_of_an_ephemeron_is_kept_by_both, .lacks = nothing_astray)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_ephemeron, &length);

    LENGTH(text, length, 3);
    LINE(text, "  -> ", address(q.keep[1]), " bytes, whose value in ephemeron ",
         address(q.keep[0]), " is");
    ends_at_target(text, &q);
    LINE(text, "  and ephemeron ", address(q.keep[0]), " is kept alive by");
    LINE(text, "  -> ", address(q.keep[0]), " bytes, gcweak: ephemeron");
    assert_true(answers_without(0, hang_on_ephemeron) >= TIMES - 2);
    assert_true(answers_without(1, hang_on_ephemeron) >= TIMES - 2);
}

/* The key is found before the map is looked at, or after it. */
static void
hang_on_entries(struct question *q, bool keys_first)
{
    void *key = node_new(NULL), *t = key;
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);

    for (int i = 0; i < SHORT; i++) {
        void *value = node_new(NULL);

        gcw_map_put(m, t, value);
        t = value;
    }
    q->keep[0] = keys_first ? key : (void *)node_new(node_new(node_new(key)));
    q->keep[1] = keys_first ? (void *)node_new(node_new((void *)m)) : m;
    q->hidden = ~(uintptr_t)t;
}

static void
hang_on_entries_by_key(struct question *q)
{
    hang_on_entries(q, true);
}

static void
hang_on_entries_by_map(struct question *q)
{
    hang_on_entries(q, false);
}

TEST(a_chain_of_entries_is_one_of_keys)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_entries_by_key, &length);

    LENGTH(text, length, SHORT + 2);
    assert_int_equal(occurrences(text, ", whose value in map "), SHORT);
    ends_at_target(text, &q);
    text = answer(&q, hang_on_entries_by_map, &length);
    LENGTH(text, length, SHORT + 5);
    assert_int_equal(occurrences(text, ", whose value in map "), SHORT);
    ends_at_target(text, &q);
}

/* More entries that wait than there is room for at first. */
static void
hang_on_last_of_many(struct question *q)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct node *keys = NULL, *t = node_new(NULL);

    for (int i = 0; i < LONG; i++) {
        keys = node_new(keys);
        gcw_map_put(m, keys, i == 0 ? t : keys);
    }
    q->keep[0] = m;
    q->keep[1] = keys;
    q->hidden = ~(uintptr_t)t;
}

TEST(many_entries_may_wait_for_their_keys, .lacks = nothing_astray)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_last_of_many, &length);

    LENGTH(text, length, LONG + 2);
    LINE(text, ", whose value in map ", address(q.keep[0]), " is");
    ends_at_target(text, &q);
}

/* A walk holds the table that the map has had. */
static void
hang_on_old_table(struct question *q)
{
    struct node *t = node_new(NULL);
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    gcw_map_iter *i = GC_NEW(gcw_map_iter);

    q->keep[1] = node_new(NULL);
    gcw_map_put(m, q->keep[1], t);
    gcw_map_first(m, i);
    for (int n = 0; n < SHORT; n++)
        gcw_map_put(m, node_new(NULL), m);
    gcw_map_remove(m, q->keep[1]);
    q->keep[0] = i;
    q->hidden = ~(uintptr_t)t;
}

TEST(a_table_that_a_map_has_left_is_told)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_old_table, &length);

    LENGTH(text, length, 3);
    LINE(text, address(q.keep[1]), "whose value in a table that a map has left"
         " 0x", " is");
    LINE(text, "  and a table that a map has left 0x", " is kept alive by");
    LINE(text, address(q.keep[0]), at_word(1));
}

static void
hang_on_map_that_is_not_told(struct question *q)
{
    hang_on_key(q);
    q->keep[1] = NULL;
    library_event = GC_get_on_collection_event();
    GC_set_on_collection_event(hear_nothing);
}

TEST(maps_that_hold_everything_say_so)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_map_that_is_not_told, &length);

    GC_set_on_collection_event(library_event);
    LENGTH(text, length, 4);
    LINE(text, "gcweak: table of map ", address(q.keep[0]), "as the value of ");
    LINE(text, "(weak maps hold everything, for they are not told of");
}

/* --- who keeps it alive: guardians --- */

/* keep: a guardian, and an object that has the target for its representative. */
static void
hang_on_guarded(struct question *q)
{
    struct node *t = node_new(NULL);

    q->keep[0] = gcw_guardian_new();
    q->keep[1] = node_new(NULL);
    t->next = q->keep[1];
    gcw_guardian_add(q->keep[0], q->keep[1], t);
    q->hidden = ~(uintptr_t)t;
}

TEST(a_representative_is_kept_by_the_object_and_the_guardian)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_guarded, &length);

    LENGTH(text, length, 3);
    LINE(text, "  -> ", address(q.keep[1]), "whose value in guardian ",
         address(q.keep[0]), " is");
    ends_at_target(text, &q);
    LINE(text, "  and guardian ", address(q.keep[0]), " is kept alive by");
    LINE(text, "gcweak: some entries of guardian ", address(q.keep[0]));
    LINE(text, "gcweak: table of guardian ", address(q.keep[0]));
}

TEST(what_can_be_taken_out_of_a_guardian_is_kept_by_that)
{
    struct question q;
    int length;
    char *text;

    free(answer(&q, hang_on_guarded, &length));
    gcw_dispose(q.keep[1]);
    q.keep[1] = NULL;
    text = ask(&q, &length);
    assert_in_range(length, 4, 5);
    LINE(text, "gcweak: table of guardian ", address(q.keep[0]), ", to be"
         " handed out, at offset");
    ends_at_target(text, &q);
    assert_ptr_equal(gcw_guardian_next(q.keep[0]), (void *)~q.hidden);
}

/* --- who keeps it alive: other things --- */

/* Never read, so the compiler would leave it out. */
static struct node *volatile root_without_name;
struct node *roots_of_chains[4];

static void
hang_on_statics(struct question *q)
{
    struct node *t = node_new(NULL);

    root_without_name = roots_of_chains[2] = NULL;
    if (q->keep[0] == NULL)
        root_without_name = t;
    else
        roots_of_chains[2] = t;
    q->hidden = ~(uintptr_t)t;
}

static void
ask_about_static(struct question *q, void *which, const char *root)
{
    int length;
    char *text;

    q->keep = keep_array(1);
    q->keep[0] = which;
    q->prepare = hang_on_statics;
    in_dead_frame(prepare, q);
    text = ask(q, &length);
    LENGTH(text, length, GC_get_no_dls() ? 0 : 1);
    if (GC_get_no_dls())
        LINE(text, "it is dead");
    else
        LINE(text, "static data", ":", root);
    root_without_name = roots_of_chains[2] = NULL;
}

/* Nor has it where no names are known. */
TEST(a_static_without_a_name_is_told_by_its_file)
{
    struct question q;

    ask_about_static(&q, NULL, shown("debug.t+0x",
                                     (uintptr_t)&root_without_name));
}

/* Elsewhere a symbol counts only at its first byte. */
static const char *
sizes_of_symbols(void)
{
#if HAVE_DLADDR1
    return NULL;
#else
    return "dladdr1 in the C library";
#endif
}

TEST(a_static_array_is_shown_with_the_offset, .lacks = sizes_of_symbols)
{
    struct question q;

    ask_about_static(&q, "named", shown(sizeof(void *) == 8
                                        ? "roots_of_chains+0x10 ("
                                        : "roots_of_chains+0x8 (",
                                        (uintptr_t)&roots_of_chains[2]));
}

static void
be_uncollectable(struct question *q)
{
    q->hidden = ~(uintptr_t)GC_MALLOC_ATOMIC_UNCOLLECTABLE(100);
}

/* It is passed by when others are asked about. */
TEST(pointer_free_uncollectable_memory_is_a_root_itself)
{
    struct question q, other;
    int length;
    char *text = answer(&q, be_uncollectable, &length);

    LENGTH(text, length, 1);
    LINE(text, "uncollectable object");
    ends_at_target(text, &q);
    text = answer(&other, hang_on_nothing, &length);
    assert_null(strstr(text, address((void *)~q.hidden)));
    GC_FREE((void *)~q.hidden);
}

static void
hang_on_hook(struct question *q)
{
    struct node *t = node_new(NULL);

    gcw_drain_on_error(idle_on_error, t);
    q->hidden = ~(uintptr_t)t;
}

TEST(what_the_library_holds_is_named)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_hook, &length);

    LENGTH(text, length, 3);
    LINE(text, "bytes, gcweak: what the library holds, at offset");
    LINE(text, "bytes, gcweak: the default queue of callbacks, at offset");
    ends_at_target(text, &q);
    gcw_drain_on_error(NULL, NULL);
}

#if HAVE_LIBFFI
static void
note_stale(gcw_proxy *p, void *data)
{
    (void)p, (void)data;
}

static void
hang_on_proxy(struct question *q)
{
    struct node *t = node_new(NULL);

    q->keep[0] = node_new(NULL);
    q->keep[1] = gcw_proxy_new(q->keep[0], (gcw_proxy_fn *)close_it, ")v");
    gcw_proxy_new(q->keep[0], (gcw_proxy_fn *)close_it, ")v");
    gcw_proxy_on_stale(q->keep[1], note_stale, t);
    q->hidden = ~(uintptr_t)t;
    assert_int_equal(stats().proxies, 2);
}

TEST(a_proxy_whose_data_leads_there_is_named)
{
    struct question q;
    int length;
    char *text = answer(&q, hang_on_proxy, &length);

    LENGTH(text, length, 3);
    LINE(text, address(q.keep[1]), " bytes, gcweak: proxy, at offset");
    ends_at_target(text, &q);
    gcw_proxy_free(q.keep[1]);
}
#endif

static void
be_a_listener(struct question *q)
{
    q->keep[0] = gcw_event_new("pressed");
    q->hidden = ~(uintptr_t)gcw_event_connect_fn(q->keep[0], hear_it, NULL,
                                                 0);
}

TEST(a_listener_itself_is_no_data)
{
    struct question q;
    int length;
    char *text = answer(&q, be_a_listener, &length);

    LENGTH(text, length, 4);
    LINE(text, "gcweak: listeners of event \"pressed\"");
    LINE(text, "gcweak: listener with", SHOWN(hear_it), ": the target");
    assert_null(strstr(text, "as data of"));
}

/* Without collections nobody knows. */
TEST(whether_it_is_dead_may_not_be_known)
{
    struct question q;
    int length;
    char *text;

    q.prepare = hang_on_nothing;
    GC_disable();
    in_dead_frame(prepare, &q);
    text = ask(&q, &length);
    GC_enable();
    LENGTH(text, length, 0);
    LINE(text, "whether the collector knows somebody cannot be told");
}

TEST(an_interior_target_is_told_by_its_object)
{
    struct question q;
    int length;
    char *text;

    free(answer(&q, hang_on_uncollectable, &length));
    q.hidden -= 8;
    text = ask(&q, &length);
    LENGTH(text, length, 3);
    LINE(text, address((void *)~q.hidden), " is kept alive by");
    LINE(text, address((void *)~(q.hidden + 8)), " bytes: the target");
}

static const char *
name_node(const void *object, size_t size, void *data)
{
    const struct node *n = object;

    return size >= sizeof *n && n->more[0] == MAGIC ? data : NULL;
}

static void
hang_on_named(struct question *q)
{
    hang_on_uncollectable(q);
    ((struct node *)q->keep[2])->more[0] = MAGIC;
}

TEST(the_program_names_its_objects)
{
    struct question q;
    int length;
    char *text;

    assert_int_equal(gcw_explain_name(name_node, "a node"), 0);
    text = answer(&q, hang_on_named, &length);
    LINE(text, address(q.keep[2]), " bytes, a node, at offset 0");
    assert_int_equal(occurrences(text, "a node"), 1);
    assert_int_equal(gcw_explain_name(NULL, NULL), 0);
    assert_null(strstr(ask(&q, &length), "a node"));
}

/* A thread that holds the target where only the collector sees it. */
struct holder {
    sem_t holds, done;
    uintptr_t hidden;
};

static void *
hold(void *arg)
{
    struct holder *holder = arg;
    struct node *volatile held = node_new(NULL);

    holder->hidden = ~(uintptr_t)held;
    sem_post(&holder->holds);
    sem_wait(&holder->done);
    return held;
}

TEST(another_threads_stack_is_not_seen_and_that_is_told)
{
    struct holder *holder = calloc(1, sizeof *holder);
    struct question q;
    pthread_t thread;
    int length;
    char *text;

    assert_non_null(holder);
    sem_init(&holder->holds, 0, 0);
    sem_init(&holder->done, 0, 0);
    assert_int_equal(GC_pthread_create(&thread, NULL, hold, holder), 0);
    sem_wait(&holder->holds);
    q.hidden = holder->hidden;
    text = ask(&q, &length);
    sem_post(&holder->done);
    GC_pthread_join(thread, NULL);
    LENGTH(text, length, 0);
    LINE(text, "nobody was found who keeps it alive, ");
    LINE(text, "Not looked at: stacks and registers of other threads");
    free(holder);
}

TEST(what_is_no_object_is_not_explained)
{
    static int a_static;
    struct target *t = target_new(1);

    expect_errno(gcw_explain(&a_static, stderr) == -1, EINVAL);
    expect_errno(gcw_explain(NULL, stderr) == -1, EINVAL);
    expect_errno(gcw_explain(t, NULL) == -1, EINVAL);
    GC_reachable_here(t);
}

/* --- while other threads go on --- */

struct busy {
    gcw_event *event;
    gcw_hub *hub;
    gcw_exit_registry *registry;
    gcw_map *map;
    atomic_bool stop;
    atomic_size_t rounds;
};

static void
come_and_go(const struct busy *busy)
{
    enum { N = 100 };
    struct target *t = target_new(1);
    gcw_method *m = gcw_method_new(t, turn_it, NULL);
    gcw_exit_handler *handlers[N];
    gcw_listener *listeners[2 * N];
    gcw_cleanup *cleanups[N];

    for (size_t i = 0; i < N; i++) {
        listeners[i] = gcw_event_connect(busy->event, m, 0);
        listeners[N + i] = gcw_hub_connect(busy->hub, "opened", t, m, 0);
        handlers[i] = gcw_exit_register(busy->registry, m, NULL);
        cleanups[i] = gcw_cleanup_new(t, close_it, NULL);
        gcw_map_put(busy->map, handlers[i], cleanups[i]);
    }
    for (size_t i = 0; i < N; i++) {
        gcw_map_remove(busy->map, handlers[i]);
        gcw_listener_disconnect(listeners[i]);
        gcw_listener_disconnect(listeners[N + i]);
        gcw_exit_unregister(handlers[i]);
        gcw_cleanup_detach(cleanups[i]);
    }
    GC_reachable_here(t);
}

static void *
be_busy(void *arg)
{
    struct busy *busy = arg;

    while (!atomic_load(&busy->stop)) {
        come_and_go(busy);
        atomic_fetch_add(&busy->rounds, 1);
    }
    return NULL;
}

static void
look_once(struct target *t)
{
    uintptr_t hidden = ~(uintptr_t)t;
    char *text = dumped();
    int length;

    LINE(table(text, "cleanups: "), "  alive ", address(t), SHOWN(flush_it));
    LINE(table(text, "event \"stays\" "), "  alive ", SHOWN(hear_it));
    LINE(text, "map ", ", weak keys: ", " in ", " slots");
    assert_true(stats().cleanups >= 1);
    free(text);
    free(explained(&hidden, &length));
    assert_true(length >= 1);
}

/* What stays is seen, whatever comes and goes. */
TEST(others_may_go_on_meanwhile)
{
    enum { THREADS = 2, LOOKS = 50 };
    struct busy *busy = GC_MALLOC_UNCOLLECTABLE(sizeof *busy);
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t, flush_it, NULL);
    gcw_event *stays = gcw_event_new("stays");
    pthread_t threads[THREADS];

    gcw_event_connect_fn(stays, hear_it, NULL, 0);
    busy->event = gcw_event_new("busy");
    busy->hub = gcw_hub_new();
    busy->registry = gcw_exit_registry_new("busy");
    busy->map = gcw_map_new(GCW_WEAK_KEYS);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(GC_pthread_create(&threads[i], NULL, be_busy, busy),
                         0);
    for (size_t i = 0; i < LOOKS || atomic_load(&busy->rounds) < LOOKS; i++)
        look_once(t);
    atomic_store(&busy->stop, true);
    for (size_t i = 0; i < THREADS; i++)
        GC_pthread_join(threads[i], NULL);
    gcw_cleanup_detach(c);
    GC_reachable_here(stays);
    GC_reachable_here(t);
}

/* --- GCWEAK_DEBUG --- */

static struct outcome
told(const char *words, const char *scenario)
{
    struct outcome o;

    setenv("GCWEAK_DEBUG", words, 1);
    o = run_scenario(scenario);
    unsetenv("GCWEAK_DEBUG");
    assert_int_equal(o.status, 0);
    return o;
}

SCENARIO(end_with_callbacks)
{
    void **keep = keep_array(1);
    gcw_exit_options o = { .name = "the index" };

    keep[0] = target_new(1);
    gcw_exit_register_fn(gcw_exit_default(), flush_it, NULL, &o);
    gcw_exit_register_fn(gcw_exit_default(), fail_it, NULL, NULL);
    gcw_exit_register(gcw_exit_default(),
                      gcw_method_new(keep[0], turn_it, NULL), NULL);
    gcw_cleanup_new(keep[0], close_it, NULL);
    gcw_cleanup_new(keep[0], fail_it, NULL);
}

TEST(exit_tells_each_handler_and_cleanup)
{
    struct outcome o = told("exit", "end_with_callbacks");

    LINE(o.err, "gcweak: exit: handler \"the index\"", SHOWN(flush_it),
         " took ", " ms");
    LINE(o.err, "gcweak: exit: handler", SHOWN(fail_it), " failed after ",
         " ms");
    LINE(o.err, "gcweak: exit: handler", SHOWN(turn_it), " took ");
    LINE(o.err, "gcweak: exit: cleanup", SHOWN(close_it), " took ");
    LINE(o.err, "gcweak: exit: cleanup", SHOWN(fail_it), " failed after ");
    assert_int_equal(occurrences(o.err, "gcweak: exit: "), 5);
    outcome_free(&o);
}

SCENARIO(drain_some)
{
    void **keep = keep_array(1);

    gcw_drain_on_error(idle_on_error, NULL);
    keep[0] = target_new(1);
    gcw_cleanup_new(keep[0], close_it, NULL);
    gcw_cleanup_new(keep[0], fail_it, NULL);
    gcw_dispose(keep[0]);
    gcw_drain(0);
    keep[0] = target_new(2);
    for (int i = 0; i < 3; i++)
        gcw_cleanup_new(keep[0], flush_it, NULL);
    gcw_dispose(keep[0]);
}

TEST(drain_tells_each_callback_and_what_nobody_drained)
{
    struct outcome o = told("drain", "drain_some");

    LINE(o.err, "gcweak: drain: callback", SHOWN(close_it), " took ", " ms");
    LINE(o.err, "gcweak: drain: callback", SHOWN(fail_it), " failed after ");
    LINE(o.err, "gcweak: drain: nobody had drained 3 callbacks when the"
         " process began to exit");
    assert_int_equal(occurrences(o.err, SHOWN(flush_it)), 3);
    assert_int_equal(occurrences(o.err, "gcweak: "), 6);
    outcome_free(&o);
}

TEST(of_what_was_drained_nothing_is_told_at_exit)
{
    struct outcome o = told("drain", "drain_all");

    assert_int_equal(occurrences(o.err, SHOWN(flush_it)), 3);
    assert_null(strstr(o.err, "nobody had drained"));
    outcome_free(&o);
}

/* What has no age, or not the same sort, does not count with others. */
static void
live_long_otherwise(gcw_event *e, struct target *t)
{
    gcw_exit_registry *r = gcw_exit_default();

    for (int i = 0; i < 12; i++)
        gcw_exit_register_fn(r, flush_it, NULL, NULL);
    for (int i = 0; i < 9; i++) {
        gcw_event_connect(e, gcw_method_new_weak(t, turn_it, e), 0);
        gcw_exit_register(r, gcw_method_new(t, turn_it, NULL), NULL);
    }
}

/* Twelve of each sort, and fewer of others, live through ten collections; as
 * many are young, and as many have just lost their object. */
SCENARIO(live_long)
{
    void **keep = keep_array(3);
    gcw_event *e = gcw_event_new("pressed");
    struct target *t = target_new(1);

    keep[0] = e;
    keep[1] = t;
    keep[2] = target_new(2);
    for (int i = 0; i < 12; i++) {
        gcw_cleanup_new(keep[2], count, counter_new());
        gcw_cleanup_new(t, close_it, NULL);
        gcw_event_connect(e, gcw_method_new(t, turn_it, NULL), 0);
    }
    for (int i = 0; i < 9; i++)
        gcw_cleanup_new(t, flush_it, NULL);
    live_long_otherwise(e, t);
    for (int i = 0; i < 10; i++)
        GC_gcollect();
    gcw_dispose(keep[2]);
    for (int i = 0; i < 12; i++)
        gcw_cleanup_new(t, count, counter_new());
}

/* Ages that are all the same are told once. */
static void
expect_ages(const char *text)
{
    unsigned youngest, oldest;

    while ((text = strstr(text, " through ")) != NULL) {
        text += strlen(" through ");
        if (sscanf(text, "%u to %u", &youngest, &oldest) == 2)
            assert_true(youngest < oldest);
        else
            assert_int_equal(sscanf(text, "%u collections", &oldest), 1);
    }
}

TEST(leak_tells_what_lives_long_and_is_many)
{
    struct outcome o = told("leak", "live_long");

    LINE(o.err, "gcweak: leak: 12 cleanups with", SHOWN(close_it),
         " whose objects have lived through 1", " collections");
    LINE(o.err, "gcweak: leak: 12 listeners with", SHOWN(turn_it));
    expect_ages(o.err);
    assert_int_equal(occurrences(o.err, "gcweak: "), 2);
    outcome_free(&o);
}

SCENARIO(start_often)
{
    gcw_init();
    gcw_init();
    gcw_exit_register_fn(gcw_exit_default(), flush_it, NULL, NULL);
}

TEST(unknown_words_are_named_once)
{
    struct outcome o = told("exits,exit,,all", "start_often");

    LINE(o.err, "GCWEAK_DEBUG: unknown word \"exits\"");
    LINE(o.err, "GCWEAK_DEBUG: unknown word \"all\"");
    assert_int_equal(occurrences(o.err, "unknown word"), 2);
    LINE(o.err, "gcweak: exit: handler", SHOWN(flush_it));
    outcome_free(&o);
}

TEST(nothing_is_told_that_was_not_asked_for)
{
    static const char *const all[] = { "drain_some", "live_long" };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct outcome o = told("", all[i]);
        assert_string_equal(o.err, "");
        outcome_free(&o);
        o = told("exit", all[i]);
        assert_null(strstr(o.err, "drain: "));
        assert_null(strstr(o.err, "leak: "));
        outcome_free(&o);
    }
}

SCENARIO(drain_all)
{
    drain_some();
    gcw_drain(0);
}
