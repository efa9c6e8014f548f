/* exit.pml: an exit registry that is run, changed and closed by threads, some
 * of which exit, are cancelled, or end in a handler.
 *
 * A model in Promela of src/exit/exit-run.c, exit-turn.c, exit.c,
 * src/exit/exit-order.c, src/exit/exit-levels.c and src/process/shutdown.c; see
 * HACKING.md for how to run it.  Each step names the C that it stands for.
 *
 * Each thread does a few operations, chosen anew each time: registers a
 * handler, unregisters any that was registered, runs the registry, unloads the
 * plugin, calls exit or quick_exit; then it ends.  While a handler of its is
 * being called, the operations are what the handler does.  So a run may be
 * nested in a handler, to any depth that the operations allow, and an exit as
 * well.  A handler may also end its thread (pthread_exit), and so may a
 * handler of the C library's own, when an exit is through with ours.  A thread
 * that waits may be cancelled, unless it has a turn.
 *
 * The C library's list of what it calls at exit is here the number of our
 * calls that are in it: who exits takes one off, and comes to exit_begins; who
 * finds none ends the process.  Places (exit-place.c) are not here.
 *
 * What must hold:
 *   - no handler is called while one of a higher level waits, of those that
 *     the run is for;
 *   - a handler is called once; one with `keep` once within a turn; or again
 *     by another thread, if its thread ended;
 *   - one that was unregistered is not called: not after GCW_REMOVED, and with
 *     `keep` not again after GCW_RUNNING;
 *   - in a run by turns, only the thread whose turn it is calls handlers;
 *   - of several threads that exit, only the one that leads calls handlers or
 *     goes back to the C library;
 *   - when the process ends, or nobody does anything any more, all that were
 *     registered have been called, were unregistered, or wait in the registry;
 *     the last only if the registry is not closed.  At quick_exit: all that
 *     are `quick`;
 *   - but the process may end too soon if at least CALLS threads are at once
 *     between taking a call off the list and registering another one, and one
 *     more exits: so never with up to CALLS threads;
 *   - a plugin that is unloaded leaves no handler behind, and none goes with
 *     it that was never called; what its handlers register is called next of
 *     its level;
 *   - nobody waits for ever.
 *
 * A section of C under the exit lock is one step: what it reads and writes is
 * touched by nobody but who holds that lock, so nobody sees it half done.  For
 * the same reason the lock itself is not there.  A thread waits on the
 * condition by a flag of its own, which is set in the step that found that it
 * must wait: pthread_cond_wait gives up the lock and sleeps in one.  It is
 * never woken but by a broadcast; or cancelled.
 *
 * Nobody is cancelled, or ends, while it unloads: the C library does not
 * survive that.
 *
 * Macros: THREADS, HANDLERS, OPERATIONS, PRESENT; LEVELS, 1 or 2; CALLS; CANCELS, up to how
 * many threads are cancelled; ENDS for threads that end in handlers; KEEP,
 * PLUGIN, QUICK; and what is wrong on purpose:
 *     NOT_RAISED     what is registered is not looked for above `highest`
 *     ONE_ORDER      a run looks for the newest of all levels together
 *     ASIDE_ALONE    what was set aside is brought back for the lowest level
 *                    only
 *     OFF_AFTER      a handler is taken off after the call
 *     UNLOCKED_TAKE  the newest is looked for in one section, and taken off
 *                    in another
 *     TAKES_LATE     what another thread registers while one leads is taken;
 *                    that alone does no harm, but with
 *     UNLOCKED_CLOSE the registry is found empty in one section, and closed in
 *                    another
 *     NOT_NESTED     also the thread whose turn it is waits for its turn
 *     NO_DEPTH       a nested run ends the turn
 *     NO_WAKE        the end of a turn wakes nobody
 *     LEADS_AT_ONCE  who exits leads though another one has the turn
 *     RUNS_BESIDE    a run does not wait for who leads
 *     ALL_LEAD       a thread that exits leads though another one does
 *     NO_RESIGN      a thread that leads still does when it has ended
 *     RESIGN_SILENT  its end wakes nobody
 *     TURN_KEPT      a thread that ends in a handler keeps its turn
 *     LOCK_KEPT      who is cancelled keeps the lock
 *     NOT_AGAIN      no call registers another one
 *     NO_EXCUSE      the process must not end too soon, whatever CALLS is
 *     LOOKED_ONCE    a run for unloaded code looks through the order once,
 *                    whatever is moved meanwhile
 *     BACK_FORGOTTEN what comes back before the kept ones are dropped stays
 *     NOT_FRESH      what is registered meanwhile has no precedence there
 *     EXIT_IN_QUICK  a handler of quick_exit calls exit: what quick_exit has
 *                    passed over does not run then
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
#ifndef LEVELS
#define LEVELS 1
#endif
#ifndef CALLS
#define CALLS THREADS
#endif
#ifndef CANCELS
#define CANCELS 0
#endif

/* shutdown.c: MORE */
#define MORE 2

