/* doorbell.c: a weak method, an event and an exit handler.
 *
 * A doorbell is an event.  Those who live in the house listen to it with a
 * weak method, so the bell keeps nobody there.  When the program ends, the
 * house sums up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <gc.h>
#include <gcweak.h>

struct person {
    const char *name;
};

struct house {
    gcw_event *bell;
    struct person *ann, *bob;
    int rings;
};

/* Static variables keep alive what they lead to. */
static struct house *house;

static void
check(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(1);
}

/* The method of a person: the bell rings. */
static void *
hear(struct person *self, const char *visitor, void *data)
{
    (void)data;
    printf("%s hears the %s\n", self->name, visitor);
    return NULL;
}
GCW_METHOD(hear, struct person, const char, void)

/* The method of a house: the program ends.  NULL says that all is well. */
static void *
sum_up(struct house *self, gcw_exit_info *info, void *data)
{
    (void)info, (void)data;
    printf("%d rings, %zu listening\n", self->rings,
           gcw_event_count(self->bell));
    return NULL;
}
GCW_METHOD(sum_up, struct house, gcw_exit_info, void)

static struct person *
move_in(const char *name)
{
    struct person *person = GC_NEW(struct person);
    check(person != NULL, "GC_NEW");
    person->name = name;
    check(gcw_event_connect(house->bell, hear_method(person, NULL), 0) != NULL,
          "gcw_event_connect");
    return person;
}

/* If nothing led to Bob any more, he would die in some later collection.  This
 * does not wait for one. */
static void
move_out(struct person *person)
{
    printf("%s moves out\n", person->name);
    check(gcw_dispose(person) == 0, "gcw_dispose");
}

static void
ring(const char *visitor)
{
    house->rings++;
    gcw_event_emit(house->bell, (void *)visitor);
}

int
main(void)
{
    GC_INIT();
    house = GC_NEW(struct house);
    check(house != NULL, "GC_NEW");
    house->bell = gcw_event_new("doorbell");
    check(house->bell != NULL, "gcw_event_new");
    check(gcw_exit_register(gcw_exit_default(), sum_up_method(house, NULL),
                            NULL) != NULL, "gcw_exit_register");
    house->ann = move_in("Ann");
    house->bob = move_in("Bob");
    ring("postman");
    move_out(house->bob);
    house->bob = NULL;
    ring("neighbour");
    return 0;
}
