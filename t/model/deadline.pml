/* deadline.pml: a watcher ends the process when an exit handler hangs.
 *
 * A model in Promela of src/ground/limit.c, and of what src/exit/exit-run.c,
 * src/exit/exit-limit.c and src/process/shutdown.c have to do with it; see
 * HACKING.md for how to run it.  Each step names the C that it stands for.
 *
 *     runner   runs registries, and exits.  In a run it calls handlers; in a
 *              handler it does what it does outside: it runs a registry,
 *              exits, forks, ends its thread, hangs, or returns
 *     watcher  sleeps until the nearest deadline, and ends when there is none
 *              any more; it is started by who begins something with a limit
 *              when there is none
 *     clock    lets time pass, at any moment
 *
 * A run, an exit and the call of a handler may each have a limit, or none.  So
 * a thread has a stack of them.  It comes by before and after each that has a
 * limit or is part of one that has.  Of a deadline only what is left of the
 * time is known: 1 is over, 0 is none.
 *
 * The lock of limit.c is there, since a fork may come in the midst of what
 * another thread does.  Under it nothing else is taken.  A thread that ends
 * in an exit ends that as well.
 *
 * When a process forks we follow either the parent or the child: neither has
 * anything to do with the other any more.  A child that is made around our
 * fork handlers (_Fork, a bare clone) is found by its process's number by the
 * first that comes by there.  Only a parent with one thread of its own may make
 * such a child; but the watcher, which is ours, may have the lock just then.
 *
 * That one thread leads an exit is not here (exit.pml): whichever is through
 * ends the process.
 *
 * What must hold:
 *   - who is blamed has not come back, has begun in this process, and its time
 *     is over;
 *   - the watcher never sleeps beyond the nearest deadline;
 *   - what hangs beyond its limit, or beyond that of something around it, ends
 *     the process; nobody else waits for ever;
 *   - it is told once; a thread that comes back while it is told does not end
 *     the process with another status;
 *   - a child has no deadline of its parent's, and keeps its own.
 *
 * A handler that returns in time, but whose thread comes by only when the time
 * is over, may be blamed: nobody could know better.
 *
 * Macros: RUNNERS, OPERATIONS, LIMIT, 1 or 2, the longest; FORKS, up to how
 * many; AROUND for a fork around the handlers, with one runner; and what is
 * wrong on purpose:
 *     UNLOCKED_MARK  the watcher finds who is late in one section, and says so
 *                    in another
 *     WAKES_BLIND    it blames the one that it has slept for
 *     NEWEST_ONLY    it looks at the innermost of each thread only
 *     ENDS_UNLOCKED  it finds nothing to watch in one section, and is gone in
 *                    another
 *     NO_SIGNAL      who begins something does not wake it
 *     NOT_STARTED    a limit in something without one starts no watcher
 *     STARTED_TWICE  whether there is a watcher is asked without the lock
 *     RETURNS        who comes back while something is told goes on
 *     END_SKIPPED    a thread that ends in a handler does not come by
 *     NOT_LEFT       a handler that exits is still watched
 *     REPORT_WAITS   who tells waits for what the handler may have that hangs:
 *                    the lock of stdio, of malloc, of the dynamic linker
 *     MARK_KEPT      in the child something is told
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

/* What all threads have begun, each thread's together, the outermost first:
 * what is left until its deadline.  Under the lock, as what follows. */
byte left[CALLS];

/* limit.c: `has_watcher`; whether `telling` is set; whether the watcher sleeps,
 * and for how long, 0: for ever; `made_in`. */
bit has_watcher, telling;
bit asleep;
byte until;
byte made_in = PARENT;

bit limit_lock;

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

/* What was seen: the process in which each has begun, 0: it has not; whether it
 * has a deadline; who came by after something was told; who waits for the end
 * of the process; something was told. */
byte began[CALLS];
bit due[CALLS];
bit late[RUNNERS];
bit waiting[RUNNERS];
bit told;

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

