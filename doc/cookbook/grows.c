/* grows.c: memory grows, and the library tells of what there is too much. */
#include <stdio.h>
#include <gc.h>
#include <gcweak.h>
#include <gcweak/debug.h>

struct client { int number; struct client *next; };

static struct client *clients;  /* the mistake: nobody takes one out */

static void *
redraw(struct client *self, void *arg, void *data)
{
    (void)self, (void)arg, (void)data;
    return NULL;
}
GCW_METHOD(redraw, struct client, void, void)

static void
serve(gcw_event *tick, int number)
{
    struct client *client = GC_NEW(struct client);

    client->number = number;
    client->next = clients;
    clients = client;
    gcw_event_connect(tick, redraw_method(client, NULL), 0);
}

static void
show_counts(const char *when)
{
    gcw_statistics s = { .size = sizeof s };

    gcw_stats(&s);
    printf("%-9s listeners %zu, references %zu, cleanups %zu, pending %zu\n",
           when, s.listeners, s.references - s.events, s.cleanups, s.pending);
}

int
main(void)
{
    gcw_event *tick = gcw_event_new("tick");

    show_counts("at first:");
    for (int i = 0; i < 30; i++) {
        serve(tick, i);
        if (i % 10 == 9)
            gcw_collect();
    }
    for (int i = 0; i < 10; i++)
        gcw_collect();
    show_counts("later:");
    return gcw_event_count(tick) == 30 ? 0 : 1;
}
