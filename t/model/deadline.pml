/* deadline.pml: a watcher ends the process when an exit handler hangs.
 *
 * A model in Promela of the deadlines of src/exit/ and of what
 * src/ground/end.c has to do with them; see HACKING.md for how to run it.  Each
 * step names what it stands for.
 *
 *     runner   runs registries: it begins a call with a limit, or without one,
 *              and in that call begins others, returns, hangs, forks, or ends
 *              its thread; or it ends the process, when it is in no call
 *     watcher  sleeps until the nearest deadline; it is started by who begins
 *              the first call with a limit
 *     clock    lets time pass, at any moment
 *
 * A call here is that of a handler, a run or an exit: each may have a limit.
 * So the deadlines of a thread are a stack.
 *
 * The watch lock is there, since a fork may come in the midst of what another
 * thread does.  Under it nothing else is taken.  A runner comes by before and
 * after each call: also those without a limit, for what they find.  Of a
 * deadline only what is left of the time is known: 1 is over, 0 is none.
 *
 * When a process forks we follow either the parent or the child: neither has
 * anything to do with the other any more.  A child that is made around our
 * fork handlers (_Fork, a bare clone) is found by its process's number by the
 * first that comes by there.  Only a parent with one thread of its own may make
 * such a child; but the watcher, which is ours, may have the lock just then.
 *
 * What must hold:
 *   - who is blamed is still in its call, that call was begun in this process,
 *     and its time is over;
 *   - the watcher never sleeps beyond the nearest deadline;
 *   - one that hangs beyond its limit, or beyond that of a call around it, ends
 *     the process; nobody else waits for ever;
 *   - it is blamed once; a thread that comes by while it is reported does not
 *     end the process with another status;
 *   - a child has no deadline of its parent's, and watches its own.
 *
 * A handler that returns in time, but whose thread comes by only when the time
 * is over, may be blamed: nobody could know better.
 *
 * Macros: RUNNERS, OPERATIONS, LIMIT (the longest); FORKS, up to how many;
 * AROUND for forks around the handlers, with one runner; and what is wrong on
 * purpose:
 *     UNLOCKED_MARK  the watcher finds who is late in one section, and marks
 *                    itself in another
 *     WAKES_BLIND    it blames the one that it has slept for
 *     NEWEST_ONLY    it looks at the innermost call of each thread only
 *     NO_SIGNAL      who begins a call does not wake it
 *     NOT_STARTED    a call with a limit in one without starts no watcher
 *     STARTED_TWICE  whether there is a watcher is asked without the lock
 *     RETURNS        who finds the mark after a call goes on
 *     END_SKIPPED    a thread that ends in a handler does not come by
 *     REPORT_WAITS   the report waits for what the handler may have that hangs:
 *                    the lock of stdio, of malloc, of the dynamic linker
 *     NOT_PREPARED   a fork does not take the watch lock
 *     MARK_KEPT      the child keeps the mark
 *     WATCHER_KEPT   the child believes that it has a watcher
 *     LIMITS_KEPT    the child keeps its parent's deadlines
 *     NOT_RENEWED    a child that was made around the handlers looks at no
 *                    number
 */
#ifndef RUNNERS
#define RUNNERS 2
#endif
#ifndef OPERATIONS
#define OPERATIONS 4
#endif
#ifndef LIMIT
#define LIMIT 2
#endif
#ifndef FORKS
#define FORKS 0
#endif

#define PARENT 1
#define CHILD 2
#define CALLS (RUNNERS * OPERATIONS)

/* The calls of all threads, each thread's together, the outermost first: what
 * is left until its deadline.  Under the watch lock, as what follows. */
byte left[CALLS];

/* Whether a watcher was started; it ends the process; it sleeps, and for how
 * long, 0: for ever.  And the process that all this is for. */
bit started, marked;
bit asleep;
byte until;
byte watched = PARENT;

bit watch_lock;

/* The process that we follow, its threads, and whether it has ended. */
byte process = PARENT;
bit is_process[CHILD + 1];
bit here[RUNNERS];
bit over;

/* A handler that hangs has what a report might want. */
bit taken;

/* How many deadlines are not over yet. */
byte running;

byte operations = OPERATIONS, begun, forks = FORKS;

/* What was seen: the process in which each call has begun, 0: there is none;
 * whether it has a deadline; who went on after the mark. */
byte began[CALLS];
bit due[CALLS];
bit late[RUNNERS];
bit waiting[RUNNERS];        /* for the end of the process */
bit reported;

