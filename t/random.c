/* random.c: random operations on the whole public interface, held against the
 * oracle (t/oracle/oracle.h).
 *
 * A play is a number of worlds, in each so many operations.  The weights of
 * the operations are other ones in each phase of a world, around those of the
 * play, so that arrays grow and shrink; and half of the worlds do without what
 * is rare in the play.
 *
 * A play has parts, each in a process of its own, so that what crashes or
 * hangs is told with its seed.  Some parts leave their last world to the exit
 * of the process.  Each prints what it met of what is rare (enum rare), and
 * the play insists on some of it.
 *
 * The seed is printed; GCWEAK_TEST_SEED in the environment repeats it.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "oracle/oracle.h"
#include "support.h"

enum {
    PHASE = 400,                 /* operations */
    AFTER = 150                  /* operations at exit */
};

enum {
    EVENTS, HUBS, CROWDS, REGISTRIES, CLEANUPS, EVERYTHING, MAPS, MAP_CROWDS,
    QUEUES, PLAYS,
    AT_EXIT = PLAYS              /* has weights, too */
};

/* --- the plays --- */

struct play {
    struct setting setting;
    size_t parts, worlds, operations;
    bool exits;
    uint64_t insists;            /* bits of enum rare */
};

#define BIT(rare) (UINT64_C(1) << (rare))
#if HAVE_LIBFFI
# define WITH_PROXIES BIT(STALE)
#else
# define WITH_PROXIES 0
#endif

static const struct play plays[PLAYS] = {
    [EVENTS] = {
        { .slots = 6, .events = 1, .busy = 4 }, 2, 2000, 100, false,
        BIT(NESTED) | BIT(FAILED) | BIT(ONCE) | BIT(AGAIN) | BIT(REFUSED)
        | BIT(SEEN_DEAD) | BIT(MUTED_MIDWAY) | BIT(STOPPED)
        | BIT(OBJECT_LEAVES) | BIT(CUT_SHORT) },
    [HUBS] = {
        { .slots = 6, .hub = true, .busy = 4 }, 2, 2000, 100, false,
        BIT(NESTED) | BIT(FAILED) | BIT(ONCE) | BIT(AGAIN) | BIT(REFUSED)
        | BIT(SEEN_DEAD) | BIT(TWICE) | BIT(MUTED_MIDWAY) | BIT(STOPPED)
        | BIT(OBJECT_LEAVES) | BIT(CUT_SHORT) },
    [CROWDS] = {
        { .slots = 20, .events = 1, .hub = true, .busy = 2 }, 1, 8, 2000,
        false, BIT(CROWD_HEARS) },
    [REGISTRIES] = {
        { .slots = 20, .registries = 2, .busy = 2 }, 2, 30, 2000, false,
        BIT(FAILED) | BIT(KEPT) | BIT(CROWD_RUNS) | BIT(ABOVE) | BIT(BY_NUMBER)
        | BIT(BY_METHOD) | BIT(ASIDE) },
    [CLEANUPS] = {
        { .slots = 40, .busy = 2 }, 12, 1, 6000, true,
        BIT(FAILED) | BIT(MADE_AT_EXIT) | BIT(CROWD_EXITS) },
    [EVERYTHING] = {
        { .slots = 6, .events = 2, .hub = true, .registries = 2, .maps = 4,
          .busy = 4 }, 2, 70, 400, true,
        BIT(NESTED) | BIT(FAILED) | BIT(RUN_IN_RUN) | WITH_PROXIES },
    [MAPS] = {
        { .slots = 8, .maps = 8, .busy = 3 }, 2, 300, 400, false,
        BIT(HELD_BY_OTHERS) | BIT(KEY_DIES) | BIT(VALUE_DIES)
        | BIT(ONE_OF_BOTH_DIES) | BIT(STRONG_ONE_DIES) | BIT(CYCLE_DIES)
        | BIT(LONE_DIES) | BIT(RIVAL) | BIT(INTERNED_DIES) | BIT(MEMBER_DIES)
        | BIT(HOLDING_METHOD_DIES) | BIT(METHOD_WITH_WEAK_DIES)
        | BIT(METHOD_CYCLE_DIES) },
    [MAP_CROWDS] = {
        { .slots = 60, .maps = 4, .busy = 2 }, 2, 8, 3000, false,
        BIT(HELD_BY_OTHERS) | BIT(CROWD_IN_MAP) },
    [QUEUES] = {
        { .slots = 10, .busy = 4 }, 2, 400, 400, false,
        BIT(FAILED) | BIT(SEEN_DEAD) | BIT(QUEUE_MOVES) | BIT(OWN_HOOK)
        | BIT(STEP_FAILS) },
};