/* Handlers have the numbers 1, 2, ..., in the order of their registration. */
#define NONE 0
#define NUMBERS (HANDLERS + 1)

/* enum gcw__exit_state */
#define WAITING 0
#define RUNNING 1
#define GONE 2

/* What a thread is in: gcw_exit_run, exit_begins, quick_exit_begins, or
 * gcw__exit_object_unloading. */
#define RUN 0
#define EXIT 1
#define QUICK_EXIT 2
#define UNLOAD 3

/* struct gcw_exit_handler.  `slot` counts from 1 on; 0 is none.  `rank` is the
 * level. */
byte registered;
byte rank[NUMBERS];
byte state[NUMBERS];
byte slot[NUMBERS];
bit keep[NUMBERS];
bit leaving[NUMBERS];
bit plugin[NUMBERS];         /* its code lies in the plugin */
bit quick[NUMBERS];

/* struct gcw__order, one for each level (exit-levels.c): with room for all, so that they never
 * move.  The slots of all are numbered together, and so are `end` and `top`. */
#define SLOTS (LEVELS * HANDLERS)
#define BOTTOM(l) ((l) * HANDLERS)
#define CEILING(l) ((l) * HANDLERS + HANDLERS)
byte slots[SLOTS];
byte end[LEVELS], top[LEVELS];

/* exit-levels.c: above `highest` no handler waits. */
byte highest;

#define HAS_WAITING(l) (end[l] != BOTTOM(l))
#define NONE_WAITS (!HAS_WAITING(0) && !HAS_WAITING(highest))
#define IS_ASIDE(h) (slot[h] > top[rank[h]])

/* struct gcw_exit_registry: `owner`, `depth`; its `unloading`, if there is
 * one, with the `fresh` of that.  exit.c: `exit_closed`; so is closed_in of
 * shutdown.c, for only who leads asks. */
byte owner, depth;
bit is_unloading;
byte fresh;
bit closed;

/* leader.c: `leader`.  Threads have the numbers 1, 2, ..., here. */
byte leader;

/* The C library: how many of our calls are in its list, of exit and of
 * quick_exit.  shutdown.c: `inside`. */
byte calls[2];
byte inside;

/* exit-turn.c: `turn`. */
bit asleep[THREADS];

/* How far the unloading of the plugin is: not begun, at it, done. */
#define LOADED 0
#define UNLOADING 1
#define UNLOADED 2
byte unloading;

/* The process has ended; somebody keeps the lock. */
bit over, stuck;

/* How many operations are left, and how many may be cancelled; and how many
 * threads have begun. */
byte operations = OPERATIONS, cancels, begun;

/* What was seen. */
bit kept[NUMBERS];           /* was registered with `keep` */
bit called[NUMBERS];
bit called_in_turn[NUMBERS];
bit removed[NUMBERS];        /* GCW_REMOVED */
bit not_again[NUMBERS];      /* GCW_RUNNING */
byte between[2];             /* threads that have taken a call off the list,
                              * and registered no other yet */
bit was_fresh[NUMBERS];      /* was registered while its code goes */
bit moved;                   /* one of these has been set aside */

/* For what happens within a step. */
hidden byte i, n, x;
hidden byte before[HANDLERS];

/* --- The order: src/exit/exit-order.c ------------------------------------ */

