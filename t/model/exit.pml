/* exit.pml: an exit registry that is run, changed and closed by threads.
 *
 * A model in Promela of src/exit-run.c, src/exit.c, src/exit-order.c and
 * src/shutdown.c; see HACKING.md for how to run it.  Each step names the C
 * that it stands for.
 *
 * Each thread does a few operations, chosen anew each time: registers a
 * handler, unregisters any that was registered, runs the registry, unloads the
 * plugin, exits; then it ends.  While a handler of its is being called, the
 * operations are what the handler does.  So a run may be nested in a handler,
 * to any depth that the operations allow, and an exit as well.
 *
 * What must hold:
 *   - a handler is called once; one with `keep` once within a turn;
 *   - one that was unregistered is not called: not after GCW_REMOVED, and with
 *     `keep` not again after GCW_RUNNING;
 *   - in a run by turns, only the thread whose turn it is calls handlers;
 *   - when the process ends, or nobody does anything any more, all that were
 *     registered have been called, were unregistered, or wait in the registry;
 *     the last only if the registry is not closed;
 *   - a plugin that is unloaded leaves no handler behind, and none goes with
 *     it that was never called;
 *   - nobody waits for ever.
 *
 * A section of C under the exit lock is one step: what it reads and writes is
 * touched by nobody but who holds that lock, so nobody sees it half done.  For
 * the same reason the lock itself is not there.  A thread waits on the
 * condition by a flag of its own, which is set in the step that found that it
 * must wait: pthread_cond_wait gives up the lock and sleeps in one.  It is
 * never woken but by a broadcast.
 *
 * Macros: THREADS, HANDLERS, OPERATIONS, PRESENT; and what is wrong on purpose:
 *     OFF_AFTER      a handler is taken off after the call
 *     UNLOCKED_TAKE  the newest is looked for in one section, and taken off
 *                    in another
 *     UNLOCKED_CLOSE the same of finding the registry empty and closing it
 *     NOT_NESTED     also the thread whose turn it is waits for its turn
 *     NO_DEPTH       a nested run ends the turn
 *     NO_WAKE        the end of a turn wakes nobody
 *     LOOKED_ONCE    a run for unloaded code looks through the order once,
 *                    whatever is moved meanwhile
 *     BACK_FORGOTTEN what comes back before the kept ones are dropped stays
 */
#ifndef THREADS
#define THREADS 3
#endif
#ifndef HANDLERS
#define HANDLERS 3
#endif
#ifndef PRESENT
#define PRESENT 2
#endif
#ifndef OPERATIONS
#define OPERATIONS 4
#endif

/* Handlers have the numbers 1, 2, ..., in the order of their registration. */
#define NONE 0
#define NUMBERS (HANDLERS + 1)

/* enum gcw__exit_state */
#define WAITING 0
#define RUNNING 1
#define GONE 2

/* What a thread is in: gcw_exit_run, exit_begins, or
 * gcw__exit_object_unloading. */
#define RUN 0
#define EXIT 1
#define UNLOAD 2

/* struct gcw_exit_handler.  `slot` counts from 1 on; 0 is none. */
byte registered;
byte state[NUMBERS];
byte slot[NUMBERS];
bit keep[NUMBERS];
bit leaving[NUMBERS];
bit plugin[NUMBERS];         /* its code lies in the plugin */

/* struct gcw__order: with room for all, so that it never moves. */
byte slots[HANDLERS];
byte end, top = HANDLERS;

/* struct gcw_exit_registry: `owner`, `depth`; exit.c: `closed`. */
byte owner, depth;
bit closed;

/* exit-run.c: `turn`. */
bit asleep[THREADS];

/* How far the unloading of the plugin is: not begun, at it, done. */
#define LOADED 0
#define UNLOADING 1
#define UNLOADED 2
byte unloading;

/* The process has ended. */
bit over;

/* How many operations are left; and how many threads have begun. */
byte operations = OPERATIONS, begun;

/* What was seen. */
bit kept[NUMBERS];           /* was registered with `keep` */
bit called[NUMBERS];
bit called_in_turn[NUMBERS];
bit removed[NUMBERS];        /* GCW_REMOVED */
bit not_again[NUMBERS];      /* GCW_RUNNING */

/* For what happens within a step. */
hidden byte i, n, x;
hidden byte before[HANDLERS];

