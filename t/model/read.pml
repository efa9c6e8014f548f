/* read.pml: the weak read without a lock, and the life of a slot.
 *
 * A model in Promela of src/weak/read.h, src/collector/collector.c and
 * src/weak/shard.c; see HACKING.md for how to run it.  Each step names the C
 * that it stands for.
 *
 * One slot serves one target after the other: 1, 2, ...  Each has a reference
 * of the same number, which users hold for ever.  The processes:
 *
 *     reader     reads any reference that there is; several of them
 *     collector  stops the world, marks, counts gc_no up, lets the world run,
 *                and only then clears the link, all with the lock held
 *     sweeper    buries what died, ends the rest of a slot
 *     disposer   disposes of the target: its slot is nobody's, then it rests
 *     maker      makes a reference to a new target in a free slot
 *
 * What must hold of what a read returns:
 *   - it is the reference's target or NULL: nothing else that the slot held;
 *   - the target is not dead;
 *   - if NULL, the target is dead or was disposed of.
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
 * A target is rooted until some collection finds that it is not: the choice
 * stands there, for nobody else looks at roots.
 *
 * Macros: READERS, COLLECTIONS; BATCH for readers that keep `settled` over
 * several reads (gcw__read_at); and what is wrong on purpose:
 *     ORDER=1        the pointer, gc_no, settled
 *     ORDER=2        gc_no, settled, the pointer
 *     ORDER=3        the pointer, settled, gc_no
 *     ORDER=4        the pointer, and no check
 *     NO_REST        a buried slot is free at once
 *     REST_EARLY     it rests since the sweep's gc_no, not since its burial
 *     SETTLE_EARLY   settled is written without the lock
 *     LIMBO_EARLY    what was disposed of rests before its link is unregistered
 *     STILL_LED      readers are sent away only after that
 */
#ifndef READERS
#define READERS 2
#endif
#ifndef COLLECTIONS
#define COLLECTIONS 3
#endif
#ifndef ORDER
#define ORDER 0
#endif

#ifndef TARGETS
#define TARGETS 3
#endif

/* What the link's word holds besides a target. */
#define NOTHING 0
#define FREE 15

/* What no collection's number is. */
#define STALE 15

/* The collector's.  The allocation lock serves GC_call_with_alloc_lock. */
bit alloc_lock;
byte gc_no;
byte registered;             /* the target that the link is registered for */
bit dead[TARGETS + 1];

/* src/collector/collector.c: gcw__settled. */
byte settled;

/* src/weak/shard.c: the word of the one slot, chunk->links[number], and what
 * the shard's lock guards.  `made` counts the references that are published; the
 * last of them is the one in the slot. */
bit shard_lock;
byte word = 1;
byte made = 1;
bit buried[TARGETS + 1];     /* ref->link leads to the dead word */
bit disposed[TARGETS + 1];
bit is_free;                 /* the slot is; */
bit live = 1;                /* or has a reference, slot->ref; */
bit limbo;                   /* or rests; or is taken and none of these */
byte resting_since;

/* What is in a register or on a stack, and so found by marking. */
byte pointer[READERS];
byte e[READERS];             /* `settled`, or what is compared with it */
bit disposing;               /* the caller of gcw_dispose has the target */

/* --- The reader: src/weak/read.h, gcw__read and gcw__read_at ------------- */

/* What was read is handed to the caller.  It has been in a register since it
 * was loaded, so it is the same whether this is looked at now or later. */
inline give()
{
    assert(pointer[me] == target || pointer[me] == NOTHING);
    assert(pointer[me] == NOTHING || !dead[target]);
    assert(pointer[me] != NOTHING || dead[target] || disposed[target]);
    pointer[me] = NOTHING;
    target = 0;
#ifndef BATCH
    e[me] = STALE;
#endif
    dead_word = 0
}

/* gcw__load_pointer: `atomic_load_explicit(&ref->link, ...)`, then
 * `atomic_load_explicit(link, ...)`. */
inline load_pointer()
{
    dead_word = buried[target];
    pointer[me] = (dead_word -> NOTHING : word)
}

/* gcw__read_settled, of collector.c: read_locked. */
inline read_settled()
{
    atomic {
        !alloc_lock -> alloc_lock = 1;
        dead_word = buried[target]
    }
    pointer[me] = (dead_word -> NOTHING : word);
    atomic {
        settled = gc_no;
        alloc_lock = 0;
        give()
    }
}

proctype reader(byte me)
{
    byte target;             /* the reference that is read */
    bit dead_word;           /* the link's address: of that, or of the slot */

#ifdef BATCH
    /* gcw__read_at: loaded at any time before. */
    e[me] = settled;
#endif
end:
    do
    :: atomic {
           select(target : 1 .. made);
#if ORDER == 0 && !defined(BATCH)
           e[me] = settled
#elif ORDER == 2
           e[me] = gc_no
#endif
       }
#if ORDER == 2
       atomic {
           if
           :: settled == e[me]
           :: else -> e[me] = STALE
           fi
       }
#endif
       load_pointer();
#if ORDER == 1
       e[me] = gc_no;
#elif ORDER == 3
       e[me] = settled;
#endif
       if
#if ORDER == 0 || ORDER == 3
       :: atomic { e[me] == gc_no -> give() }
#elif ORDER == 1
       :: atomic { e[me] == settled -> give() }
#elif ORDER == 2
       :: atomic { e[me] != STALE -> give() }
#else
       :: atomic { true -> give() }
#endif
#if ORDER != 4
       :: else ->
          read_settled();
#ifdef BATCH
          /* `*settled = gcw__load_settled()` */
          e[me] = settled
#endif
#endif
       fi
    od
}

