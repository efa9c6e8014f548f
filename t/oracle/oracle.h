/* oracle.h: what random operations on the public interface are held against.
 *
 * An operation is done twice: with the library, and with a model of it, which
 * is a few lists that are searched from end to end.  All that the library
 * says, and each callback, must be what the model says.  If it is not, the
 * process aborts, and tells the last operations on stderr.
 *
 * Who has the oracle play is its driver: t/random.c, with random numbers, and
 * t/fuzz/ops.c, with the bytes of an input.  The driver decides what is done
 * next (operate), and everything else (below).  Callbacks do operations in
 * their turn, so these nest.
 *
 * A file for each subject, which stands on those before it:
 *
 *     world.c      what is told, lists, the beginning and the end of a world
 *     frames.c     calls that may call back
 *     objects.c    objects, who of them lives, references
 *     methods.c    weak methods, and what makes them equal
 *     listeners.c  events and hubs, and what is connected to them
 *     emissions.c  who hears of an emission
 *     audience.c   who would hear of one, and who is listed
 *     handlers.c   exit registries
 *     queues.c     queues of pending callbacks
 *     cleanups.c   cleanups, the drain, and the end of the process
 *     proxies.c    function pointers
 *     maps.c       weak maps and ephemerons
 *     interns.c    tables of interned objects
 *     sets.c       weak sets, and sets of weak methods
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gc.h>
#include <gcweak.h>

/* --- what the driver brings --- */

/* Decides something: a number below n. */
unsigned below(unsigned n);

/* Performs the next operation, if one is to be. */
void operate(void);

/* --- worlds --- */

/* What there is in a world from the beginning. */
struct setting {
    size_t slots;                /* objects that are held at a time */
    size_t events, registries, maps;
    bool hub;
    unsigned busy;               /* callbacks do fewer operations than this */
};

void world_begin(const struct setting *setting);

/* Emits and runs all once more.  Then all that lives is disposed of, and each
 * cleanup that has still to run must run; or all is left to the collector, but
 * for the cleanups, which are detached. */
void world_end(void);

/* Ends the process instead, where what lives must be cleaned up, with so busy
 * callbacks.  world_has_ended is to be called after the library's own end. */
_Noreturn void world_exit(unsigned busy);
void world_has_ended(void);

/* What is rare, and must be met: how often it was, in all worlds. */
enum rare {
    NESTED, FAILED, ONCE, TWICE, AGAIN, REFUSED, SEEN_DEAD, CROWD_HEARS,
    KEPT, RUN_IN_RUN, CROWD_RUNS, MADE_AT_EXIT, CROWD_EXITS, STALE,
    HELD_BY_OTHERS, KEY_DIES, VALUE_DIES, ONE_OF_BOTH_DIES, STRONG_ONE_DIES,
    CYCLE_DIES, LONE_DIES, CROWD_IN_MAP, RIVAL, INTERNED_DIES, MEMBER_DIES,
    HOLDING_METHOD_DIES, METHOD_WITH_WEAK_DIES, METHOD_CYCLE_DIES, ABOVE,
    BY_NUMBER, BY_METHOD, ASIDE, MUTED_MIDWAY, STOPPED, OBJECT_LEAVES,
    CUT_SHORT, QUEUE_MOVES, OWN_HOOK, STEP_FAILS, RARES
};
enum { CROWD = 100 };            /* so many are many */
extern size_t met[RARES];
extern const char *const rare_names[RARES];

/* --- things --- */

/* What each record of a list begins with. */
struct thing {
    size_t number;               /* in the list, the first is 1 */
    void *handle;
    size_t on[3];                /* objects that it dies with; 0 is none */
    bool gone;                   /* taken off, done, or seen dead */
};

/* Records of one kind, in the order in which they were made.  They do not
 * move, and lie in uncollectable memory, for they have handles. */
struct list {
    const size_t size;           /* of a record */
    void **at;
    size_t n, room;
    struct list *next;           /* in the list of lists */
};
#define LIST_OF(type) { .size = sizeof(type) }

