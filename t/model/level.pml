/* level.pml: levels and places of exit handlers, and a library that starts in
 * the middle of a run.
 *
 * A model in Promela of src/exit/exit-levels.c, src/exit/exit-order.c,
 * src/exit/exit-registry.c, src/exit/exit-run.c, src/exit/exit-place.c,
 * src/process/atexit.c and src/process/shutdown.c, as far as they say which
 * handler is next; see HACKING.md for how to run it.  Each step names the C
 * that it stands for.
 *
 * Each thread does a few operations, chosen anew each time: registers a plain
 * function (gcw_atexit), which has a place among the C library's handlers;
 * registers a handler with any level, which has none; unregisters one; starts
 * the library; runs the registry; registers a stranger with the C library; or
 * exits.  While a handler of its is being called, the operations are what the
 * handler does, nested to any depth that the operations allow.
 *
 * Before the library is started there are plain functions alone, in a registry
 * of their own (gcw__exit_early).  To start it is to move all that are in that
 * to the one of the roots, which is the default registry from then on.
 *
 * The C library's list is there as it is: places and strangers, in the order
 * of their registration; at the bottom are calls that run everything, as many
 * as are wanted.  A call of ours registers itself once more, until it finds
 * nothing left: that is one step here (exit.pml has the others).  Who has to
 * wait for a turn, or to lead, is not woken but goes on when it may; and a
 * thread that leads does not end (exit.pml has that as well).
 *
 * What must hold:
 *   - no handler is called while one of a higher level waits, or a newer one
 *     of the same level; wherever they are;
 *   - a run down to a place takes none but those above level 0, and those of
 *     level 0 that are not older than the place's handler;
 *   - at an exit, no handler of level 0 or below is called before a stranger
 *     that was registered after it, and was there when the run began;
 *   - a handler is called once, and not after it was unregistered;
 *   - when the process ends, all have been called, or were unregistered.
 *
 * A section of C under the exit lock is one step.
 *
 * Macros: THREADS, HANDLERS, OPERATIONS, STRANGERS; PRESENT, how many plain
 * functions are there to begin with; STARTED for a library that is; and what is
 * wrong on purpose:
 *     DOWNWARDS      a run that has come to a level does not look at higher
 *                    ones any more
 *     UNLOCKED_TAKE  the level is chosen in one section, its newest handler
 *                    taken in another
 *     BY_AGE         a run looks for the newest, whatever its level
 *     DUE_ONCE       a run down to a place asks once whether it is due
 *     MOVED_LATE     the library is ready in one section, and the functions
 *                    are moved in another
 *     MOVED_EARLY    what is there is looked up before the lock is taken
 *     ASKED_EARLY    whether the library is ready is asked before the lock is
 *                    taken, and not again
 *     TWICE          a library that was started meanwhile is started again
 *     KEEPS_MEMORY   a run goes on in the memory that it has begun in
 *     COPIED         the functions are copied, not moved; who runs them goes on
 *                    to the registry when they are through
 */
#ifndef THREADS
#define THREADS 2
#endif
#ifndef HANDLERS
#define HANDLERS 3
#endif
#ifndef OPERATIONS
#define OPERATIONS 4
#endif
#ifndef PRESENT
#define PRESENT 1
#endif
#ifndef STRANGERS
#define STRANGERS 0
#endif

/* Level 0 is in the middle. */
#define BELOW 0
#define ZERO 1
#define ABOVE 2
#define LEVELS 3

/* Handlers have the numbers 1, 2, ..., and their places the same; strangers
 * follow. */
#define NONE 0
#define NUMBERS (HANDLERS + 1)
#define IS_STRANGER(n) ((n) > HANDLERS)

#define WAITING 1
#define GONE 2

#define RUN 0
#define EXIT 1

/* struct gcw_exit_handler; `state` is 0 before it is registered.  `age` says
 * when that was. */
byte numbers;
byte level[NUMBERS];
byte state[NUMBERS];
byte age[NUMBERS], ages;

/* The default registry: the newest of each level is the last. */
byte slots[LEVELS * HANDLERS];
byte end[LEVELS];

/* gcw__exit_early */
byte early[HANDLERS];
byte early_end;

/* exit-place.c: `waits`, of each place.  gcw__exit_default is that of the
 * roots.  exit.c: `exit_closed`. */
bit waits[NUMBERS];
bit ready, closed;

/* struct gcw_exit_registry: `owner`, `depth`; leader.c: `leader`. */
byte owner, depth, leader;

/* The C library's list. */
byte list[HANDLERS + STRANGERS];
byte listed;

