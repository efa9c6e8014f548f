/* ephemeron.pml: entries of weak maps, against collections that the engine
 * hears of, or not, or half.
 *
 * A model in Promela of src/marks/engine.c, src/map/maps.c and
 * src/map/map-room.c; see HACKING.md for how to run it.  Each step names the C
 * that it stands for.  Which tables there are is not modelled: those that are
 * dead and those that were never used are empty.
 *
 * There is one map and one address for keys, where one object lives after the
 * other; so each table needs one slot.  Values are at VALUES addresses, which
 * are used again too.  The processes:
 *
 *     reader     looks up the key; several of them
 *     walker     walks through the map, so it takes the key from there
 *     writer     puts, sets a default, replaces, removes
 *     mover      moves the map to another table
 *     killer     disposes of the key
 *     collector  stops the world, marks, has the engine look, counts gc_no up;
 *                or gives up; in incremental mode it goes on marking then
 *     maker      makes a new object where the dead key was
 *
 * What must hold:
 *   - who reads gets what the map had for this key at some time since the read
 *     began, alive, and nothing that was put for another object at its address;
 *   - it gets nothing only if there was nothing at some time, or the engine has
 *     dropped the entry, or the key was being disposed of;
 *   - the engine drops only if it heard a collection begin, and not end;
 *   - after a collection of which it heard no dead key has an entry, and what
 *     was not held otherwise is dead;
 *   - after gcw_dispose nothing of the key is read;
 *   - a default takes no entry's place, and a replacement only that of what was
 *     expected;
 *   - nobody writes to a table while it is marked, for that may be a marker
 *     thread.
 *
 * Nothing is bounded but the numbers of processes, values and tables: gc_no and
 * what is compared with it are bits that say how they compare.  The engine's
 * pass is one step, for the world is stopped; so is a visit of the mark
 * procedure: what is written to a table after that makes the table dirty, and it
 * is visited again.  Locks, and steps that are one here though they are several
 * in C: as in read.pml.
 *
 * Macros: READERS, WALKERS, WRITERS, MOVERS; KILL, INCREMENTAL, GENERATIONS for
 * incremental cycles that keep marks, BY_VALUE for
 * maps of weak values; VALUES; and what is wrong on purpose:
 *     NO_CHECK       a read does not compare `done` with gc_no
 *     CLEAR_LATE     dead entries go when the world goes on
 *     MARKER_WRITES  the mark procedure writes to the table
 *     NO_FALLBACK    the mark procedure marks nothing when the engine is not
 *                    armed
 *     NO_LEFT        nor does it note that it left a table to the engine
 *     ALWAYS_STRONG  it always marks
 *     NO_DROP        catching up drops nothing
 *     DROPS_LATE     who catches up writes `done`, then drops
 *     NO_CATCH_UP    the engine goes on after a gap as if there was none
 *     ONE_DROP       catching up goes through the tables once
 *     ARMED_FIRST    the engine takes itself for armed before any collection
 *     ONE_KILL       gcw_dispose goes through the tables once
 *     TWO_KILLS      at most twice
 *     NO_LOOK        who moves an entry does not look after it
 *     VALUE_FIRST    and loads its value before its key: no error, for who looks
 *                    sees that it died; but with NO_LOOK
 *     KEY_FIRST      a new entry's key is stored before its value: no error
 *     STORES         values are stored, not exchanged
 *     LOOKS_UNLOCKED a writer looks before it takes the lock: an error only with
 *                    STORES, for the exchange looks again
 *     UNCHECKED      a writer does not compare `done` with gc_no
 */
#ifndef READERS
#define READERS 1
#endif
#ifndef WALKERS
#define WALKERS 0
#endif
#ifndef WRITERS
#define WRITERS 0
#endif
#ifndef MOVERS
#define MOVERS 0
#endif
#ifndef VALUES
#if WRITERS == 0
#define VALUES 1
#else
#define VALUES 2
#endif
#endif
#if MOVERS == 0
#define LAST_TABLE 1
#elif MOVERS == 1
#define LAST_TABLE 2
#else
#define LAST_TABLE 3
#endif
#ifdef INCREMENTAL
#define IS_INCREMENTAL 1
#else
#define IS_INCREMENTAL 0
#endif

#define FIRST_WALKER READERS
#define FIRST_WRITER (FIRST_WALKER + WALKERS)
#define FIRST_MOVER (FIRST_WRITER + WRITERS)
#define KILLER (FIRST_MOVER + MOVERS)
#define PROCESSES (KILLER + 1)

