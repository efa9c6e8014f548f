/* fork.c: tests of exit handlers, cleanups, events and hubs in forked
 * children.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include "idle.h"
#include "log.h"

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

/* A child that hangs is ended by its alarm, which fork does not inherit. */
enum { TIME_LIMIT = 20 };    /* seconds */

/* Runs body in a child, which ends with exit(0) if body does not end it, and
 * waits for that. */
static void
in_child(const char *name, void (*body)(void))
{
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        who = name;
        alarm(TIME_LIMIT);
        body();
        exit(0);
    }
    ends_well(pid);
}

END(a_child_skips_the_handlers_of_its_parent, 0, "parent: usual\n")
{
    at_exit_say("usual");
    in_child("child", idle_at_exit);
}

END(a_child_runs_what_it_inherits, 0,
    "child: inherited\nparent: inherited\nparent: usual\n")
{
    at_exit_say("usual");
    everywhere_say("inherited");
    in_child("child", idle_at_exit);
}

static void
registers_own(void)
{
    at_exit_say("own");
}

END(a_child_runs_its_own_handlers, 0,
    "child: own\nchild: inherited\nparent: usual\nparent: inherited\n")
{
    everywhere_say("inherited");
    at_exit_say("usual");
    in_child("child", registers_own);
}

static void
registers_own_and_forks(void)
{
    at_exit_say("own");
    in_child("grandchild", idle_at_exit);
}

END(a_grandchild_inherits_but_skips_its_parents_own, 0,
    "grandchild: inherited\nchild: own\nchild: inherited\n"
    "parent: inherited\n")
{
    everywhere_say("inherited");
    in_child("child", registers_own_and_forks);
}

static void
said_by_atexit(void)
{
    say_with_name("atexit");
}

END(atexit_is_inherited, 0, "child: atexit\nparent: atexit\n")
{
    MUST(gcw_atexit(said_by_atexit) == 0);
    in_child("child", idle_at_exit);
}

/* What the bodies of children use is kept here, in uncollectable memory. */
static void **kept;

static void
takes_off(void)
{
    MUST(gcw_exit_unregister(kept[0]) == GCW_REMOVED);
}

END(what_a_child_takes_off_stays_with_the_parent, 0, "parent: other\n")
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

END(a_registry_of_ones_own_in_a_child, 0,
    "child: of the child\nchild: inherited\n"
    "parent: inherited\nparent: usual\n")
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
    in_child("child", idle_at_exit);
}

