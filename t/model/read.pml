/* read.pml: the weak read without a lock, and the life of a slot.
 *
 * A model in Promela of src/weak/read.h, settled.c, shard.c, seats.c, by-marks.c
 * and bury.c, of src/collector/collector.c and of what src/marks/engine.c does for
 * short references; see HACKING.md for how to run it.  Each step names the C that
 * it stands for.  A seat is called a slot here, a reference's memory its cell.
 *
 * A reference is held weakly in one of two ways:
 *
 *     links  the collector clears its cell's word, with its lock held but after
 *            the restart of the world
 *     marks  the engine's pass does, in the stopped world, when marking is
 *            complete
 *
 * The events that call the engine are one function, which anybody may take
 * away and give back.  If it hears a collection begin and not end, who comes next
 * drops all references that were left to it, in the stopped world.  The processes:
 *
 *     reader     reads any reference that there is; several of them
 *     collector  stops the world, marks, counts gc_no up, has the engine look,
 *                lets the world run, and then clears links; or gives up
 *     thief      has no process: each event is heard, or not
 *     maker      makes an object, or has one; asks for a reference to it
 *     sweeper    buries what died: what it was is found, its slot is free
 *     disposer   disposes of an object
 *
 * Who is stopped is so at any step, whatever locks it has.
 *
 * Objects live at few addresses, one after the other, so that a cell, or a
 * slot, that was forgotten leads to another object.  Slots serve one reference
 * after the other.  Cells are not used again; in the model the number of one is,
 * when it says NULL and nobody looks at it.  So nothing is bounded but how many
 * there are of each, and processes: gc_no and what is compared with it are bits
 * that say how they compare.
 *
 * What must hold:
 *   - what is read is the reference's target, alive, or NULL;
 *   - if NULL, the target is dead, was disposed of, or was dropped;
 *   - what is dropped was left to the engine in a collection that it heard
 *     begin and not end;
 *   - who asks for a reference does not get that of what was at the address
 *     before;
 *   - each death that a sweep began with is found in it, once, as is each drop;
 *     what lives is not found dead, nor by what was noted of a slot's owner
 *     before.
 *
 * Where steps of C are one step here, that is because
 *   - what happens while the world is stopped, nobody sees happen;
 *   - taking a lock may be put off until the first shared word is touched,
 *     and giving it up may come as soon as the last one was: whoever waits for
 *     the lock could as well have been a little slower;
 *   - what is under one lock and is read nowhere else is seen by nobody but
 *     its holders;
 *   - the rest of the step is the process's own.
 * A word that others read without the lock is a step each time.
 *
 * An object is rooted until some collection finds that it is not: the choice
 * stands there, for nobody else looks at roots.
 *
 * Memory orders.  Loads and stores are done at once and in the order of the
 * program, but for these, which are weaker than in C:
 *   - a reader's loads of the pointer and of gc_no are done in any order once
 *     `settled` is loaded, which is an acquire; either may be late, until a stop
 *     waits for it;
 *   - a cell that was set to NULL is found as it was, until something that was
 *     released later is acquired: `settled`, the collector's lock, or the restart
 *     of the world; so is an older `settled`;
 *   - the sweeper's and the disposer's stores of an owner, and of has_dead, are
 *     late, until they give up the shard's lock or a stop waits for them.
 * So what orders a stop is the collector's handshake, as read.h says: its halves
 * are stop() and restart() here.  Between two stops it is the same whether a load
 * is late or its place comes later, and whether gc_no is loaded early or late.  All
 * else is under locks.
 *
 * Macros: READERS, SLOTS, REFS, ADDRESSES; LINKS for references of that way,
 * MIXED for both; THIEF; DISPOSE; INCREMENTAL; BATCH for readers that keep
 * `settled` over several reads (gcw__read_at).  And what is wrong on purpose:
 *   the read
 *     ORDER=1        the pointer, gc_no, settled
 *     ORDER=2        gc_no, settled, the pointer
 *     ORDER=3        the pointer, settled, gc_no
 *     ORDER=4        the pointer, and no check
 *     ORDER=5        settled, gc_no, the pointer: no fence for the compiler
 *     LOADED_RELAXED settled, without acquire
 *     NO_CATCH_UP    the slow path does not catch up
 *   settled
 *     SETTLE_AT_END  written at MARK_END although there are links
 *     SETTLE_FIRST   at MARK_START, for the collection that begins
 *     SETTLE_UNHEARD at RECLAIM_END although there was no pass
 *     UNLOCKED       without the lock
 *     STORED_RELAXED without release
 *   the handshake
 *     LOADS_LATE     a stop does not wait for the loads before it
 *     LOADS_EARLY    the loads after it may be done before it
 *     STORES_LATE    it does not wait for the stores before it
 *   the pass
 *     PASS_LATE      when the world runs again
 *     PASS_GIVEN_UP  in a collection that is given up, too
 *     STALE_PHASE    MARK_END trusts a MARK_START of any collection
 *     STALE_STOP     PRE_START_WORLD makes up for a MARK_END of another stop
 *     STALE_ARMED    the mark procedure trusts a MARK_START of any collection
 *     NO_FALLBACK    the mark procedure leaves all to the engine always
 *     NO_LEFT        and does not note it
 *   catching up
 *     NO_DROP        drops nothing
 *     WORLD_RUNS     drops with the collector's lock, the world not stopped
 *   making
 *     MAKES_BEHIND   done is not compared with gc_no
 *     FINDS_BEHIND   only before a new reference is made
 *     OWNER_FIRST    the owner is live before the cell's word is there
 *     NOT_HELD       the object is not held until the owner is live
 *     NOT_WRITTEN    the engine's object of the chunk is not written to
 *     WRITTEN_EARLY  it is before the owner is live
 *   the sweep
 *     BIT_FIRST      the bit is cleared before the owner is free; in disposal,
 *                    too
 *     BITS_STORED    the word of bits is loaded and stored
 *     LISTED_LATE    the chunk may come into the list of those with dead again
 *                    only after its bits were looked at
 *     SWEPT_LATE     what a shard is swept of is the gc_no of the sweep's end
 */
