/* emit.pml: emissions against all that changes the list of listeners.
 *
 * A model in Promela of src/event/emit.h, src/event/listener.c,
 * src/event/listeners.c and src/event/event.c; see HACKING.md for how to run
 * it.  Each step names the C that it stands for.
 *
 * Listener 1 is connected when it begins, 2 may be.  The processes:
 *
 *     emitter    emits once; several of them
 *     changer    connects, disconnects, blocks, unblocks, connects again
 *                without GCW_ONCE, moves the list to another array.  There
 *                is one, for all of that happens under the lock of the list.
 *                What a listener does while it is called is among it.
 *     collector  finds objects dead that nobody holds; and disposes
 *     sweeper    tells listeners of deaths
 *
 * What must hold:
 *   - nobody is called that was disconnected, blocked, disposed of or dead
 *     when its turn came;
 *   - nor one whose connection began when the emission already had;
 *   - all others are called, once: those that were connected when the
 *     emission began, and that nobody touched before it ended;
 *   - with GCW_ONCE one is called at most once by all emissions;
 *   - who is called gets its data, and its object, and data that is held
 *     weakly, stay alive until it has returned;
 *   - in the end, who is dead is disconnected, and a list without listeners
 *     has no array.
 *
 * A word that emissions read is written in a step of its own.  What is under
 * the lock of the list and is read nowhere else goes with one of these; so
 * does the lock: to take it may be put off until the first such word is
 * touched, and to give it up may come as soon as the last one was.  Slots that
 * are in no range yet nobody reads.
 *
 * A weak read is one step: that is what read.pml shows.  The collector frees
 * no array that an emission is in; here arrays are not used again.
 *
 * Macros: EMITTERS; OPERATIONS, how many changes and deaths there are; KIND1
 * and KIND2, of the listeners; and what is wrong on purpose:
 *     ONCE_UNCLAIMED the state is not asked again under the lock
 *     NO_RETIRE      slots of an array that was replaced stay as they are
 *     SELF_FIRST     emissions read a slot's self, then its data
 *     DATA_EARLY     a slot's data goes before its self
 *     RETIRE_EARLY   the same in an array that was replaced
 *     NO_FETCH       data that moved is not looked for where it is now
 *     STATE_LATE     the listener's state changes last
 *     RANGE_EARLY    the range is widened before the slot is written
 *     SLOT_REUSED    a slot in the range that became empty is used again, and
 *                    so the last array stays
 *     NOT_HELD       the object that is called is not held
 *     ALIVE_EARLY    connecting asks for it before it takes the lock
 */
#ifndef EMITTERS
#define EMITTERS 2
#endif
#ifndef OPERATIONS
#define OPERATIONS 2
#endif

/* enum gcw__call, and GCW_ONCE */
#define METHOD 0
#define WEAK_METHOD 1
#define FUNCTION 2
#define METHOD_ONCE 3

#ifndef KIND1
#define KIND1 METHOD
#endif
#ifndef KIND2
#define KIND2 METHOD
#endif

#define LISTENERS 2
#define NUMBERS (LISTENERS + 1)
#define NONE 0

/* Objects: a listener's own has its number; its weak data follow. */
#define OBJECTS (2 * NUMBERS)
#define DATA_OF(l) (NUMBERS + (l))
#define DATA1 4
#define DATA2 5

/* struct gcw_listener: `state`, in three bits.  Who is in no list yet counts
 * as gone. */
byte kind[NUMBERS];
bit gone[NUMBERS] = 1;
bit blocked[NUMBERS];
bit once[NUMBERS];
byte place[NUMBERS];         /* `at` */

/* struct gcw__slot: `self` is one of these, `data` is there or NULL. */
#define UNWRITTEN 0
#define ASK 1                /* gcw__ask */
#define PLAIN 2              /* gcw__plain_function */
#define REFERENCE 3          /* its object's */
#define MOVED 4              /* gcw__moved */

