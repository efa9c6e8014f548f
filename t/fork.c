/* fork.c: tests of exit handlers and cleanups in forked children.
 */
#include <pthread.h>
#include <sys/wait.h>
#include "ends.h"

/* Who speaks: the test's own process, or a descendant. */
static const char *who = "parent";

static void
say_with_name(void *data)
{
    dprintf(STDOUT_FILENO, "%s: %s\n", who, (char *)data);
}

static void
add_with(gcw_exit_registry *r, char *line, const gcw_exit_options *o)
{
    MUST(gcw_exit_register_fn(r, say_with_name, line, o) != NULL);
}

static void
at_exit_say(char *line)
{
    add_with(gcw_exit_default(), line, NULL);
}

static void
everywhere_say(char *line)
{
    gcw_exit_options o = { .inherit = true };
    add_with(gcw_exit_default(), line, &o);
}

static void
at_exit(void (*fn)(void *))
{
    MUST(gcw_exit_register_fn(gcw_exit_default(), fn, NULL, NULL) != NULL);
}

/* A child that hangs is ended by its alarm, which fork does not inherit. */
enum { TIME_LIMIT = 20 };    /* seconds */

/* Runs body in a child, which ends with exit(0) if body does not end it, and
 * waits for that. */
static void
in_child(const char *name, void (*body)(void))
{
    int status;
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        who = name;
        alarm(TIME_LIMIT);
        body();
        exit(0);
    }
    MUST(waitpid(pid, &status, 0) == pid);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
nothing(void)
{
}

static void
child_skips(void)
{
    at_exit_say("usual");
    in_child("child", nothing);
}

static void
child_inherits(void)
{
    at_exit_say("usual");
    everywhere_say("inherited");
    in_child("child", nothing);
}

static void
registers_own(void)
{
    at_exit_say("own");
}

static void
child_registers(void)
{
    everywhere_say("inherited");
    at_exit_say("usual");
    in_child("child", registers_own);
}

static void
registers_own_and_forks(void)
{
    at_exit_say("own");
    in_child("grandchild", nothing);
}

static void
grandchild(void)
{
    everywhere_say("inherited");
    in_child("child", registers_own_and_forks);
}

static void
said_by_atexit(void)
{
    say_with_name("atexit");
}

static void
atexit_inherits(void)
{
    MUST(gcw_atexit(said_by_atexit) == 0);
    in_child("child", nothing);
}

/* What the bodies of children use is kept here, in uncollectable memory. */
static void **kept;

static void
takes_off(void)
{
    MUST(gcw_exit_unregister(kept[0]) == GCW_REMOVED);
}

static void
child_takes_off(void)
{
    gcw_exit_options o = { .inherit = true };
    kept = keep_array(1);
    kept[0] = gcw_exit_register_fn(gcw_exit_default(), say_with_name,
                                   "inherited", &o);
    in_child("child", takes_off);
    MUST(gcw_exit_unregister(kept[0]) == GCW_REMOVED);
    everywhere_say("other");
}

/* Registries of one's own. */

static void
runs_own(void)
{
    add_with(kept[0], "of the child", NULL);
    MUST(gcw_exit_run(kept[0], 0) == 0);
}

static void
own_registry(void)
{
    gcw_exit_options o = { .inherit = true };
    kept = keep_array(1);
    kept[0] = gcw_exit_registry_new("own");
    add_with(kept[0], "usual", NULL);
    add_with(kept[0], "inherited", &o);
    in_child("child", runs_own);
    MUST(gcw_exit_run(kept[0], 0) == 0);
}

/* fork inside a handler. */

static void
fork_and_exit(void *data)
{
    (void)data;
    say_with_name("forks");
    in_child("child", nothing);
}

static void
handler_forks(void)
{
    at_exit_say("usual");
    everywhere_say("inherited");
    at_exit(fork_and_exit);
}

/* The child comes back from the handler and goes on with the parent's run. */
static void
fork_and_return(void *data)
{
    int status;
    (void)data;
    say_with_name("forks");
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        who = "child";
        alarm(TIME_LIMIT);
        return;
    }
    MUST(waitpid(pid, &status, 0) == pid);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void
handler_returns_twice(void)
{
    at_exit_say("usual");
    everywhere_say("inherited");
    at_exit(fork_and_return);
    exit(3);
}

/* fork while another thread is in the middle of a run. */

static int held[2], released[2];

static void
hold_run(void *data)
{
    char byte;
    (void)data;
    MUST(write(held[1], "", 1) == 1);
    MUST(read(released[0], &byte, 1) == 1);
}

static void *
run_default(void *data)
{
    (void)data;
    MUST(gcw_exit_run(gcw_exit_default(), 0) == 0);
    return NULL;
}

/* A thread of the system's own making, whose stack the system uses again. */
static void *
run_default_made_known(void *data)
{
    struct GC_stack_base base;
    MUST(GC_get_stack_base(&base) == GC_SUCCESS);
    MUST(GC_register_my_thread(&base) == GC_SUCCESS);
    run_default(data);
    GC_unregister_my_thread();
    return data;
}

static pthread_t holder;

static void
hold_a_run_while(void (*body_of_child)(void))
{
    char byte;
    MUST(pipe(held) == 0 && pipe(released) == 0);
    everywhere_say("inherited");
    at_exit(hold_run);
    MUST(pthread_create(&holder, NULL, run_default_made_known, NULL) == 0);
    MUST(read(held[0], &byte, 1) == 1);
    in_child("child", body_of_child);
    MUST(write(released[1], "", 1) == 1);
    MUST(pthread_join(holder, NULL) == 0);
}