#ifndef READERS
#define READERS 1
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef REFS
#define REFS 2
#endif
#ifndef ADDRESSES
#define ADDRESSES 1
#endif
#ifndef ORDER
#define ORDER 0
#endif
#if defined(LINKS) || defined(MIXED)
#define HAVE_LINKS
#define HAS_LINKS 1
#else
#define HAS_LINKS 0
#endif
#ifdef INCREMENTAL
#define IS_INCREMENTAL 1
#else
#define IS_INCREMENTAL 0
#endif

#define BIT(n) (1 << (n))

/* Of a slot's owner; otherwise it is the number of a reference. */
#define FREE 0
#define TAKEN 15

/* The engine's phases. */
#define IDLE 0
#define MARKING 1
#define ENDING 2

/* The collector: its lock; whether an object is at an address; its mark bits,
 * which stand until the next marking begins. */
bit alloc_lock;
bit occupied[ADDRESSES + 1], marked[ADDRESSES + 1];
bit in_cycle, visited, dirty;    /* incremental: the engine's object */

/* src/collector/collector.c */
bit is_settled = 1;              /* gcw__settled == gc_no */

/* src/marks/engine.c */
bit is_done = 1;                 /* done == gc_no; else it missed */
byte phase;
bit armed;
bit armed_here;                  /* armed_at == gc_no */
bit armed_before;                /* armed_at + 1 == gc_no, and phase MARKING */
bit is_left;                        /* left_at > done */
bit left_here;                   /* left_at == gc_no + 1 */
bit settle_next;

/* src/weak/shard.c: the slots of a chunk, and what the shard's lock guards. */
bit shard_lock;
byte owner[SLOTS], keep[SLOTS];
byte bits;                       /* dead[], the bitmap */
bit has_dead;
bit swept;                       /* swept == gc_no */

/* References, by number; 0 is NULL. */
bit used[REFS + 1];              /* its cell is */
bit known[REFS + 1];             /* to users */
bit cell[REFS + 1];              /* not NULL: leads to the target's address */
byte address[REFS + 1];
bit by_link[REFS + 1], registered[REFS + 1];

/* What is in a register or on a stack, and so found by marking. */
bit pointer[READERS + 1];        /* to the address of the reference: */
byte which[READERS + 1];
byte making, disposing;          /* addresses */

/* Readers: `settled` was gc_no when it was loaded, and no collection has
 * passed. */
bit trusts[READERS + 1];

/* Of a reader whose load of the pointer is late: 1, gc_no is loaded, and was equal
 * to `settled`; 2, and a stop has waited for the pointer. */
byte late[READERS + 1];

/* Who may still see the pointer in a cell that says NULL: readers by their
 * numbers, and who knows what was released with */
#define SETTLED 2                /* `settled`, */
#define LOCK 3                   /* the collector's lock */
#define ALL (BIT(READERS) - 1 | BIT(SETTLED) | BIT(LOCK))
byte unseen[REFS + 1];

/* Stores of who has the shard's lock that are not done yet: of FREE to owners, and
 * of has_dead. */
#define LISTED 7
byte unstored;
#if ORDER == 1 || ORDER == 2
bit is_now[READERS + 1];         /* the gc_no that was loaded is gc_no */
#endif

#ifdef WORLD_RUNS
byte at, seen;                   /* who catches up; the collector's lock held */
#else
#define seen 0
#endif