/* struct gcw__array, by number; 0 is NULL.  Each has room for three: for one
 * in front, one behind. */
#define ARRAYS (OPERATIONS + 1)
#define SLOTS 3
#define SLOT(a, at) (((a) - 1) * SLOTS + (at))
byte self[ARRAYS * SLOTS];
bit data[ARRAYS * SLOTS];
byte listener[ARRAYS * SLOTS];
byte range_begin[ARRAYS + 1], range_end[ARRAYS + 1];
byte arrays = 1;

/* struct gcw__listeners */
byte list_array = 1, live;
bit locked;

/* The collector and the references: what reads NULL, and what is dead. */
bit cleared[OBJECTS];
bit dead[OBJECTS];
bit told[OBJECTS];           /* gcw__listener_died was called */

/* How many stacks an object is on, and so found by marking. */
byte held[OBJECTS];

/* What was seen. */
bit connect_began[NUMBERS], connect_done[NUMBERS];
bit disconnect_done[NUMBERS];
bit block_began[NUMBERS], block_done[NUMBERS];
bit touched[NUMBERS];        /* it may be that it is not called */
bit once_lost[NUMBERS];
bit called_once[NUMBERS];
byte operations = OPERATIONS;

/* --- The list: src/event/listeners.c ------------------------------------- */

#define BEGIN range_begin[list_array]
#define END range_end[list_array]

#define WATCHES(l) (kind[l] != FUNCTION)
#define HAS(l, o) \
    ((o) == (l) && WATCHES(l) || (o) != (l) && kind[l] == WEAK_METHOD)
#define ALIVE(l) \
    (!WATCHES(l) || (!cleared[l] \
                     && (kind[l] != WEAK_METHOD || !cleared[DATA_OF(l)])))

/* set_self, but for the write */
#define SELF_OF(l) \
    (gone[l] || blocked[l] || once[l] || kind[l] == WEAK_METHOD -> ASK : \
     (kind[l] == FUNCTION -> PLAIN : REFERENCE))

/* put_in_slot */
inline put(a, at, l)
{
    listener[SLOT(a, at)] = l;
    data[SLOT(a, at)] = 1;
    self[SLOT(a, at)] = SELF_OF(l);
    place[l] = at
}

/* empty_slot, of gcw__listener_remove, in its order */
inline empty_slot(l)
{
#ifndef STATE_LATE
    gone[l] = 1;
#endif
#ifdef DATA_EARLY
    data[SLOT(list_array, place[l])] = 0;
    self[SLOT(list_array, place[l])] = ASK;
#else
    self[SLOT(list_array, place[l])] = ASK;
    data[SLOT(list_array, place[l])] = 0;
#endif
#ifdef STATE_LATE
    gone[l] = 1
#endif
}

/* store_range: the range is one word. */
inline widen()
{
    BEGIN = (at < BEGIN -> at : BEGIN);
    END = (at == END -> END + 1 : END)
}

/* gcw__listener_remove; and gives up the lock */
inline remove_and_unlock(l)
{
    empty_slot(l);
    atomic {
        live--;
#ifndef SLOT_REUSED
        if
        :: live == 0 -> list_array = NONE
        :: else
        fi;
#endif
        locked = 0
    }
}

/* move_list, with copy and retire */
inline move()
{
    d_step {
        arrays++;
        to = 1;
        if
        :: list_array != NONE ->
           for (i : range_begin[list_array] .. range_end[list_array] - 1) {
               l = listener[SLOT(list_array, i)];
               if
               :: !gone[l] -> put(arrays, to, l); to++
               :: else
               fi
           }
        :: else
        fi;
        range_begin[arrays] = 1;
        range_end[arrays] = to;
        from = list_array;
        list_array = arrays;
        l = 0;
        i = (from == NONE -> 0 : range_begin[from])
    }
#ifndef NO_RETIRE
    do
    :: from != NONE && i < range_end[from] ->
#ifdef RETIRE_EARLY
       data[SLOT(from, i)] = 0;
       self[SLOT(from, i)] = MOVED;
#else
       self[SLOT(from, i)] = MOVED;
       data[SLOT(from, i)] = 0;
#endif
       i++
    :: else -> break
    od;
#endif
    from = 0;
    to = 0;
    i = 0
}

