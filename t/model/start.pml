/* start.pml: the library is started while a process forks.
 *
 * A model in Promela of src/process/start.c, src/process/starting.c,
 * src/process/fork.c, src/ground/process.c and what src/process/early.c has
 * to do with them; see HACKING.md for how to run it. Each step names the C
 * that it stands for.
 *
 * The processes here are threads:
 *
 *     starter  calls gcw_init for the first time, or gcw_atexit on a thread
 *              that may not start the library; several of them
 *     forker   forks at any moment, by fork or by _Fork; then it calls both or
 *              one of them, forks once more, and exits
 *     another  a second thread of the child, which calls gcw_init
 *
 * When it forks we follow either the parent or the child: neither has anything
 * to do with the other any more.  So there is one memory; in the child the
 * starters are not there.
 *
 * Our fork handlers may be installed already, or not yet, or between the two
 * halves of a fork: then the second half may run alone.  Handlers of the
 * application that are older than ours run in between, and may call gcw_init
 * there: before the fork, in the parent, in the child.
 *
 * What must hold in each of the two:
 *   - gcw_init succeeds: nobody waits for ever for a lock, whoever had it;
 *   - nobody relies on what is not there before `gcw__ready`; afterwards the
 *     default registry stays the one that it is, and is known;
 *   - who has forked holds no lock any more, whatever handlers ran;
 *   - the collector's hook is ours, and leads to the one that it found there.
 *
 * Once the library is ready, other threads may be anywhere in it, with locks
 * (the places' here, which stands for all others): then a child that passes our
 * handlers by is not looked at.
 *
 * The process's number is in a page that is empty in a child.  Before a thread
 * has got it, nobody has locked anything, so it does not matter then that the
 * child's number may be the same.
 *
 * A lock that the thread has, for it forks, is taken and given up by doing
 * nothing: gcw__holding.all.
 *
 * Macros: STARTERS; NO_OLDER, no handlers of the application; NO_ANOTHER, no
 * second thread in the child; and what is wrong on purpose:
 *     NO_PAGES       there are no such pages
 *     HALF_PREPARED  before `ready`, fork takes `starting` alone, and the
 *                    thread does not know that it has it
 *     NOT_PREPARED   before `ready`, fork takes nothing
 *     ACTS_EARLY     the second half acts before `ready` as it does after
 *     NOT_RENEWED    a `starting` that was left behind stays taken
 *     RENEWED_BESIDE it is made anew by who finds its number to be another
 *                    process's, then taken
 *     EXIT_KEPT      an exit lock that was left behind stays taken
 *     PLACE_LOCKED   publishing takes the lock of the places
 *     TWICE          handlers that are installed twice do all twice
 *     HOOK_LATE      the hook is installed after `ready`
 *     HOOK_CHAINED   the hook is installed whatever is there
 */
#ifndef STARTERS
#define STARTERS 2
#endif

/* process.c: gcw__process_word is the page; what is in it; `counted`,
 * `last`. */
bit has_page;
byte word, counted = 1, last = 1;

/* starting.c: `starting` is 0, or the process that has it; and in which one
 * `starting` was last made anew, and the exit lock. */
byte starting, starting_in, renewed_in;
bit ready;
byte roots;                  /* 0, or by whom they were made; */
byte listed;                 /* in which ones the default registry is known */
bit forks;                   /* install: `forks` */
byte handlers;               /* how often pthread_atfork has been called */
bit exit_lock, place_lock;

/* The collector's hook. */
#define ANOTHERS 0
#define OURS 1
#define TO_ITSELF 2
byte hook;

bit in_child;

/* How many threads there are. */
byte threads;

/* --- src/ground/lock.h --------------------------------------------------- */

inline lock(a_lock)
{
    if
    :: d_step { all -> locks++ }
    :: d_step { !all && a_lock == 0 -> a_lock = 1; locks++ }
    fi
}

inline unlock(a_lock)
{
    d_step {
        a_lock = (all -> a_lock : 0);
        locks--
    }
}

/* --- src/ground/process.c ------------------------------------------------ */

/* gcw__process, with gcw__process_new */
inline process(number)
{
    d_step {
        if
        :: has_page && word == 0 -> last++; word = last
        :: else
        fi;
        number = (has_page -> word : counted)
    }
}

/* gcw__process_install.  Of two threads each may get a page. */
inline process_install()
{
    if
    :: has_page
    :: !has_page ->
#ifdef NO_PAGES
       skip
#else
       d_step { word = last; has_page = 1 }
#endif
    fi
}

/* gcw__process_forked */
inline process_forked()
{
    d_step {
        if
        :: !has_page -> counted++; last = counted
        :: else
        fi
    }
}

/* --- src/process/start.c ------------------------------------------------- */

/* lock_starting */
inline lock_starting()
{
#ifdef RENEWED_BESIDE
    before = starting_in;
    process(now);
    if
    :: before != now ->
       if
       :: before != 0 -> starting = 0
       :: before == 0
       fi;
       starting_in = now
    :: before == now
    fi;
    before = 0;
    lock(starting);
#else
    process(now);
    if
    :: d_step { all -> locks++ }
#ifdef NOT_RENEWED
    :: d_step { !all && starting == 0 -> starting = now; locks++ }
#else
    :: d_step { !all && starting != now -> starting = now; locks++ }
#endif
    fi;
#endif
#ifndef EXIT_KEPT
    if
    :: d_step {
           !all && renewed_in != now ->
           renewed_in = now;
           exit_lock = 0
       }
    :: else
    fi;
#endif
    now = 0
}

