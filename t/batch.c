/* batch.c: tests of what else may happen to callbacks that a drain has looked
 * at together, while one of them runs: all others have still to run, and
 * whoever comes for them finds them.
 *
 * A drain looks at no more than a few dozen at a time (drain.c), so BEFORE and
 * AFTER make one batch with the one in the middle, and FAR reaches beyond it.
 */
#include <errno.h>
#include <gcweak/debug.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include "await.h"
#include "dumped.h"
#include "heard.h"
#include "readable.h"
#include "thread.h"

enum { BEFORE = 3, AFTER = 5, FAR = 200 };

static void
pend_several(size_t n, void (*fn)(void *), void *data)
{
    for (size_t i = 0; i < n; i++)
        pend(fn, data);
}

/* BEFORE that count, the one in the middle, and so many after it. */
static void
pend_around(void (*fn)(void *), void *data, size_t *n, size_t after)
{
    pend_several(BEFORE, count, n);
    pend(fn, data);
    pend_several(after, count, n);
}

static void *
drain_all(void *unused)
{
    gcw_drain(0);
    return unused;
}

static gcw_statistics
stats_now(void)
{
    gcw_statistics s = { .size = sizeof s };
    gcw_stats(&s);
    return s;
}

/* --- one that blocks --- */

struct block {
    sem_t reached, go_on;
};

static void
block(void *data)
{
    struct block *b = data;
    sem_post(&b->reached);
    await(&b->go_on);
}

static struct block *
block_new(void)
{
    static struct block blocks[8];
    static size_t n;
    struct block *b = &blocks[n++];
    sem_init(&b->reached, 0, 0);
    sem_init(&b->go_on, 0, 0);
    return b;
}

/* A thread drains, and is in the one in the middle now. */
static pthread_t
drain_until_blocked(struct block *b, size_t *n, size_t after)
{
    pend_around(block, b, n, after);
    pthread_t thread = run_thread(drain_all, NULL);
    await(&b->reached);
    return thread;
}

static void
others_drain_the_rest(size_t after)
{
    struct block *b = block_new();
    size_t *n = counter_new();
    pthread_t thread = drain_until_blocked(b, n, after);
    size_t before = *n, ran = gcw_drain(0), again = gcw_drain(0), all = *n;
    sem_post(&b->go_on);
    join_thread(thread);
    assert_int_equal(before, BEFORE);
    assert_int_equal(ran, after);
    assert_int_equal(again, 0);
    assert_int_equal(all, BEFORE + after);
    assert_int_equal(*n, BEFORE + after);
}

TEST(while_one_blocks_another_thread_drains_the_rest)
{
    others_drain_the_rest(AFTER);
}

TEST(so_it_does_when_there_are_many)
{
    others_drain_the_rest(FAR);
}

static void
post(void *sem)
{
    sem_post(sem);
}

TEST(while_one_blocks_the_worker_drains_the_rest)
{
    struct block *b = block_new();
    size_t *n = counter_new();
    sem_init(called(), 0, 0);
    pthread_t thread = drain_until_blocked(b, n, AFTER);
    pend(post, called());
    assert_int_equal(gcw_drain_thread(true), 0);
    await(called());
    size_t ran = *n;
    sem_post(&b->go_on);
    join_thread(thread);
    assert_int_equal(gcw_drain_thread(false), 0);
    assert_int_equal(ran, BEFORE + AFTER);
}

/* Of those after it some are drained by another thread, which goes, and some
 * when it goes on. */
TEST(one_that_goes_on_runs_what_others_have_left)
{
    struct block *b = block_new();
    size_t *n = counter_new();
    pthread_t thread = drain_until_blocked(b, n, AFTER);
    size_t ran = gcw_drain(2), so_far = *n;
    sem_post(&b->go_on);
    join_thread(thread);
    assert_int_equal(ran, 2);
    assert_int_equal(so_far, BEFORE + 2);
    assert_int_equal(*n, BEFORE + AFTER);
    assert_int_equal(gcw_drain(0), 0);
}

/* --- what is seen of it --- */

struct seen {
    gcw_statistics stats;
    char *dump;
};

static void
see(void *data)
{
    struct seen *seen = data;
    seen->stats = stats_now();
    seen->dump = dumped();
}

static size_t
times(const char *text, const char *word)
{
    size_t n = 0;
    while ((text = strstr(text, word)) != NULL) {
        text += strlen(word);
        n++;
    }
    return n;
}

/* Others that the collector has found dead meanwhile may be pending, too, but
 * not in a process that begins here. */