#define NONE 0
#define BIT(n) (1 << (n))
#define ALL_TABLES ((BIT(LAST_TABLE) - 1) << 1)

/* The collector: its lock; a cycle between two stops, and whether it began with
 * all marks cleared. */
bit alloc_lock;
bit in_cycle, is_full;

/* Mark bits.  Tables are marked when they have been visited.  What is marked
 * stays so until a full cycle begins. */
bit key_marked;
byte values_marked, visited, dirty;

/* The key's address, and those of values: what is there. */
bit key_dead;
bit value_alive[VALUES + 1];
bit value_own[VALUES + 1];       /* made for the key that is there now */

/* src/marks/engine.c. */
bit is_done = 1;                 /* done == gc_no */
bit armed;
#ifdef ARMED_FIRST
bit armed_here = 1;
#else
bit armed_here;                  /* armed_at == gc_no */
#endif
bit left;                        /* left_at > done */
bit left_here;                   /* left_at == gc_no + 1 */

/* struct gcw_map, and the tables: by number, 0 is NULL. */
bit map_lock;
byte table = 1;
byte allocated = 2;
bit key[LAST_TABLE + 1];
byte value[LAST_TABLE + 1];

/* gcw__moves_begun - gcw__moves_ended; and gcw__moves_begun, counted from what
 * gcw__moves_ended was when somebody began to go through the tables. */
byte moving, moves;
bit walking;
byte todo, passes;               /* of the one who does, lock held */

/* What is in registers and on stacks, and so found by marking. */
bit has_key[PROCESSES];
byte has_value[PROCESSES], new_value[PROCESSES];
byte has_table[PROCESSES];

/* `done` was gc_no when it was loaded, and no collection has passed. */
bit trusts[PROCESSES];

/* What was seen. */
byte now = 1;                    /* what the map has for the key */
byte had[PROCESSES];             /* BIT of all that since the read began */
bit excused;                     /* dropped, or being disposed of */
bit killed;                      /* disposed of, and nothing was put since */
#ifdef ARMED_FIRST
bit heard;                       /* this collection begin, in some stop */
#else
#define heard armed_here
#endif
bit all_heard;                   /* in all its stops */
bit torn;                        /* it was heard to begin, not to end */
bit killing, marking;

inline set_now(to)
{
    now = to;
    for (p : 0 .. PROCESSES - 1) {
        had[p] = had[p] | BIT(to)
    }
}

/* What is looked at only while marking goes on. */
inline soil(t)
{
#ifdef GENERATIONS
    dirty = dirty | BIT(t)
#else
    dirty = (in_cycle -> dirty | BIT(t) : 0)
#endif
}

inline write_value(t, to)
{
    assert(!marking);
    value[t] = to;
    soil(t)
}

inline forget(me)
{
    has_key[me] = 0;
    has_value[me] = NONE;
    new_value[me] = NONE;
    has_table[me] = NONE;
    had[me] = 0;
    trusts[me] = 0
}

/* --- Catching up: src/marks/engine.c ------------------------------------- */

/* drop_entry */
inline drop_in(t)
{
    if
    :: key[t] && value[t] != NONE ->
       assert(torn);
       write_value(t, NONE);
       excused = 1
    :: else
    fi
}

/* kill_in_table; the find, which loads the key, and kill_entry. */
inline kill_in(t)
{
    if
    :: key[t] && value[t] != NONE -> write_value(t, NONE)
    :: else
    fi
}

/* In any order, for marking changes it. */
#define NEXT_TABLE(t, action) \
    :: atomic { todo & BIT(t) -> todo = todo & ~BIT(t); action(t) }
#if LAST_TABLE == 1
#define WALK_TABLES(action) NEXT_TABLE(1, action)
#elif LAST_TABLE == 2
#define WALK_TABLES(action) NEXT_TABLE(1, action) NEXT_TABLE(2, action)
#else
#define WALK_TABLES(action) NEXT_TABLE(1, action) NEXT_TABLE(2, action) \
    NEXT_TABLE(3, action)
#endif

#define BEGIN_WALK atomic { walking = 1; moves = moving; todo = allocated }
#define END_WALK(most) \
    :: atomic { \
           todo == 0 -> passes++; \
           if \
           :: moves >= passes && passes < most -> todo = allocated \
           :: else -> walking = 0; moves = 0; passes = 0; break \
           fi \
       }