/* --- Who changes it: src/event/event.c, src/event/listener.c ------------- */

/* connect_to_event: try_to_connect_to_event, with add_listener.  The listener
 * has watched its objects since before; the caller holds them. */
inline connect()
{
#ifdef ALIVE_EARLY
    alive = ALIVE(2);
    atomic {
        !locked -> locked = 1
    }
#else
    atomic {
        !locked -> locked = 1;
        alive = ALIVE(2)
    }
#endif
    if
    :: !alive -> locked = 0          /* ESTALE */
    :: alive ->
       if
       :: list_array == NONE -> move()
       :: else
       fi;
#ifdef SLOT_REUSED
       at = BEGIN;
       do
       :: at < END && gone[listener[SLOT(list_array, at)]] -> break
       :: at < END && !gone[listener[SLOT(list_array, at)]] -> at++
       :: at == END -> break
       od;
       skip;
#else
       if
       :: at = END
       :: at = BEGIN - 1             /* GCW_FRONT */
       fi;
#endif
#ifdef RANGE_EARLY
       d_step {
           widen()
       }
#endif
       d_step {
           gone[2] = 0;
           once[2] = kind[2] == METHOD_ONCE;
           put(list_array, at, 2)
       }
       d_step {
           widen();
           live++;
           locked = 0;
           connect_done[2] = 1;
           at = 0
       }
    fi;
    d_step {
        alive = 0;
        held[2]--;
        held[DATA_OF(2)]--
    }
}

/* gcw_listener_disconnect: remove_if_there */
inline disconnect(l)
{
    if
    :: atomic { !locked && gone[l] }
    :: atomic { !locked && !gone[l] -> locked = 1; touched[l] = 1 }
       remove_and_unlock(l)
    fi;
    disconnect_done[l] = 1
}

/* gcw_listener_block and gcw_listener_unblock: gcw__listener_block */
inline set_blocked(l, block)
{
    if
    :: atomic { !locked && gone[l] }
    :: atomic {
           !locked && !gone[l] ->
           locked = 1;
           touched[l] = 1;
           block_done[l] = 0;
           blocked[l] = block
       }
       atomic {
           self[SLOT(list_array, place[l])] = SELF_OF(l);
           locked = 0;
           block_done[l] = block
       }
    fi
}

/* connect_again, of gcw__listeners_put: GCW_UNIQUE without GCW_ONCE */
inline connect_again(l)
{
    if
    :: atomic { !locked && gone[l] }
    :: atomic {
           !locked && !gone[l] ->
           locked = 1;
           once_lost[l] = 1;
           once[l] = 0
       }
       atomic {
           self[SLOT(list_array, place[l])] = SELF_OF(l);
           locked = 0
       }
    fi
}

/* gcw__listeners_tidy; and when there is no room.  It may come at any time,
 * not only when much is empty. */
inline tidy()
{
    if
    :: atomic { !locked && list_array == NONE }
    :: atomic { !locked && list_array != NONE -> locked = 1 }
       move();
       locked = 0
    fi
}

proctype changer()
{
    byte from, to, i, at, l;
    bit alive;

end:
    do
    :: atomic {
           (operations > 0 && !connect_began[2]
            && !dead[2] && !dead[DATA_OF(2)]) ->
           operations--;
           connect_began[2] = 1;
           held[2]++;
           held[DATA_OF(2)]++
       }
       connect()
    :: atomic {
           operations > 0 ->
           operations--;
           if
           :: l = 1
           :: connect_done[2] -> l = 2
           fi
       }
       if
       :: disconnect(l)
       :: atomic { !block_began[l] -> block_began[l] = 1 }
          set_blocked(l, 1)
       :: blocked[l] -> set_blocked(l, 0)
       :: kind[l] == METHOD_ONCE -> connect_again(l)
       fi;
       l = 0
    :: atomic { operations > 0 -> operations-- }
       tidy()
    od
}

