/* weakmethod.c: why a bound method cannot be held by a plain weak link, and
 * how a weak method does what was meant.
 *
 * Players listen to a bell.  The bell outlives them and must not keep them
 * alive, so it has to hold their methods weakly.
 *
 * The collector is conservative: a forgotten word on the stack may keep an
 * object for a while.  So the demo has several players, tells how many of
 * them did what it says, and follows one whose death is certain.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <gc.h>
#include <gcweak.h>

#define NOINLINE __attribute__((__noinline__))

enum { PLAYERS = 40, FIRST_CHOICE = 20 };

struct player {
    int number;
    int rings_heard;
};

/* What the bell knows of each player once a plain weak link is all it has. */
struct bound {
    struct player *self;
    void (*hear)(struct player *self, const char *sound);
};

struct bell {
    void **links[PLAYERS];           /* weak links to bound methods */
    gcw_method *methods[PLAYERS];    /* weak methods */
    int talkative;                   /* this player speaks when it hears */
};

/* What is left of a player: not in the collected heap, so it keeps nothing. */
struct farewell {
    int number;
    int calls;
    int aloud;
};
static struct farewell farewells[PLAYERS];

/* The story ends here if something is not as it must be. */
static void
check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "weakmethod: %s\n", what);
    exit(1);
}

/* The method of a player. */
static void *
hear(struct player *self, const char *sound, struct bell *bell)
{
    self->rings_heard++;
    if (self->number == bell->talkative)
        printf("   Player %d: \"I hear it say %s.\"\n", self->number, sound);
    return NULL;
}

/* Defines hear_method(), which checks the types that hear() asks for. */
GCW_METHOD(hear, struct player, const char, struct bell)

static void
hear_plain(struct player *self, const char *sound)
{
    (void)sound;
    self->rings_heard++;
}

/* Overwrites what earlier calls have left on the stack. */
static NOINLINE void
clear_stack(void)
{
    volatile char old[16 * 1024];
    for (size_t i = 0; i < sizeof old; i++)
        old[i] = 0;
}

static NOINLINE void
create_players(struct player **players)
{
    for (int i = 0; i < PLAYERS; i++) {
        players[i] = GC_MALLOC(sizeof *players[i]);
        check(players[i] != NULL, "no memory");
        players[i]->number = i + 1;
    }
}

/* Each player hands the bell a bound method: a small object that leads to the
 * player.  The bell holds it by the collector's own weak link. */
static NOINLINE void
hand_over_bound_methods(struct bell *bell, struct player **players)
{
    for (int i = 0; i < PLAYERS; i++) {
        struct bound *bound = GC_MALLOC(sizeof *bound);
        void **link = GC_MALLOC_ATOMIC(sizeof *link);
        check(bound != NULL && link != NULL, "no memory");
        *bound = (struct bound){ players[i], hear_plain };
        *link = bound;
        GC_general_register_disappearing_link(link, bound);
        bell->links[i] = link;
    }
}

/* How many links still lead to a bound method. */
static NOINLINE int
count_links(const struct bell *bell)
{
    int count = 0;
    for (int i = 0; i < PLAYERS; i++)
        count += *bell->links[i] != NULL;
    return count;
}

static void
say_goodbye(gcw_method *m, void *data)
{
    struct farewell *farewell = data;
    check(!gcw_method_alive(m), "a death callback for a living player");
    farewell->calls++;
    if (farewell->aloud)
        printf("   Death callback: \"Player %d has died.\"\n",
               farewell->number);
}

/* Asks for a call when the player dies, and only then: not at exit. */
static void
ask_for_goodbye(gcw_method *m, struct farewell *farewell)
{
    gcw_cleanup *c = gcw_method_on_death(m, say_goodbye, farewell);
    check(c != NULL, "no death callback");
    gcw_cleanup_set_atexit(c, false);
}

static NOINLINE void
hand_over_weak_methods(struct bell *bell, struct player **players)
{
    for (int i = 0; i < PLAYERS; i++) {
        gcw_method *m = hear_method(players[i], bell);
        check(m != NULL, "no weak method");
        farewells[i].number = players[i]->number;
        ask_for_goodbye(m, &farewells[i]);
        bell->methods[i] = m;
    }
}

