/* ending.c: tests of processes that end in the midst of something: by many
 * threads at once, inside handlers, in signal handlers, without main, while
 * other threads go on making work.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <dlfcn.h>
#include <link.h>
#include <gcweak/debug.h>
#include "await.h"
#include "idle.h"
#include "log.h"
#include "thread.h"

static void
at_exit_with(void (*fn)(void *), void *data, bool quick)
{
    gcw_exit_options o = { .quick = quick };
    MUST(gcw_exit_register_fn(gcw_exit_default(), fn, data, &o) != NULL);
}

/* --- A crowd ends the process at once --- */

enum { CROWD = 200, HANDLERS = 50, ROUNDS = 20 };

static pthread_barrier_t barrier;
static atomic_int *ran;              /* shared with the children */
static void (*end_process)(int status);

/* Others may come in between. */
static void
count_slowly(void *unused)
{
    (void)unused;
    atomic_fetch_add(ran, 1);
    sched_yield();
}

static void *
end_with_the_others(void *unused)
{
    pthread_barrier_wait(&barrier);
    end_process(9);
    return unused;
}

static void
become_a_crowd(void)
{
    pthread_attr_t small;
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, CROWD);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    for (int i = 0; i < HANDLERS; i++)
        at_exit_with(count_slowly, NULL, true);
    for (int i = 1; i < CROWD; i++)
        MUST(GC_pthread_create(&thread, &small, end_with_the_others, NULL)
             == 0);
    end_with_the_others(NULL);
}

/* glibc before 2.41 may free parts of its list twice when threads come late,
 * after all handlers have run.  The address sanitizer exits then. */
static bool
is_crash_of_the_c_library(int status)
{
#if defined __GLIBC__ && (__GLIBC__ < 2 \
                          || (__GLIBC__ == 2 && __GLIBC_MINOR__ < 41))
    return WIFEXITED(status)
           ? ADDRESSES_ARE_CHECKED && WEXITSTATUS(status) != 9
           : WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV;
#else
    (void)status;
    return false;
#endif
}

/* Whether it did not crash afterwards. */
static bool
one_crowd_ends(void)
{
    int status;
    pid_t child;
    atomic_store(ran, 0);
    child = fork();
    MUST(child >= 0);
    if (child == 0)
        become_a_crowd();
    MUST(waitpid(child, &status, 0) == child);
    MUST(atomic_load(ran) == HANDLERS);
    if (is_crash_of_the_c_library(status))
        return false;
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    return true;
}