static const struct {
    const struct operation *operation;
    unsigned in[PLAYS + 1];
} weights[] = {
    /*                          events, hubs, crowds, registries, cleanups,
     *                          everything, maps, crowds in maps, queues,
     *                          at exit */
    { &op_refer,             {   0,  0,  0,  0,  0,  4,  8,  8,  2,  2 } },
    { &op_read_ref,          {   0,  0,  0,  0,  0,  4, 12, 12,  6,  2 } },
    { &op_dispose,           {   4,  4,  2,  4,  2,  4,  4,  4, 10,  0 } },
    { &op_drop,              {   6,  6,  2,  0,  0,  4, 14,  6, 12,  0 } },
    { &op_make_method,       {  10, 10, 10, 10,  0,  4,  0,  0,  6,  0 } },
    { &op_invoke,            {   0,  0,  0,  0,  0,  4,  0,  0,  0,  0 } },
    { &op_look_at_method,    {   1,  1,  1,  1,  0,  4,  0,  0,  2,  0 } },
    { &op_connect,           {  30, 30,100,  0,  0, 10,  0,  0,  0,  0 } },
    { &op_disconnect,        {   8,  8, 25,  0,  0,  4,  0,  0,  0,  0 } },
    { &op_disconnect_equal,  {   5,  5,  2,  0,  0,  4,  0,  0,  0,  0 } },
    { &op_block,             {   5,  5,  5,  0,  0,  4,  0,  0,  0,  0 } },
    { &op_unblock,           {   5,  5,  5,  0,  0,  4,  0,  0,  0,  0 } },
    { &op_look_at_listener,  {   4,  4,  4,  0,  0,  2,  0,  0,  0,  0 } },
    { &op_measure,           {   3,  3,  1,  0,  0,  2,  0,  0,  0,  0 } },
    { &op_emit,              {  21, 21,  2,  0,  0, 10,  0,  0,  0,  0 } },
    { &op_post,              {   0,  5,  1,  0,  0,  4,  0,  0,  0,  0 } },
    { &op_dispatch,          {   0,  4,  1,  0,  0,  4,  0,  0,  0,  0 } },
    { &op_disconnect_object, {   3,  3,  1,  0,  0,  3,  0,  0,  0,  0 } },
    { &op_mute,              {   2,  2,  0,  0,  0,  2,  0,  0,  0,  0 } },
    { &op_unmute,            {   6,  6,  0,  0,  0,  5,  0,  0,  0,  0 } },
    { &op_stop_emission,     {   3,  3,  1,  0,  0,  3,  0,  0,  0,  1 } },
    { &op_has_listeners,     {   4,  4,  1,  0,  0,  2,  0,  0,  0,  0 } },
    { &op_list_listeners,    {   4,  4,  1,  0,  0,  2,  0,  0,  0,  0 } },
    { &op_register,          {   0,  0,  0,150,  0,  6,  0,  0,  0,  0 } },
    { &op_register_data,     {   0,  0,  0, 40,  0,  4,  0,  0,  0,  0 } },
    { &op_ask_id,            {   0,  0,  0, 20,  0,  4,  0,  0,  0,  0 } },
    { &op_unregister,        {   0,  0,  0,150,  0,  4,  0,  0,  0,  0 } },
    { &op_unregister_fn,     {   0,  0,  0,  2,  0,  4,  0,  0,  0,  0 } },
    { &op_unregister_method, {   0,  0,  0,  2,  0,  4,  0,  0,  0,  0 } },
    { &op_unregister_object, {   0,  0,  0,  2,  0,  4,  0,  0,  0,  0 } },
    { &op_clear,             {   0,  0,  0,  1,  0,  2,  0,  0,  0,  0 } },
    { &op_list,              {   0,  0,  0, 10,  0,  4,  0,  0,  0,  0 } },
    { &op_run_registry,      {   0,  0,  0,  1,  0,  4,  0,  0,  0,  0 } },
    { &op_make_cleanup,      {   0,  0,  0,  0, 50,  6,  1,  1, 40, 30 } },
    { &op_watch_method,      {   0,  0,  0,  0,  0,  4,  0,  0, 10,  0 } },
    { &op_look_at_cleanup,   {   0,  0,  0,  0, 10,  4,  0,  0,  6, 15 } },
    { &op_set_at_exit,       {   0,  0,  0,  0, 10,  4,  0,  0,  2,  0 } },
    { &op_detach,            {   0,  0,  0,  0, 25,  4,  0,  0,  4, 10 } },
    { &op_run_cleanup,       {   0,  0,  0,  0,  5,  4,  0,  0,  6, 10 } },
    { &op_drain,             {   0,  0,  0,  0,  1,  4,  1,  1,  4,  5 } },
    { &op_drain_some,        {   0,  0,  0,  0,  1,  4,  0,  0,  6,  2 } },
    { &op_poll,              {   0,  0,  0,  0,  1,  2,  0,  0,  2,  2 } },
    { &op_make_queue,        {   0,  0,  0,  0,  1,  4,  0,  0,  8,  2 } },
    { &op_dispose_queue,     {   0,  0,  0,  0,  1,  3,  0,  0,  6,  1 } },
    { &op_drain_queue,       {   0,  0,  0,  0,  2,  4,  0,  0, 10,  4 } },
    { &op_step_queue,        {   0,  0,  0,  0,  2,  4,  0,  0, 10,  4 } },
    { &op_look_at_queue,     {   0,  0,  0,  0,  2,  4,  0,  0,  8,  0 } },
    { &op_collect,           {   1,  1,  1,  1,  1,  1,  3,  1,  3,  1 } },
    { &op_only_collect,      {   0,  0,  0,  0,  1,  1,  3,  1,  4,  1 } },
    { &op_make_proxy,        {   0,  0,  0,  0,  0,  4,  0,  0,  0,  0 } },
    { &op_call_proxy,        {   0,  0,  0,  0,  0,  6,  0,  0,  0,  0 } },
    { &op_free_proxy,        {   0,  0,  0,  0,  0,  2,  0,  0,  0,  0 } },
    { &op_lead,              {   0,  0,  0,  0,  0,  3, 14, 14,  0,  0 } },
    { &op_put,               {   0,  0,  0,  0,  0,  4, 20, 80,  0,  0 } },
    { &op_set_default,       {   0,  0,  0,  0,  0,  2,  6,  6,  0,  0 } },
    { &op_replace,           {   0,  0,  0,  0,  0,  2,  6,  6,  0,  0 } },
    { &op_get,               {   0,  0,  0,  0,  0,  4,  8,  8,  0,  0 } },
    { &op_remove,            {   0,  0,  0,  0,  0,  2,  5,  6,  0,  0 } },
    { &op_count,             {   0,  0,  0,  0,  0,  2,  2,  5,  0,  0 } },
    { &op_walk,              {   0,  0,  0,  0,  0,  2,  3,  2,  0,  0 } },
    { &op_chain,             {   0,  0,  0,  0,  0,  1,  2,  2,  0,  0 } },
    { &op_dispose_map,       {   0,  0,  0,  0,  0,  1,  1,  0,  0,  0 } },
    { &op_make_ephemeron,    {   0,  0,  0,  0,  0,  2,  4,  4,  0,  0 } },
    { &op_read_ephemeron,    {   0,  0,  0,  0,  0,  2,  6,  6,  0,  0 } },
    { &op_intern,            {   0,  0,  0,  0,  0,  3,  8,  8,  0,  0 } },
    { &op_find_interned,     {   0,  0,  0,  0,  0,  2,  4,  4,  0,  0 } },
    { &op_count_interned,    {   0,  0,  0,  0,  0,  1,  1,  1,  0,  0 } },
    { &op_add_member,        {   0,  0,  0,  0,  0,  3,  8, 20,  0,  0 } },
    { &op_has_member,        {   0,  0,  0,  0,  0,  2,  4,  4,  0,  0 } },
    { &op_remove_member,     {   0,  0,  0,  0,  0,  1,  3,  3,  0,  0 } },
    { &op_count_set,         {   0,  0,  0,  0,  0,  1,  1,  2,  0,  0 } },
    { &op_walk_set,          {   0,  0,  0,  0,  0,  1,  2,  2,  0,  0 } },
    { &op_dispose_set,       {   0,  0,  0,  0,  0,  1,  1,  0,  0,  0 } },
    { &op_add_method,        {   0,  0,  0,  0,  0,  3,  8, 20,  0,  0 } },
    { &op_add_cycle,         {   0,  0,  0,  0,  0,  1,  2,  2,  0,  0 } },
    { &op_has_method,        {   0,  0,  0,  0,  0,  2,  4,  4,  0,  0 } },
    { &op_remove_method,     {   0,  0,  0,  0,  0,  1,  3,  3,  0,  0 } },
    { &op_count_methods,     {   0,  0,  0,  0,  0,  1,  1,  2,  0,  0 } },
    { &op_invoke_set,        {   0,  0,  0,  0,  0,  1,  2,  2,  0,  0 } },
    { &op_dispose_methods,   {   0,  0,  0,  0,  0,  1,  1,  0,  0,  0 } },
};