#ifdef ONE_DROP
#define DROPS 1
#else
#define DROPS 9
#endif
#if defined(ONE_KILL)
#define KILLS 1
#elif defined(TWO_KILLS)
#define KILLS 2
#else
#define KILLS 9
#endif

inline now_done()
{
    is_done = 1;
    left = left_here;
    torn = 0
}

#ifdef NO_DROP
#define DROP 0
#else
#define DROP (!is_done && left)
#endif

/* Lock held. */
inline drop()
{
#ifdef DROPS_LATE
    is_done = 1;
#endif
    BEGIN_WALK;
    do
    WALK_TABLES(drop_in)
    END_WALK(DROPS)
    od
}

/* gcw__engine_catch_up: catch_up, with the lock. */
inline engine_catch_up()
{
    if
    :: atomic { !alloc_lock && !DROP -> now_done() }
    :: atomic { !alloc_lock && DROP -> alloc_lock = 1 }
       drop();
       atomic { now_done(); alloc_lock = 0 }
    fi
}

/* --- Reading: src/map/maps.c, gcw__map_look_up --------------------------- */

inline give()
{
    v = has_value[me];
    if
    :: v != NONE ->
       assert(value_alive[v]);
       assert(value_own[v]);
       assert(had[me] & BIT(v));
       assert(!after_kill)
    :: else ->
       assert(had[me] & BIT(NONE) || excused)
    fi;
    v = NONE;
    after_kill = 0;
    forget(me)
}

/* gcw__engine_load_done, and gcw__map_table: what is trusted in the end has not
 * changed between the two. */
inline load_table()
{
    trusts[me] = is_done;
    has_table[me] = table
}

proctype reader(byte me)
{
    byte v, p;
    bit after_kill;

end:
    do
    :: atomic {
           !key_dead ->
           has_key[me] = 1;
           had[me] = BIT(now);
           after_kill = killed;
           load_table()
       }
again:
       if
       :: key[has_table[me]] ->  /* gcw__map_table_find */
          has_value[me] = value[has_table[me]]
       :: else
       fi;
       if                        /* gcw__engine_is_done */
#ifdef NO_CHECK
       :: atomic { true -> give() }
#else
       :: atomic { trusts[me] -> give() }
       :: atomic { !trusts[me] -> has_value[me] = NONE; has_table[me] = NONE }
          engine_catch_up();
          atomic { load_table(); goto again }
#endif
       fi
    od
}

/* src/map/map-walk.c: load_entry.  When the map has moved, it looks up what it
 * has found, as a reader does. */