static void
crowds_end(void (*end)(int status))
{
    int good = 0;
    end_process = end;
    GC_INIT();
    ran = mmap(NULL, sizeof *ran, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(ran != MAP_FAILED);
    for (int i = 0; i < ROUNDS; i++)
        good += one_crowd_ends();
    MUST(good >= (ADDRESSES_ARE_CHECKED ? 1 : ROUNDS / 2));
    say("all ran");
    _exit(0);
}

END(of_200_threads_that_exit_one_runs_all_handlers, 0, "all ran\n")
{
    crowds_end(exit);
}

#if HAVE_AT_QUICK_EXIT

END(so_it_is_with_quick_exit, 0, "all ran\n")
{
    crowds_end(quick_exit);
}

/* --- quick_exit, again --- */

static void
say_and_quick_exit(void *line)
{
    say(line);
    quick_exit(9);
}

static void
say_and_quick_exit_once_more(void *line)
{
    say(line);
    quick_exit(10);
}

END(quick_exit_in_a_quick_handler_runs_the_rest, 9, "c\nb\na\n")
{
    at_exit_with(say_it, "a", true);
    at_exit_with(say_and_quick_exit, "b", true);
    at_exit_with(say_it, "c", true);
    at_exit(say_it, "never");
    quick_exit(6);
}

END(of_several_the_last_status_counts, 9, "c\nb\na\n")
{
    at_exit_with(say_it, "a", true);
    at_exit_with(say_and_quick_exit, "b", true);
    at_exit_with(say_and_quick_exit_once_more, "c", true);
    quick_exit(6);
}

/* The handler ends when the second thread waits, in quick_exit if that holds
 * it there; if that does not, the process ends meanwhile. */
static sem_t runs;
static atomic_int second_thread;

static char
state_of(int thread)
{
    char path[64], line[512], *bracket = NULL;
    FILE *file;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    file = fopen(path, "r");
    MUST(file != NULL);
    if (fgets(line, sizeof line, file) != NULL)
        bracket = strrchr(line, ')');
    fclose(file);
    if (bracket == NULL)
        abort();
    return bracket[2];
}

static void
await_sleep_of(int thread)
{
    struct pollfd never = { .fd = -1 };
    int times = 0;
    while (times < 50) {
        times = state_of(thread) == 'S' ? times + 1 : 0;
        poll(&never, 1, 1);
    }
}

static void
hold_the_end(void *unused)
{
    (void)unused;
    say("begins");
    sem_post(&runs);
    while (atomic_load(&second_thread) == 0)
        sched_yield();
    await_sleep_of(atomic_load(&second_thread));
    say("ends");
}

static void *
quick_exit_too(void *unused)
{
    (void)unused;
    await(&runs);
    atomic_store(&second_thread, (int)syscall(SYS_gettid));
    quick_exit(5);
}

static void
prepare_to_hold(void)
{
    sem_init(&runs, 0, 0);
    at_exit_with(say_it, "last", true);
    at_exit_with(hold_the_end, NULL, true);
}

END(a_second_quick_exit_waits_for_the_first, 4, "begins\nends\nlast\n")
{
    prepare_to_hold();
    run_thread(quick_exit_too, NULL);
    quick_exit(4);
}

END(so_does_that_of_an_unknown_thread, 4, "begins\nends\nlast\n")
{
    pthread_t thread;
    prepare_to_hold();
    MUST(pthread_create(&thread, NULL, quick_exit_too, NULL) == 0);
    quick_exit(4);
}

END(and_one_during_an_exit, 3, "begins\nends\nlast\n")
{
    prepare_to_hold();
    run_thread(quick_exit_too, NULL);
    exit(3);
}

#endif

#if HAVE_ON_EXIT

/* --- The order among the C library's handlers ---
 *
 * An entry is what one of the letters has registered: with the C library, as
 * gcw_atexit does, or in the registry.  The C library's list is gone through
 * from the newest; an entry of gcw_atexit there brings all in the registry
 * that are newer than itself, and itself; where the library was started, all
 * that are left. */

enum { LETTERS = 8, ENTRIES = 400 };

enum kind { BEGIN, LIBC, PLACE, REGISTRY };

static struct {
    enum kind kind;
    char letter;
    bool waits;
} entries[ENTRIES];

static int n_entries;
static char expected[ENTRIES], found[ENTRIES];
static int n_expected, n_found;
static int exits_at[2];              /* how many have run by then */

static void
call_letter(char letter)
{
    found[n_found++] = letter;
    for (int i = 0; i < 2; i++)
        if (n_found == exits_at[i])
            exit(20 + i);
}

static void
libc_letter(int status, void *letter)
{
    (void)status;
    call_letter((char)(intptr_t)letter);
}

static void
registry_letter(void *letter)
{
    call_letter((char)(intptr_t)letter);
}

static void call_a(void) { call_letter('a'); }
static void call_b(void) { call_letter('b'); }
static void call_c(void) { call_letter('c'); }
static void call_d(void) { call_letter('d'); }
static void call_e(void) { call_letter('e'); }
static void call_f(void) { call_letter('f'); }
static void call_g(void) { call_letter('g'); }
static void call_h(void) { call_letter('h'); }

static void (*const places[LETTERS])(void) = {
    call_a, call_b, call_c, call_d, call_e, call_f, call_g, call_h
};

static void
enter(enum kind kind, char letter)
{
    entries[n_entries].kind = kind;
    entries[n_entries].letter = letter;
    entries[n_entries].waits = true;
    n_entries++;
}

static void
add_libc(int letter)
{
    char c = (char)('A' + letter);
    MUST(on_exit(libc_letter, (void *)(intptr_t)c) == 0);
    enter(LIBC, c);
}

static void
add_place(int letter)
{
    MUST(gcw_atexit(places[letter]) == 0);
    enter(PLACE, (char)('a' + letter));
}

static void
add_to_registry(int letter)
{
    char c = (char)('1' + letter);
    at_exit(registry_letter, (void *)(intptr_t)c);
    enter(REGISTRY, c);
}

static void
cancel_place(int letter)
{
    int i = n_entries - 1;
    while (i >= 0 && (entries[i].kind != PLACE || !entries[i].waits
                      || entries[i].letter != 'a' + letter))
        i--;
    errno = 0;
    MUST(gcw_atexit_cancel(places[letter]) == (i >= 0 ? 0 : -1));
    MUST(i >= 0 || errno == ENOENT);
    if (i >= 0)
        entries[i].waits = false;
}

static void
expect(int i)
{
    if (entries[i].waits)
        expected[n_expected++] = entries[i].letter;
    entries[i].waits = false;
}

static void
expect_registry_down_to(int place)
{
    for (int i = n_entries - 1; i >= place; i--)
        if (entries[i].kind == PLACE || entries[i].kind == REGISTRY)
            expect(i);
}

static void
expect_all(void)
{
    for (int i = n_entries - 1; i >= 0; i--) {
        if (entries[i].kind == LIBC)
            expect(i);
        else if (entries[i].kind == BEGIN
                 || (entries[i].kind == PLACE && entries[i].waits))
            expect_registry_down_to(i);
    }
}

/* The oldest of the C library's. */
static void
compare(int status, void *unused)
{
    (void)unused;
    if (strcmp(found, expected) != 0)
        dprintf(STDOUT_FILENO, "%s\nbut expected\n%s\n", found, expected);
    dprintf(STDOUT_FILENO, "%d\n", status);
}

static unsigned long long seed;

static int
below(int n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (int)((seed >> 33) % (unsigned)n);
}

/* Half as many are taken back as gcw_atexit registers. */
static void
random_operation(void)
{
    static void (*const operations[])(int letter) = {
        add_libc, add_libc, add_place, add_place, add_to_registry,
        cancel_place
    };
    operations[below(6)](below(LETTERS));
}

static void
begin_order(void)
{
    MUST(on_exit(compare, NULL) == 0);
    add_libc(below(LETTERS));
    MUST(gcw_init() == 0);
    enter(BEGIN, '-');
}

/* In a child of its own; its parent starts nothing. */
static void
play_order(unsigned long long which, bool exits)
{
    seed = which;
    begin_order();
    for (int i = 0; i < 200; i++)
        random_operation();
    expect_all();
    MUST(n_expected > 50);
    if (exits) {
        exits_at[0] = 1 + below(n_expected / 2);
        exits_at[1] = exits_at[0] + 1 + below(n_expected / 2 - 1);
    }
    exit(7);
}

static void
orders_are_kept(bool exits)
{
    enum { SEEDS = 20 };
    int status;
    for (unsigned i = 0; i < SEEDS; i++) {
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0)
            play_order(i, exits);
        MUST(waitpid(child, &status, 0) == child && WIFEXITED(status));
    }
}