/* --- The collector: bdwgc ------------------------------------------------ */

/* Whether a register or a stack holds the target. */
inline find_held()
{
    held = disposing && target == made;
    for (i : 0 .. READERS - 1) {
        held = held || pointer[i] == target
    }
}

inline mark()
{
    for (target : 1 .. made) {
        find_held();
        if
        :: !held -> dead[target] = 1
        :: held || !disposed[target]
        fi
    }
}

/* A `settled` that was loaded before gc_no moved on will never be equal to it:
 * which one it was makes no difference. */
inline count()
{
    gc_no++;
#if ORDER == 0
    for (i : 0 .. READERS - 1) {
        e[i] = STALE
    }
#endif
}

/* GC_try_to_collect_inner: GC_stopped_mark stops the world, marks, does
 * `GC_gc_no++` and lets the world run; GC_finish_collection calls GC_finalize,
 * which clears. */
proctype collector()
{
    byte target, i;
    bit held;

    do
    :: gc_no < COLLECTIONS ->
       atomic {
           !alloc_lock -> alloc_lock = 1;
           mark();
           count();
           target = 0;
           i = 0;
           held = 0
       }
       atomic {
           if
           :: dead[registered] ->
              word = NOTHING;
              registered = 0
           :: else
           fi;
           alloc_lock = 0
       }
    :: else -> break
    od
}

/* --- The sweeper: src/weak/death.c, sweep and gcw__deaths_of ------------- */

/* gcw__settle, of collector.c: settle_locked. */
inline settle()
{
#ifdef SETTLE_EARLY
    now = gc_no;
    settled = now
#else
    atomic {
        !alloc_lock;
        now = gc_no;
        settled = now
    }
#endif
}

/* shard.c: the second half of detach_slot, `chunk->resting_since = gcw__gc_no()`.
 * The first is `atomic_store_explicit(&slot->ref->link, &dead_word, ...)`. */
inline end_detach()
{
    resting_since = gc_no;
    live = 0
}

/* shard.c: bury: detach_slot, put_in_limbo. */
inline bury()
{
    buried[made] = 1;
    atomic {
        end_detach();
#ifdef REST_EARLY
        resting_since = now;
#endif
        limbo = 1;
        dying = 0
    }
}

/* shard.c: slot_free. */
inline free_slot()
{
    word = FREE;
    is_free = 1;
    limbo = 0
}

/* shard.c: bury_dead, with is_dead; and end_rest. */
inline sweep()
{
    settle();
    atomic {
        !shard_lock -> shard_lock = 1;
        if
        :: word == NOTHING && live -> dying = 1
        :: else
        fi
    }
    if
    :: dying -> bury()
    :: else
    fi;
    atomic {
        if
#ifdef NO_REST
        :: limbo -> free_slot()
#else
        :: limbo && now > resting_since -> free_slot()
#endif
        :: else
        fi;
        shard_lock = 0;
        now = 0
    }
}

/* Under the sweep lock, so never two at once. */
proctype sweeper()
{
    byte now;
    bit dying;

end:
    do
    :: sweep()
    od
}

/* --- The disposer: src/weak/death.c, gcw__deaths_of ---------------------- */

/* collector.c: gcw__link_remove. */
inline remove_link()
{
    atomic { !alloc_lock -> registered = 0 }
    word = NOTHING
}

/* shard.c: gcw__shard_kill.  The caller has the target until then. */
inline kill()
{
    atomic {
        !shard_lock -> shard_lock = 1;
        if
        :: live && !dead[made] -> disposing = 1; disposed[made] = 1
        :: else
        fi
    }
    if
    :: disposing ->
#ifndef STILL_LED
       buried[made] = 1;
#endif
       atomic {
           end_detach();
#ifdef LIMBO_EARLY
           limbo = 1;
#endif
           mine = 1
       }
    :: else
    fi;
    atomic { disposing = 0; shard_lock = 0 }
}

/* shard.c: clear_link.  Nobody holds the sweep lock any more. */
inline clear_link()
{
    remove_link();
#ifdef STILL_LED
    buried[made] = 1;
#endif
    atomic {                 /* put_in_limbo */
        !shard_lock -> resting_since = gc_no;
#ifndef LIMBO_EARLY
        limbo = 1;
#endif
        mine = 0
    }
}

/* Its gcw__settle is as good as one of the sweeper's. */
proctype disposer()
{
    bit mine;                /* the slot is */

end:
    do
    :: kill();
       if
       :: mine -> clear_link()
       :: else
       fi
    od
}

/* --- The maker: src/weak/shard.c, gcw__shard_ref ------------------------- */

proctype maker()
{
end:
    do
    :: atomic {              /* find_or_take: slot_take */
           is_free && made < TARGETS && !shard_lock ->
           is_free = 0;
           word = made + 1
       }
       atomic {              /* prepare_ref: gcw__link_add */
           !alloc_lock -> registered = made + 1
       }
       if
       :: atomic {           /* publish_ref: `keep[number] = ref` */
              !shard_lock ->
              live = 1;
              made++
          }
       :: atomic {           /* another was faster: gcw__link_remove, */
              !shard_lock && !alloc_lock ->
              shard_lock = 1;
              registered = 0
          }
          word = NOTHING;
          atomic {           /* and slot_return */
              free_slot();
              shard_lock = 0
          }
       fi
    od
}

init
{
    byte i;

    atomic {
        registered = 1;
        for (i : 0 .. READERS - 1) {
            run reader(i)
        }
        run collector();
        run sweeper();
#ifdef DISPOSE
        run disposer();
#endif
        run maker()
    }
}