/* trim */
inline trim(l, at)
{
    if
    :: at + 1 == end[l] ->
       do
       :: HAS_WAITING(l) && slots[end[l] - 1] == NONE -> end[l]--
       :: else -> break
       od
    :: at + 1 != end[l] && at == top[l] ->
       do
       :: top[l] < CEILING(l) && slots[top[l]] == NONE -> top[l]++
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
       trim(rank[h], x)
    :: else
    fi
}

/* gcw__order_push, with put_handler */
inline order_push(h)
{
    assert(end[rank[h]] < top[rank[h]]);
    slots[end[rank[h]]] = h;
    end[rank[h]]++;
    slot[h] = end[rank[h]];
#ifndef NOT_RAISED
    highest = (highest < rank[h] -> rank[h] : highest)
#endif
}

/* gcw__order_set_aside: the newest of its level is h */
inline order_set_aside(h)
{
    order_remove(h);
    top[rank[h]]--;
    slots[top[rank[h]]] = h;
    slot[h] = top[rank[h]] + 1;
    moved = moved || leaving[h]
}

/* gcw__order_bring_back, with rotate */
inline order_bring_back_level(l)
{
    n = CEILING(l) - top[l];
    for (i : 0 .. HANDLERS - 1) {
        before[i] = slots[BOTTOM(l) + i];
        slots[BOTTOM(l) + i] = NONE
    }
    for (i : 0 .. HANDLERS - 1) {
        if
        :: i < n -> x = before[top[l] - BOTTOM(l) + i]
        :: i >= n && BOTTOM(l) + i < end[l] + n -> x = before[i - n]
        :: else -> x = NONE
        fi;
        slots[BOTTOM(l) + i] = x;
        slot[x] = BOTTOM(l) + i + 1
    }
    slot[NONE] = 0;
    end[l] = end[l] + n;
    top[l] = CEILING(l);
    trim(l, end[l] - 1);
    x = 0;
    for (i : 0 .. HANDLERS - 1) {
        before[i] = 0
    }
    i = 0;
    n = 0
}

inline order_bring_back()
{
    order_bring_back_level(0);
#if LEVELS > 1 && !defined(ASIDE_ALONE)
    order_bring_back_level(1);
#endif
    highest = LEVELS - 1
}

/* The next slot to look at, when `at` is come to: higher levels are first. */
#define AT_LEVEL(at) (((at) - 1) / HANDLERS)
#define IN_GAP(at) ((at) <= top[AT_LEVEL(at)] && (at) > end[AT_LEVEL(at)])

/* gcw__order_next: also of those that were set aside */
inline order_next(h, at)
{
    h = NONE;
    do
    :: h == NONE && at > 0 ->
       if
       :: IN_GAP(at) -> at = end[AT_LEVEL(at)]
       :: else -> at--; h = slots[at]
       fi
    :: else -> break
    od
}

/* The same of those that wait alone */
inline order_next_waiting(h, at)
{
    do
    :: order_next(h, at);
       if
       :: h == NONE || !IS_ASIDE(h) -> break
       :: else
       fi
    od
}

/* --- Handlers: src/exit/exit.c ------------------------------------------- */

/* gcw__exit_remove, with gcw__exit_take_off */
inline exit_remove(h)
{
    keep[h] = 0;
    order_remove(h);
    state[h] = (state[h] == WAITING -> GONE : RUNNING)
}

#define LEADS (leader == me + 1)
#define OTHER_LEADS (leader != 0 && leader != me + 1)