/* What was seen. */
bit dead[REFS + 1], disposed[REFS + 1], dropped[REFS + 1], found[REFS + 1];
bit torn;                        /* the engine heard begin, not end */
byte due;                        /* BIT of what a sweep must find */
bit sweeps;                      /* with `now` == gc_no */

/* A cell's number is free again when it says NULL and nobody looks at it. */
#if READERS == 0
#define IS_READ(r) 0
#elif READERS == 1
#define IS_READ(r) (which[0] == r)
#else
#define IS_READ(r) (which[0] == r || which[1] == r)
#endif
#if SLOTS == 1
#define IN_SLOT(r) (owner[0] == r || keep[0] == r)
#else
#define IN_SLOT(r) (owner[0] == r || owner[1] == r || keep[0] == r \
                    || keep[1] == r)
#endif

inline tidy()
{
    for (r : 1 .. REFS) {
        if
        :: (known[r] && !cell[r] && !registered[r] && !IN_SLOT(r)
            && !IS_READ(r) && seen != r && !(due & BIT(r))) ->
           used[r] = 0;
           known[r] = 0;
           unseen[r] = 0;
           address[r] = 0;
           by_link[r] = 0;
           dead[r] = 0;
           disposed[r] = 0;
           dropped[r] = 0;
           found[r] = 0
        :: else
        fi
    }
    r = 0
}

/* A cell is set to NULL by who has the collector's lock, or has not. */
inline clear_cell(n, locked)
{
#if READERS > 0
    unseen[n] = (cell[n] -> ALL & ~(locked << LOCK) : unseen[n]);
#endif
    cell[n] = 0
}

/* Release and acquire: whoever finds something at `from` knows what `from`
 * knows. */
inline pass_on(from, to)
{
    for (r : 1 .. REFS) {
        if
        :: !(unseen[r] & BIT(from)) -> unseen[r] = unseen[r] & ~BIT(to)
        :: else
        fi
    }
    r = 0
}

inline settle()
{
    is_settled = 1;
#if READERS > 0 && !defined(STORED_RELAXED)
    pass_on(LOCK, SETTLED);
#endif
#if ORDER == 1 || ORDER == 2
    for (r : 0 .. READERS - 1) {
        trusts[r] = is_now[r]
    }
    r = 0
#else
    skip
#endif
}

/* --- A stop: bdwgc, and see src/weak/read.h ------------------------------- */

/* Frees its slot, and the chunk's place in the list. */
inline store_late()
{
    for (s : 0 .. SLOTS - 1) {
        if
        :: unstored & BIT(s) -> owner[s] = FREE; keep[s] = 0
        :: else
        fi
    }
    s = 0;
    has_dead = has_dead && !(unstored & BIT(LISTED));
    unstored = 0
}

/* The handler's sem_post is a release: what threads did before is done.  What else
 * a load could have found, it could have found a step before. */
inline stop()
{
#ifndef STORES_LATE
    store_late();
#endif
#if READERS > 0 && !defined(LOADS_LATE)
    for (r : 0 .. READERS - 1) {
        pointer[r] = (late[r] == 1 -> cell[which[r]] : pointer[r]);
        late[r] = (late[r] == 1 -> 2 : late[r])
    }
    r = 0
#else
    skip
#endif
}

/* What the handler acquires: all that was done. */
inline restart()
{
#if READERS > 0 && !defined(LOADS_EARLY)
    for (r : 1 .. REFS) {
        unseen[r] = 0
    }
    r = 0
#else
    skip
#endif
}

/* --- Catching up: src/marks/engine.c, catch_up ---------------------------- */

inline now_done()
{
    is_done = 1;
    is_left = left_here;
    torn = 0
}

#ifdef NO_DROP
#define DROP 0
#else
#define DROP (!is_done && is_left)
#endif

/* Whether the slot s is live, and the engine's. */
#define IS_LIVE(s) (owner[s] != FREE && owner[s] != TAKEN && !by_link[owner[s]])

/* by-marks.c: kill_seat; gcw__seat_die. */
inline die_in(s)
{
    clear_cell(keep[s], 1);
    bits = bits | BIT(s);
    has_dead = 1
}

inline lose(s)
{
    assert(torn && keep[s] == owner[s]);
    dropped[keep[s]] = dropped[keep[s]] || cell[keep[s]];
    die_in(s)
}

/* by-marks.c: kill_all. */
inline drop_all()
{
    for (s : 0 .. SLOTS - 1) {
        if
        :: IS_LIVE(s) && !(bits & BIT(s)) -> lose(s)
        :: else
        fi
    }
    s = 0
}

/* gcw__engine_catch_up, if there is something to drop: the world stopped from
 * outside, which takes the collector's lock. */
