/* torture.c: tortures the whole library; see torture.h for how.
 *
 *     torture [-t seconds] [-s seed] [setting]...
 *     torture -l
 *
 * Plays each setting in a process of its own, for an equal share of the
 * seconds; without any named, all; -l lists them.  Prints TAP, a test a
 * setting, which fails at a violation, a crash, or when the process hangs.
 * What is going on is told every few seconds.  The same seed chooses the same
 * operations and delays; how the threads meet is up to the system.
 *
 * A setting's time is spent in rounds of a second.  In each, new players come
 * into a new world; when they have gone, all must be as they left it, and
 * when their world has been dropped and collected, hardly anything may be
 * left.
 *
 * The library is built with delays inside (src/ground/delay.h).
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>

#include "torture.h"
#include "weak/shard.h"

enum {
    PLAYERS = 6,
    ROUND = 1000,            /* milliseconds */
    NEWS = 5000,             /* the time between two lines of progress */
    PATIENCE = 40            /* seconds beyond its time until it hangs */
};

struct setting {
    const char *name;
    bool incremental, forks, plugins, maps;
    bool thief;              /* of the collector's event function */
    const char *markers;     /* of the collector, or NULL */
    const char *refs;        /* how references hold their targets, or NULL */
};

static const struct setting settings[] = {
    { .name = "normal" },
    { .name = "incremental", .incremental = true },
    { .name = "links", .markers = "4", .refs = "links" },
    { .name = "thief", .markers = "4", .thief = true },
    { .name = "forks", .forks = true },
    { .name = "maps", .maps = true },
    { .name = "maps-markers", .maps = true, .markers = "4" },
#if TORTURE_PLUGINS
    { .name = "plugins", .plugins = true },
#endif
};
enum { SETTINGS = sizeof settings / sizeof *settings };

static uint64_t seed;

static long
milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

/* --- A round --- */

static atomic_bool over;
static struct player *players[PLAYERS];
static atomic_uint rounds;

static void *
play_on(void *player)
{
    struct player *p = player;
    me = p;
    chance_begin(seed, atomic_load(&rounds) * PLAYERS + p->number);
    while (!atomic_load(&over))
        play(p);
    me = NULL;
    return NULL;
}

static void *
uncollectable(size_t size)
{
    void *memory = GC_MALLOC_UNCOLLECTABLE(size);
    if (memory == NULL)
        abort();
    return memory;
}

static void
make_world(void)
{
    for (size_t i = 0; i < EVENTS; i++)
        common->events[i] = gcw_event_new("common");
    for (size_t i = 0; i < REGISTRIES; i++)
        common->registries[i] = gcw_exit_registry_new("common");
    common->hub = gcw_hub_new();
    make_common_maps();
    for (unsigned i = 0; i < PLAYERS; i++) {
        players[i]->number = i;
        players[i]->event = gcw_event_new("own");
        players[i]->registry = gcw_exit_registry_new("own");
        make_maps(players[i]);
    }
}


static void
tell_progress(long left)
{
    fprintf(stderr, "# %zu operations, %zu objects, %lu collections, "
            "%zu deaths told, %zu calls, %zu violations; %ld seconds left\n",
            atomic_load(&tally->operations), atomic_load(&tally->objects),
            (unsigned long)GC_get_gc_no(), atomic_load(&tally->deaths),
            atomic_load(&tally->calls), atomic_load(&tally->violations),
            left / 1000);
}

/* Until the round is over, or something is wrong. */
static void
watch(long round_end, long end)
{
    static long last_news;
    struct timespec short_while = { 0, 20000000 };
    long now;
    if (last_news == 0)
        last_news = milliseconds();
    while ((now = milliseconds()) < round_end
           && atomic_load(&tally->violations) == 0) {
        nanosleep(&short_while, NULL);
        if (now - last_news < NEWS)
            continue;
        last_news = now;
        tell_progress(end - now);
    }
}

static void
play_round(long end)
{
    pthread_t threads[PLAYERS];
    long round_end = milliseconds() + ROUND;
    atomic_store(&over, false);
    storms_begin();
    for (size_t i = 0; i < PLAYERS; i++)
        if (GC_pthread_create(&threads[i], NULL, play_on, players[i]) != 0)
            abort();
    watch(round_end < end ? round_end : end, end);
    atomic_store(&over, true);
    for (size_t i = 0; i < PLAYERS; i++)
        GC_pthread_join(threads[i], NULL);
    storms_end();
}

static void
clear_boxes(void)
{
    for (size_t i = 0; i < BOXES; i++) {
        struct box *box = atomic_exchange(&common->boxes[i], NULL);
        if (box != NULL && box->kind == LISTENER)
            disconnect_shown(box);
    }
}

static void
settle_round(void)
{
    check_worker();
    must_be(gcw_drain_thread(false) == 0, "the worker did not stop");
    while (gcw_drain(0) != 0)
        ;
    for (size_t i = 0; i < PLAYERS; i++)
        settle_world(players[i]);
    for (size_t i = 0; i < REGISTRIES; i++)
        gcw_exit_run(common->registries[i], 0);
    gcw_exit_run(gcw_exit_default(), 0);
    dispatch_rest();
    clear_boxes();
}

/* Overwrites the stack below. */
static __attribute__((__noinline__)) void
clear_stack(void)
{
    volatile uintptr_t frame[8192];
    for (size_t i = 0; i < sizeof frame / sizeof *frame; i++)
        frame[i] = 0;
}

static void
collect(void)
{
    for (int i = 0; i < 4; i++) {
        clear_stack();
        gcw_collect();
    }
}

/* The collector is conservative, so a few may stay of what was dropped. */
enum { LEFT_OVER = 20, WATCHES_LEFT = 8 };