/* gcw_exit_register_fn: try_to_add, with is_too_late and look_at_unloading */
inline register(with_keep, of_plugin, is_quick, its_rank)
{
    if
#ifdef TAKES_LATE
    :: !closed ->
#else
    :: !closed && !OTHER_LEADS ->
#endif
       registered++;
       keep[registered] = with_keep;
       kept[registered] = with_keep;
       plugin[registered] = of_plugin;
       quick[registered] = is_quick;
       rank[registered] = its_rank;
       order_push(registered);
       if
       :: of_plugin && is_unloading ->
          leaving[registered] = 1;
          was_fresh[registered] = 1;
          fresh++
       :: else
       fi
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

/* --- A run: src/exit/exit-run.c ------------------------------------------ */

#ifdef NOT_NESTED
#define IS_OTHER (depth != 0)
#else
#define IS_OTHER (depth != 0 && owner != me)
#endif

#ifdef RUNS_BESIDE
#define MUST_WAIT IS_OTHER
#else
#define MUST_WAIT (IS_OTHER || (OTHER_LEADS && !closed))
#endif

/* gcw__wait_cancellable, after gcw__wait has fallen asleep: goes on when woken,
 * or is cancelled, also when it was woken. */
inline wait_cancellable()
{
    if
    :: !asleep[me]
    :: d_step {
           cancels > 0 && level == 0 ->
           cancels--;
#ifdef LOCK_KEPT
           stuck = 1;
#endif
           asleep[me] = 0
       }
       goto ends
    fi
}

/* begin_turn, with wait_for_turn */
inline begin_turn()
{
    do
    :: d_step {
           MUST_WAIT -> asleep[me] = 1
       }
       wait_cancellable()
    :: d_step {
           !MUST_WAIT ->
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

inline wake()
{
    for (i : 0 .. THREADS - 1) {
        asleep[i] = 0
    }
    i = 0
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
        i = 0;
#ifndef NO_WAKE
        wake()
#endif
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

/* gcw__levels_look.  l: the highest level of which a handler waits; or 0 */
inline find_level(l)
{
    highest = (HAS_WAITING(highest) -> highest : 0);
    l = highest;
#ifdef ONE_ORDER
    l = (HAS_WAITING(0) && HAS_WAITING(l)
         && slots[end[0] - 1] > slots[end[l] - 1] -> 0 : l)
#endif
}

/* take_next, but for its start */
inline find_next(h)
{
    do
    :: NONE_WAITS -> h = NONE; break
    :: else ->
       find_level(n);
       h = slots[end[n] - 1];
       n = 0;
       if
       :: leaving[h] || (KIND == QUICK_EXIT && !quick[h]) ->
          order_set_aside(h)
       :: else -> break
       fi
    od
}

/* find_fresh */
inline find_fresh(h)
{
    n = SLOTS;
    do
    :: order_next_waiting(h, n);
       if
       :: h == NONE || (leaving[h] && plugin[h]) -> break
       :: else
       fi
    od;
    n = 0
}

/* the rest of take_chosen, but for its start */
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
       :: h == NONE && n == SLOTS -> break
       :: h == NONE && n != SLOTS -> at = SLOTS; n = SLOTS
#endif
       fi
    od;
    n = 0
}

/* take_chosen, but for its start */
inline find_to_unload(h)
{
    h = NONE;
#ifndef NOT_FRESH
    if
    :: fresh != 0 -> fresh--; find_fresh(h)
    :: else
    fi;
#endif
    if
    :: h == NONE -> find_chosen(h)
    :: else
    fi
}

/* Of what goes, a higher level is first, and of what was registered meanwhile
 * the newest of its level; as long as no other run has passed over any of
 * it. */
inline check_fresh(h)
{
    for (i : 1 .. registered) {
        assert(moved || !leaving[i] || slot[i] == 0 || rank[i] < rank[h]
               || (rank[i] == rank[h] && (i <= h || !was_fresh[i])))
    }
    i = 0
}

inline start_found()
{
    if
    :: h != NONE -> start(h)
    :: else
    fi
}

/* A higher level is first. */
inline check_level(h)
{
    for (i : 1 .. registered) {
        assert(rank[i] <= rank[h] || slot[i] == 0 || IS_ASIDE(i)
               || leaving[i] || (KIND == QUICK_EXIT && !quick[i]))
    }
    i = 0
}

/* call.  It begins in the step in which the handler was taken off: what
 * happens in between makes no difference to anybody. */
inline call_found()
{
    if
    :: h != NONE ->
       assert(KIND == UNLOAD || owner == me);
       assert(KIND != EXIT && KIND != QUICK_EXIT || LEADS);
       assert(!removed[h]);
       assert(!called[h] || kept[h]);
       assert(!called_in_turn[h]);
       called[h] = 1;
       called_in_turn[h] = depth != 0;
       if
       :: KIND == UNLOAD -> check_fresh(h)
       :: else -> check_level(h)
       fi
    :: else
    fi
}

/* next */
inline next()
{
    d_step {
        finish_last();
        if
        :: KIND == UNLOAD -> find_to_unload(h)
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

/* begin_run: choose(..., true) */
inline choose()
{
    is_unloading = 1;
    fresh = 0;
    at = SLOTS;
    do
    :: order_next_waiting(h, at);
       if
       :: h == NONE -> break
       :: else -> leaving[h] = leaving[h] || plugin[h]
       fi
    od;
    at = SLOTS;
    taken = 0
}

/* end_run: choose(..., false), end_unloading */
inline unchoose()
{
    is_unloading = 0;
    fresh = 0;
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
        :: slot[i] != 0 && IS_ASIDE(i) && plugin[i] ->
           assert(called[i] || state[i] == RUNNING);
           exit_remove(i)
#ifndef BACK_FORGOTTEN
        :: slot[i] != 0 && !IS_ASIDE(i) && plugin[i] -> taken = 1
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

/* --- The end ------------------------------------------------------------- */

/* The process ends: a handler has had its turn, but for one of a plugin that
 * another thread is unloading at this moment. */
inline end_process(with_quick)
{
    for (i : 1 .. registered) {
        assert(called[i] || removed[i] || (with_quick && !quick[i])
               || (plugin[i] && unloading == UNLOADING))
    }
    i = 0;
    over = 1
}

#define IS_QUICK (kind[level] == QUICK_EXIT)

#ifdef NO_EXCUSE
#define TOO_MANY false
#else
#define TOO_MANY (between[IS_QUICK] >= CALLS)
#endif

/* exit and quick_exit, of the C library: takes one of our calls off its
 * list. */
inline take_call()
{
    if
    :: calls[IS_QUICK] > 0 -> calls[IS_QUICK]--; between[IS_QUICK]++
    :: calls[IS_QUICK] == 0 && TOO_MANY -> over = 1
    :: calls[IS_QUICK] == 0 && !TOO_MANY -> end_process(IS_QUICK)
    fi
}

/* register_more, register_more_quick: the first; then the others */
inline register_more()
{
    d_step {
        more = (inside == 0 -> 1 : MORE);
        inside++
    }
    d_step {
#ifndef NOT_AGAIN
        calls[IS_QUICK]++;
#endif
        between[IS_QUICK]--;
        more--
    }
    do
    :: d_step {
           more > 0 ->
#ifndef NOT_AGAIN
           calls[IS_QUICK]++;
#endif
           more--
       }
    :: else -> break
    od
}

#if defined(ALL_LEAD)
#define MAY_LEAD true
#elif defined(LEADS_AT_ONCE)
#define MAY_LEAD (!OTHER_LEADS)
#else
#define MAY_LEAD (!OTHER_LEADS && !IS_OTHER)
#endif

/* gcw__exit_lead */
inline lead()
{
    do
    :: d_step {
           !MAY_LEAD -> asleep[me] = 1
       }
       wait_cancellable()
    :: d_step {
           MAY_LEAD -> leader = me + 1
       }
       break
    od
}

/* leave_exit.  Back in the C library: it goes on with its list, and what it finds
 * there of ours is over: is_over, quick_is_over. */
inline leave()
{
    d_step {
        assert(LEADS);
        inside--;
        calls[IS_QUICK] = 0
    }
}

/* resign.  A thread that did not lead has no destructor. */
inline resign()
{
    d_step {
        if
#ifndef NO_RESIGN
        :: LEADS ->
           leader = 0;
#ifndef RESIGN_SILENT
           wake()
#endif
#endif
        :: else
        fi
    }
}

/* Nobody does anything any more. */
inline all_done()
{
    assert(depth == 0 && leader == 0);
    assert(top[0] == HANDLERS && top[LEVELS - 1] == SLOTS);
    for (i : 1 .. registered) {
        assert(!closed || called[i] || removed[i]);
        assert(state[i] != RUNNING);
        assert(state[i] == GONE || !leaving[i]);
        assert((state[i] == WAITING) == (slot[i] != 0));
        assert(state[i] == WAITING || called[i] || removed[i]);
        assert(slot[i] == 0 || slots[slot[i] - 1] == i)
    }
    i = 0
}

/* --- Threads ------------------------------------------------------------- */

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
    if
    :: is_quick = 0
#ifdef QUICK
    :: is_quick = 1
#endif
    fi;
    if
    :: its_rank = 0
#if LEVELS > 1
    :: its_rank = 1
#endif
    fi;
    d_step {
        register(with_keep, of_plugin, is_quick, its_rank);
        its_rank = 0;
        with_keep = 0;
        of_plugin = 0;
        is_quick = 0
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

/* The C standard has no exit within quick_exit. */
#ifdef EXIT_IN_QUICK
#define MAY_EXIT true
#else
#define MAY_EXIT (!in_quick)
#endif

/* A handler ends the thread. */
#define MAY_END (MAY_OPERATE && !(level != 0 && kind[0] == UNLOAD))

proctype thread(byte me) provided (!over && !stuck)
{
    byte level;                      /* how many runs are nested; of each: */
    byte kind[OPERATIONS];
    byte current[OPERATIONS];        /* struct run: `current` */
    byte at;                         /* of the run for unloaded code: `at`, */
    bit taken;                       /* `count.taken` */
    byte h, more;
    bit found, with_keep, of_plugin, is_quick, its_rank;
    bit in_quick;                    /* a quick_exit is going on */

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
       begin_turn();
       goto next_handler
    :: d_step {
           MAY_OPERATE && MAY_EXIT ->
           operation();
           kind[level] = EXIT;
           take_call()
       }
       goto exit_begins
#ifdef QUICK
    :: d_step {
           MAY_OPERATE ->
           operation();
           kind[level] = QUICK_EXIT;
           in_quick = 1;
           take_call()
       }
       goto exit_begins
#endif
#ifdef PLUGIN
    :: d_step {
           MAY_OPERATE && level == 0 && unloading == LOADED ->
           operation();
           begin_unload()
       }
       goto next_handler
#endif
#ifdef ENDS
    :: d_step { MAY_END && level != 0 -> operation() }
       goto ends
#endif
    fi;

    /* exit_begins, quick_exit_begins */
exit_begins:
    register_more();
    lead();
    if
    :: kind[level] == EXIT && closed -> goto leaves
    :: else
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
       /* run_all: `!close_all()` */
       if
#ifdef UNLOCKED_CLOSE
       :: NONE_WAITS -> closed = 1
#else
       :: d_step { NONE_WAITS -> closed = 1 }
#endif
       :: !NONE_WAITS -> goto next_handler
       fi;
       end_turn();
       level--;
       goto leaves
    :: KIND == QUICK_EXIT ->
       end_turn();
       level--;
       goto leaves
    :: KIND == RUN ->
       end_turn();
       level--
#ifdef PLUGIN
    :: KIND == UNLOAD ->
       end_unload()
#endif
    fi;
    goto again;

    /* What else is in the C library's list may end the thread. */
leaves:
    leave();
    if
    :: d_step { end_process(IS_QUICK) }
#ifdef ENDS
    :: d_step { MAY_END -> operation() }
#endif
    fi;

    /* The thread ends: the frames that are left, then its data. */
ends:
    do
    :: level == 0 -> break
    :: level != 0 ->
       d_step {                      /* end_run */
           finish_last()
       }
#ifdef TURN_KEPT
       if
       :: d_step { depth > 1 -> depth-- }
       :: else
       fi;
#else
       end_turn();
#endif
       level--
    od;
    in_quick = 0;
    resign();

done:
    skip
}

init
{
    bit with_keep, of_plugin, is_quick, its_rank;
    byte me;

    atomic {
        select(cancels : 0 .. CANCELS);
        for (n : 0 .. LEVELS - 1) {
            end[n] = BOTTOM(n);
            top[n] = CEILING(n)
        }
        n = 0;
        calls[0] = CALLS;
        calls[1] = CALLS;
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