END(handlers_keep_their_order_with_those_of_the_c_library, 0,
    "7\n7\n7\n7\n7\n7\n7\n7\n7\n7\n"
    "7\n7\n7\n7\n7\n7\n7\n7\n7\n7\n")
{
    orders_are_kept(false);
}

END(exits_in_handlers_keep_it_too, 0,
    "21\n21\n21\n21\n21\n21\n21\n21\n21\n21\n"
    "21\n21\n21\n21\n21\n21\n21\n21\n21\n21\n")
{
    orders_are_kept(true);
}

/* What a handler registers is the next, of whatever sort both are. */
static void
libc_registers(int status, void *unused)
{
    (void)status;
    (void)unused;
    call_letter('L');
    MUST(gcw_atexit(call_b) == 0);
    MUST(on_exit(libc_letter, (void *)(intptr_t)'M') == 0);
}

static void
place_registers(void)
{
    call_letter('p');
    MUST(on_exit(libc_letter, (void *)(intptr_t)'P') == 0);
    MUST(gcw_atexit(call_c) == 0);
}

static void
say_found(int status, void *unused)
{
    (void)status;
    (void)unused;
    say(found);
}

END(what_the_c_librarys_register_is_next, 0, "NdLMba\n")
{
    MUST(on_exit(say_found, NULL) == 0);
    MUST(gcw_atexit(call_a) == 0);
    MUST(on_exit(libc_registers, NULL) == 0);
    MUST(gcw_atexit(call_d) == 0);
    MUST(on_exit(libc_letter, (void *)(intptr_t)'N') == 0);
}