/* --- operations --- */

enum { WEIGHTS = sizeof weights / sizeof weights[0] };

static size_t playing;           /* the play */
static bool left_out[WEIGHTS];
static unsigned now[WEIGHTS], total;
static size_t left;              /* operations */

static void
begin_phase(void)
{
    total = 0;
    for (size_t i = 0; i < WEIGHTS; i++) {
        unsigned weight = weights[i].in[playing];

        now[i] = left_out[i] ? 0 : below(2 * weight + 1);
        total += now[i];
    }
}

static void
begin_operations(size_t play, size_t n)
{
    playing = play;
    left = n;
    for (size_t i = 0; i < WEIGHTS; i++)
        left_out[i] = weights[i].in[play] <= 2 && below(2) == 0;
    begin_phase();
}

void
operate(void)
{
    unsigned choice;
    size_t i = 0;

    if (left == 0)
        return;
    if (left-- % PHASE == 0)
        begin_phase();
    choice = total == 0 ? 0 : below(total);
    for (; i < WEIGHTS && choice >= now[i]; i++)
        choice -= now[i];
    if (i < WEIGHTS)
        perform(weights[i].operation);
}

/* --- in a process of its own --- */

/* Called after the library's own handler, for it was registered before. */
static void
at_end(void)
{
    if (playing == AT_EXIT)
        world_has_ended();
    for (int i = 0; i < RARES; i++)
        printf("%zu ", met[i]);
}