/* --- Deaths -------------------------------------------------------------- */

inline die(l, o)
{
    atomic {
        operations > 0 && HAS(l, o) && !dead[o] && held[o] == 0 ->
        operations--;
        dead[o] = 1;
        cleared[o] = 1;
        touched[l] = 1
    }
}

/* gcw_dispose: the reference reads NULL, the object lives on. */
inline dispose(l)
{
    atomic {
        operations > 0 && WATCHES(l) && !cleared[l] ->
        operations--;
        touched[l] = 1;
        cleared[l] = 1
    }
}

proctype collector()
{
end:
    do
    :: die(1, 1)
    :: die(2, 2)
    :: die(1, DATA1)
    :: die(2, DATA2)
    :: dispose(1)
    :: dispose(2)
    od
}

/* src/weak/death.c: sweep_all; src/weak/container.c: watch_died;
 * gcw__listener_died. */
inline tell(l, o)
{
    cleared[o] && !told[o];
    if
    :: atomic { !locked && gone[l] }
    :: atomic { !locked && !gone[l] -> locked = 1 }
       remove_and_unlock(l)
    fi;
    told[o] = 1
}

proctype sweeper()
{
end:
    do
    :: tell(1, 1)
    :: tell(2, 2)
    :: tell(1, DATA1)
    :: tell(2, DATA2)
    od
}

/* --- Emitting: src/event/event.c, src/event/emit.h, src/event/listener.c - */

/* A weak read.  What it returns is held until the call has returned. */
inline read(pointer, o)
{
    pointer = (cleared[o] -> NONE : o);
#ifndef NOT_HELD
    held[pointer]++
#endif
}

/* take: of GCW_ONCE */
inline take()
{
#ifdef ONCE_UNCLAIMED
    if
    :: atomic { !locked && gone[l] }
    :: atomic { !locked && !gone[l] -> locked = 1 }
       remove_and_unlock(l)
    fi
#else
    if
    :: atomic { !locked && (gone[l] || blocked[l]) -> go = 0 }
    :: atomic { !locked && !gone[l] && !blocked[l] && !once[l] }
    :: atomic {
           !locked && !gone[l] && !blocked[l] && once[l] -> locked = 1
       }
       remove_and_unlock(l)
    fi
#endif
}

/* gcw__slot_data_now: asks for self once more.  False: the listener is
 * gone. */
inline data_now()
{
#ifdef NO_FETCH
    go = 1;
#else
    if
    :: self[SLOT(array, at)] == MOVED ->
       atomic {
           !locked ->
           go = !gone[l];
           its_data = (go -> data[SLOT(list_array, place[l])] : its_data)
       }
    :: else -> go = 1
    fi;
#endif
}

/* gcw__slot_ask, with bind_any */
inline ask()
{
    data_now();
    go = go && !gone[l] && !blocked[l];
    if
    :: d_step {
           go && WATCHES(l) ->
           read(its_object, l);
           go = its_object != NONE
       }
    :: !(go && WATCHES(l))
    fi;
    if
    :: d_step {
           go && kind[l] == WEAK_METHOD ->
           assert(its_data);         /* or it reads at NULL */
           o = DATA_OF(l);
           read(its_weak_data, o);
           go = its_weak_data != NONE;
           o = 0
       }
    :: !(go && kind[l] == WEAK_METHOD)
    fi;
    if
    :: go && once[l] -> take()
    :: !(go && once[l])
    fi
}

inline call()
{
    assert(its_data);
    assert(!WATCHES(l) || !dead[l]);
    assert(!was_out);
    assert(!was_blocked || !block_done[l]);
    assert(seen[l]);
    assert(!met[l]);
    assert(!called_once[l] || once_lost[l] || kind[l] != METHOD_ONCE);
    called_once[l] = 1;
    met[l] = 1
}