/* make_anew */
inline make_anew()
{
#ifndef LIMITS_KEPT
    for (i : 0 .. CALLS - 1) {
        left[i] = 0
    }
    i = 0;
#endif
    count_running();
#ifndef MARK_KEPT
    telling = 0;
#endif
#ifndef WATCHER_KEPT
    has_watcher = 0;
#endif
    asleep = 0;
    until = 0;
    made_in = process
}

/* take_lock */
inline lock()
{
#ifdef NOT_RENEWED
    d_step { limit_lock == 0 -> limit_lock = 1 }
#else
    d_step {
        limit_lock = (made_in != 0 && made_in != process -> 0 : limit_lock)
    }
    d_step {
        limit_lock == 0 ->
        limit_lock = 1;
        if
        :: made_in != process -> make_anew()
        :: else
        fi
    }
#endif
}

/* --- Runners ------------------------------------------------------------- */

/* Handlers are within runs, and runs and exits within handlers, or outermost.
 * `since`: from which on they are in the list, counted from 1; 0: none is. */
#define THIS (me * OPERATIONS + depth)
#define IN_RUN (depth % 2 == 1)
#define IS_LISTED (since != 0 && depth >= since - 1)

#ifdef RETURNS
#define MUST_WAIT false
#else
#define MUST_WAIT telling
#endif

#ifdef NOT_STARTED
#define MUST_START (limit != 0 && depth == 0)
#else
#define MUST_START (limit != 0)
#endif

/* gcw__deadline_begin, gcw__deadline_begin_whole; or neither */
inline begin()
{
    since = (since == 0 && limit != 0 -> depth + 1 : since);
    if
    :: IS_LISTED ->
#ifdef STARTED_TWICE
       starts = MUST_START && !has_watcher;
#endif
       lock();
       d_step {
           left[THIS] = limit;
           count_running();
           due[THIS] = limit != 0;
           began[THIS] = process;
#ifndef STARTED_TWICE
           starts = MUST_START && !has_watcher;
#endif
           has_watcher = has_watcher || starts;
#ifndef NO_SIGNAL
           asleep = (limit != 0 -> 0 : asleep);
#endif
           depth++;
           limit = 0;
           limit_lock = 0
       }
    :: d_step { !IS_LISTED -> began[THIS] = process; depth++ }
    fi;
    if
    :: atomic { starts -> starts = 0; run watcher(process) }
    :: else
    fi
}

inline wait_if_told()
{
    if
    :: waiting[me] -> goto waits
    :: else
    fi
}

/* gcw__deadline_end */
inline end()
{
    depth--;
    if
    :: IS_LISTED ->
       lock();
       d_step {
           late[me] = late[me] || telling;
           waiting[me] = MUST_WAIT;
           if
           :: !waiting[me] ->
              left[THIS] = 0;
              count_running();
              due[THIS] = 0;
              began[THIS] = 0
           :: else
           fi;
           limit_lock = 0
       }
       wait_if_told();
       since = (depth == since - 1 -> 0 : since)
    :: d_step { !IS_LISTED -> began[THIS] = 0 }
    fi
}

/* gcw__deadlines_leave: handlers of this thread, but not its runs. */
inline leave()
{
    if
    :: since != 0 ->
       lock();
       d_step {
           late[me] = late[me] || telling;
           waiting[me] = MUST_WAIT;
           for (i : 0 .. OPERATIONS - 1) {
               if
               :: !waiting[me] && i % 2 == 1 ->
#ifndef NOT_LEFT
                  left[me * OPERATIONS + i] = 0;
#endif
                  due[me * OPERATIONS + i] = 0;
                  began[me * OPERATIONS + i] = 0
               :: else
               fi
           }
           i = 0;
           count_running();
           limit_lock = 0
       }
       wait_if_told()
    :: else
    fi
}

/* fork, or around its handlers: only this thread is there then. */
inline child_begins()
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
    told = 0
}

/* All are alike, so it is enough that they begin in this order. */
#define MAY_OPERATE (operations > 0 && me <= begun)

inline operation()
{
    operations--;
    begun = (me == begun -> begun + 1 : begun)
}