/* install: gcw__fork_install; what gcw__shutdown_install does twice does no
 * harm. */
inline install()
{
    if
    :: forks
    :: !forks ->
       handlers++;
       forks = 1
    fi
}

/* publish_roots */
inline publish()
{
    install();
    d_step {
        assert(!ready);
        roots = me
    }
#ifdef PLACE_LOCKED
    lock(place_lock);
    listed = me;
    unlock(place_lock);
#else
    listed = me;
#endif
    d_step {
        assert(!ready);
        ready = 1
    }
}

/* gcw__hook_install: reads what is there, then writes. */
inline hook_install()
{
    before = hook;
#ifdef HOOK_CHAINED
    hook = (before == 0 -> OURS : TO_ITSELF);
#else
    hook = (before == 0 -> OURS : before);
#endif
    before = 0
}

/* What whoever finds it ready relies on. */
inline look()
{
    assert(ready && roots != 0 && listed == roots)
}

/* Any call. */
inline use()
{
    lock(place_lock);
    look();
    unlock(place_lock)
}

/* gcw_init: start, start_with */
inline initialise()
{
    if
    :: ready
    :: !ready ->
       process_install();
#ifndef HOOK_LATE
       hook_install();
#endif
       lock_starting();
       if
       :: ready
       :: !ready -> publish(); mine = 1
       fi;
       unlock(starting);
#ifdef HOOK_LATE
       if
       :: mine -> hook_install()
       :: !mine
       fi;
#endif
       mine = 0
    fi;
    use()
}

/* gcw__exit_early_add, with gcw__start_early */
inline add_early()
{
    process_install();
    lock_starting();
    install();
    unlock(starting);
    lock(exit_lock);
    unlock(exit_lock)
}

/* --- src/process/fork.c -------------------------------------------------- */

/* lock_all */
inline lock_all()
{
    lock(exit_lock);
    lock(place_lock);
    all = 1
}

/* fork_prepare; unless this thread has been through it already: is_prepared */
inline prepare()
{
    if
#ifdef TWICE
    :: true ->
#else
    :: locks != 0
    :: locks == 0 ->
#endif
#if defined(HALF_PREPARED)
       lock_starting();
       if
       :: ready -> unlock(starting); lock_all()
       :: !ready
       fi
#elif defined(NOT_PREPARED)
       if
       :: ready -> lock_starting(); lock_all()
       :: !ready
       fi
#else
       lock_starting();
       lock_all()
#endif
    fi
}

/* parent_goes_on, child_begins */
inline unlock_all()
{
#ifdef ACTS_EARLY
    look();
#else
    if
    :: ready -> look()
    :: !ready
    fi;
#endif
    all = 0;
    unlock(place_lock);
    unlock(exit_lock)
}

/* fork_parent; fork_child, but for gcw__process_forked */
inline go_on()
{
    if
    :: all ->
       unlock_all();
#ifndef HALF_PREPARED
       unlock(starting)
#endif
#ifdef HALF_PREPARED
    :: !all && locks != 0 -> unlock(starting)
    :: !all && locks == 0
#else
    :: !all
#endif
    fi
}

/* A handler of the application that is older than ours. */
inline older()
{
    if
    :: true
#ifndef NO_OLDER
    :: with_handlers -> initialise()
#endif
    fi
}

/* The C library: what is in the list in front of a fork. */
inline before_fork()
{
    n = handlers;
    at = n;
    do
    :: at > 0 -> prepare(); at--
    :: at == 0 -> break
    od;
    older()
}

/* What runs after it: so many. */
inline after_fork()
{
    older();
    at = n;
    do
    :: at > 0 ->
       if
       :: in_child -> process_forked()
       :: !in_child
       fi;
       go_on();
       at--
    :: at == 0 -> break
    od;
    assert(locks == 0 && !all)
}

/* --- Threads ------------------------------------------------------------- */

/* In each: gcw__holding, which a child inherits, and what calls need. */

proctype starter(byte me)
{
    byte now, before, locks;
    bit all, mine;

    {
        if
        :: initialise()
        :: add_early()
        fi;
        threads--
    } unless {
        in_child
    }
}

proctype another(byte me)
{
    byte now, before, locks;
    bit all, mine;

    initialise();
    threads--
}

proctype forker(byte me)
{
    byte now, before, locks, n, at;
    bit all, mine, with_handlers;

    if
    :: with_handlers = 1; before_fork()
    :: true                          /* _Fork */
    fi;
    if
    :: true
    :: atomic {                      /* the child */
           !ready || n > 0 ->
           word = 0;
           in_child = 1;
           threads = 1
       }
       _nr_pr == 2
    fi;
    if
    :: true
    :: with_handlers -> n = handlers /* also those that came later */
    fi;
    after_fork();
#ifndef NO_ANOTHER
    if
    :: atomic { in_child -> threads++; run another(me + 1) }
    :: !in_child
    fi;
#endif
    if
    :: initialise()
    :: add_early(); initialise()
    fi;

    /* Once more, as the parent; and exit_begins. */
    with_handlers = 0;
    before_fork();
    n = handlers;
    after_fork();
    lock(exit_lock);
    unlock(exit_lock);
    threads--
}

init
{
    byte i;

    atomic {
        threads = STARTERS + 1;
        run forker(1);
        for (i : 1 .. STARTERS) {
            run starter(10 + i)
        }
        i = 0
    }
    atomic {
        timeout ->
        assert(threads == 0);
        assert(!ready || hook == OURS);
        assert(starting == 0 && !exit_lock && !place_lock)
    }
}
