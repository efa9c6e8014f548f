/* torture.h: threads that do everything to the library at once, at random.
 *
 *   torture.c         settings, rounds, the report
 *   torture-delay.c   chance, delays inside the library, storms of collections
 *   torture-model.c   what must be alive, what must be dead, what must have
 *                     been called: the oracles
 *   torture-play.c    a player: objects, references, methods, cleanups, exit
 *                     handlers, proxies
 *   torture-listen.c  a player's events and hubs
 *   torture-map.c     a player's weak maps and ephemerons
 *   torture-away.c    forked children, and plugins
 *
 * A player is a thread with a world of its own: it alone decides what is held
 * there, so it knows what the library must say about it.  What it shows the
 * others, in a table, they may take away at any time; of that only what holds
 * in any order is checked.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <gc.h>
#include <gcweak.h>
#include <gcweak/ephemeron.h>
#include <gcweak/map.h>

/* --- Chance, delays, storms --- */

/* The calling thread's own numbers, which the seed and this number repeat. */
void chance_begin(uint64_t seed, uint64_t number);
uint64_t random_word(void);
unsigned below(unsigned n);

/* Lets the library be delayed; the numbers for that come from the seed too. */
void delays_begin(uint64_t seed);
void delays_end(void);

/* Threads that collect, as often as they can, until storms_end. */
void storms_begin(void);
void storms_end(void);

/* Storms have a thread that takes the collector's event function away, and gives
 * it back, all the time, if the setting has it. */
extern bool with_thief;

/* --- The model --- */

/* An object's life.  Pointer-free: it keeps nothing alive. */
struct life {
    uint64_t serial;             /* constant; never used twice */
    atomic_bool rooted;          /* its maker holds it, so it must be alive;
                                  * once false, stays false */
    atomic_bool disposing;       /* gcw_dispose was begun */
    _Atomic uint64_t dead_at;    /* the moment after gcw_dispose; 0: not yet */
};

/* An object.  What is freed loses its magic word. */
struct object {
    void *unused;                /* the collector chains free memory here */
    _Atomic uint64_t magic;
    uint64_t serial;
    struct life *life;
    void *more[8];
};

/* Something that is to be called: the data of a callback. */
struct promise {
    struct life *life, *second;  /* of its objects; NULL: none */
    unsigned owner;              /* the player who alone may take it back, or
                                  * ALL */
    bool repeats;                /* any number of calls is right */
    unsigned registry;           /* of a handler: from 1 on a common one */
    uint64_t id;                 /* its number; 0: nobody has asked for it */
    long level;                  /* its level in the player's own registry */
    bool at_exit;                /* it is counted: see promise_count */
    atomic_int ends;             /* calls and takings back: one at most */
    atomic_bool by_hand;         /* somebody may have run it early */
    _Atomic uint64_t over_at;    /* the moment after it was taken back */
    _Atomic uint64_t blocked_at; /* the moment after it was blocked */
    unsigned heard;              /* calls by its owner's emissions */
    pid_t process;               /* that made it */
};

/* An emission, or a run: the argument of callbacks. */
struct emission {
    unsigned player;             /* who emits; NOBODY: not known */
    uint64_t began;
};

enum { NOBODY = INT_MAX, ALL = INT_MAX - 1 };
#define MAGIC_WORD UINT64_C(0x5a17ed5a17ed5a17)
#define POISON UINT64_C(0xdeaddeaddeaddead)

/* What happened so far; in memory that forked children share. */
struct tally {
    atomic_size_t operations, objects, deaths, calls, children, plugins;
    atomic_size_t violations;
};
extern struct tally *tally;

void tally_begin(void);

/* Reports what must not be. */
void violation(const char *what);

static inline void
must_be(bool so, const char *what)
{
    if (!so)
        violation(what);
}

/* A moment: later ones are larger.  0 is before all. */
uint64_t moment(void);

struct object *object_new(void);

/* Whether it must be alive. */
bool is_rooted(const struct life *life);

/* Looks at what was read of a life when dead_at was `before`. */
void judge(const struct life *life, uint64_t before, struct object *read);

/* Reads the reference and looks at what it gives. */
void judge_ref(const struct life *life, const gcw_ref *ref);

struct promise *promise_new(unsigned owner, struct life *life);

/* It was called, or taken back, which must happen once. */
void promise_ends(struct promise *p);

/* It was taken back: no emission that begins later may call it. */
void promise_over(struct promise *p);

/* It is being called in that emission, with that object. */
void promise_heard(struct promise *p, const struct emission *e,
                   struct object *self);

/* At the process's exit, all that it has counted since promises_begin must
 * have ended.  `exiting` is set when that begins: then cleanups of the living
 * run. */
extern atomic_bool exiting;
void promises_begin(void);
void promise_count(struct promise *p);
bool promises_kept(void);