/* --- The order: src/exit-order.c ------------------------------------------ */

/* trim */
inline trim(at)
{
    if
    :: at + 1 == end ->
       do
       :: end > 0 && slots[end - 1] == NONE -> end--
       :: else -> break
       od
    :: at + 1 != end && at == top ->
       do
       :: top < HANDLERS && slots[top] == NONE -> top++
       :: else -> break
       od
    :: else
    fi
}

/* gcw__order_remove, with clear */
inline order_remove(h)
{
    if
    :: slot[h] != 0 ->
       x = slot[h] - 1;
       slots[x] = NONE;
       slot[h] = 0;
       trim(x)
    :: else
    fi
}

/* gcw__order_push, with put */
inline order_push(h)
{
    assert(end < top);
    slots[end] = h;
    end++;
    slot[h] = end
}

/* gcw__order_set_aside: the newest is h */
inline order_set_aside(h)
{
    order_remove(h);
    top--;
    slots[top] = h;
    slot[h] = top + 1
}

/* gcw__order_bring_back, with rotate */
inline order_bring_back()
{
    n = HANDLERS - top;
    for (i : 0 .. HANDLERS - 1) {
        before[i] = slots[i];
        slots[i] = NONE
    }
    for (i : 0 .. HANDLERS - 1) {
        if
        :: i < n -> x = before[top + i]
        :: i >= n && i < end + n -> x = before[i - n]
        :: else -> x = NONE
        fi;
        slots[i] = x;
        slot[x] = i + 1
    }
    slot[NONE] = 0;
    end = end + n;
    top = HANDLERS;
    trim(end - 1);
    x = 0;
    for (i : 0 .. HANDLERS - 1) {
        before[i] = 0
    }
}

/* gcw__order_next */
inline order_next(h, at)
{
    h = NONE;
    do
    :: h == NONE && at > 0 ->
       if
       :: at <= top && at > end -> at = end
       :: else -> at--; h = slots[at]
       fi
    :: else -> break
    od
}

/* --- Handlers: src/exit.c ------------------------------------------------- */

/* gcw__exit_remove, with gcw__exit_take_off */
inline exit_remove(h)
{
    keep[h] = 0;
    order_remove(h);
    state[h] = (state[h] == WAITING -> GONE : RUNNING)
}

/* gcw_exit_register_fn: try_to_add */
inline register(with_keep, of_plugin)
{
    if
    :: !closed ->
       registered++;
       keep[registered] = with_keep;
       kept[registered] = with_keep;
       plugin[registered] = of_plugin;
       order_push(registered)
    :: else
    fi
}

/* gcw_exit_unregister.  A handler whose object dies goes the same way:
 * handler_died. */
inline unregister(h)
{
    if
    :: state[h] == WAITING -> removed[h] = 1; exit_remove(h)
    :: state[h] == RUNNING -> not_again[h] = 1; exit_remove(h)
    :: else
    fi
}

/* --- A run: src/exit-run.c ------------------------------------------------ */

#ifdef NOT_NESTED
#define IS_OTHER (depth != 0)
#else
#define IS_OTHER (depth != 0 && owner != me)
#endif

/* begin_turn: `while (is_other(r)) pthread_cond_wait(...)` */
inline begin_turn()
{
    do
    :: d_step {
           IS_OTHER -> asleep[me] = 1
       }
       !asleep[me]
    :: d_step {
           !IS_OTHER ->
           if
           :: depth == 0 -> order_bring_back()
           :: else
           fi;
           owner = me;
           depth++;
           level++
       }
       break
    od
}

/* end_turn */
inline end_turn()
{
    d_step {
#ifdef NO_DEPTH
        depth = 0;
#else
        depth--;
#endif
        if
        :: depth == 0 ->
           owner = 0;
           order_bring_back();
           for (i : 1 .. HANDLERS) {
               called_in_turn[i] = 0
           }
        :: else
        fi;
#ifndef NO_WAKE
        for (i : 0 .. THREADS - 1) {
            asleep[i] = 0
        }
#endif
        i = 0
    }
}

#define CURRENT current[level - 1]
#define KIND kind[level - 1]