SCENARIO(see_what_is_left)
{
    static struct seen seen;
    size_t *n = counter_new();
    pend_around(see, &seen, n, AFTER);
    gcw_statistics before = stats_now();
    MUST(before.pending == BEFORE + 1 + AFTER);
    gcw_drain(0);
    MUST(seen.stats.pending == AFTER);
    MUST(seen.stats.cleanups == before.cleanups - BEFORE - 1);
    MUST(seen.stats.cleanups_run == before.cleanups_run + BEFORE + 1);
    MUST(times(seen.dump, "  pending ") == AFTER);
    gcw_statistics after = stats_now();
    MUST(after.pending == 0);
    MUST(after.cleanups == before.cleanups - BEFORE - 1 - AFTER);
    MUST(after.cleanups_run == before.cleanups_run + BEFORE + 1 + AFTER);
    say("seen");
}

TEST(what_has_run_is_neither_counted_nor_shown_any_more)
{
    struct outcome o = run_scenario("see_what_is_left");
    assert_string_equal(o.out, "seen\n");
    assert_int_equal(o.status, 0);
    outcome_free(&o);
}

struct look {
    int fd;
    size_t readable, calls;
};

static void
look_at_the_descriptor(void *data)
{
    struct look *look = data;
    look->calls++;
    look->readable += readable(look->fd, 0);
}

static void
drain_one(void *unused)
{
    (void)unused;
    gcw_drain(1);
}

/* A drain makes it unreadable when it begins, and when it ends. */
TEST(a_drain_inside_leaves_the_descriptor_readable_for_the_next)
{
    static struct look look;
    look.fd = gcw_drain_fd();
    gcw_drain(0);
    pend(drain_one, NULL);
    pend_several(3, look_at_the_descriptor, &look);
    gcw_drain(0);
    assert_int_equal(look.calls, 3);
    assert_in_range(look.readable, 2, 3);
    assert_false(readable(look.fd, 0));
}

/* --- one that changes what comes after it --- */

struct later {
    gcw_cleanup *detached, *run;     /* in uncollectable memory */
    bool alive, went, ran, again;
    size_t after_run;
    size_t *n;
};

static void
detach_and_run_later_ones(void *data)
{
    struct later *later = data;
    later->alive = gcw_cleanup_alive(later->detached)
                   && gcw_cleanup_alive(later->run);
    later->went = gcw_cleanup_detach(later->detached);
    later->ran = gcw_cleanup_run(later->run);
    later->after_run = *later->n;
    later->again = gcw_cleanup_run(later->detached)
                   || gcw_cleanup_run(later->run);
}

TEST(later_ones_may_be_detached_and_run)
{
    struct later *later = GC_MALLOC_UNCOLLECTABLE(sizeof *later);
    size_t *never = counter_new();
    later->n = counter_new();
    pend(count, later->n);
    pend(detach_and_run_later_ones, later);
    pend(count, later->n);
    later->detached = pend(count, never);
    pend(count, later->n);
    later->run = pend(count, later->n);
    pend(count, later->n);
    assert_int_equal(gcw_drain(0), 5);
    assert_true(later->alive && later->went && later->ran);
    assert_false(later->again);
    assert_int_equal(later->after_run, 2);
    assert_int_equal(*later->n, 5);
    assert_int_equal(*never, 0);
}

/* --- one that drains --- */

static void
drain_two(void *word)
{
    note(word);
    gcw_drain(2);
    note(word);
}

TEST(a_drain_inside_takes_what_comes_next)
{
    forget();
    pend(note_it, (char *)"1");
    pend(drain_two, (char *)"2");
    pend(note_it, (char *)"3");
    pend(note_it, (char *)"4");
    pend(note_it, (char *)"5");
    assert_int_equal(gcw_drain(0), 3);
    assert_string_equal(noted(), "1 2 3 4 2 5");
}

static void
drain_further(void *data)
{
    size_t *n = data;
    ++*n;
    gcw_drain(BEFORE);
}

TEST(each_runs_once_however_deep)
{
    size_t *n = counter_new();
    pend_several(FAR, drain_further, n);
    gcw_drain(0);
    assert_int_equal(*n, FAR);
    assert_int_equal(gcw_drain(0), 0);
}

static void
pend_more(void *data)
{
    pend_several(2, count, data);
}

TEST(a_bound_counts_what_has_run_not_what_was_looked_at)
{
    size_t *n = counter_new();
    gcw_cleanup *first = pend(count, n);
    pend_several(2, pend_more, n);
    pend_several(FAR, count, n);
    assert_true(gcw_cleanup_detach(first));
    assert_int_equal(gcw_drain(4), 4);
    assert_int_equal(*n, 2);
    assert_int_equal(gcw_drain(FAR), FAR);
    assert_int_equal(gcw_drain(0), 2);
}