inline catch_up()
{
#ifndef WORLD_RUNS
    d_step { !alloc_lock && DROP ->
        stop();
        drop_all();
        now_done();
        restart();
        tidy()
    }
#else
    d_step { !alloc_lock && DROP -> alloc_lock = 1 }
    do
    :: d_step { at < SLOTS && !IS_LIVE(at) -> at++ }
    :: d_step { at < SLOTS && IS_LIVE(at) -> seen = owner[at] }
       if
       :: d_step { bits & BIT(at) -> seen = 0; at++ }
       :: d_step { !(bits & BIT(at)) -> skip }
          d_step {
              assert(keep[at] == seen);
              lose(at);
              seen = 0;
              at++
          }
       fi
    :: d_step { at == SLOTS -> at = 0; now_done(); alloc_lock = 0; tidy() }
       break
    od
#endif
}

/* --- The reader: src/weak/read.h, gcw__read and gcw__read_at ------------- */

/* What was read is handed to the caller.  It has been in a register since it
 * was loaded, so it is the same whether this is looked at now or later. */
inline give()
{
    r = which[me];
    assert(!pointer[me] || !dead[r]);
    assert(pointer[me] || dead[r] || disposed[r] || dropped[r]);
    pointer[me] = 0;
    which[me] = 0;
    late[me] = 0;
#if ORDER == 1 || ORDER == 2
    is_now[me] = 0;
#endif
#ifndef BATCH
    trusts[me] = 0;
#endif
    tidy()
}

/* Acquire.  Or an older one is found, which is not gc_no. */
inline load_settled()
{
    if
    :: is_settled ->
       trusts[me] = 1;
#ifndef LOADED_RELAXED
       pass_on(SETTLED, me)
#endif
    :: trusts[me] = 0
    fi
}

inline load_gc_no()
{
#if ORDER == 1 || ORDER == 2
    is_now[me] = 1;
#endif
    trusts[me] = is_settled
}

/* settled.c: gcw__read_settled, settle_locked. */
inline read_again(value)
{
    pass_on(LOCK, me);
    pointer[me] = value;
    settle();
#ifdef BATCH
    trusts[me] = is_settled;     /* or later: no better */
#endif
    give()
}

#define SEES_OLD(by) (unseen[which[me]] & BIT(by))

inline read_settled()
{
#ifdef NO_CATCH_UP
    d_step { !alloc_lock -> read_again(cell[which[me]]) }
#else
    do
    :: d_step { !alloc_lock && !DROP -> now_done(); read_again(cell[which[me]]) }
       break
#ifdef DISPOSE
    :: d_step { !alloc_lock && !DROP && SEES_OLD(me) && SEES_OLD(LOCK) ->
           now_done();
           read_again(1)
       }
       break
#endif
    :: catch_up()
    od
#endif
}

inline choose_ref()
{
    if
    :: known[1] -> which[me] = 1
#if REFS > 1
    :: known[2] -> which[me] = 2
#endif
#if REFS > 2
    :: known[3] -> which[me] = 3
#endif
    fi
}

/* The loads of the pointer and of gc_no, in any order.  Only the order against the
 * program's needs a load that is late: `late`. */
proctype reader(byte me)
{
    byte r, s;

#ifdef BATCH
    atomic { load_settled() }    /* gcw__read_at: at any time before */
#endif
end:
    do
    :: atomic {
           choose_ref();
#if (ORDER == 0 || ORDER == 5) && !defined(BATCH)
           load_settled()
#elif ORDER == 2
           load_gc_no()
#endif
       }
#if ORDER == 2 || ORDER == 5
       if
       :: atomic { trusts[me] -> skip }
          d_step { pointer[me] = cell[which[me]]; give() }
       :: atomic { !trusts[me] -> skip }
          read_settled()
       fi
#else
       if
       :: pointer[me] = cell[which[me]]
       :: d_step { SEES_OLD(me) -> pointer[me] = 1 }
#if ORDER == 0
       :: d_step { trusts[me] -> late[me] = 1 }
          if
          :: d_step { late[me] == 1 -> pointer[me] = cell[which[me]]; give() }
          :: d_step { late[me] == 1 && SEES_OLD(me) -> pointer[me] = 1; give() }
          :: d_step { late[me] == 2 -> give() }
          fi
          goto end
#endif
       fi;
#if ORDER == 1
       load_gc_no();
#elif ORDER == 3
       atomic { load_settled() }
#endif
       if
#if ORDER == 4
       :: d_step { true -> give() }
#else
       :: d_step { trusts[me] -> give() }
       :: d_step { !trusts[me] -> pointer[me] = 0 }
          read_settled()
#endif
       fi
#endif
    od
}

/* --- The collector: bdwgc, with the engine's events ---------------------- */