static void
check_references(void)
{
    struct gcw__ref_stats stats;
    gcw__ref_stats(&stats);
    must_be(stats.live <= LEFT_OVER, "references are left over");
    must_be(stats.watches <= WATCHES_LEFT, "watches are left over");
}

/* Only the first object of each player stays until the end. */
static void
drop_all(void)
{
    struct object *firsts[PLAYERS];
    for (size_t i = 0; i < PLAYERS; i++)
        firsts[i] = drop_world(players[i]);
    collect();
    check_common();
    memset(common, 0, sizeof *common);
    collect();
    check_references();
    for (size_t i = 0; i < PLAYERS; i++)
        if (firsts[i] != NULL)
            atomic_store(&firsts[i]->life->rooted, false);
}

static void
one_round(long end)
{
    make_world();
    play_round(end);
    if (atomic_load(&tally->violations) != 0)
        return;
    settle_round();
    drop_all();
    atomic_fetch_add(&rounds, 1);
}

/* --- A setting, in its own process --- */

/* Registered before the library starts, so called after all it does at exit;
 * in children too. */
static void
check_promises(void)
{
    must_be(promises_kept(), "at exit not all was called or taken back");
    if (atomic_load(&tally->violations) != 0)
        _exit(1);
}

static void
report(void)
{
    printf("# %zu operations, %zu objects, %lu collections, %zu deaths told, "
           "%zu calls, %zu children, %zu plugins, %u rounds\n",
           atomic_load(&tally->operations), atomic_load(&tally->objects),
           (unsigned long)GC_get_gc_no(), atomic_load(&tally->deaths),
           atomic_load(&tally->calls), atomic_load(&tally->children),
           atomic_load(&tally->plugins), atomic_load(&rounds));
    fflush(stdout);
}

static void
set_up(const struct setting *s)
{
    GC_INIT();
    if (s->incremental)
        GC_enable_incremental();
    with_forks = s->forks;
    with_plugins = s->plugins;
    only_maps = s->maps;
    with_thief = s->thief;
    tally_begin();
    if (atexit(check_promises) != 0 || gcw_init() != 0)
        abort();
    common = uncollectable(sizeof *common);
    for (size_t i = 0; i < PLAYERS; i++)
        players[i] = uncollectable(sizeof *players[i]);
    delays_begin(seed);
}

/* Returns what the process returns. */
static int
play_setting(const struct setting *s, long seconds)
{
    long end = milliseconds() + seconds * 1000;
    alarm((unsigned)seconds + PATIENCE);
    set_up(s);
    do
        one_round(end);
    while (milliseconds() < end && atomic_load(&tally->violations) == 0);
    report();
    if (atomic_load(&tally->violations) != 0)
        _exit(1);
    atomic_store(&exiting, true);
    return 0;
}

/* --- All settings --- */

static void
set_or_unset(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static pid_t
start(const struct setting *s, long seconds)
{
    char time[32], number[32];
    char *argv[] = { "torture", "--play", (char *)s->name, time, number,
                     NULL };
    pid_t pid;
    snprintf(time, sizeof time, "%ld", seconds);
    snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
    set_or_unset("GC_MARKERS", s->markers);
    set_or_unset("GCWEAK_REFS", s->refs);
    if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) != 0)
        abort();
    return pid;
}

static bool
run(const struct setting *s, int number, long seconds)
{
    pid_t pid = start(s, seconds);
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            abort();
    if (WIFSIGNALED(status))
        printf("# %s\n", WTERMSIG(status) == SIGALRM
                             ? "it hangs" : strsignal(WTERMSIG(status)));
    printf("%s %d - %s\n", status == 0 ? "ok" : "not ok", number, s->name);
    fflush(stdout);
    return status == 0;
}

static const struct setting *
find(const char *name)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(name, settings[i].name) == 0)
            return &settings[i];
    fprintf(stderr, "torture: no setting %s\n", name);
    exit(2);
}

/* Those named, or all; returns how many. */
static int
choose(const struct setting *chosen[], int n, char **names)
{
    for (int i = 0; i < n; i++)
        chosen[i] = find(names[i]);
    if (n > 0)
        return n;
    for (int i = 0; i < SETTINGS; i++)
        chosen[i] = &settings[i];
    return SETTINGS;
}

static int
run_all(int n, char **names, long seconds)
{
    const struct setting *chosen[n > SETTINGS ? n : SETTINGS];
    int status = 0;
    n = choose(chosen, n, names);
    printf("1..%d\n# SEED=%llu\n", n, (unsigned long long)seed);
    fflush(stdout);
    for (int i = 0; i < n; i++)
        if (!run(chosen[i], i + 1, (seconds + n - 1) / n))
            status = 1;
    return status;
}

static int
list_settings(void)
{
    for (size_t i = 0; i < SETTINGS; i++)
        puts(settings[i].name);
    return 0;
}

static int
usage(void)
{
    fprintf(stderr, "usage: torture [-t seconds] [-s seed] [setting]...\n"
            "       torture -l\n");
    return 2;
}

int
main(int argc, char **argv)
{
    long seconds = 10;
    int option;
    seed = (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
    if (argc == 5 && strcmp(argv[1], "--play") == 0) {
        seed = strtoull(argv[4], NULL, 0);
        return play_setting(find(argv[2]), atol(argv[3]));
    }
    while ((option = getopt(argc, argv, "lt:s:")) != -1) {
        if (option == 'l')
            return list_settings();
        if (option == 't')
            seconds = atol(optarg);
        else if (option == 's')
            seed = strtoull(optarg, NULL, 0);
        else
            return usage();
    }
    return run_all(argc - optind, argv + optind, seconds);
}