/* --- What is shown to all --- */

enum kind { REFERENCE, FRESH, CLEANUP, METHOD, LISTENER, HANDLER, NUMBER };

struct box {
    enum kind kind;
    struct life *life;           /* or NULL */
    struct promise *promise;     /* or NULL */
    void *handle;
    struct object *object;       /* of FRESH only: held, not yet referred to */
    gcw_ref *_Atomic first;      /* of FRESH: the reference */
};

/* The first few boxes are for the fresh, so that many use one at once. */
enum { BOXES = 256, FRESH_BOXES = 4, FRESH_ONES = 4096 };

enum { EVENTS = 3, REGISTRIES = 2 };

/* Uncollectable memory. */
struct common {
    struct box *_Atomic boxes[BOXES];
    gcw_ref *fresh[FRESH_ONES];  /* to what something was connected to that
                                  * goes only with it */
    atomic_uint n_fresh;
    gcw_event *events[EVENTS];
    gcw_exit_registry *registries[REGISTRIES];
    atomic_int running[REGISTRIES];      /* handlers */
    atomic_size_t posted, made;          /* emissions of the hub */
    gcw_hub *hub;
    gcw_map *map, *wild;
};
extern struct common *common;

void show(enum kind kind, void *handle, struct promise *p, struct life *life);

/* --- A player --- */

enum { OBJECTS = 32, CONNECTIONS = 24, HANDLERS = 16, OWED = 256 };

/* A cleanup, and whether its object is alive. */
struct debt {
    struct promise *promise;
    const gcw_ref *ref;
};

/* Where a connection leads: an event (0: the player's own, then the common
 * ones), or the hub. */
struct connection {
    gcw_listener *listener;      /* NULL: free */
    struct promise *promise;
    int event;                   /* IN_HUB: the hub */
    const char *type;            /* of the hub; NULL: any */
    struct object *source;       /* of the hub; NULL: any */
};
enum { IN_HUB = -1 };

/* Which map an entry is in: the player's own of that kind, or the common one. */
enum { MAP_KINDS = GCW_STRONG_VALUES + 1, IN_COMMON = MAP_KINDS, ENTRIES };

struct holding {
    struct object *object;       /* NULL: free */
    struct life *values[ENTRIES];        /* of what it has in maps; NULL:
                                          * nothing */
    struct object *held[ENTRIES];        /* the values that maps do not hold */
    gcw_ephemeron *ephemeron;
    struct life *ephemeral;      /* of its value */
    gcw_ref *ref, *long_ref, *inner_ref;
    gcw_method *method;
    gcw_cleanup *cleanup;
    struct promise *cleanup_promise;
    gcw_proxy *proxy;            /* and its object's life, for a stale call */
};

struct registration {
    gcw_exit_handler *handler;   /* NULL: free */
    struct promise *promise;
};

/* In uncollectable memory. */
struct player {
    unsigned number;
    unsigned depth;              /* of callbacks that play */
    unsigned version;            /* counts what changes its own connections */
    struct holding holdings[OBJECTS];    /* the first stays, and has no
                                          * cleanups: in the end nothing
                                          * must wait for its death */
    struct connection connections[CONNECTIONS];
    struct registration registrations[HANDLERS];
    long level;                  /* of what its own run has called last */
    struct debt owed[OWED];      /* of objects that it holds no more */
    unsigned n_owed;
    gcw_event *event;
    gcw_exit_registry *registry;
    gcw_map *maps[MAP_KINDS];
};

/* The calling thread's, or NULL. */
extern _Thread_local struct player *me;

/* One operation. */
void play(struct player *p);

/* What a callback does: now and then a small operation. */
void frolic(void);

/* Whether all that this player holds is as it must be. */
void check_world(struct player *p);

/* When nobody plays any more. */
void settle_world(struct player *p);

/* When nobody else drains. */
void check_worker(void);

/* Drops it.  Returns its first object, which alone must still be alive. */
struct object *drop_world(struct player *p);

/* Events and hubs. */
void play_listen(struct player *p);
void renew_event(struct player *p);
void dispatch_rest(void);
void check_connections(struct player *p);
void settle_connections(struct player *p);
void forget_source(struct player *p, const struct object *source);
void use_listener(struct box *box);
void disconnect_shown(struct box *box);
void connect_fresh(struct player *p, struct box *box);
void check_common(void);

/* Maps. */
void make_maps(struct player *p);
void make_common_maps(void);
void play_map(struct player *p);
void check_entries(const struct player *p, const struct holding *h);
void check_disposed_entries(const struct player *p, const struct holding *h);

/* Hardly anything but maps, if the setting has it. */
extern bool only_maps;

/* Forks and plugins, if the setting has them. */
extern bool with_forks, with_plugins;
void play_fork(struct player *p);
void play_plugin(struct player *p);

#endif