/* What is not determined in a step: whether the mark procedure comes before a
 * collection is given up; what roots lead to, or the marks that there are when
 * it is given up; and which events are heard.  The thief has the others. */
inline choose(n)
{
    if
    :: chosen = chosen | BIT(n)
    :: true
    fi
}

inline choose_roots()
{
    choose(1);
#if ADDRESSES > 1
    choose(2)
#else
    skip
#endif
}

#ifdef THIEF
#define HEARS(n) (chosen & BIT(n))
inline choose_events()
{
    choose(4);
    choose(5);
    choose(6);
    choose(7)
}
inline choose_stop_events()
{
    choose(4);
    choose(6)
}
#else
#define HEARS(n) 1
#define choose_events() skip
#define choose_stop_events() skip
#endif
#define START 4
#define END 5
#define ON 6
#define RECLAIM 7

/* Whether a register or a stack leads to the address. */
inline find_held()
{
    held = making == a || disposing == a;
    for (r : 0 .. READERS) {
        held = held || pointer[r] && address[which[r]] == a
    }
    r = 0
}

inline clear_marks()
{
    for (a : 1 .. ADDRESSES) {
        marked[a] = 0
    }
    a = 0
}

inline mark_roots()
{
    for (a : 1 .. ADDRESSES) {
        find_held();
        marked[a] = marked[a] || occupied[a] && (held || chosen & BIT(a))
    }
    a = 0;
    held = 0
}

/* GC_EVENT_MARK_START */
inline mark_starts()
{
    if
    :: DROP -> drop_all()
    :: else
    fi;
    now_done();
    phase = MARKING;
    armed = 1;
    armed_here = 1;
    armed_before = 0;
#ifdef SETTLE_FIRST
    settle_next = 1
#endif
}

/* Marks are cleared before the event. */
inline begin_marking()
{
    stop();
    if
    :: !in_cycle -> clear_marks(); visited = 0
    :: else -> visited = visited && !dirty
    fi;
    dirty = 0;
    if
    :: HEARS(START) -> mark_starts()
    :: else
    fi
}

/* engine_will_come */
#ifdef STALE_ARMED
#define WILL_COME (armed || IS_INCREMENTAL && armed_here)
#else
#define WILL_COME (armed_here && (armed || IS_INCREMENTAL))
#endif

/* The mark procedure of the engine's object of the chunk. */
inline visit()
{
    if
#if defined(NO_LEFT)
    :: true
#elif defined(NO_FALLBACK)
    :: true -> is_left = 1; left_here = 1
#else
    :: WILL_COME -> is_left = 1; left_here = 1
    :: else ->
       for (s : 0 .. SLOTS - 1) {
           if
           :: IS_LIVE(s) && !(bits & BIT(s)) ->
              marked[address[owner[s]]] = occupied[address[owner[s]]]
           :: else
           fi
       }
       s = 0
#endif
    fi;
    visited = 1
}

/* GC_gc_no++ */
inline count()
{
    is_settled = settle_next;
    settle_next = 0;
    is_done = 0;
    torn = torn || armed_here;
    armed_before = armed_here && phase == MARKING;
    armed_here = 0;
    left_here = 0;
    swept = 0;
    sweeps = 0;
    for (r : 0 .. READERS) {
#if ORDER == 1 || ORDER == 2
        is_now[r] = 0
#elif !defined(LOADS_EARLY)
        trusts[r] = 0
#else
        skip
#endif
    }
    r = 0
}

#ifdef PASS_AGAIN
#define IS_PASSED(s) IS_LIVE(s)
#else
#define IS_PASSED(s) (IS_LIVE(s) && !(bits & BIT(s)))
#endif

inline pass()
{
    for (s : 0 .. SLOTS - 1) {
        if
        :: IS_PASSED(s) && !marked[address[owner[s]]] ->
           assert(keep[s] == owner[s]);
           die_in(s)
        :: else
        fi
    }
    s = 0
}

inline look_for_links()
{
    for (r : 1 .. REFS) {
        has_links = has_links || used[r] && by_link[r]
    }
    r = 0
}

/* has_marked */
#ifdef STALE_PHASE
#define HAS_MARKED (phase == MARKING)
#else
#define HAS_MARKED (phase == MARKING && armed_before)
#endif

/* GC_EVENT_MARK_END */
inline mark_ends()
{
    if
    :: HAS_MARKED ->
#ifndef PASS_LATE
       pass();
#endif
       now_done();
       phase = ENDING;
       armed_before = 0;
#ifdef SETTLE_AT_END
       settle()
#else
       if
       :: !has_links -> settle()
       :: else
       fi
#endif
    :: else
    fi
}