END(a_child_forked_in_a_handler_exits, 0,
    "parent: forks\nchild: inherited\nparent: inherited\nparent: usual\n")
{
    at_exit_say("usual");
    everywhere_say("inherited");
    at_exit(fork_and_exit, NULL);
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

END(a_child_forked_in_a_handler_goes_on, 3,
    "parent: forks\nchild: inherited\nparent: inherited\nparent: usual\n")
{
    at_exit_say("usual");
    everywhere_say("inherited");
    at_exit(fork_and_return, NULL);
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
    at_exit(hold_run, NULL);
    MUST(pthread_create(&holder, NULL, run_default_made_known, NULL) == 0);
    MUST(read(held[0], &byte, 1) == 1);
    in_child("child", body_of_child);
    MUST(write(released[1], "", 1) == 1);
    MUST(pthread_join(holder, NULL) == 0);
}

END(a_child_forked_during_another_threads_run_exits, 0,
    "child: own\nchild: inherited\nparent: inherited\n")
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

END(no_new_thread_of_the_child_is_taken_for_that_other_thread, 0,
    "child: inherited\nchild: own\nparent: inherited\n")
{
    hold_a_run_while(runs_in_new_threads);
}

/* quick_exit in a child. */

static void
quits(void)
{
    quick_exit(0);
}

END(quick_exit_in_a_child, 0, "child: quick, inherited\n"
    "parent: inherited\nparent: quick, inherited\nparent: quick\n")
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

END(a_childs_exit_does_not_run_the_parents_cleanups, 0, "parent: cleanup\n")
{
    watch();
    in_child("child", idle_at_exit);
}

static void
its_copy_dies(void)
{
    MUST(gcw_dispose(kept[0]) == 0);
    MUST(gcw_drain(0) == 1);
}

END(a_cleanup_runs_when_the_childs_copy_dies, 0,
    "child: cleanup\nparent: cleanup\n")
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

END(a_childs_own_cleanup_runs_at_its_exit, 0,
    "child: own cleanup\nparent: cleanup\n")
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

END(a_child_goes_on_working, 0, "child: own\n")
{
    for (size_t i = 0; i < MANY; i++)
        MUST(gcw_ref_new(target_new(i)) != NULL);
    in_child("child", works);
}

/* Events and hubs; each has listeners of the parent's: a function, and a
 * method of a target, which is a source as well. */

enum { EVENT, HUB, TARGET, KEPT };

static void
hear(void *arg, void *data)
{
    (void)arg;
    say_with_name(data);
}

static void
hear_hub(const gcw_emission *emission, void *data)
{
    hear(emission->arg, data);
}

static void *
act(void *self, void *arg, void *data)
{
    (void)self;
    hear(arg, data);
    return NULL;
}

static void
event_and_hub(void)
{
    kept = keep_array(KEPT);
    kept[EVENT] = gcw_event_new(NULL);
    kept[HUB] = gcw_hub_new();
    kept[TARGET] = target_new(0);
    MUST(kept[EVENT] != NULL && kept[HUB] != NULL);
}

static void
listen(void)
{
    gcw_method *m, *any;
    event_and_hub();
    m = gcw_method_new(kept[TARGET], act, "method");
    any = gcw_method_new(kept[TARGET], act, "hub method");
    MUST(gcw_event_connect_fn(kept[EVENT], hear, "function", 0) != NULL);
    MUST(gcw_event_connect(kept[EVENT], m, 0) != NULL);
    MUST(gcw_hub_connect_fn(kept[HUB], "news", kept[TARGET], hear_hub,
                            "hub function", 0) != NULL);
    MUST(gcw_hub_connect(kept[HUB], NULL, NULL, any, 0) != NULL);
}

static void
emit_both(size_t of_event, size_t of_hub)
{
    MUST(gcw_event_count(kept[EVENT]) == of_event);
    MUST(gcw_event_emit(kept[EVENT], NULL) == of_event);
    MUST(gcw_hub_emit(kept[HUB], "news", kept[TARGET], NULL) == of_hub);
}

static void
emits(void)
{
    emit_both(2, 2);
}

#define CALLS(who) who ": function\n" who ": method\n" \
    who ": hub function\n" who ": hub method\n"

END(a_child_emits_to_its_parents_listeners, 0, CALLS("child") CALLS("parent"))
{
    listen();
    in_child("child", emits);
    emits();
}

static void
changes_listeners(void)
{
    MUST(gcw_event_disconnect_fn(kept[EVENT], hear, "function") == 1);
    MUST(gcw_hub_disconnect_fn(kept[HUB], "news", kept[TARGET], hear_hub,
                               "hub function"));
    MUST(gcw_event_connect_fn(kept[EVENT], hear, "own", 0) != NULL);
    MUST(gcw_hub_connect_fn(kept[HUB], "news", NULL, hear_hub, "hub own", 0)
         != NULL);
    emits();
}

END(whom_a_child_connects_and_disconnects_is_its_own_affair, 0,
    "child: method\nchild: own\nchild: hub method\nchild: hub own\n"
    CALLS("parent"))
{
    listen();
    in_child("child", changes_listeners);
    emits();
}

static void
its_copy_of_the_target_dies(void)
{
    MUST(gcw_dispose(kept[TARGET]) == 0);
    emit_both(1, 0);
}

END(who_dies_in_a_child_listens_on_in_the_parent, 0, "child: function\n"
    CALLS("parent"))
{
    listen();
    in_child("child", its_copy_of_the_target_dies);
    emits();
}

/* Deaths by collection. */

static void
hear_quietly(const gcw_emission *emission, void *data)
{
    (void)emission;
    (void)data;
}

static void
many_listen(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);
        gcw_method *m = gcw_method_new(t, idle_method, NULL);
        MUST(gcw_event_connect(kept[EVENT], m, 0) != NULL);
        MUST(gcw_hub_connect_fn(kept[HUB], "many", t, hear_quietly, NULL, 0)
             != NULL);
    }
}

/* Besides a few that are there all the time. */
static void
nearly_all_are_gone(void)
{
    enum { FEW = MANY - NEARLY_ALL };
    gcw_hub_size size;
    collect();
    MUST(gcw_event_count(kept[EVENT]) <= FEW);
    MUST(gcw_hub_measure(kept[HUB], &size) == 0);
    MUST(size.listeners <= FEW && size.patterns <= FEW);
}

static void
many_listen_and_die(void)
{
    in_dead_frame(many_listen, NULL);
    nearly_all_are_gone();
}

END(listeners_die_in_the_child_and_in_the_parent, 0, "parent: done\n")
{
    event_and_hub();
    in_dead_frame(many_listen, NULL);
    in_child("child", nearly_all_are_gone);
    in_child("child", many_listen_and_die);
    nearly_all_are_gone();
    say_with_name("done");
}

/* fork inside a listener. */

/* The child goes on with the parent's emission. */
static void
fork_in_a_listener(void *arg, void *data)
{
    (void)arg;
    fork_and_return(data);
}

