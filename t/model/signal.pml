/* signal.pml: signals that lead to an exit.
 *
 * A model in Promela of src/process/on-signal.c and src/ground/end.c; see
 * HACKING.md for how to run it.  Each step names the C that it stands for.
 *
 *     thread    one of the program's: it exits (exit, gcw_exit_by_signal,
 *               _exit), takes the descriptor and waits for it, forks, or goes
 *               on for ever without doing anything of that
 *     library   the thread of ours that waits for a signal, and exits then
 *     signal    comes at any moment, on any thread that does not block it; its
 *               handler runs beside everything else, as it waits for nothing
 *     limit     the watcher of deadline.pml, which may end the process at any
 *               moment of an exit
 *
 * One thread leads an exit, the others wait (exit.pml).  While it leads, it
 * calls exit handlers, which return, hang, fork, or end the thread: then the
 * next one leads.  Then it looks for the last time whether a signal was noted,
 * and ends the process.
 *
 * When a process forks we follow either the parent or the child, which is made
 * by fork, or around our fork handlers (_Fork, a bare clone).  A signal that
 * comes for the child of vfork finds the parent's memory.
 *
 * What must hold:
 *   - once a signal was noted, the process does not end with a plain status,
 *     but by _exit; it dies by that signal, or by the one that the program
 *     asked for, or at once by another one that came;
 *   - it does end then, unless a handler hangs; a second signal ends it also
 *     then;
 *   - when the process has exited, all handlers have been called, one after
 *     the other;
 *   - the thread of ours does not exit if no signal has come, or if the
 *     program has the descriptor; once it has that, and a signal was noted, it
 *     finds the descriptor readable;
 *   - a child dies by no signal but one that came for it, which it does, and
 *     then nothing is noted or woken in its parent.
 *
 * But a signal that was noted leads to no exit if the thread that was to do it
 * has ended in an exit handler, as with any other exit.
 *
 * `noted` is one word for who notes and for who looks last: so whichever comes
 * later finds the other one.
 *
 * Macros: THREADS, of the program; SIGNALS, HANDLERS, OPERATIONS; FD, FORKS,
 * ENDS, LIMIT for what is there of that; and what is wrong on purpose:
 *     LOOKED_ONLY    the last look leaves nothing behind, so a signal may be
 *                    noted after it
 *     RESTORES_ONLY  before the last look all signals are made what they were,
 *                    but a handler may have begun
 *     TWO_WORDS      that a signal came is noted in one word, and that the
 *                    process dies by it in another
 *     NO_CAS         whether it is the first is asked first, and noted then
 *     SECOND_IGNORED a second signal does nothing
 *     WAKES_FIRST    the handler wakes before it notes
 *     NOT_IN_EXIT    it wakes nobody if an exit is under way
 *     EXITS_BESIDE   the thread of ours does not wait for who leads
 *     NOT_CLAIMED    it exits also if the program has the descriptor
 *     LOOKS_EARLY    who takes the descriptor looks first whether a signal
 *                    came
 *     NOT_ASKED      the handler does not ask whose it is
 *     BY_NUMBER      it asks the number in memory only, which is the parent's
 *                    in a child of vfork
 *     NOTE_KEPT      who looks last does not ask whose the note is
 *     CHILD_KEEPS    a child of fork takes it all as its own
 */
#ifndef THREADS
#define THREADS 2
#endif
#ifndef SIGNALS
#define SIGNALS 2
#endif
#ifndef HANDLERS
#define HANDLERS 1
#endif
#ifndef OPERATIONS
#define OPERATIONS 3
#endif

#define LIBRARY THREADS

/* What the word `noted` is: 0, a signal, which have the numbers 1, 2, ..., or
 * OVER, when somebody has looked for the last time.  What gcw_exit_by_signal
 * asks for is none of these. */
#define ASKED (SIGNALS + 1)
#define OVER (SIGNALS + 2)
byte noted;
byte asked;

/* on-signal.c: `who` exits; `wake`; whether there is a descriptor, and it is
 * readable. */
#define NOBODY 0
#define OURS 1
#define PROGRAM 2
byte who;
byte wake;
bit open, readable;

/* To which process all this belongs, 0: to none; and which one we follow. */
#define PARENT 1
#define CHILD 2
byte owner = PARENT, process = PARENT;