bit over;
byte operations = OPERATIONS, begun;

/* What was seen. */
bit called[NUMBERS];
bit removed[NUMBERS];
byte strangers;
byte stranger_age[STRANGERS + 1];
bit stranger_begun[STRANGERS + 1];

/* For what happens within a step. */
hidden byte i, n, x;

#define LEADS (leader == me + 1)
#define OTHER_LEADS (leader != 0 && leader != me + 1)
#define IS_OTHER (depth != 0 && owner != me)

/* --- The order ----------------------------------------------------------- */

/* gcw__order_push */
inline push(h, l)
{
    slots[(l) * HANDLERS + end[l]] = h;
    end[l]++
}

inline push_early(h)
{
    early[early_end] = h;
    early_end++
}

/* gcw__order_remove, where it is. */
inline remove(h)
{
    n = level[h];
    x = 0;
    for (i : 0 .. HANDLERS - 1) {
        x = (i < end[n] && slots[n * HANDLERS + i] == h -> i + 1 : x)
    }
    if
    :: x != 0 ->
       for (i : x .. HANDLERS - 1) {
           slots[n * HANDLERS + i - 1] = slots[n * HANDLERS + i]
       }
       slots[n * HANDLERS + HANDLERS - 1] = NONE;
       end[n]--
    :: else
    fi;
    x = 0;
    for (i : 0 .. HANDLERS - 1) {
        x = (i < early_end && early[i] == h -> i + 1 : x)
    }
    if
    :: x != 0 ->
       for (i : x .. HANDLERS - 1) {
           early[i - 1] = early[i]
       }
       early[HANDLERS - 1] = NONE;
       early_end--
    :: else
    fi;
    i = 0;
    n = 0;
    x = 0
}

#ifdef KEEPS_MEMORY
#define IN_REGISTRY started[nested - 1]
#elif defined(COPIED)
#define IN_REGISTRY (ready && early_end == 0)
#else
#define IN_REGISTRY ready
#endif

#define NEWEST(l) slots[(l) * HANDLERS + end[l] - 1]

/* The highest level that has a handler; LEVELS: none. */
inline find_level(l)
{
    l = LEVELS;
    for (i : 0 .. LEVELS - 1) {
        l = (end[i] != 0 -> i : l)
    }
#ifdef BY_AGE
    for (i : 0 .. LEVELS - 1) {
        l = (end[i] != 0 && age[NEWEST(i)] > age[NEWEST(l)] -> i : l)
    }
#endif
#ifdef DOWNWARDS
    lowest[nested - 1] = (l < lowest[nested - 1] -> l : lowest[nested - 1]);
    l = (l < LEVELS && end[lowest[nested - 1]] != 0 -> lowest[nested - 1] : l);
#endif
    i = 0
}

/* --- Registering, starting ----------------------------------------------- */

/* is_too_late */
#define TOO_LATE (closed || OTHER_LEADS)

#ifdef ASKED_EARLY
#define WAS_READY was_ready
#else
#define WAS_READY ready
#endif

/* try_to_add_function, with has_moved; try_to_add */
inline add(h, l)
{
    if
    :: !TOO_LATE ->
       if
       :: WAS_READY -> push(h, l)
       :: else -> push_early(h)
       fi;
       ages++;
       age[h] = ages;
       state[h] = WAITING;
       waits[h] = has_place
    :: else
    fi
}

/* gcw__exit_place_new, gcw__shutdown_register.  There may be too many. */
inline new_place(h, has_place)
{
    if
    :: has_place = 0
    :: list[listed] = h;
       listed++;
       has_place = 1
    fi
}

/* All that are early, or so many, are the first of the registry. */
inline move(many)
{
    for (i : 0 .. HANDLERS - 1) {
        if
        :: i < many -> push(early[i], ZERO)
        :: else
        fi;
#ifndef COPIED
        early[i] = NONE
#endif
    }
    i = 0;
#ifndef COPIED
    early_end = 0
#endif
}

/* gcw__exit_install */
inline install(many)
{
#ifndef MOVED_LATE
    move(many);
#endif
    ready = 1
}

/* --- Taking and calling -------------------------------------------------- */

#define PLACE place[nested - 1]
#define KIND kind[nested - 1]

/* is_done */
#ifdef DUE_ONCE
#define IS_DONE false
#else
#define IS_DONE (PLACE != NONE && !waits[PLACE])
#endif

inline check_order(h)
{
    for (i : 1 .. numbers) {
        assert(i == h || state[i] != WAITING || level[i] < level[h]
               || (level[i] == level[h] && age[i] < age[h]))
    }
    i = 0
}

