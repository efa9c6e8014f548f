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

static void
fork_during_a_run(void)
{
    char byte;
    pthread_t thread;
    MUST(pipe(held) == 0 && pipe(released) == 0);
    everywhere_say("inherited");
    at_exit(hold_run);
    MUST(GC_pthread_create(&thread, NULL, run_default, NULL) == 0);
    MUST(read(held[0], &byte, 1) == 1);
    in_child("child", registers_own);
    MUST(write(released[1], "", 1) == 1);
    MUST(GC_pthread_join(thread, NULL) == 0);
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
enum { ENDS = sizeof ends / sizeof ends[0] };

static int
run_all(void)
{
    return check_ends(ends, ENDS);
}

int
main(int argc, char **argv)
{
    return ends_main(argc, argv, ends, ENDS, run_all);
}