static NOINLINE int
count_methods(const struct bell *bell)
{
    int count = 0;
    for (int i = 0; i < PLAYERS; i++)
        count += gcw_method_alive(bell->methods[i]);
    return count;
}

/* Calls every method; returns how many players were there to hear it. */
static NOINLINE int
ring(struct bell *bell)
{
    int called = 0;
    for (int i = 0; i < PLAYERS; i++)
        called += gcw_method_invoke(bell->methods[i], "ding", NULL) == 0;
    return called;
}

static NOINLINE int
count_heard(struct player **players, int rings)
{
    int count = 0;
    for (int i = 0; i < PLAYERS; i++)
        count += players[i]->rings_heard == rings;
    return count;
}

static NOINLINE void
drop_players(struct player **players)
{
    for (int i = 0; i < PLAYERS; i++)
        players[i] = NULL;
}

/* The player to follow to the end: the one who spoke, or, should a stale word
 * have kept that one alive, any other that has died. */
static int
certainly_dead(const struct bell *bell)
{
    int i = bell->talkative - 1;
    for (int n = 0; n < PLAYERS; n++, i = (i + 1) % PLAYERS)
        if (!gcw_method_alive(bell->methods[i]))
            return i;
    check(0, "no player died");
    return 0;
}

static void
plain_weak_link(struct bell *bell, struct player **players)
{
    printf("1. %d players hand a bell their bound methods.  The bell holds\n"
           "   each by a plain weak link, so as not to keep the players"
           " alive.\n", PLAYERS);
    hand_over_bound_methods(bell, players);
    clear_stack();
    GC_gcollect();
    int left = count_links(bell);
    check(left < PLAYERS, "no bound method died");
    printf("2. The collector runs.  All %d players are alive, but %d of %d"
           " bound\n   methods are gone: nothing else held them.  Dead on"
           " arrival.\n", count_heard(players, 0), PLAYERS - left, PLAYERS);
}

static void
weak_method(struct bell *bell, struct player **players)
{
    printf("3. Now the bell gets weak methods instead (gcw_method).\n");
    hand_over_weak_methods(bell, players);
    clear_stack();
    gcw_collect();
    int alive = count_methods(bell);
    check(alive == PLAYERS, "a living player's method died");
    printf("4. The collector runs.  %d of %d methods are alive,"
           " as their players are.\n", alive, PLAYERS);
    printf("5. The bell rings.\n");
    int called = ring(bell);
    check(called == PLAYERS && count_heard(players, 1) == PLAYERS,
          "a player heard nothing");
    printf("   %d of %d players heard it.\n", called, PLAYERS);
}

static void
death(struct bell *bell, struct player **players)
{
    printf("6. The players leave: the program forgets them.  The bell still"
           " has\n   its %d handles.  The collector runs.\n", PLAYERS);
    drop_players(players);
    clear_stack();
    GC_gcollect();
    struct farewell *farewell = &farewells[certainly_dead(bell)];
    farewell->aloud = 1;
    printf("7. The program asks for the death callbacks, where it suits"
           " it (gcw_drain).\n");
    size_t callbacks = gcw_drain(0);
    check(farewell->calls == 1, "the death callback did not come");
    printf("   %zu of %d callbacks have come.\n", callbacks, PLAYERS);
}

static void
afterwards(struct bell *bell)
{
    int i = certainly_dead(bell);
    printf("8. The handle of player %d says: %s.\n", farewells[i].number,
           gcw_method_alive(bell->methods[i]) ? "alive" : "dead");
    errno = 0;
    int result = gcw_method_invoke(bell->methods[i], "ding", NULL);
    check(result == -1 && errno == ESTALE, "a dead method was called");
    printf("   A call through it is refused with ESTALE; nothing is"
           " called.\n");
}

int
main(void)
{
    GC_INIT();
    check(gcw_init() == 0, "gcweak does not start");
    struct player **players = GC_MALLOC(PLAYERS * sizeof *players);
    struct bell *bell = GC_MALLOC(sizeof *bell);
    check(players != NULL && bell != NULL, "no memory");
    bell->talkative = FIRST_CHOICE;
    create_players(players);
    plain_weak_link(bell, players);
    weak_method(bell, players);
    death(bell, players);
    afterwards(bell);
    return 0;
}