inline check_strangers(h)
{
    for (i : 1 .. known[nested - 1]) {
        assert(level[h] == ABOVE || stranger_begun[i]
               || stranger_age[i] < age[h])
    }
    i = 0
}

/* begin_handler, and the call that follows */
inline call(h)
{
    assert(owner == me);
    assert(state[h] == WAITING && !called[h] && !removed[h]);
    assert(PLACE == NONE || level[h] == ABOVE
           || (level[h] == ZERO && age[h] >= age[PLACE]));
    check_order(h);
    if
    :: KIND == EXIT -> assert(LEADS); check_strangers(h)
    :: else
    fi;
    state[h] = GONE;
    waits[h] = 0;
    called[h] = 1
}

/* take_next of the registry: its level was found. */
inline take(l)
{
    if
    :: l < LEVELS && end[l] != 0 ->
       h = NEWEST(l);
       end[l]--;
       slots[l * HANDLERS + end[l]] = NONE
    :: else -> h = NONE
    fi
}

inline take_early()
{
    if
    :: early_end != 0 ->
       early_end--;
       h = early[early_end];
       early[early_end] = NONE
    :: else -> h = NONE
    fi
}

/* next */
inline next()
{
    d_step {
        l = LEVELS;
        if
        :: IN_REGISTRY && !IS_DONE -> find_level(l)
        :: else
        fi;
#ifdef UNLOCKED_TAKE
    }
    d_step {
#endif
        if
        :: IS_DONE -> h = NONE
        :: !IS_DONE && IN_REGISTRY -> take(l)
        :: !IS_DONE && !IN_REGISTRY -> take_early()
        fi;
        l = 0;
        if
        :: h != NONE -> call(h)
        :: else
        fi;
        found = h != NONE;
        h = NONE
    }
}

inline begin_run()
{
    owner = me;
    depth++;
    nested++;
    known[nested - 1] = strangers;
#ifdef KEEPS_MEMORY
    started[nested - 1] = ready;
#endif
#ifdef DOWNWARDS
    lowest[nested - 1] = LEVELS;
#endif
    found = 0
}

inline end_run()
{
    d_step {
        PLACE = NONE;
        KIND = RUN;
        known[nested - 1] = 0;
        nested--;
        depth--;
        owner = (depth == 0 -> 0 : owner)
    }
}

#ifdef KEEPS_MEMORY
#define EMPTY (IN_REGISTRY -> end[0] + end[1] + end[2] == 0 : early_end == 0)
#else
#define EMPTY (end[0] + end[1] + end[2] + early_end == 0)
#endif

/* --- The end ------------------------------------------------------------- */

inline end_process()
{
    for (i : 1 .. numbers) {
        assert(state[i] == 0 || called[i] || removed[i])
    }
    i = 0;
    over = 1
}

#define NEWEST_CALL list[listed - 1]

inline take_call()
{
    listed--;
    list[listed] = NONE
}

#define IS_OURS (listed != 0 && !IS_STRANGER(NEWEST_CALL))

/* has_nothing_left */
#define NOTHING_LEFT \
    (IS_OURS && LEADS && (closed || !waits[NEWEST_CALL]))

/* --- Threads ------------------------------------------------------------- */

#define MAY_OPERATE (operations > 0 && me <= begun)

inline operation()
{
    operations--;
    begun = (me == begun -> begun + 1 : begun)
}