/* The handlers of the signals are ours. */
bit taken = 1;

/* leader.c: `leader`.  Threads have the numbers 1, 2, ..., here. */
byte leader;
byte left = HANDLERS;

/* There is a child of vfork. */
bit vforked;

/* Threads and signals that are not in the child. */
bit gone[THREADS + 1];
bit signal_gone[SIGNALS + 1];
bit under_way[SIGNALS + 1];

bit over;
byte operations = OPERATIONS, begun;

/* What was seen: the first that was noted; how many have come; a handler hangs;
 * who was to exit has ended; a handler is being called. */
byte first;
byte came;
bit hangs, excused, calling;

#ifdef TWO_WORDS
byte ends_by;
#define ENDS_BY ends_by
#else
#define ENDS_BY noted
#endif

/* --- The end: src/ground/end.c ------------------------------------------- */

#ifdef NOTE_KEPT
#define IS_MINE true
#else
#define IS_MINE (owner == process)
#endif

/* The process dies by that signal; 0: it ends with a status. */
inline end_process(by)
{
    assert(by != 0 || first == 0);
    assert(by == 0 || by == first || by == asked);
    over = 1
}

/* The last look, then the end. */
inline end_by_what_was_noted(by)
{
#ifdef RESTORES_ONLY
    taken = 0;
#endif
    d_step {
        by = (IS_MINE && ENDS_BY != OVER -> ENDS_BY : 0);
        by = (asked != 0 -> asked : by);
#if !defined(LOOKED_ONLY) && !defined(RESTORES_ONLY)
        ENDS_BY = (IS_MINE && ENDS_BY == 0 -> OVER : ENDS_BY)
#endif
    }
    d_step { end_process(by) }
}

/* --- Signals: on_signal -------------------------------------------------- */

#ifdef BY_NUMBER
#define IS_PARENTS false
#else
#define IS_PARENTS for_child
#endif

#ifdef NOT_ASKED
#define IS_OTHERS false
#else
#define IS_OTHERS (IS_PARENTS || owner != process)
#endif

/* The process for which it came dies by it: the child of vfork, or the one that
 * we follow. */
inline die(s)
{
    vforked = (for_child -> 0 : vforked);
    over = (for_child -> over : 1)
}

/* note_signal: the first half */
inline note(s)
{
    assert(first == 0 && !for_child);
    first = s;
    noted = s
}

/* gcw__wakeup_set, sem_post */
inline wake_up()
{
    d_step {
        assert(process == PARENT || owner == CHILD);
        readable = readable || open
    }
    if
#ifdef NOT_IN_EXIT
    :: d_step { who != PROGRAM && leader == 0 -> wake++ }
#else
    :: d_step { who != PROGRAM -> wake++ }
#endif
    :: else
    fi
}

proctype signal(byte s) provided (!over && !signal_gone[s])
{
    bit for_child, is_first;

    if
    :: d_step {
           under_way[s] = 1;
           came++
       }
    :: d_step {
           vforked ->
           under_way[s] = 1;
           for_child = 1
       }
    :: goto done                             /* it does not come */
    fi;

    /* As it was before, it ends the process. */
    if
    :: d_step { !taken -> die(s) }
       goto done
    :: taken
    fi;

    /* hand_back */
    if
    :: d_step { IS_OTHERS -> die(s) }
       goto done
    :: else
    fi;
#ifdef WAKES_FIRST
    wake_up();
#endif
    d_step {
        is_first = noted == 0;
#ifdef NO_CAS
    }
    d_step {
#endif
        if
        :: is_first -> note(s)
        :: else
        fi
    }
    if
    :: d_step {
           !is_first ->
#ifndef SECOND_IGNORED
           die(s)
#endif
       }
       goto done
    :: else
    fi;
#ifdef TWO_WORDS
    d_step {
        if
        :: ends_by == OVER -> die(s)
        :: else -> ends_by = s
        fi
    }
#endif
#ifndef WAKES_FIRST
    wake_up();
#endif

done:
    under_way[s] = 0
}

/* --- Threads ------------------------------------------------------------- */

#define MAY_OPERATE (operations > 0 && me <= begun)

inline operation()
{
    operations--;
    begun = (me == begun -> begun + 1 : begun)
}