/* GC_EVENT_PRE_START_WORLD */
inline world_goes_on()
{
    mark_ends();
    armed = 0;
    if
    :: phase == MARKING ->
       phase = IDLE;
       armed_before = 0;
#ifdef PASS_GIVEN_UP
       if
       :: armed_here -> pass()
       :: else
       fi;
#endif
       if
       :: armed_here && !IS_INCREMENTAL -> is_left = 0; left_here = 0
       :: else
       fi
    :: else
    fi
}

/* What is not marked is dead. */
inline die()
{
    for (a : 1 .. ADDRESSES) {
        if
        :: occupied[a] && !marked[a] ->
           occupied[a] = 0;
           for (r : 1 .. REFS) {
               dead[r] = dead[r] || used[r] && address[r] == a
           }
           r = 0
        :: else
        fi
    }
    a = 0
}

/* What nothing depends on any more is forgotten. */
inline forget_stop()
{
#ifndef STALE_STOP
    armed_before = 0;
#ifndef STALE_PHASE
    phase = (phase == MARKING && !armed_here -> IDLE : phase);
#endif
#endif
#ifndef STALE_ARMED
    armed = armed && armed_here
#endif
}

/* The end of a stop. */
inline go_on()
{
    if
    :: HEARS(ON) -> world_goes_on()
    :: else
    fi;
    forget_stop();
    restart()
}

/* GC_stopped_mark, to its end. */
inline finish()
{
    if
    :: !visited -> visit()
    :: else
    fi;
    mark_roots();
    count();
    look_for_links();
    in_cycle = 0;
    visited = 0;
    if
    :: HEARS(END) -> mark_ends()
    :: else
    fi;
    die();
    go_on();
#ifndef PASS_LATE
    clear_marks()
#endif
}

/* GC_stopped_mark, abandoned: with some of the marks.  In incremental mode it
 * goes on later. */
inline give_up()
{
    if
    :: chosen & BIT(0) -> visit()
    :: else
    fi;
#ifdef INCREMENTAL
    in_cycle = 1;
#else
    visited = 0;
    for (a : 1 .. ADDRESSES) {
        marked[a] = marked[a] || occupied[a] && chosen & BIT(a)
    }
    a = 0;
#endif
    go_on();
#ifndef INCREMENTAL
    clear_marks();
#endif
    chosen = 0
}

/* GC_finalize clears links. */
inline finalize()
{
    for (r : 1 .. REFS) {
        if
        :: registered[r] && dead[r] -> registered[r] = 0; clear_cell(r, 1)
        :: else
        fi
    }
    r = 0
}

#if defined(SETTLE_UNHEARD)
#define HAS_PASSED 1
#else
#define HAS_PASSED (phase == ENDING && is_done)
#endif

/* GC_EVENT_RECLAIM_END */
inline collection_ends()
{
    if
    :: HAS_PASSED -> settle()
    :: else
    fi;
    phase = IDLE;
    armed_before = 0
}

inline finish_collection()
{
#ifdef PASS_LATE
    pass();
    clear_marks();
#endif
    finalize();
    if
    :: HEARS(RECLAIM) -> collection_ends()
    :: else
    fi;
    phase = (phase == ENDING -> IDLE : phase);
    chosen = 0;
    has_links = 0;
    tidy()
}

#if defined(PASS_LATE) || defined(SETTLE_FIRST)
#define ENDS_LATER 1
#else
#define ENDS_LATER has_links     /* else nothing is seen of it */
#endif

proctype collector()
{
    byte a, s, r, chosen;
    bit held, has_links;

end:
    do
    :: atomic {
           !alloc_lock ->
           choose_roots();
           choose_events();
           d_step {
               begin_marking();
               finish();
               if
               :: ENDS_LATER -> alloc_lock = 1
               :: else -> finish_collection()
               fi
           }
       }
       if
       :: d_step { alloc_lock && ENDS_LATER -> finish_collection(); alloc_lock = 0 }
       :: else
       fi
    :: atomic {
           !alloc_lock ->
           choose(0);
           choose_stop_events();
           d_step { begin_marking(); give_up() }
       }
#ifdef INCREMENTAL
    :: d_step { !alloc_lock && in_cycle && !visited -> visit() }
#endif
    od
}

/* --- The sweeper: src/weak/death.c, sweep_all ---------------------------- */

inline find_due()
{
    for (r : 1 .. REFS) {
        if
        :: known[r] && (dead[r] || dropped[r]) && !found[r] && !disposed[r] ->
           due = due | BIT(r)
        :: else
        fi
    }
    r = 0
}

/* gcw__settle, and what must be found from then on. */
inline settle_all()
{
#ifdef UNLOCKED
    d_step { settle() }
#else
    do
    :: d_step { !alloc_lock && !DROP ->
           now_done();
           settle();
           find_due();
           sweeps = 1
       }
       break
    :: catch_up()
    od
#endif
}