inline choose_limit()
{
    if
    :: limit = 0
    :: limit = 2
#if LIMIT > 1
    :: limit = 3
#endif
    fi
}

proctype runner(byte me) provided (!over && here[me])
{
    byte depth, since, limit;
    bit exits[OPERATIONS];
    bit starts;

again:
    if
    :: depth == 0 -> goto done

    /* The run, or the handler, returns; the exit is through: _exit. */
    :: depth != 0 && !exits[depth - 1] ->
       end();
       goto again
    :: d_step { depth != 0 && exits[depth - 1] -> assert(!late[me]); over = 1 }
       goto done

    /* A run, or its next handler */
    :: atomic { MAY_OPERATE -> operation(); choose_limit() }
       begin();
       goto again

    /* exit */
    :: d_step { MAY_OPERATE && !IN_RUN -> operation() }
       leave();
       atomic { exits[depth] = 1; choose_limit() }
       begin();
       goto again

    /* The handler hangs. */
    :: d_step {
           MAY_OPERATE && depth != 0 && !IN_RUN ->
           operation();
           taken = 1
       }
       goto done

    /* pthread_exit */
    :: d_step { MAY_OPERATE && depth != 0 && !IN_RUN -> operation() }
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

    /* limit_prepare; then limit_parent, or limit_child */
    :: d_step {
           forks > 0 && process == PARENT && me <= begun && !IN_RUN -> forks--
       }
       lock();
       if
       :: limit_lock = 0
       :: d_step { child_begins(); made_in = 0; limit_lock = 0 }
       fi;
       goto again
#ifdef AROUND
    :: d_step { process == PARENT && !IN_RUN -> child_begins() }
       goto again
#endif
    fi;

    /* gcw__end_wait */
waits:
    false;

done:
    skip
}

/* --- The watcher --------------------------------------------------------- */

/* whom: the number of what is late, from 1 on; 0: nothing is */
inline find_late()
{
    whom = 0;
    for (i : 0 .. CALLS - 1) {
        whom = (left[i] == 1 && IS_SEEN(i) -> i + 1 : whom)
    }
    i = 0
}

/* Sets `telling`. */
inline tell()
{
    assert(began[whom - 1] == process);
    assert(left[whom - 1] == 1);
    assert(!telling);
    telling = 1
}

/* Falls asleep if there is anything to watch. */
inline sleep()
{
    find_nearest(false);
    if
    :: n != 0 ->
       asleep = 1;
       until = n;
#ifdef WAKES_BLIND
       for (i : 0 .. CALLS - 1) {
           whom = (left[i] == n -> i + 1 : whom)
       }
       i = 0
#endif
    :: else ->
       is_over = 1;
#ifndef ENDS_UNLOCKED
       has_watcher = 0
#endif
    fi;
    n = 0
}

/* watch_limits.  It takes the lock anew after each sleep. */
proctype watcher(byte my_process) provided (!over && is_process[my_process])
{
    byte whom;
    bit in_time, is_over;

    do
    :: lock();
       d_step {
#ifdef WAKES_BLIND
           if
           :: whom == 0 || in_time -> find_late()
           :: else
           fi;
#else
           find_late();
#endif
           in_time = whom == 0;
           if
           :: in_time -> sleep()
#ifndef UNLOCKED_MARK
           :: else -> tell()
#else
           :: else
#endif
           fi;
           limit_lock = 0
       }
       if
       :: is_over -> goto done
       :: !is_over && !in_time ->
#ifdef UNLOCKED_MARK
          d_step { limit_lock == 0 -> tell() }
#endif
          break
       :: !is_over && in_time
       fi;
       /* pthread_cond_timedwait */
       d_step {
           !asleep || until == 1 ->
           in_time = !asleep;
           asleep = 0;
           until = 0
       }
    od;

    /* end_for, gcw__end_now */
#ifdef REPORT_WAITS
    !taken;
#endif
    assert(!told);
    told = 1;
    over = 1;

done:
#ifdef ENDS_UNLOCKED
    has_watcher = 0
#else
    skip
#endif
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
    assert(limit_lock == 0 || made_in != process);
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