/* fork, if it is not around the handlers: signals_child */
inline child_begins()
{
    process = CHILD;
    for (i : 0 .. THREADS) {
        gone[i] = i != me
    }
    for (i : 1 .. SIGNALS) {
        signal_gone[i] = under_way[i]
    }
    i = 0;
    leader = 0;
    left = 0;
    vforked = 0;
    first = 0;
    asked = 0;
    came = 0;
    calling = 0;
    excused = 0
}

inline signals_child()
{
    d_step {
#ifdef CHILD_KEEPS
        owner = CHILD;
        noted = 0
#else
        taken = 0;
        owner = 0
#endif
    }
}

hidden byte i;

proctype thread(byte me) provided (!over && !gone[me])
{
    byte by;
    bit loops;

    /* exit_when_told */
    if
    :: d_step { me == LIBRARY && wake > 0 -> wake-- }
       if
#ifdef NOT_CLAIMED
       :: skip
#else
       :: d_step { who == NOBODY -> who = OURS }
       :: who == PROGRAM -> goto done
#endif
       fi;
       assert(noted != 0 && who != PROGRAM);
       goto exits
    :: me != LIBRARY
    fi;

    /* What the program does. */
    if
    :: goto done
    :: d_step { MAY_OPERATE -> operation() }
       goto exits
    :: d_step { MAY_OPERATE -> operation(); asked = ASKED }
       goto exits
    :: d_step { MAY_OPERATE -> operation(); over = 1 }
       goto done

#ifdef FD
    /* gcw__signal_descriptor; then its loop */
    :: d_step { MAY_OPERATE && !open -> operation() }
#ifdef LOOKS_EARLY
       by = noted;
#endif
       d_step { open = 1; loops = 1 }
       d_step {
           if
           :: who == NOBODY -> who = PROGRAM; wake++
           :: else
           fi
       }
#ifndef LOOKS_EARLY
       by = noted;
#endif
       d_step { readable = readable || by != 0; by = 0 }
       readable;
       goto exits
#endif

#ifdef FORKS
    :: d_step { MAY_OPERATE -> operation() }
       goto forks
    :: d_step { MAY_OPERATE && !vforked -> operation(); vforked = 1 }
       if
       :: d_step { vforked -> vforked = 0 }  /* exec */
       :: !vforked
       fi;
       goto done
#endif
    fi;

    /* exit: gcw__exit_lead */
exits:
    if
#ifdef EXITS_BESIDE
    :: me == LIBRARY
#endif
    :: d_step { leader == 0 -> leader = me + 1 }
    fi;

    /* Each handler */
next_handler:
    if
    :: d_step {
           left > 0 ->
           assert(!calling);
           calling = 1;
           left--
       }
       if
       :: skip
       :: hangs = 1;
          goto done
#ifdef ENDS
       :: d_step {
              excused = excused || me == LIBRARY || loops;
              calling = 0;
              leader = 0
          }
          goto done
#endif
#ifdef FORKS
       :: d_step { MAY_OPERATE -> operation() }
          goto forks
#endif
       fi;
back:
       calling = 0;
       goto next_handler
    :: left == 0
    fi;
    assert(!calling);
    end_by_what_was_noted(by);
    goto done;

#ifdef FORKS
    /* The parent goes on; the child exits, or does nothing. */
forks:
    if
    :: skip
    :: d_step { process == PARENT -> child_begins() }
       signals_child();
       goto child
    :: d_step { process == PARENT -> child_begins() }
       goto child
    fi;
    if
    :: leader == me + 1 -> goto back
    :: else -> goto done
    fi;

child:
    if
    :: goto exits
    :: skip
    fi;
#endif

done:
    skip
}

#ifdef LIMIT
/* gcw__end_now */
proctype limit() provided (!over && process == PARENT)
{
    byte by;

    leader != 0;
    end_by_what_was_noted(by)
}
#endif

/* Nothing happens any more. */
inline all_done()
{
    assert(first == 0 || excused || (hangs && came < 2));
    assert(process == PARENT || came == 0)
}

init
{
    atomic {
        for (i : 0 .. THREADS) {
            run thread(i)
        }
        for (i : 1 .. SIGNALS) {
            run signal(i)
        }
        i = 0;
#ifdef LIMIT
        run limit()
#endif
    }
    atomic {
        timeout ->
        if
        :: !over -> all_done()
        :: else
        fi
    }
}