proctype thread(byte me) provided (!over)
{
    byte nested;
    byte kind[OPERATIONS], place[OPERATIONS];
    byte known[OPERATIONS];          /* strangers when the run began */
#ifdef KEEPS_MEMORY
    bit started[OPERATIONS];
#endif
#ifdef DOWNWARDS
    byte lowest[OPERATIONS];
#endif
    byte h, l, many;
    bit found, has_place, was_ready;

    /* What the thread does, or the handler that it calls. */
again:
    if
    :: nested == 0 -> goto done
    :: nested != 0 -> goto next_handler      /* the handler returns */

    /* gcw_atexit: a place, or none; then the handler. */
    :: atomic {
           MAY_OPERATE && numbers < HANDLERS ->
           operation();
           numbers++;
           h = numbers;
           level[h] = ZERO;
           new_place(h, has_place);
           was_ready = ready
       }
       d_step { add(h, ZERO); h = NONE; has_place = 0; was_ready = 0 }
       goto again

    /* gcw_exit_register_fn */
    :: atomic {
           MAY_OPERATE && numbers < HANDLERS && ready ->
           operation();
           select(l : BELOW .. ABOVE);
           numbers++;
           level[numbers] = l;
           was_ready = 1;
           d_step { add(numbers, l); l = 0; was_ready = 0 }
       }
       goto again

    /* gcw_exit_unregister, gcw_atexit_cancel */
    :: atomic {
           MAY_OPERATE && numbers > 0 ->
           operation();
           select(h : 1 .. numbers);
           d_step {
               if
               :: state[h] == WAITING ->
                  remove(h);
                  state[h] = GONE;
                  removed[h] = 1;
                  waits[h] = 0
               :: else
               fi;
               h = NONE
           }
       }
       goto again

    /* gcw_init: publish_roots, or another thread was first */
    :: d_step {
           MAY_OPERATE && !ready ->
           operation();
           many = early_end
       }
       if
#ifdef TWICE
       :: d_step {
              ready ->
              for (i : 0 .. LEVELS * HANDLERS - 1) {
                  slots[i] = NONE
              }
              end[0] = 0;
              end[1] = 0;
              end[2] = 0;
              i = 0
          }
#else
       :: ready
#endif
#ifdef MOVED_EARLY
       :: d_step { !ready -> install(many) }
#else
       :: d_step { !ready -> install(early_end) }
#endif
       fi;
       many = 0;
#ifdef MOVED_LATE
       d_step { move(early_end) }
#endif
       goto again

    /* gcw_exit_run */
    :: d_step { MAY_OPERATE && ready -> operation() }
       d_step {
           !IS_OTHER && (!OTHER_LEADS || closed) ->
           kind[nested] = RUN;
           place[nested] = NONE;
           begin_run()
       }
       goto next_handler

    /* A stranger's atexit */
    :: d_step {
           MAY_OPERATE && strangers < STRANGERS ->
           operation();
           strangers++;
           stranger_age[strangers] = ages;
           list[listed] = HANDLERS + strangers;
           listed++
       }
       goto again

    /* exit */
    :: d_step { MAY_OPERATE -> operation() }
       goto exits
    fi;

    /* The C library goes through its list. */
exits:
    if
    :: d_step {
           listed != 0 && IS_STRANGER(NEWEST_CALL) ->
           stranger_begun[NEWEST_CALL - HANDLERS] = 1;
           take_call()
       }
       goto exits
    :: d_step { NOTHING_LEFT -> take_call() }
       goto exits
    :: d_step { listed == 0 && LEADS && closed -> end_process() }
       goto done
    :: else
    fi;

    /* give_all_back: who waits gives its turn back, and does not go on. */
    if
    :: d_step {
           OTHER_LEADS && depth != 0 && owner == me ->
           depth = 0;
           owner = 0
       }
       goto done
    :: OTHER_LEADS && !(depth != 0 && owner == me) -> goto done
    :: d_step { !OTHER_LEADS && !IS_OTHER -> leader = me + 1 }
    fi;

    /* run_known: a place that is not due any more has nothing to do. */
    if
    :: d_step {
           (listed == 0 || (IS_OURS && waits[NEWEST_CALL])) && !closed ->
           kind[nested] = EXIT;
           place[nested] = (listed == 0 -> NONE : NEWEST_CALL);
           begin_run()
       }
       goto next_handler
    :: else -> goto exits
    fi;

next_handler:
    next();
    if
    :: d_step { found -> found = 0 }
       goto again
    :: else
    fi;

    /* The run is at its end. */
    if
    :: KIND == EXIT && PLACE == NONE ->
       /* run_all: `!close_all()` */
       if
       :: d_step { EMPTY -> closed = 1 }
       :: !EMPTY -> goto next_handler
       fi;
       end_run();
       goto exits
    :: KIND == EXIT && PLACE != NONE ->
       end_run();
       goto exits
    :: KIND == RUN ->
       end_run()
    fi;
    goto again;

done:
    skip
}

init
{
    atomic {
#ifdef STARTED
        ready = 1;
#endif
        for (n : 1 .. PRESENT) {
            numbers++;
            ages++;
            level[numbers] = ZERO;
            age[numbers] = ages;
            state[numbers] = WAITING;
            new_place(numbers, waits[numbers]);
            if
            :: ready -> push(numbers, ZERO)
            :: else -> push_early(numbers)
            fi
        }
        n = 0;
        for (i : 0 .. THREADS - 1) {
            run thread(i)
        }
        i = 0
    }
    atomic {
        timeout ->
        assert(over || (_nr_pr == 1 && depth == 0 && leader == 0));
        for (i : 1 .. numbers) {
            assert(state[i] == 0 || called[i] || removed[i] || !closed)
        }
        i = 0
    }
}