/* For what happens within a step. */
hidden byte i, n;

/* --- The deadlines ------------------------------------------------------- */

#ifdef NEWEST_ONLY
#define IS_SEEN(c) \
    ((c) % OPERATIONS == OPERATIONS - 1 || began[(c) + 1] == 0)
#else
#define IS_SEEN(c) true
#endif

/* n: the nearest; 0: none.  all: also what the watcher does not see. */
inline find_nearest(all)
{
    n = 0;
    for (i : 0 .. CALLS - 1) {
        n = (left[i] != 0 && (n == 0 || left[i] < n) && (all || IS_SEEN(i))
             -> left[i] : n)
    }
    i = 0
}

inline count_running()
{
    running = 0;
    for (i : 0 .. CALLS - 1) {
        running = running + (left[i] > 1)
    }
    i = 0
}

/* What a child begins with. */
inline renew()
{
#ifndef LIMITS_KEPT
    for (i : 0 .. CALLS - 1) {
        left[i] = 0
    }
    i = 0;
#endif
    count_running();
#ifndef MARK_KEPT
    marked = 0;
#endif
#ifndef WATCHER_KEPT
    started = 0;
#endif
    asleep = 0;
    until = 0;
    watch_lock = 0;
    watched = process
}

inline lock()
{
    d_step {
        if
#ifndef NOT_RENEWED
        :: watched != process -> renew()
#endif
        :: else
        fi
    }
    d_step { watch_lock == 0 -> watch_lock = 1 }
}

/* --- Runners ------------------------------------------------------------- */

#define THIS (me * OPERATIONS + depth)

#ifdef RETURNS
#define MUST_STOP false
#else
#define MUST_STOP marked
#endif

#ifdef NOT_STARTED
#define MUST_START (limit != 0 && depth == 0)
#else
#define MUST_START (limit != 0)
#endif

/* Who begins a call says until when. */
inline begin()
{
#ifdef STARTED_TWICE
    starts = MUST_START && !started;
#endif
    lock();
    d_step {
        waiting[me] = marked;
        if
        :: !waiting[me] ->
           late[me] = late[me] || marked;
           left[THIS] = limit;
           count_running();
           due[THIS] = limit != 0;
           began[THIS] = process;
#ifndef STARTED_TWICE
           starts = MUST_START && !started;
#endif
           started = started || starts;
#ifndef NO_SIGNAL
           asleep = (limit != 0 && (until == 0 || limit < until)
                     -> 0 : asleep);
#endif
           depth++
        :: else
        fi;
        limit = 0;
        watch_lock = 0
    }
    if
    :: atomic { starts -> starts = 0; run watcher(process) }
    :: else
    fi;
    if
    :: waiting[me] -> goto waits
    :: else
    fi
}

/* Who has ended it says so. */
inline end()
{
    lock();
    d_step {
        waiting[me] = MUST_STOP;
        if
        :: !waiting[me] ->
           late[me] = late[me] || marked;
           depth--;
           left[THIS] = 0;
           count_running();
           due[THIS] = 0;
           began[THIS] = 0
        :: else
        fi;
        watch_lock = 0
    }
    if
    :: waiting[me] -> goto waits
    :: else
    fi
}

/* fork, or around its handlers: only this thread is there then. */
inline child_begins(around)
{
    process = CHILD;
    is_process[PARENT] = 0;
    is_process[CHILD] = 1;
    for (i : 0 .. RUNNERS - 1) {
        here[i] = i == me
    }
    for (i : 0 .. CALLS - 1) {
        due[i] = 0;
        began[i] = (i / OPERATIONS == me -> began[i] : 0)
    }
    i = 0;
    taken = 0;
    reported = 0;
    if
    :: !around -> renew()
    :: else
    fi
}

/* All are alike, so it is enough that they begin in this order. */
#define MAY_OPERATE (operations > 0 && me <= begun)

inline operation()
{
    operations--;
    begun = (me == begun -> begun + 1 : begun)
}