static void
fork_in_a_listener_of_the_hub(const gcw_emission *emission, void *data)
{
    fork_in_a_listener(emission->arg, data);
}

#define FORKS_IN_LISTENER \
    "parent: forks\nchild: after it\nparent: after it\n"

END(a_child_forked_in_a_listener_goes_on_with_the_emission, 3,
    FORKS_IN_LISTENER)
{
    event_and_hub();
    MUST(gcw_event_connect_fn(kept[EVENT], fork_in_a_listener, NULL, 0)
         != NULL);
    MUST(gcw_event_connect_fn(kept[EVENT], hear, "after it", 0) != NULL);
    MUST(gcw_event_emit(kept[EVENT], NULL) == 2);
    exit(3);
}

END(so_does_one_forked_in_a_listener_of_a_hub, 3, FORKS_IN_LISTENER)
{
    event_and_hub();
    MUST(gcw_hub_connect_fn(kept[HUB], "news", NULL,
                            fork_in_a_listener_of_the_hub, NULL, 0) != NULL);
    MUST(gcw_hub_connect_fn(kept[HUB], NULL, NULL, hear_hub, "after it", 0)
         != NULL);
    MUST(gcw_hub_emit(kept[HUB], "news", NULL, NULL) == 2);
    exit(3);
}

/* fork while another thread is in the middle of an emission. */

static void
hold_the_parent(void *arg, void *data)
{
    (void)arg;
    if (strcmp(who, "parent") == 0)
        hold_run(data);
}

static void *
emit_alone(void *unused)
{
    MUST(gcw_event_emit(kept[EVENT], NULL) == 3);
    return unused;
}

static void
changes_it(void)
{
    emit_both(3, 2);
    MUST(gcw_event_disconnect_fn(kept[EVENT], hold_the_parent, NULL) == 1);
    changes_listeners();
}

END(a_child_forked_during_another_threads_emission_may_do_all, 0,
    CALLS("child") "child: method\nchild: own\n"
    "child: hub method\nchild: hub own\n"
    "parent: function\nparent: method\n")
{
    char byte;
    pthread_t thread;
    MUST(pipe(held) == 0 && pipe(released) == 0);
    listen();
    MUST(gcw_event_connect_fn(kept[EVENT], hold_the_parent, NULL, GCW_FRONT)
         != NULL);
    MUST(GC_pthread_create(&thread, NULL, emit_alone, NULL) == 0);
    MUST(read(held[0], &byte, 1) == 1);
    in_child("child", changes_it);
    MUST(write(released[1], "", 1) == 1);
    MUST(GC_pthread_join(thread, NULL) == 0);
}

/* fork while another thread is in the middle of any change, again and again:
 * sooner or later at each point of it.  The listeners that stay count in what
 * the emission's argument leads to. */

enum { FORKS = 30, STEADY = 8 };

static atomic_bool over;

static void
count_emission(void *arg, void *data)
{
    (void)data;
    if (arg != NULL)
        count(arg);
}

static void
count_hubs_emission(const gcw_emission *emission, void *data)
{
    count_emission(emission->arg, data);
}

static char steady[STEADY + 1];     /* the data of each */

static void
count_steadily(size_t i)
{
    MUST(gcw_event_connect_fn(kept[EVENT], count_emission, &steady[i], 0)
         != NULL);
    MUST(gcw_hub_connect_fn(kept[HUB], "news", NULL, count_hubs_emission,
                            &steady[i], 0) != NULL);
}

static bool
so_many_count(size_t n)
{
    size_t by_event = 0, by_hub = 0;
    gcw_event_emit(kept[EVENT], &by_event);
    gcw_hub_emit(kept[HUB], "news", kept[TARGET], &by_hub);
    return by_event == n && by_hub == n;
}

/* Listens, also to an event of its own, with an object that then is disposed
 * of. */
static void
come_and_go(void)
{
    struct target *t = target_new(0);
    gcw_method *m = gcw_method_new(t, idle_method, NULL);
    gcw_listener *l = gcw_event_connect(kept[EVENT], m, GCW_FRONT);
    gcw_listener *u = gcw_event_connect(kept[EVENT], m, GCW_UNIQUE);
    gcw_hub_connect(kept[HUB], "passing", kept[TARGET], m, 0);
    gcw_hub_connect_fn(kept[HUB], "passing", t, hear_quietly, NULL, 0);
    gcw_hub_post(kept[HUB], "passing", t, NULL);
    gcw_hub_dispatch(kept[HUB], 0);
    MUST(gcw_event_connect(gcw_event_new(NULL), m, 0) != NULL);
    MUST(l == u && gcw_listener_disconnect(l));
    MUST(gcw_dispose(t) == 0);
}