static void
fork_during_a_run(void)
{
    hold_a_run_while(registers_own);
}

/* New threads of the child may get the stacks, and with them the pthread_t, of
 * the threads that are not there: of all of them if the new ones are many and
 * live at once.  The one that looks like the holder of the run does the
 * running; where none does, main does. */
enum { NEW_THREADS = 8 };
static pthread_barrier_t all_there;

static void *
run_default_in_its_place(void *data)
{
    if (pthread_equal(pthread_self(), *(pthread_t *)data))
        run_default_made_known(NULL);
    pthread_barrier_wait(&all_there);
    return NULL;
}

static void
runs_in_new_threads(void)
{
    pthread_t threads[NEW_THREADS];
    pthread_barrier_init(&all_there, NULL, NEW_THREADS);
    for (int i = 0; i < NEW_THREADS; i++)
        MUST(pthread_create(&threads[i], NULL, run_default_in_its_place,
                            &holder) == 0);
    for (int i = 0; i < NEW_THREADS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    run_default(NULL);
    at_exit_say("own");
}

static void
threads_in_place_of_others(void)
{
    hold_a_run_while(runs_in_new_threads);
}

/* quick_exit in a child. */

static void
quits(void)
{
    quick_exit(0);
}

static void
quick_child(void)
{
    gcw_exit_options quick = { .quick = true };
    gcw_exit_options both = { .quick = true, .inherit = true };
    add_with(gcw_exit_default(), "quick", &quick);
    add_with(gcw_exit_default(), "quick, inherited", &both);
    everywhere_say("inherited");
    in_child("child", quits);
}

/* Cleanups. */

static void
watch(void)
{
    kept = keep_array(2);
    kept[0] = target_new(0);
    MUST(gcw_cleanup_new(kept[0], say_with_name, "cleanup") != NULL);
}

static void
cleanup_at_exit(void)
{
    watch();
    in_child("child", nothing);
}

static void
its_copy_dies(void)
{
    MUST(gcw_dispose(kept[0]) == 0);
    MUST(gcw_drain(0) == 1);
}

static void
cleanup_in_child(void)
{
    watch();
    in_child("child", its_copy_dies);
}

static void
watches_own(void)
{
    kept[1] = target_new(1);
    MUST(gcw_cleanup_new(kept[1], say_with_name, "own cleanup") != NULL);
}

static void
childs_own_cleanup(void)
{
    watch();
    in_child("child", watches_own);
}

/* Work in the child: references, deaths and collections go on. */

static void
works(void)
{
    for (size_t i = 0; i < MANY; i++)
        MUST(gcw_ref_new(target_new(i)) != NULL);
    gcw_collect();
    at_exit_say("own");
}

static void
child_works(void)
{
    for (size_t i = 0; i < MANY; i++)
        MUST(gcw_ref_new(target_new(i)) != NULL);
    in_child("child", works);
}

static const struct end ends[] = {
    { "a_child_skips_the_handlers_of_its_parent", child_skips, 0,
      "parent: usual\n", NULL, NULL },
    { "a_child_runs_what_it_inherits", child_inherits, 0,
      "child: inherited\nparent: inherited\nparent: usual\n", NULL, NULL },
    { "a_child_runs_its_own_handlers", child_registers, 0,
      "child: own\nchild: inherited\nparent: usual\nparent: inherited\n",
      NULL, NULL },
    { "a_grandchild_inherits_but_skips_its_parents_own", grandchild, 0,
      "grandchild: inherited\nchild: own\nchild: inherited\n"
      "parent: inherited\n", NULL, NULL },
    { "atexit_is_inherited", atexit_inherits, 0,
      "child: atexit\nparent: atexit\n", NULL, NULL },
    { "what_a_child_takes_off_stays_with_the_parent", child_takes_off, 0,
      "parent: other\n", NULL, NULL },
    { "a_registry_of_ones_own_in_a_child", own_registry, 0,
      "child: of the child\nchild: inherited\n"
      "parent: inherited\nparent: usual\n", NULL, NULL },
    { "a_child_forked_in_a_handler_exits", handler_forks, 0,
      "parent: forks\nchild: inherited\nparent: inherited\nparent: usual\n",
      NULL, NULL },
    { "a_child_forked_in_a_handler_goes_on", handler_returns_twice, 3,
      "parent: forks\nchild: inherited\nparent: inherited\nparent: usual\n",
      NULL, NULL },
    { "a_child_forked_during_another_threads_run_exits", fork_during_a_run, 0,
      "child: own\nchild: inherited\nparent: inherited\n", NULL, NULL },
    { "no_new_thread_of_the_child_is_taken_for_that_other_thread",
      threads_in_place_of_others, 0,
      "child: inherited\nchild: own\nparent: inherited\n", NULL, NULL },
    { "quick_exit_in_a_child", quick_child, 0,
      "child: quick, inherited\n"
      "parent: inherited\nparent: quick, inherited\nparent: quick\n",
      NULL, NULL },
    { "a_childs_exit_does_not_run_the_parents_cleanups", cleanup_at_exit, 0,
      "parent: cleanup\n", NULL, NULL },
    { "a_cleanup_runs_when_the_childs_copy_dies", cleanup_in_child, 0,
      "child: cleanup\nparent: cleanup\n", NULL, NULL },
    { "a_childs_own_cleanup_runs_at_its_exit", childs_own_cleanup, 0,
      "child: own cleanup\nparent: cleanup\n", NULL, NULL },
    { "a_child_goes_on_working", child_works, 0,
      "child: own\n", NULL, NULL },
};

ENDS_MAIN(ends)