proctype runner(byte me) provided (!over && here[me])
{
    byte depth, limit;
    bit starts;

again:
    if
    :: depth == 0 -> goto done
    :: depth != 0 ->                         /* the call returns */
       end();
       goto again
    :: atomic {
           MAY_OPERATE ->
           operation();
           if
           :: limit = 0
           :: limit = 2
#if LIMIT > 1
           :: limit = 3
#endif
           fi
       }
       begin();
       goto again

    /* The call hangs. */
    :: d_step { MAY_OPERATE && depth != 0 -> operation(); taken = 1 }
       goto done

    /* pthread_exit */
    :: d_step { MAY_OPERATE && depth != 0 -> operation() }
       do
       :: depth == 0 -> break
#ifdef END_SKIPPED
       :: d_step {
              depth != 0 ->
              depth--;
              due[THIS] = 0;
              began[THIS] = 0
          }
#else
       :: depth != 0 -> end()
#endif
       od;
       goto done

    /* fork_prepare; then fork_parent, or fork_child */
    :: d_step { forks > 0 && process == PARENT && me <= begun -> forks-- }
#ifndef NOT_PREPARED
       lock();
#endif
       if
       :: d_step {
              true;
#ifndef NOT_PREPARED
              watch_lock = 0
#endif
          }
       :: d_step {
#ifdef NOT_PREPARED
              n = watch_lock;
              child_begins(false);
              watch_lock = n;
              n = 0
#else
              child_begins(false)
#endif
          }
       fi;
       goto again
#ifdef AROUND
    :: d_step { process == PARENT -> child_begins(true) }
       goto again
#endif

    /* The exit is through: _exit. */
    :: d_step {
           MAY_OPERATE && depth == 0 ->
           operation();
           assert(!late[me]);
           over = 1
       }
       goto done
    fi;

    /* Until the process ends. */
waits:
    false;

done:
    skip
}

/* --- The watcher --------------------------------------------------------- */

/* whom: the number of the call that is late, from 1 on; 0: none */
inline find_late()
{
    whom = 0;
    for (i : 0 .. CALLS - 1) {
        whom = (left[i] == 1 && IS_SEEN(i) -> i + 1 : whom)
    }
    i = 0
}

inline mark()
{
    assert(began[whom - 1] == process);
    assert(left[whom - 1] == 1);
    assert(!marked);
    marked = 1
}

inline sleep()
{
    find_nearest(false);
    asleep = 1;
    until = n;
#ifdef WAKES_BLIND
    for (i : 0 .. CALLS - 1) {
        whom = (left[i] == n && n != 0 -> i + 1 : whom)
    }
    i = 0;
#endif
    n = 0
}

proctype watcher(byte my_process) provided (!over && is_process[my_process])
{
    byte whom;
    bit in_time;

    do
    :: d_step { watch_lock == 0 -> watch_lock = 1 }
       d_step {
#ifdef WAKES_BLIND
           if
           :: whom == 0 || in_time -> find_late()
           :: else
           fi;
#else
           find_late();
#endif
#ifdef UNLOCKED_MARK
           if
           :: whom == 0 -> sleep()
           :: else
           fi;
           watch_lock = 0
       }
       if
       :: d_step { whom != 0 && watch_lock == 0 -> mark() }
          break
       :: whom == 0
       fi;
#else
           in_time = whom == 0;
           if
           :: in_time -> sleep()
           :: else -> mark()
           fi;
           watch_lock = 0
       }
       if
       :: !in_time -> break
       :: else
       fi;
#endif
       /* pthread_cond_timedwait */
       d_step {
           !asleep || until == 1 ->
           in_time = !asleep;
           asleep = 0;
           until = 0
       }
    od;

#ifdef REPORT_WAITS
    !taken;
#endif
    assert(!reported);
    reported = 1;
    over = 1                          /* gcw__end_now */
}

/* Time passes. */
inline tick()
{
    for (i : 0 .. CALLS - 1) {
        left[i] = (left[i] > 1 -> left[i] - 1 : left[i])
    }
    i = 0;
    count_running();
    until = (until > 1 -> until - 1 : until);
    find_nearest(true);
    assert(!asleep || n == 0 || (until != 0 && until <= n));
    n = 0
}

proctype clock() provided (!over)
{
    do
    :: d_step { running > 0 -> tick() }
    od
}

/* Nothing happens any more: nobody is late, and only those wait who hang. */
inline all_done()
{
    assert(watch_lock == 0 || watched != process);
    for (i : 0 .. CALLS - 1) {
        assert(!due[i])
    }
    for (i : 0 .. RUNNERS - 1) {
        assert(!here[i] || !waiting[i])
    }
    i = 0
}

init
{
    atomic {
        is_process[PARENT] = 1;
        for (i : 0 .. RUNNERS - 1) {
            here[i] = 1;
            run runner(i)
        }
        i = 0;
        run clock()
    }
    atomic {
        timeout ->
        if
        :: !over -> all_done()
        :: else
        fi
    }
}