proctype walker(byte me)
{
    byte v;

end:
    do
    :: atomic { load_table() }   /* gcw_map_first, long before or now */
       has_key[me] = key[has_table[me]];
       if
       :: has_key[me] -> has_value[me] = value[has_table[me]]
       :: else
       fi;
       if
#ifdef NO_CHECK
       :: atomic { true ->
#else
       :: atomic { trusts[me] ->
#endif
              v = has_value[me];
              assert(v == NONE || !key_dead);
              assert(v == NONE || value_alive[v]);
              assert(v == NONE || value_own[v]);
              v = NONE;
              forget(me)
          }
#ifndef NO_CHECK
       :: atomic { !trusts[me] -> forget(me) }
          engine_catch_up()
#endif
       fi
    od
}

/* --- Changing: src/map/maps.c -------------------------------------------- */

#define PUT 0
#define DEFAULT 1
#define REPLACE 2
#define REMOVE 3

/* applies(change, was) */
#define APPLIES \
    (what == PUT || what == DEFAULT && was == NONE \
     || what == REPLACE && was != NONE && was == expected \
     || what == REMOVE && was != NONE)

/* What becomes of the map by a change, when it does. */
inline changed()
{
    assert(what != DEFAULT || now == NONE || excused);
    assert(what != REPLACE || now == expected);
    set_now(new_value[me]);
    killed = killed && what == REMOVE
}

/* Allocates a value; who has none can only remove. */
inline make_value()
{
    select(v : 1 .. VALUES);
    if
    :: !value_alive[v] && !alloc_lock ->
       value_alive[v] = 1;
       value_own[v] = 1;
       new_value[me] = v
    :: true
    fi;
    v = NONE
}

/* The beginning of try_to_change. */
inline look_for_entry()
{
    trusts[me] = is_done;
    was = (key[table] -> value[table] : NONE);
    has_value[me] = was
}

/* Which change it is makes no difference before.  Who wants to replace
 * something else than what is there does nothing. */
inline choose_change()
{
    if
    :: new_value[me] == NONE -> what = REMOVE
    :: new_value[me] != NONE -> what = PUT
    :: new_value[me] != NONE -> what = DEFAULT
    :: new_value[me] != NONE && was != NONE -> what = REPLACE; expected = was
    fi
}

inline end_change()
{
    map_lock = 0;
    forget(me);
    what = 0;
    was = 0;
    expected = 0;
    p = 0
}

/* put_new, of map-room.c, by gcw__map_insert. */
inline insert()
{
#ifdef KEY_FIRST
    key[table] = 1;
    atomic { changed(); write_value(table, new_value[me]); end_change() }
#else
    write_value(table, new_value[me]);
    atomic { key[table] = 1; soil(table); changed(); end_change() }
#endif
}

proctype writer(byte me)
{
    byte what, was, expected, v, p;

end:
    do
    :: atomic {
           !key_dead && !killing && !map_lock ->
           has_key[me] = 1;
           make_value();
#ifndef LOOKS_UNLOCKED
           map_lock = 1;
#endif
           look_for_entry()
       }
again:
#ifdef LOOKS_UNLOCKED
       atomic { !map_lock -> map_lock = 1 }
#endif
       if
#ifdef UNCHECKED
       :: atomic { true -> choose_change() }
#else
       :: atomic { trusts[me] -> choose_change() }
#endif
          if
          :: atomic { !key[table] && what != PUT && what != DEFAULT ->
                 end_change() }
          :: atomic { !key[table] && (what == PUT || what == DEFAULT) -> skip }
             insert()
#ifdef STORES
          :: atomic { key[table] ->
                 if
                 :: APPLIES -> changed(); write_value(table, new_value[me])
                 :: else
                 fi;
                 end_change()
             }
#else
          :: atomic { key[table] ->     /* change_entry */
                 if
                 :: was != value[table] -> was = value[table]
                 :: else
                 fi;
                 if
                 :: APPLIES -> changed(); write_value(table, new_value[me])
                 :: else
                 fi;
                 end_change()
             }
#endif
          fi
#ifndef UNCHECKED
       :: atomic { !trusts[me] ->
              map_lock = 0; was = NONE; has_value[me] = NONE }
          engine_catch_up();
          atomic {
#ifndef LOOKS_UNLOCKED
              !map_lock ->
              map_lock = 1;
#endif
              look_for_entry();
              goto again
          }
#endif
       fi
    od
}

/* --- Moving: src/map/map-room.c ------------------------------------------ */

/* move_entry, with put_new. */
inline load_key()
{
    has_key[me] = key[table]
}

inline load_value()
{
    has_value[me] = value[table]
}

inline move_entry(to)
{
#ifdef VALUE_FIRST
    load_value();
    load_key();
#else
    load_key();
    load_value();
#endif
    if
    :: has_key[me] && has_value[me] != NONE ->
#ifdef KEY_FIRST
       key[to] = 1;
       write_value(to, has_value[me]);
#else
       write_value(to, has_value[me]);
       atomic { key[to] = 1; soil(to) }
#endif
#ifndef NO_LOOK
       if
       :: value[table] == NONE -> write_value(to, NONE)
       :: else
       fi
#endif
    :: else
    fi
}

/* gcw__map_fill_room */
inline fill_room()
{
    select(t : 1 .. LAST_TABLE);
    if
    :: !(allocated & BIT(t)) ->
       allocated = allocated | BIT(t);
       visited = visited & ~BIT(t);
       has_table[me] = t
    :: else
    fi;
    t = NONE
}

/* gcw__map_tidy, which checks nothing before; gcw__map_has_room is called when
 * that was done. */
proctype mover(byte me)
{
    byte t;

end:
    do
    :: atomic { !alloc_lock && has_table[me] == NONE -> fill_room() }
    :: atomic {                  /* move_to */
           has_table[me] != NONE && !map_lock ->
           map_lock = 1;
           moving++;
           moves = (walking -> moves + 1 : 0)
       }
       move_entry(has_table[me]);
       atomic {
           table = has_table[me];
           assert(!killed || value[table] == NONE);
           moving--;
           map_lock = 0;
           forget(me)
       }
    od
}

/* --- Disposal: src/marks/engine.c, kill_locked --------------------------- */

proctype killer(byte me)
{
end:
    do
    :: atomic {
           !key_dead && !killed && !killing ->
           has_key[me] = 1;
           killing = 1;
           excused = 1
       }
       atomic { !alloc_lock -> alloc_lock = 1 }
       if
       :: atomic { !DROP -> now_done() }
       :: atomic { DROP -> skip }
          drop();
          now_done()
       fi;
       BEGIN_WALK;
       do
       WALK_TABLES(kill_in)
       END_WALK(KILLS)
       od;
       atomic {
           alloc_lock = 0;
           killing = 0;
           killed = 1;
           assert(moving > 0 || value[table] == NONE);
           forget(me)
       }
    od
}

/* --- The collector: bdwgc, with the engine's events ---------------------- */

/* What the map, and who looks at it, leads to. */
inline find_reachable()
{
    reachable = BIT(table);
    for (p : 0 .. PROCESSES - 1) {
        reachable = reachable | BIT(has_table[p])
    }
    reachable = reachable & ALL_TABLES
}

inline mark_value(w)
{
    if
    :: (w) != NONE && value_alive[w] -> values_marked = values_marked | BIT(w)
    :: else
    fi
}

/* mark_table, with engine_will_come and mark_all. */
inline visit(t)
{
#ifdef MARKER_WRITES
    marking = 1;
    write_value(t, value[t]);
    marking = 0;
#endif
    if
#ifdef NO_FALLBACK
    :: true -> left = 1; left_here = 1
#elif defined(NO_LEFT)
    :: true -> skip
#else
#ifndef ALWAYS_STRONG
    :: armed || IS_INCREMENTAL && armed_here -> left = 1; left_here = 1
#endif
    :: else ->
       if
       :: key[t] && value[t] != NONE ->
          key_marked = !key_dead;
          mark_value(value[t])
       :: else
       fi
#endif
    fi;
    visited = visited | BIT(t)
}

/* catch_up, within a stop. */
inline catch_up_stopped()
{
    if
    :: !is_done && left ->
       for (t : 1 .. LAST_TABLE) {
           drop_in(t)
       }
    :: else
    fi;
    now_done()
}

/* GC_initiate_gc: marking begins.  Pages that were written to since it did so
 * last are visited again. */
inline begin_marking()
{
    visited = visited & ~dirty;
    dirty = 0;
    if
    :: true ->                   /* mark_starts */
#ifndef NO_CATCH_UP
       if
       :: !is_done -> catch_up_stopped()
       :: else
       fi;
#endif
       visited = visited & ~dirty;
       dirty = 0;
       armed = 1;
       armed_here = 1;
       heard = 1
    :: all_heard = 0             /* the thief has the event's function */
    fi
}

inline clear_marks()
{
    key_marked = 0;
    values_marked = 0;
    visited = 0
}

inline begin_cycle()
{
    all_heard = 1;
    is_full = 1;
#ifdef GENERATIONS
    if
    :: clear_marks()
    :: is_full = 0
    fi
#endif
}

inline visit_some()
{
    find_reachable();
    for (t : 1 .. LAST_TABLE) {
        if
        :: reachable & BIT(t) & ~visited -> visit(t)
        :: true
        fi
    }
}

inline visit_rest()
{
    find_reachable();
    for (t : 1 .. LAST_TABLE) {
        if
        :: reachable & BIT(t) & ~visited -> visit(t)
        :: else
        fi
    }
}

inline mark_stacks()
{
    for (p : 0 .. PROCESSES - 1) {
        key_marked = key_marked || has_key[p] && !key_dead;
        mark_value(has_value[p]);
        mark_value(new_value[p])
    }
    if                           /* the program holds it */
    :: key_marked = !key_dead
    :: true
    fi;
#ifdef BY_VALUE
    for (p : 1 .. VALUES) {
        if
        :: mark_value(p)
        :: true
        fi
    }
#endif
}

/* pass: an entry that lives, */
inline hold(t)
{
#ifdef BY_VALUE
    if
    :: key[t] && value[t] != NONE && values_marked & BIT(value[t]) ->
       key_marked = !key_dead
    :: else
    fi
#else
    if
    :: key[t] && value[t] != NONE && key_marked -> mark_value(value[t])
    :: else
    fi
#endif
}

/* and one that does not. */
inline bury(t)
{
    if
#ifdef BY_VALUE
    :: key[t] && value[t] != NONE && !(values_marked & BIT(value[t])) ->
#else
    :: key[t] && value[t] != NONE && !key_marked ->
#endif
       write_value(t, NONE)
    :: else
    fi
}

inline hold_in_reached()
{
    for (t : 1 .. LAST_TABLE) {
        if
        :: reachable & BIT(t) -> hold(t)
        :: else
        fi
    }
}

inline bury_in_reached()
{
    for (t : 1 .. LAST_TABLE) {
        if
        :: reachable & BIT(t) -> bury(t)
        :: else
        fi
    }
}

/* What is not marked is dead. */
inline die()
{
    key_dead = key_dead || !key_marked;
    for (p : 1 .. VALUES) {
        if
        :: value_alive[p] && !(values_marked & BIT(p)) ->
           value_alive[p] = 0;
           value_own[p] = 0
        :: else
        fi
    }
    if
    :: now != NONE && !value_alive[now] -> set_now(NONE)
    :: else
    fi;
    for (t : 1 .. LAST_TABLE) {
        if
        :: !(reachable & BIT(t)) -> key[t] = 0; value[t] = NONE
        :: else
        fi
    }
    allocated = reachable;
#ifdef GENERATIONS
    visited = reachable;
    dirty = dirty & reachable
#else
    clear_marks();
    dirty = 0
#endif
}

/* GC_gc_no++ */
inline count()
{
    is_done = 0;
    left_here = 0;
    armed_here = 0;
    for (p : 0 .. PROCESSES - 1) {
        trusts[p] = 0
    }
}

/* GC_stopped_mark, to its end. */
inline finish()
{
    visit_rest();
    assert(!all_heard || !is_full || !key_marked && values_marked == 0);
    mark_stacks();
    torn = torn || heard;
    count();
    if                           /* mark_ends */
    :: armed ->
       hold_in_reached();
#ifndef CLEAR_LATE
       bury_in_reached();
#endif
       now_done()
    :: else
    fi;
    die();
#ifndef CLEAR_LATE
    assert(!is_done || value[table] == NONE
           || !key[table] || !key_dead && value_alive[value[table]]);
#endif
    heard = 0;
    all_heard = 0;
    is_full = 0;
    in_cycle = 0
}

/* world_goes_on */
inline end_stop()
{
    armed = 0;
    p = 0;
    t = 0;
    reachable = 0
}

proctype collector()
{
    byte p, t, reachable;

end:
    do
    :: atomic {                  /* a stop that comes to its end */
           !alloc_lock ->
           if
           :: !in_cycle -> begin_cycle()
           :: else
           fi;
           begin_marking();
           finish();
#ifndef CLEAR_LATE
           end_stop()
       }
#else
           alloc_lock = 1
       }
       atomic {
           if
           :: armed -> bury_in_reached()
           :: else
           fi;
           end_stop();
           alloc_lock = 0
       }
#endif
    :: atomic {                  /* one that is given up */
           !alloc_lock ->
           if
           :: !in_cycle -> begin_cycle()
           :: else
           fi;
           begin_marking();
#ifdef INCREMENTAL
           in_cycle = 1;
#else
           visit_some();
           is_full = 0;
           all_heard = 0;
           clear_marks();
#endif
           end_stop()
       }
#ifdef INCREMENTAL
    :: atomic {                  /* marking between stops, or before it ends */
           !alloc_lock && in_cycle ->
           visit_some();
           end_stop()
       }
#endif
    od
}