#define IS_CLEARED(s) (owner[s] != FREE && owner[s] != TAKEN \
                       && by_link[owner[s]] && !cell[owner[s]])

/* way.c: find_in. */
inline find_cleared()
{
    for (s : 0 .. SLOTS - 1) {
        if
        :: IS_CLEARED(s) -> die_in(s)
        :: else
        fi
    }
    s = 0
}

/* bury.c: bury; its watches go to the list.  gcw__seat_free. */
inline bury(s)
{
    if
    :: word & BIT(s) ->
       assert(owner[s] != FREE && owner[s] != TAKEN);
       r = owner[s];
       assert(dead[r] || dropped[r]);
       assert(!found[r] && !disposed[r]);
       assert(!cell[r]);
       found[r] = 1;
       r = 0;
       unstored = unstored | BIT(s)
    :: else
    fi
}

inline end_sweep()
{
    store_late();
    for (r : 1 .. REFS) {
        assert(!(due & BIT(r)) || found[r] || disposed[r])
    }
    r = 0;
    due = 0;
#ifdef SWEPT_LATE
    swept = 1;
#else
    swept = sweeps;
#endif
    sweeps = 0;
    shard_lock = 0;
    word = 0;
    stored = 0;
    tidy()
}

/* Under the sweep lock, so never two at once. */
proctype sweeper()
{
    byte s, r, word, stored;         /* bits */

end:
    do
    :: settle_all();
       atomic {
           !shard_lock ->
           d_step { find_cleared() }
           if
           :: !has_dead -> d_step { end_sweep() } goto end
           :: has_dead ->
              shard_lock = 1;
#ifndef LISTED_LATE
              unstored = BIT(LISTED)
#endif
           fi
       }
       word = bits;
#ifdef LISTED_LATE
       has_dead = 0;
#endif
#ifdef BIT_FIRST
       bits = bits & ~word;
       d_step {
           bury(0);
#if SLOTS > 1
           bury(1);
#endif
           end_sweep()
       }
#else
       d_step { bury(0) }
#if SLOTS > 1
       d_step { bury(1) }
#endif
#ifdef BITS_STORED
       stored = bits;
       d_step { bits = stored & ~word; end_sweep() }
#elif defined(STORES_LATE)       /* else a stop in between changes nothing */
       bits = bits & ~word;
       d_step { end_sweep() }
#else
       d_step { bits = bits & ~word; end_sweep() }
#endif
#endif
    od
}

/* --- The maker: src/weak/shard.c, gcw__shard_ref ------------------------- */

#if ADDRESSES > 1
#define HAS_OBJECT (occupied[1] || occupied[2])
#else
#define HAS_OBJECT occupied[1]
#endif

inline choose_object(object)
{
    if
    :: occupied[1] -> object = 1
#if ADDRESSES > 1
    :: occupied[2] -> object = 2
#endif
    fi
}

/* find_ref, and the slot and the cell of a new one; only the first free ones,
 * for the others are as good. */
inline find_or_take()
{
    is_found = 0;
    slot = TAKEN;
    new = 0;
    for (s : 0 .. SLOTS - 1) {
        if
        :: owner[s] == FREE -> slot = (slot == TAKEN -> s : slot)
        :: (owner[s] != FREE && owner[s] != TAKEN
            && address[owner[s]] == making && by_link[owner[s]] == link
            && (swept || cell[owner[s]])) ->
           assert(cell[owner[s]] && !dead[owner[s]]);
           is_found = 1
        :: else
        fi
    }
    s = 0;
    for (r : 1 .. REFS) {
        new = (new == 0 && !used[r] -> r : new)
    }
    r = 0
}

inline end_making()
{
    shard_lock = 0;
    making = 0;
    slot = 0;
    new = 0;
    is_found = 0;
    link = 0
}

inline choose_way()
{
#if defined(MIXED)
    if
    :: link = 1
    :: link = 0
    fi
#elif defined(LINKS)
    link = 1
#else
    skip
#endif
}

inline take_ref()
{
    used[new] = 1;
    address[new] = making;
    by_link[new] = link;
#ifndef OWNER_FIRST
    cell[new] = 1;
#endif
#ifdef NOT_HELD
    making = 0;
#endif
    keep[slot] = new
}

/* The chunk's object of the engine's kind is written to. */
inline soil()
{
#ifdef INCREMENTAL
    dirty = dirty || visited && in_cycle
#else
    skip
#endif
}

/* shard.c: lags, before a reference is looked for and before one is made. */
#if defined(MAKES_BEHIND) || defined(FINDS_BEHIND)
#define MAY_FIND 1
#else
#define MAY_FIND (link || is_done)
#endif
#if defined(MAKES_BEHIND)
#define MAY_MAKE 1
#else
#define MAY_MAKE (link || is_done)
#endif