/* Of the function's own two, the C library's comes first, for it is newer,
 * unless the registry is being run anyway, where the other is the next. */
END(what_ours_register_is_next, 0, "pcPNa\n")
{
    MUST(on_exit(say_found, NULL) == 0);
    MUST(gcw_atexit(call_a) == 0);
    MUST(on_exit(libc_letter, (void *)(intptr_t)'N') == 0);
    MUST(gcw_atexit(place_registers) == 0);
}

#else
SKIPPED(an_order_with_those_of_the_c_library, "on_exit in the C library")
#endif

/* --- A million are registered and taken back --- */

static long
resident_kilobytes(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    MUST(file != NULL);
    MUST(fscanf(file, "%ld %ld", &pages, &resident) == 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
never(void)
{
    say("never");
}

static void
never_either(void)
{
    say("never either");
}

static void
register_and_cancel(int times)
{
    for (int i = 0; i < times; i++) {
        MUST(gcw_atexit(never) == 0);
        MUST(gcw_atexit(never_either) == 0);
        MUST(gcw_atexit_cancel(never) == 0);
        MUST(gcw_atexit_cancel(never_either) == 0);
    }
}

/* What a place costs in the C library is 32 bytes. */
END(a_million_that_are_taken_back_cost_no_memory, 0, "last\n")
{
    enum { BOUND = 16 * 1024 };
    long before, after;
    at_exit(say_it, "last");
    register_and_cancel(20000);
    before = resident_kilobytes();
    register_and_cancel(500000);
    after = resident_kilobytes();
    if (after - before > BOUND)
        dprintf(STDOUT_FILENO, "%ld KB, then %ld KB\n", before, after);
}

/* --- After the library's part of the exit --- */

static void
say_death(gcw_method *m, void *line)
{
    (void)m;
    say(line);
}

static void
say_result(const char *what, bool accepted)
{
    dprintf(STDOUT_FILENO, "%s: %s\n", what,
            accepted ? "accepted"
                     : errno == ESHUTDOWN ? "ESHUTDOWN" : strerror(errno));
    errno = 0;
}

static void
come_too_late(void)
{
    void *target = lasting_target(0);
    gcw_method *m = gcw_method_new(target, idle_method, NULL);
    gcw_exit_registry *r = gcw_exit_default();
    MUST(m != NULL && r != NULL);
    errno = 0;
    say_result("handler", gcw_exit_register_fn(r, say_it, "never", NULL));
    say_result("cleanup", gcw_cleanup_new(target, say_it, "never"));
    say_result("death", gcw_method_on_death(m, say_death, "never"));
    MUST(gcw_dispose(target) == 0);
    MUST(gcw_drain(0) == 0);
}

END(after_the_exit_nothing_is_accepted_that_would_not_run, 0,
    "death\nhandler\ncleanup\n"
    "handler: ESHUTDOWN\ncleanup: ESHUTDOWN\ndeath: ESHUTDOWN\n")
{
    MUST(atexit(come_too_late) == 0);
    at_exit(say_it, "handler");
    pend(say_it, "death");
    MUST(gcw_cleanup_new(lasting_target(0), say_it, "cleanup") != NULL);
}

/* --- Main leaves, and so does another thread; the worker stays --- */

static pthread_t main_thread;

static void *
outlive_main(void *unused)
{
    pthread_join(main_thread, NULL);
    return unused;
}

static void *
collect_here(void *unused)
{
    for (int i = 0; i < 10; i++)
        MUST(GC_MALLOC(64) != NULL);
    GC_gcollect();
    return unused;
}

/* The thread that runs this is stopped meanwhile. */
static void
collect_on_another_thread(void *line)
{
    in_thread(collect_here, NULL);
    say(line);
}

static void
leave_the_worker(const char *scenario, const char *markers)
{
    with_markers(scenario, markers);
    MUST(gcw_drain_thread(true) == 0);
    at_exit(say_it, "handler");
    at_exit(collect_on_another_thread, "collected");
    main_thread = pthread_self();
    for (int i = 0; i < 10; i++)
        GC_gcollect();
    run_thread(outlive_main, NULL);
    GC_pthread_exit(NULL);
}

/* By which the library knows that the last thread is there. */
#define NO_NUMBER "/proc/self/stat has no number of threads there"

/* In the other mode the thread that runs finalizers never ends. */
END(a_process_ends_with_its_last_thread_but_for_the_worker, 0,
    "collected\nhandler\n", .not_in = "guile", .not_emulated = NO_NUMBER)
{
    leave_the_worker(__func__, "1");
}

END(or_for_the_worker_and_markers, 0, "collected\nhandler\n",
    .not_in = "guile", .not_emulated = NO_NUMBER)
{
    leave_the_worker(__func__, "3");
}

/* The forking thread and the worker; were the child watched, there would be a
 * third, which would end it. */
static void
be_a_child(void)
{
    size_t threads = 0;
    DIR *tasks;
    MUST(gcw_drain_thread(true) == 0);
    tasks = opendir("/proc/self/task");
    MUST(tasks != NULL);
    /* cppcheck-suppress readdirCalled ; only this thread reads the stream */
    for (struct dirent *task; (task = readdir(tasks)) != NULL;)
        threads += task->d_name[0] != '.';
    closedir(tasks);
    dprintf(STDOUT_FILENO, "%zu threads\n", threads);
    _exit(7);
}

static void *
fork_when_main_has_left(void *unused)
{
    int status;
    pid_t child;
    pthread_join(main_thread, NULL);
    child = fork();
    if (child == 0)
        be_a_child();
    MUST(waitpid(child, &status, 0) == child);
    dprintf(STDOUT_FILENO, "%d\n", WEXITSTATUS(status));
    return unused;
}

END(a_child_of_such_a_process_ends_as_it_likes, 0, "2 threads\n7\n",
    .not_in = "guile", .not_emulated = "it has a thread of its own")
{
    with_markers(__func__, "1");
    MUST(gcw_init() == 0);
    main_thread = pthread_self();
    run_thread(fork_when_main_has_left, NULL);
    GC_pthread_exit(NULL);
}

/* --- Other threads go on making work --- */

static atomic_size_t made, cleaned;
static atomic_bool was_refused;
static size_t made_before;

/* As long as it takes to close a file. */
static void
clean(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++)
        close(dup(STDIN_FILENO));
    atomic_fetch_add(&cleaned, 1);
}

static void *
make_cleanups(void *unused)
{
    for (;;) {
        gcw_cleanup *c = gcw_cleanup_new(GC_MALLOC(64), clean, NULL);
        if (c != NULL)
            atomic_fetch_add(&made, 1);
    }
    return unused;
}

static void *
make_deaths(void *unused)
{
    for (;;) {
        void *target = GC_MALLOC(64);
        gcw_cleanup *c = gcw_cleanup_new(target, clean, NULL);
        if (c != NULL)
            atomic_fetch_add(&made, 1);
        gcw_dispose(target);
    }
    return unused;
}

static void
register_nothing(void *unused)
{
    (void)unused;
}

/* On another thread than that which exits. */
static void *
make_and_end_some(void *unused)
{
    for (int i = 0; i < 100; i++) {
        void *target = GC_MALLOC(64);
        MUST(gcw_cleanup_new(target, say_it, "never") != NULL);
        MUST(gcw_dispose(target) == 0);
    }
    MUST(gcw_drain(0) == 0);
    return unused;
}

static void
let_another_make_some(void *unused)
{
    gcw_statistics before = { .size = sizeof before }, after = before;
    (void)unused;
    gcw_stats(&before);
    in_thread(make_and_end_some, NULL);
    gcw_stats(&after);
    say(after.pending == before.pending && after.cleanups == before.cleanups
        && after.watches == before.watches ? "none kept" : "some kept");
}

static void *
make_handlers(void *unused)
{
    gcw_exit_registry *r = gcw_exit_default();
    for (;;)
        if (gcw_exit_register_fn(r, register_nothing, NULL, NULL) == NULL) {
            MUST(errno == ESHUTDOWN);
            atomic_store(&was_refused, true);
        }
    return unused;
}

static void
say_what_ran(void)
{
    say(atomic_load(&cleaned) >= made_before ? "all before" : "some lost");
}

static void
make_one_of_each(void *unused)
{
    (void)unused;
    say("makes");
    at_exit(say_it, "made handler");
    pend(say_it, "made death");
    MUST(gcw_cleanup_new(lasting_target(0), say_it, "made cleanup") != NULL);
}

static void
end_while_others_make(void *(*maker)(void *))
{
    enum { ENOUGH = 20000 };
    MUST(atexit(say_what_ran) == 0);
    at_exit(say_it, "oldest");
    at_exit(make_one_of_each, NULL);
    run_thread(maker, NULL);
    run_thread(maker, NULL);
    while (atomic_load(&made) < ENOUGH)
        sched_yield();
    made_before = atomic_load(&made);
    exit(0);
}

#define MADE "makes\nmade handler\noldest\nmade cleanup\nmade death\n"

END(exit_ends_while_others_make_cleanups, 0, MADE "all before\n")
{
    end_while_others_make(make_cleanups);
}

END(and_while_others_make_deaths, 0, MADE "all before\n")
{
    end_while_others_make(make_deaths);
}

static void *
collect_for_ever(void *unused)
{
    for (;;)
        collect_and_rest();
    return unused;
}

END(also_when_collections_go_on, 0, MADE "all before\n")
{
    run_thread(collect_for_ever, NULL);
    end_while_others_make(make_deaths);
}

END(what_others_make_and_drop_meanwhile_is_not_kept, 0, "none kept\n")
{
    at_exit(let_another_make_some, NULL);
}

static void
await_refusal(void *unused)
{
    (void)unused;
    while (!atomic_load(&was_refused))
        sched_yield();
    say("refused");
}

END(others_that_register_handlers_are_refused, 0, "refused\nlast\n")
{
    at_exit(say_it, "last");
    run_thread(make_handlers, NULL);
    run_thread(make_handlers, NULL);
    at_exit(await_refusal, NULL);
    exit(0);
}

/* --- The worker's callback and main exit at the same time --- */

static atomic_bool go;

static void
exit_with_main(void *unused)
{
    (void)unused;
    atomic_store(&go, true);
    exit(0);
}

SCENARIO(worker_and_main_exit)
{
    at_exit(say_it, "a");
    at_exit(say_it, "b");
    MUST(gcw_drain_thread(true) == 0);
    pend(exit_with_main, NULL);
    while (!atomic_load(&go))
        continue;
    exit(0);
}

/* The C library calls this before the library waits for the worker. */
static void
let_the_worker_exit(void)
{
    atomic_store(&go, true);
}

static sem_t worker_is_called;

static void
exit_after_main(void *unused)
{
    (void)unused;
    sem_post(&worker_is_called);
    while (!atomic_load(&go))
        sched_yield();
    exit(0);
}

SCENARIO(worker_exits_during_exit)
{
    sem_init(&worker_is_called, 0, 0);
    at_exit(say_it, "a");
    at_exit(say_it, "b");
    MUST(gcw_drain_thread(true) == 0);
    pend(exit_after_main, NULL);
    await(&worker_is_called);
    MUST(atexit(let_the_worker_exit) == 0);
    exit(0);
}

/* --- exit in a signal handler --- */

static void
bye(void)
{
    static const char line[] = "bye\n";
    if (write(STDOUT_FILENO, line, sizeof line - 1) < 0)
        _exit(97);
}

static pthread_t exits;

/* A runtime may have threads of its own, and the signal come to one. */
static void
exit_on_signal(int number)
{
    if (pthread_equal(pthread_self(), exits))
        exit(0);
    pthread_kill(exits, number);
}

static void
handle(int number, int flags)
{
    exits = pthread_self();
    struct sigaction action = { .sa_handler = exit_on_signal,
                                .sa_flags = flags };
    MUST(sigaction(number, &action, NULL) == 0);
}

/* In incremental mode the alarm may come while the collector handles a SIGSEGV
 * of its own.  That signal is blocked then, so the next write to its heap ends
 * the process. */
static bool
signals_may_exit(void)
{
    return !GC_is_incremental_mode();
}

/* At a moment that differs from process to process. */
static void
send_alarm_soon(void)
{
    struct itimerval soon = { { 0, 0 }, { 0, 2000 } };
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    soon.it_value.tv_usec += now.tv_nsec / 1000 % 5000;
    MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

/* The collector has started before: while it does, the system's lock on the
 * thread is taken, which a sanitizer wants in a signal handler. */
static void
allocate_until_the_alarm(int flags)
{
    GC_INIT();
    MUST(gcw_atexit(bye) == 0);
    handle(SIGALRM, flags);
    send_alarm_soon();
    for (size_t i = 0;; i++)
        MUST(GC_MALLOC(16 + i % 40 * 16) != NULL);
}

SCENARIO(exit_at_alarm)
{
    allocate_until_the_alarm(0);
}

SCENARIO(exit_at_alarm_on_another_stack)
{
    enum { STACK = 256 * 1024 };
    stack_t stack = { .ss_size = STACK };
    stack.ss_sp = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(stack.ss_sp != MAP_FAILED && sigaltstack(&stack, NULL) == 0);
    allocate_until_the_alarm(SA_ONSTACK);
}

/* gcweak has a lock in some of the processes, and these say so. */
SCENARIO(exit_at_alarm_among_handlers)
{
    gcw_exit_registry *r = gcw_exit_default();
    MUST(gcw_atexit(bye) == 0);
    handle(SIGALRM, 0);
    send_alarm_soon();
    for (;;) {
        gcw_exit_handler *h = gcw_exit_register_fn(r, register_nothing, NULL,
                                                   NULL);
        MUST(gcw_exit_unregister(h) == GCW_REMOVED);
    }
}

#define NOT_NOW "in the midst of gcweak"

/* The library calls this.  When it strikes, a signal comes while the
 * lock is held. */
static _Thread_local bool strike;

int __real_pthread_mutex_unlock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock);

int
__wrap_pthread_mutex_unlock(pthread_mutex_t *lock)
{
    if (strike) {
        strike = false;
        raise(SIGUSR1);
    }
    return __real_pthread_mutex_unlock(lock);
}

/* So does this. */
static _Thread_local bool asks_nobody;

typedef int look_fn(struct dl_phdr_info *, size_t, void *);
int __real_dl_iterate_phdr(look_fn *look, void *data);
int __wrap_dl_iterate_phdr(look_fn *look, void *data);

int
__wrap_dl_iterate_phdr(look_fn *look, void *data)
{
    if (asks_nobody)
        say("asked");
    return __real_dl_iterate_phdr(look, data);
}

/* Its lock may be half taken. */
END(handlers_of_the_program_need_no_lock_of_the_dynamic_linker, 0, "bye\n")
{
    MUST(gcw_atexit(bye) == 0);
    asks_nobody = true;
    exit(0);
}

/* Nothing here needs the collector's lock. */
END(exit_by_a_signal_that_finds_a_lock_taken_ends_with_a_message, 0, "",
    .err = NOT_NOW)
{
    MUST(gcw_atexit(never) == 0);
    MUST(gcw_drain_thread(false) == 0);
    handle(SIGUSR1, 0);
    strike = true;
    gcw_drain_thread(false);
    say("not reached");
}

#if HAVE_AT_QUICK_EXIT

static void
quick_exit_on_signal(int number)
{
    (void)number;
    quick_exit(6);
}

END(so_does_quick_exit, 6, "", .err = NOT_NOW)
{
    struct sigaction action = { .sa_handler = quick_exit_on_signal };
    at_exit_with(say_it, "never", true);
    MUST(sigaction(SIGUSR1, &action, NULL) == 0);
    strike = true;
    gcw_drain_thread(false);
    say("not reached");
}

#endif

/* --- What takes many processes --- */

enum { TIMES = 40 };

static void
check_often(const char *scenario, const char *out)
{
    for (int i = 0; i < TIMES; i++) {
        struct outcome o = run_scenario(scenario);
        if (o.status != 0 || strcmp(o.out, out) != 0 || *o.err != '\0')
            fail_msg("round %d: status %d, stdout: %s, stderr: %s", i,
                     o.status, o.out, o.err);
        outcome_free(&o);
    }
}

/* Who is left behind would be named on stderr. */
TEST(when_the_worker_and_main_exit_at_once_nobody_is_left_behind)
{
    check_often("worker_and_main_exit", "b\na\n");
}

TEST(nor_when_the_worker_exits_during_the_exit_of_main)
{
    check_often("worker_exits_during_exit", "b\na\n");
}

TEST(who_finds_a_lock_taken_says_so_once)
{
    struct outcome o = run_scenario(
        "exit_by_a_signal_that_finds_a_lock_taken_ends_with_a_message");
    const char *words = strstr(o.err, NOT_NOW);
    assert_non_null(words);
    assert_null(strstr(words + 1, NOT_NOW));
    outcome_free(&o);
}

TEST(exit_in_a_signal_handler_runs_what_gcw_atexit_registered,
     .only_if = signals_may_exit)
{
    check_often("exit_at_alarm", "bye\n");
}

TEST(also_on_a_stack_for_signals, .only_if = signals_may_exit)
{
    check_often("exit_at_alarm_on_another_stack", "bye\n");
}

TEST(in_the_midst_of_gcweak_it_does_or_says_that_it_does_not,
     .only_if = signals_may_exit)
{
    for (int i = 0; i < TIMES; i++) {
        struct outcome o = run_scenario("exit_at_alarm_among_handlers");
        if (o.status != 0 || (strcmp(o.out, "bye\n") != 0
                              && strstr(o.err, NOT_NOW) == NULL))
            fail_msg("round %d: status %d, stdout: %s, stderr: %s", i,
                     o.status, o.out, o.err);
        outcome_free(&o);
    }
}