/* An object where the dead key was; not if there can be no entry any more. */
#if WRITERS == 0
#define IS_OF_USE value_alive[1]
#else
#define IS_OF_USE 1
#endif
proctype maker()
{
    byte p;

end:
    do
    :: atomic {
           key_dead && !alloc_lock && !killing && IS_OF_USE ->
           key_dead = 0;
           key_marked = 0;
           for (p : 1 .. VALUES) {
               value_own[p] = 0
           }
           p = 0;
           now = NONE;
           excused = 0;
           killed = 0
       }
    od
}

init
{
    byte i;

    atomic {
        value_alive[1] = 1;
        value_own[1] = 1;
        key[1] = 1;
        value[1] = 1;
#if READERS > 0
        for (i : 0 .. READERS - 1) {
            run reader(i)
        }
#endif
#if WALKERS > 0
        for (i : FIRST_WALKER .. FIRST_WRITER - 1) {
            run walker(i)
        }
#endif
#if WRITERS > 0
        for (i : FIRST_WRITER .. FIRST_MOVER - 1) {
            run writer(i)
        }
#endif
#if MOVERS > 0
        for (i : FIRST_MOVER .. KILLER - 1) {
            run mover(i)
        }
#endif
#ifdef KILL
        run killer(KILLER);
#endif
        run collector();
        run maker()
    }
}