/* What was called returns. */
inline call_ends()
{
    assert(its_object == NONE || !dead[its_object]);
    assert(its_weak_data == NONE || !dead[its_weak_data]);
#ifndef NOT_HELD
    held[its_object]--;
    held[its_weak_data]--;
    held[NONE] = 0;
#endif
    its_object = NONE;
    its_weak_data = NONE
}

/* gcw__slot_call.  The turn begins with the first of its loads. */
inline slot_call()
{
    d_step {
        l = listener[SLOT(array, at)];
        was_out = disconnect_done[l] || cleared[l];
        was_blocked = block_done[l];
#ifdef SELF_FIRST
        its_self = self[SLOT(array, at)]
    }
    its_data = data[SLOT(array, at)];
#else
        its_data = data[SLOT(array, at)]
    }
    its_self = self[SLOT(array, at)];
#endif
    /* What is read through the other two is NULL. */
    if
    :: d_step {
           its_self == REFERENCE ->
           read(its_object, l);
           go = its_object != NONE;
           if
           :: go -> call()
           :: else
           fi
       }
    :: d_step { its_self == PLAIN -> go = 1; call() }
    :: its_self == ASK || its_self == MOVED || its_self == UNWRITTEN ->
       assert(its_self != UNWRITTEN)  /* or it reads at NULL */
    fi;
    if
    :: go
    :: !go ->
       ask();
       if
       :: d_step { go -> call() }
       :: !go
       fi
    fi;
    d_step {
        call_ends();
        l = 0;
        go = 0;
        its_data = 0;
        its_self = 0;
        was_out = 0;
        was_blocked = 0;
        at++
    }
}

/* gcw_event_emit, emit_to, emit_rest */
proctype emitter()
{
    byte array, at, to, l, o, its_self, its_object, its_weak_data;
    bit its_data, go, was_out, was_blocked;
    bit seen[NUMBERS], before[NUMBERS], met[NUMBERS];

    d_step {                         /* `&e->list.array` */
        array = list_array;
        for (l : 1 .. LISTENERS) {
            before[l] = connect_done[l] && !touched[l]
        }
        l = 0
    }
    if
    :: d_step {                      /* `&array->range` */
           array != NONE ->
           at = range_begin[array];
           to = range_end[array];
           for (l : 1 .. LISTENERS) {
               seen[l] = connect_began[l]
           }
           l = 0
       }
    :: array == NONE
    fi;
    do
    :: at != to -> slot_call()
    :: at == to -> break
    od;
    atomic {
        for (l : 1 .. LISTENERS) {
            assert(!before[l] || met[l] || touched[l]
                   || (kind[l] == METHOD_ONCE && gone[l]))
        }
    }
}

/* --- All of it ----------------------------------------------------------- */

inline connected(l)
{
    gone[l] = 0;
    once[l] = kind[l] == METHOD_ONCE;
    put(1, l, l);
    live++;
    connect_began[l] = 1;
    connect_done[l] = 1
}

inline all_done()
{
    n = 0;
    for (i : 1 .. LISTENERS) {
        assert(gone[i] || ALIVE(i));
        n = n + (gone[i] -> 0 : 1)
    }
    assert(live == n);
#ifndef SLOT_REUSED
    assert((live == 0) == (list_array == NONE));
#endif
    assert(!locked)
}

init
{
    byte i, n;

    atomic {
        kind[1] = KIND1;
        kind[2] = KIND2;
        d_step {
            gone[NONE] = 1;
            connected(1);
            range_begin[1] = 1;
            range_end[1] = 2
        }
        for (i : 0 .. EMITTERS - 1) {
            run emitter()
        }
        run changer();
        run collector();
        run sweeper();
        i = 0
    }
    atomic {
        timeout -> all_done()
    }
}