/* EACH(const struct ref, r, refs) { ... }; no break. */
#define EACH(type, record, list)                                            \
    for (size_t at_##record = 0; at_##record < (list).n; at_##record++)     \
        for (type *record = (list).at[at_##record]; record != NULL;         \
             record = NULL)

/* A copy of the record, with its number. */
void *add(struct list *l, const void *record);

/* One of those in the list; the first from there on that is not gone, if there
 * is one; NULL if the list is empty. */
void *one_of(const struct list *l);
void *one_left(const struct list *l);

/* Whether something is there: surely not, perhaps, surely. */
enum standing { OUT, PERHAPS, IN };

enum standing of(const void *thing);
enum standing of_object(size_t number);

/* The library says that it is there, or not, which tells us, too.  `before`:
 * as it stood when the library was asked. */
void says(void *thing, enum standing before, bool there, const char *what);

/* One of the objects that it was on has died. */
void seen_dead(const void *thing);

/* --- what is done --- */

struct operation {
    const char *tells;
    void (*run)(void *thing);
    const struct list *of;       /* NULL, or it is done to one of these */
    void *(*choose)(const struct list *of);
};

/* OPERATION(detach, "detach %zu", &cleanups, one_left) { ... } */
#define OPERATION(name, tells, list, choose)                                \
    static void do_##name(void *thing);                                     \
    const struct operation op_##name = { tells, do_##name, list, choose };  \
    static void do_##name(void *thing __attribute__((__unused__)))

extern const struct operation
    op_refer, op_read_ref, op_dispose, op_drop,
    op_make_method, op_invoke, op_look_at_method,
    op_connect, op_disconnect, op_disconnect_equal, op_block, op_unblock,
    op_look_at_listener, op_measure, op_emit, op_post, op_dispatch,
    op_disconnect_object, op_mute, op_unmute, op_stop_emission,
    op_has_listeners, op_list_listeners,
    op_register, op_register_data, op_ask_id, op_unregister,
    op_unregister_fn, op_unregister_method, op_unregister_object, op_clear,
    op_list, op_run_registry,
    op_make_cleanup, op_watch_method, op_look_at_cleanup, op_set_at_exit,
    op_detach, op_run_cleanup,
    op_drain, op_drain_some, op_poll, op_collect, op_only_collect,
    op_make_queue, op_dispose_queue, op_drain_queue, op_step_queue,
    op_look_at_queue,
    op_make_proxy, op_call_proxy, op_free_proxy,
    op_lead, op_put, op_set_default, op_replace, op_get, op_remove, op_count,
    op_walk, op_chain, op_dispose_map, op_make_ephemeron,
    op_read_ephemeron,
    op_intern, op_find_interned, op_count_interned,
    op_add_member, op_has_member, op_remove_member, op_count_set, op_walk_set,
    op_dispose_set, op_add_method, op_add_cycle, op_has_method,
    op_remove_method, op_count_methods, op_invoke_set, op_dispose_methods;

void perform(const struct operation *o);

/* --- for the oracle's own files: what is told --- */

_Noreturn void wrong(const char *what);

static inline void
must(bool right, const char *what)
{
    if (!right)
        wrong(what);
}

/* tell("type %zu, source %zu", type, source): what is being done.  All numbers
 * are size_t, and made into text only if somebody reads it. */
enum { TOLD = 6 };
#define tell(...) told((const size_t[TOLD]){ (size_t)__VA_ARGS__ })
void told(const size_t step[TOLD]);

/* --- frames.c --- */

enum call {
    EMITS, RUNS_REGISTRY, DRAINS, STEPS, RUNS_CLEANUP, EXITS, INVOKES,
    CALLS_PROXY, WALKS, INTERNS, INVOKES_SET
};

/* A call of the library that may call back.  What else is known of it stands
 * behind, in a struct that begins with the frame. */
struct frame {
    struct frame *outer;
    enum call call;
    size_t called, failed;
    const void *failing;         /* a handle, until the hook has heard of it */
    const char *why;
    const void *hearer;          /* the hook's data; NULL: FAILURES */
};

extern struct frame *innermost;
extern size_t depth;             /* of frames */
extern bool ending;              /* callbacks do nothing more */

void frames_begin(unsigned busy);
void enter(struct frame *f);
void leave(struct frame *f);

/* For a callback: the innermost frame, which must be of such a call. */
void *frame_for(enum call call);

/* What callbacks do in the end: operations, and fail now and then. */
void go_on(void);
bool is_to_fail(void);
void will_fail(struct frame *f, const void *handle, const char *why);
void perhaps_fail(struct frame *f, const void *handle);

/* The error hook of all places, with this as its data; queues of the program's
 * own have another. */
void hear_of_failure(void *handle, const char *name, const char *why,
                     void *data);
#define FAILURES (&innermost)

/* --- objects.c --- */

/* Objects are known by their numbers.  One that was disposed of and is used
 * again has a new number, and the same body. */
struct object {
    uintptr_t magic;
    size_t number, body;
    size_t text;                 /* by which it is interned; 0: it is not */
    void *field[10];
};

size_t number_of(const void *object);

/* A place for an object, which is made if it is empty. */
extern struct list slots;
struct object *object_in(void *slot);
struct object *some_object(void);

/* NULL if it is in no slot. */
struct object *held(size_t number);

/* That with such a body, or NULL if it is in no slot. */
struct object *in_slot(size_t body);

/* The body of what the library has given, which must not have been seen dead; 0
 * for NULL. */
size_t body_of(const void *object);

/* A new one in some slot, which drops what it had. */
struct object *new_object(void);

/* A new one in no slot, with a reference. */
struct object *object_apart(void);

/* Puts one that was found in a slot, if one is empty. */
void take_up(struct object *o);

/* It was disposed of, or seen dead. */
bool is_dead(size_t number);

/* Something has changed by which objects are held. */
void changed(void);

/* Whether one body is the other, or has a field that leads there. */
bool leads_to(size_t from, size_t to);

/* Has the field lead there. */
void have_lead(struct object *o, size_t field, struct object *to);

/* For maps and sets, in maps_hold, sets_hold and maps_keep_assumptions: whether
 * a body is known to be held; and that it is, true if that was not known. */
bool is_body_held(size_t body);
bool hold_body(size_t body);

void objects_begin(size_t n_slots);
void dispose_of_dropped(void);
void dispose_of_all(void);

/* --- methods.c --- */

/* What makes two equal, and a handle.  Of equal ones there is one record, with
 * the last handle.  Functions, which have none, do without an object. */
enum kind { FUNCTION, METHOD, WEAK_METHOD };

struct method {
    struct thing t;
    enum kind kind;
    size_t fn;                   /* which of two functions */
    size_t data;                 /* an object's number if it is weak */
};

bool same_method(const struct method *a, const struct method *b);
struct method *some_function(void);
struct method *some_method(void);

/* What a method calls; not of a function. */
gcw_method_fn *code_of(const struct method *m);

/* It was refused, with errno, for it is dead. */
void refused(struct method *m);

/* --- listeners.c, emissions.c, audience.c --- */

struct place {                   /* an event or a hub */
    struct thing t;
    gcw_event *event;            /* one of these two is NULL */
    gcw_hub *hub;
    long front, back;            /* orders that were given out */
    size_t n_dispatched;         /* in a hub, of those that were posted */
    unsigned muted;
};

struct listener {
    struct thing t;
    struct place *place;
    struct method *method;
    size_t type, source;         /* 0 stands for any */
    long order;
    unsigned blocked;
    bool once;
};

enum { TYPES = 3 };
extern const char *const type_names[TYPES + 2];

extern struct list places, listeners;

/* Whether the name is what a listener to the type was connected to, or what an
 * emission of it was made with. */
bool same_type(const char *name, size_t type);

/* How many there are at least and at most. */
struct range {
    size_t least, most;
};

void count_in(struct range *r, enum standing s);
void check_range(struct range r, size_t n, const char *what);

/* Whether a listener hears of such an emission, if it is there. */
bool hears_of(const struct listener *l, size_t type, size_t source);

/* Those of the place that fit, and may be there, in order; for free. */
struct listener **
listeners_that(bool (*fit)(const struct listener *l, size_t type,
                           size_t source),
               const struct place *p, size_t type, size_t source, size_t *n);

/* NULL if there is none. */
struct place *the_hub(void);

void places_begin(size_t events, bool hub);
void measure_all(void);

/* What to connect for a function, and what methods call in an emission. */
extern void (*const event_fns[])(void *arg, void *data);
extern void (*const hub_fns[])(const gcw_emission *emission, void *data);
void method_hears(const struct method *m, const void *arg);

size_t n_posted(const struct place *hub);
void emissions_end(void);

/* --- handlers.c --- */

/* What the method of a handler returns. */
void *method_handles(const struct method *m, const gcw_exit_info *info);

/* So many, the default one among them. */
void registries_begin(size_t n);
void run_all(void);
void clear_all(void);

/* --- maps.c, interns.c, sets.c --- */

/* How maps and sets hold objects: maps_hold and sets_hold are called until
 * nothing is new; then maps_keep_assumptions, which is false if one was wrong,
 * and all begins anew. */
void maps_assume(void);
bool maps_hold(void);
bool sets_hold(void);
bool maps_keep_assumptions(void);

void maps_begin(size_t n);
void interns_begin(bool any);
void sets_begin(bool any);

/* --- queues.c, cleanups.c, proxies.c --- */

/* Its handle is the queue; it is gone when somebody has disposed of it. */
struct queue {
    struct thing t;
    bool hears;                  /* it has a hook of its own */
};

/* The first is the default one. */
extern struct list queues;

void queues_begin(void);
void drain_queues(void);
void dispose_of_queues(void);
bool is_default(const struct queue *q);
struct queue *some_queue(void);

/* Where callbacks of the queue become pending: it, or the default one. */
const struct queue *pends_in(const struct queue *q);

/* The data of the hook that hears of its callbacks. */
const void *hearer_of(const struct queue *q);

/* Whether something is pending in the queue: surely, or perhaps. */
bool any_pending(const struct queue *q, enum standing target);

/* It must be readable while something is pending.  Inside a callback it may
 * have been taken back already; and where finalizers have a thread of their
 * own, that may be about to make it readable. */
void check_descriptor(const struct queue *q, int fd);

/* A call that runs what is pending in a queue. */
struct draining {
    struct frame f;
    const struct queue *q;
    const void *ran;             /* a handle: the last one */
};

/* It ends; `n` have run, of `max`, that is 0 for all. */
void drained(struct draining *d, size_t max, size_t n);
void drain_default(void);
void detach_all(void);
void cleanups_have_run_at_exit(void);
void cleanups_end(void);
void free_all_proxies(void);

#endif