static size_t
number_in(const char *variable)
{
    const char *text = getenv(variable);

    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

static void
play_world(size_t play)
{
    struct setting setting = plays[play].setting;

    setting.busy = 1 + below(setting.busy);
    world_begin(&setting);
    begin_operations(play, plays[play].operations);
    while (left > 0)
        operate();
}

SCENARIO(play)
{
    size_t play = number_in("GCWEAK_TEST_PLAY");
    size_t part = number_in("GCWEAK_TEST_PART");
    const struct play *p = &plays[play];

    atexit(at_end);
    for (size_t i = 0; i < p->worlds; i++) {
        chance_begin((play * 100 + part) * 10000 + i);
        play_world(play);
        if (i + 1 < p->worlds || !p->exits)
            world_end();
    }
    if (p->exits) {
        begin_operations(AT_EXIT, AFTER);
        world_exit(p->setting.busy);
    }
    exit(0);
}

/* --- the tests --- */

static void
set_number(const char *variable, uint64_t number)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRIu64, number);
    setenv(variable, text, 1);
}

static void
tell_mismatch(size_t play, size_t part, const struct outcome *o)
{
    char *rest = o->err;

    printf("# GCWEAK_TEST_SEED=%" PRIu64 " GCWEAK_TEST_PLAY=%zu "
           "GCWEAK_TEST_PART=%zu %s play: status %d\n", seed(), play, part,
           program_path(), o->status);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        printf("# %s\n", line);
    fflush(stdout);
    fail_msg("part %zu went wrong", part);
}

/* What it met is added to `sum`. */
static void
try_part(size_t play, size_t part, size_t sum[RARES])
{
    struct outcome o;
    char *rest;

    set_number("GCWEAK_TEST_PLAY", play);
    set_number("GCWEAK_TEST_PART", part);
    o = run_scenario("play");
    if (o.status != 0)
        tell_mismatch(play, part, &o);
    rest = o.out;
    for (int i = 0; i < RARES; i++)
        sum[i] += strtoull(rest, &rest, 10);
    outcome_free(&o);
}

static void
play_all(size_t play)
{
    size_t sum[RARES] = { 0 };

    printf("# seed %" PRIu64 "\n", seed());
    set_number("GCWEAK_TEST_SEED", seed());
    for (size_t part = 0; part < plays[play].parts; part++)
        try_part(play, part, sum);
    for (int i = 0; i < RARES; i++)
        if (plays[play].insists & BIT(i) && sum[i] == 0)
            fail_msg("never met: %s", rare_names[i]);
}

TEST(events_do_as_the_oracle_says)
{
    play_all(EVENTS);
}

TEST(hubs_do_as_the_oracle_says)
{
    play_all(HUBS);
}

TEST(crowds_do_as_the_oracle_says)
{
    play_all(CROWDS);
}

TEST(registries_do_as_the_oracle_says)
{
    play_all(REGISTRIES);
}

TEST(cleanups_do_as_the_oracle_says)
{
    play_all(CLEANUPS);
}

TEST(everything_does_as_the_oracle_says)
{
    play_all(EVERYTHING);
}

TEST(maps_do_as_the_oracle_says)
{
    play_all(MAPS);
}

TEST(crowds_in_maps_do_as_the_oracle_says)
{
    play_all(MAP_CROWDS);
}

TEST(queues_do_as_the_oracle_says)
{
    play_all(QUEUES);
}