/* finish_last */
inline finish_last()
{
    if
    :: CURRENT != NONE ->
#ifdef OFF_AFTER
       if
       :: !keep[CURRENT] -> order_remove(CURRENT)
       :: else
       fi;
#endif
       state[CURRENT] = (keep[CURRENT] -> WAITING : GONE)
    :: else
    fi;
    CURRENT = NONE
}

/* start */
inline start(h)
{
    assert(!not_again[h]);
    if
    :: KIND == UNLOAD -> keep[h] = 0
    :: else
    fi;
    if
    :: keep[h] -> order_set_aside(h); state[h] = RUNNING
#ifdef OFF_AFTER
    :: else
#else
    :: else -> order_remove(h); state[h] = RUNNING
#endif
    fi;
    CURRENT = h;
    taken = 1
}

/* take_next, but for its start */
inline find_next(h)
{
    do
    :: end == 0 -> h = NONE; break
    :: else ->
       h = slots[end - 1];
       if
       :: leaving[h] -> order_set_aside(h)
       :: else -> break
       fi
    od
}

/* take_chosen, but for its start */
inline find_chosen(h)
{
    n = at;
    do
    :: order_next(h, at);
       if
       :: h != NONE && leaving[h] && plugin[h] -> break
       :: h != NONE && !(leaving[h] && plugin[h])
#ifdef LOOKED_ONCE
       :: h == NONE -> break
#else
       :: h == NONE && n == HANDLERS -> break
       :: h == NONE && n != HANDLERS -> at = HANDLERS; n = HANDLERS
#endif
       fi
    od;
    n = 0
}

inline start_found()
{
    if
    :: h != NONE -> start(h)
    :: else
    fi
}

/* call.  It begins in the step in which the handler was taken off: what
 * happens in between makes no difference to anybody. */
inline call_found()
{
    if
    :: h != NONE ->
       assert(KIND == UNLOAD || owner == me);
       assert(!removed[h]);
       assert(!called[h] || kept[h]);
       assert(!called_in_turn[h]);
       called[h] = 1;
       called_in_turn[h] = depth != 0
    :: else
    fi
}

/* next */
inline next()
{
    d_step {
        finish_last();
        if
        :: KIND == UNLOAD -> find_chosen(h)
        :: else -> find_next(h)
        fi;
#ifdef UNLOCKED_TAKE
        x = 0
    }
    d_step {
#endif
        start_found();
        call_found();
        found = h != NONE;
        h = NONE;
        x = 0
    }
}

/* choose(..., true) */
inline choose()
{
    at = end;
    do
    :: order_next(h, at);
       if
       :: h == NONE -> break
       :: else -> leaving[h] = leaving[h] || plugin[h]
       fi
    od;
    at = HANDLERS;
    taken = 0
}

/* choose(..., false), of end_run */
inline unchoose()
{
    for (i : 1 .. HANDLERS) {
        if
        :: slot[i] != 0 -> leaving[i] = leaving[i] && !plugin[i]
        :: else
        fi
    }
    i = 0
}

/* drop_kept: what is set aside goes, so it must have had its turn.  One that
 * came back meanwhile waits: then there is more to run. */
inline drop_kept()
{
    for (i : 1 .. registered) {
        if
        :: slot[i] > top && plugin[i] ->
           assert(called[i] || state[i] == RUNNING);
           exit_remove(i)
#ifndef BACK_FORGOTTEN
        :: slot[i] != 0 && slot[i] <= top && plugin[i] -> taken = 1
#endif
        :: else
        fi
    }
    i = 0;
    x = 0
}

/* The plugin is gone, and with it the code of its handlers. */
inline unloaded()
{
    for (i : 1 .. registered) {
        assert(!plugin[i] || slot[i] == 0)
    }
    i = 0;
    unloading = UNLOADED
}

/* --- The end -------------------------------------------------------------- */

/* The process ends: a handler has had its turn, but for one of a plugin that
 * another thread is unloading at this moment. */
inline end_process()
{
    assert(closed);
    for (i : 1 .. registered) {
        assert(called[i] || removed[i]
               || (plugin[i] && unloading == UNLOADING))
    }
    i = 0;
    over = 1
}

/* Nobody does anything any more. */
inline all_done()
{
    assert(depth == 0 && top == HANDLERS);
    for (i : 1 .. registered) {
        assert(state[i] != RUNNING);
        assert(state[i] == GONE || !leaving[i]);
        assert((state[i] == WAITING) == (slot[i] != 0));
        assert(state[i] == WAITING || called[i] || removed[i]);
        assert(slot[i] == 0 || slots[slot[i] - 1] == i)
    }
    i = 0
}