/* enter_seat, with the shard's lock. */
inline publish()
{
#ifdef WRITTEN_EARLY
    soil();
#endif
    owner[slot] = new;
#ifdef OWNER_FIRST
    cell[new] = 1;
#endif
#if !defined(WRITTEN_EARLY) && !defined(NOT_WRITTEN) && defined(INCREMENTAL)
    soil();
#endif
    d_step { known[new] = 1; end_making() }
}

/* The target may as well have come to the caller when it gets the lock.  Who finds
 * that the engine lags settles, as the sweeper does, and comes again. */
proctype maker()
{
    byte s, r, slot, new;
    bit is_found, link;

end:
    do
    :: d_step { !alloc_lock && !occupied[1] -> occupied[1] = 1 }
#if ADDRESSES > 1
    :: d_step { !alloc_lock && !occupied[2] -> occupied[2] = 1 }
#endif
    :: atomic {
           !shard_lock && (MAY_FIND || HAS_LINKS) && HAS_OBJECT ->
           choose_way();
           if
           :: MAY_FIND -> choose_object(making)
           :: else -> link = 0; goto end
           fi;
           d_step { find_or_take() }
           if
           :: is_found || new == 0 || slot == TAKEN || !MAY_MAKE ->
              end_making();
              goto end
           :: else -> shard_lock = 1
           fi
       }
       if
       :: atomic { !link -> take_ref() }
          publish()
#ifdef HAVE_LINKS
       :: atomic { link -> take_ref(); owner[slot] = TAKEN; shard_lock = 0 }
          atomic { !alloc_lock -> registered[new] = 1 }
          atomic { !shard_lock -> shard_lock = 1 }
          owner[slot] = new;
          d_step { known[new] = 1; end_making() }
#endif
       fi
    od
}

/* --- The disposer: src/weak/death.c, gcw__deaths_of ---------------------- */

/* bury.c: find_any.  What is at the address, or was there and is not buried. */
inline find_slot()
{
    slot = TAKEN;
    old = 0;
    for (s : 0 .. SLOTS - 1) {
        if
        :: (owner[s] != FREE && owner[s] != TAKEN
            && address[owner[s]] == disposing) ->
           slot = s;
           old = owner[s]
        :: else
        fi
    }
    s = 0
}

/* end_seat, until the reference reads NULL; its watches go to the list. */
inline dispose_of(r)
{
    assert(cell[r] || dead[r] || dropped[r]);
    assert(!found[r] && !disposed[r]);
    disposed[r] = 1;
    clear_cell(r, 0)
}

inline end_disposal()
{
    shard_lock = 0;
    disposing = 0;
    slot = 0;
    old = 0;
    tidy()
}

inline end_or_go_on()
{
    find_slot();
    if
    :: slot == TAKEN -> end_disposal()
    :: else
    fi
}

/* free_seat; forget_dead. */
inline free_slot()
{
#ifdef BIT_FIRST
    bits = bits & ~BIT(slot);
    d_step { owner[slot] = FREE; keep[slot] = 0; end_or_go_on() }
#else
    unstored = BIT(slot);
#ifdef STORES_LATE
    bits = bits & ~BIT(slot);
#endif
    d_step { bits = bits & ~BIT(slot); store_late(); end_or_go_on() }
#endif
}

/* The target may as well have come to the caller when gcw__settle ends.  Links are
 * unregistered one by one here, and others may ask for a reference meanwhile, to
 * which this happens too. */
proctype disposer()
{
    byte s, r, slot, old;

end:
    do
    :: catch_up()
    :: atomic {
           !alloc_lock && !DROP && HAS_OBJECT ->
           choose_object(disposing);
           d_step { now_done(); settle() }
       }
       if
       :: d_step { !shard_lock -> shard_lock = 1; end_or_go_on() }
       fi;
       do
       :: atomic { !disposing -> break }
       :: d_step { disposing && !by_link[old] -> dispose_of(old) }
          free_slot()
#ifdef HAVE_LINKS
       :: d_step { disposing && by_link[old] -> dispose_of(old) }
          atomic { owner[slot] = TAKEN; shard_lock = 0 }
          atomic { !alloc_lock -> registered[old] = 0 }
          atomic { !shard_lock -> shard_lock = 1 }
          free_slot()
#endif
       od
    od
}

init
{
    byte i;

    atomic {
#if READERS > 0
        for (i : 0 .. READERS - 1) {
            run reader(i)
        }
        i = 0;
#endif
        run collector();
        run sweeper();
#ifdef DISPOSE
        run disposer();
#endif
        run maker()
    }
}