static void *
come_and_go_on(void *unused)
{
    while (!atomic_load(&over))
        come_and_go();
    return unused;
}

static void
works_with_both(void)
{
    MUST(so_many_count(STEADY));
    count_steadily(STEADY);
    MUST(so_many_count(STEADY + 1));
    MUST(gcw_event_disconnect_fn(kept[EVENT], count_emission, &steady[STEADY])
         == 1);
    MUST(gcw_hub_disconnect_fn(kept[HUB], "news", NULL, count_hubs_emission,
                               &steady[STEADY]));
    MUST(so_many_count(STEADY));
    MUST(gcw_hub_post(kept[HUB], "news", NULL, NULL) == 0);
    MUST(gcw_hub_dispatch(kept[HUB], 0) > 0);
    come_and_go();
    many_listen_and_die();
    gcw_collect();
    MUST(gcw_event_emit(kept[EVENT], NULL) == gcw_event_count(kept[EVENT]));
}

/* Forks with such a thread at work. */
static void
fork_amid(void *(*thread_body)(void *), void (*child_body)(void))
{
    pthread_t thread;
    MUST(GC_pthread_create(&thread, NULL, thread_body, NULL) == 0);
    for (int i = 0; i < FORKS; i++)
        in_child("child", child_body);
    atomic_store(&over, true);
    MUST(GC_pthread_join(thread, NULL) == 0);
    say_with_name("done");
}

END(so_may_one_forked_during_another_threads_changes, 0, "parent: done\n")
{
    event_and_hub();
    for (size_t i = 0; i < STEADY; i++)
        count_steadily(i);
    fork_amid(come_and_go_on, works_with_both);
}

/* The same while it tidies many events after a death. */

enum { EVENTS = 32 };

static void
one_of_all_dies(void)
{
    struct target *t = target_new(0);
    gcw_method *m = gcw_method_new(t, idle_method, NULL);
    for (size_t i = 0; i < EVENTS; i++)
        MUST(gcw_event_connect(kept[i], m, 0) != NULL);
    MUST(gcw_dispose(t) == 0);
}

static void *
let_die(void *unused)
{
    while (!atomic_load(&over))
        one_of_all_dies();
    return unused;
}

/* Connects and disconnects; keeps only references of the listeners. */
static void
leave_again(void *refs)
{
    gcw_method *m = gcw_method_new(kept[EVENTS], idle_method, NULL);
    for (size_t i = 0; i < MANY; i++) {
        gcw_listener *l = gcw_event_connect(kept[i % EVENTS], m, 0);
        ((void **)refs)[i] = gcw_ref_new(l);
        MUST(gcw_listener_disconnect(l));
    }
}

static void
leaves_nothing_behind(void)
{
    void **refs = keep_array(MANY);
    size_t gone = 0;
    in_dead_frame(leave_again, refs);
    gcw_collect();
    collect();
    for (size_t i = 0; i < MANY; i++)
        gone += gcw_ref_get(refs[i]) == NULL;
    MUST(nearly_all(gone, MANY));
}

END(what_another_thread_was_tidying_is_tidied_in_the_child, 0,
    "parent: done\n")
{
    kept = keep_array(EVENTS + 1);
    for (size_t i = 0; i < EVENTS; i++)
        kept[i] = gcw_event_new(NULL);
    kept[EVENTS] = target_new(0);
    fork_amid(let_die, leaves_nothing_behind);
}

/* The same while it disposes of those that listen. */

static void **listening;

static void *
dispose_of_all(void *unused)
{
    for (size_t i = 0; i < MANY; i++)
        MUST(gcw_dispose(listening[i]) == 0);
    return unused;
}

static void
all_listen(void)
{
    for (size_t i = 0; i < MANY; i++) {
        gcw_method *m;
        listening[i] = target_new(i);
        m = gcw_method_new(listening[i], idle_method, NULL);
        MUST(gcw_event_connect(kept[EVENT], m, 0) != NULL);
    }
}

static void
counts_whom_it_calls(void)
{
    size_t n = gcw_event_count(kept[EVENT]);
    MUST(gcw_event_emit(kept[EVENT], NULL) == n);
}

END(whom_another_thread_disposed_of_is_out_of_events_in_the_child, 0,
    "parent: done\n")
{
    event_and_hub();
    listening = keep_array(MANY);
    for (int i = 0; i < FORKS; i++) {
        pthread_t thread;
        all_listen();
        MUST(GC_pthread_create(&thread, NULL, dispose_of_all, NULL) == 0);
        in_child("child", counts_whom_it_calls);
        MUST(GC_pthread_join(thread, NULL) == 0);
        MUST(gcw_event_count(kept[EVENT]) == 0);
    }
    say_with_name("done");
}