/* --- one that does not return --- */

static void
give_up(void *why)
{
    gcw_fail(why);
}

TEST(after_ones_that_fail_the_rest_run)
{
    struct heard *h = GC_MALLOC_UNCOLLECTABLE(sizeof *h);
    size_t *n = counter_new();
    gcw_drain_on_error(hear, h);
    pend_around(give_up, (char *)"one", n, 1);
    pend_around(give_up, (char *)"two", n, FAR);
    assert_int_equal(gcw_drain(0), 2 * BEFORE + 3 + FAR);
    assert_int_equal(*n, 2 * BEFORE + 1 + FAR);
    assert_int_equal(h->times, 2);
    gcw_drain_on_error(NULL, NULL);
}

#if CAN_UNWIND

static void
end_the_thread(void *data)
{
    count(data);
    pthread_exit(NULL);
}

TEST(after_one_that_ends_its_thread_others_run_the_rest)
{
    size_t *n = counter_new();
    pend_around(end_the_thread, n, n, AFTER);
    in_thread(drain_all, NULL);
    assert_int_equal(*n, BEFORE + 1);
    assert_int_equal(gcw_drain(0), AFTER);
    assert_int_equal(*n, BEFORE + 1 + AFTER);
}

#endif

static void
exit_inside(void *line)
{
    say(line);
    exit(3);
}

END(an_exit_in_one_runs_the_rest, 3, "before\nexits\nafter\nfar\narmed\n")
{
    MUST(gcw_cleanup_new(lasting_target(1), say_it, "armed") != NULL);
    pend(say_it, (char *)"before");
    pend(exit_inside, (char *)"exits");
    pend(say_it, (char *)"after");
    pend_several(FAR, count, counter_new());
    pend(say_it, (char *)"far");
    gcw_drain(0);
}

static void
block_for_ever(void *data)
{
    sem_post(data);
    for (;;)
        pause();
}

END(an_exit_while_another_blocks_runs_the_rest, 4, "before\nafter\n")
{
    static sem_t reached;
    sem_init(&reached, 0, 0);
    pend(say_it, (char *)"before");
    pend(block_for_ever, &reached);
    pend(say_it, (char *)"after");
    run_thread(drain_all, NULL);
    await(&reached);
    exit(4);
}

/* --- fork --- */

static const char *who = "parent";

static void
say_who(void *line)
{
    dprintf(STDOUT_FILENO, "%s: %s\n", who, (char *)line);
}

static void
fork_inside(void *unused)
{
    (void)unused;
    pid_t child = fork();
    MUST(child >= 0);
    if (child != 0) {
        ends_well(child);
        return;
    }
    who = "child";
    MUST(gcw_drain(1) == 1);
}

/* The child's drain goes on as the parent's does, and then its process ends. */
END(after_a_fork_in_one_both_run_the_rest, 0,
    "parent: before\nchild: after\nchild: last\nchild: done\n"
    "parent: after\nparent: last\nparent: done\n")
{
    pend(say_who, (char *)"before");
    pend(fork_inside, NULL);
    pend(say_who, (char *)"after");
    pend(say_who, (char *)"last");
    gcw_drain(0);
    say_who((char *)"done");
}

END(a_child_forked_while_another_thread_blocks_drains_the_rest, 0,
    "parent: before\nchild: after\nchild: last\n"
    "parent: after\nparent: last\n")
{
    static sem_t reached;
    sem_init(&reached, 0, 0);
    pend(say_who, (char *)"before");
    pend(block_for_ever, &reached);
    pend(say_who, (char *)"after");
    pend(say_who, (char *)"last");
    run_thread(drain_all, NULL);
    await(&reached);
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        who = "child";
        MUST(stats_now().pending == 2);
        MUST(gcw_drain(0) == 2);
        _exit(0);
    }
    ends_well(child);
    MUST(gcw_drain(0) == 2);
    _exit(0);
}

static void
fork_and_exit_inside(void *unused)
{
    (void)unused;
    pid_t child = fork();
    MUST(child >= 0);
    if (child != 0) {
        ends_well(child);
        return;
    }
    who = "child";
    exit(0);
}

END(a_child_that_exits_in_one_leaves_the_rest_to_its_parent, 0,
    "parent: before\nparent: after\nparent: far\n")
{
    pend(say_who, (char *)"before");
    pend(fork_and_exit_inside, NULL);
    pend(say_who, (char *)"after");
    pend_several(FAR, count, counter_new());
    pend(say_who, (char *)"far");
    gcw_drain(0);
}