/* --- Threads -------------------------------------------------------------- */

/* All are alike, so it is enough that they begin in this order. */
#define MAY_OPERATE (operations > 0 && me <= begun)

inline operation()
{
    operations--;
    begun = (me == begun -> begun + 1 : begun)
}

/* While the plugin is unloaded, only its own handlers still register. */
inline register_any(may_be_of_plugin)
{
    if
    :: with_keep = 0
#ifdef KEEP
    :: with_keep = 1
#endif
    fi;
    if
    :: of_plugin = 0
#ifdef PLUGIN
    :: may_be_of_plugin -> of_plugin = 1
#endif
    fi;
    d_step {
        register(with_keep, of_plugin);
        with_keep = 0;
        of_plugin = 0
    }
}

inline unregister_any()
{
    select(h : 1 .. registered);
    d_step {
        unregister(h);
        h = 0;
        x = 0
    }
}

/* exit_begins: `gcw__exit_closed()`, and then the process ends. */
inline begin_exit()
{
    kind[level] = EXIT;
    if
    :: closed -> end_process()
    :: else
    fi
}

/* gcw__exit_object_unloading, with begin_run */
inline begin_unload()
{
    kind[level] = UNLOAD;
    level++;
    unloading = UNLOADING;
    choose()
}

/* end_run; then begin_run again, or drop_kept. */
inline end_unload()
{
    d_step {
        unchoose();
        at = 0
    }
    if
    :: d_step {
           !taken ->
           drop_kept();
           if
           :: !taken -> unloaded(); level--
           :: else
           fi
       }
    :: taken
    fi;
    if
    :: d_step { taken -> choose() }
       goto next_handler
    :: !taken
    fi
}

proctype thread(byte me) provided (!over)
{
    byte level;                      /* how many runs are nested; of each: */
    byte kind[OPERATIONS];
    byte current[OPERATIONS];        /* struct run: `current` */
    byte at;                         /* of the run for unloaded code: `at`, */
    bit taken;                       /* `count.taken` */
    byte h;
    bit found, with_keep, of_plugin;

    /* What the thread does, or the handler that it calls. */
again:
    if
    :: level == 0 -> goto done
    :: level != 0 -> goto next_handler       /* the handler returns */
    :: atomic {
           MAY_OPERATE && registered < HANDLERS ->
           operation();
           register_any(unloading == LOADED
                        || (level != 0 && kind[0] == UNLOAD))
       }
       goto again
    :: atomic {
           MAY_OPERATE && registered > 0 ->
           operation();
           unregister_any()
       }
       goto again
    :: d_step { MAY_OPERATE -> operation(); kind[level] = RUN }
    :: d_step { MAY_OPERATE -> operation(); begin_exit() }
#ifdef PLUGIN
    :: d_step {
           MAY_OPERATE && level == 0 && unloading == LOADED ->
           operation();
           begin_unload()
       }
       goto next_handler
#endif
    fi;
    begin_turn();

    /* run_step */
next_handler:
    next();
    if
    :: atomic { found -> found = 0; goto again }
    :: else
    fi;

    /* The run is at its end. */
    if
    :: KIND == EXIT ->
       /* run_all: `!gcw__exit_close()` */
       if
#ifdef UNLOCKED_CLOSE
       :: end == 0 -> closed = 1
#else
       :: d_step { end == 0 -> closed = 1 }
#endif
       :: end != 0 -> goto next_handler
       fi;
       end_turn();
       d_step { end_process() }
    :: KIND == RUN ->
       end_turn();
       level--
#ifdef PLUGIN
    :: KIND == UNLOAD ->
       end_unload()
#endif
    fi;
    goto again;

done:
    skip
}

init
{
    bit with_keep, of_plugin;

    atomic {
        for (n : 1 .. PRESENT) {
            register_any(true)
        }
        n = 0;
        for (i : 0 .. THREADS - 1) {
            run thread(i)
        }
        i = 0
    }
    atomic {
        timeout ->
        assert(over || _nr_pr == 1);
        if
        :: !over -> all_done()
        :: else
        fi
    }
}
