/* bus.c: who saves a document does not know who wants to hear of it. */
#include <stdio.h>
#include <gc.h>
#include <gcweak.h>

struct document { const char *name; };

struct window { const char *title; };

/* One of any type: the hub knows neither documents nor windows. */
static void *
show_saved(struct window *self, gcw_emission *emission, void *data)
{
    struct document *document = emission->source;

    (void)data;
    printf("%s: %s was saved\n", self->title, document->name);
    return NULL;
}
GCW_METHOD(show_saved, struct window, gcw_emission, void)

static void
count(const gcw_emission *emission, void *data)
{
    (void)emission;
    ++*(int *)data;
}

static struct window *
window_new(gcw_hub *hub, const char *title, struct document *shown)
{
    struct window *window = GC_NEW(struct window);

    window->title = title;
    gcw_hub_connect(hub, "saved", shown, show_saved_method(window, NULL), 0);
    return window;
}

static void
save(gcw_hub *hub, struct document *document)
{
    size_t heard = gcw_hub_emit(hub, "saved", document, NULL);

    printf("saving %s: %zu listeners heard of it\n", document->name, heard);
}

int
main(void)
{
    static int saves;
    gcw_hub *hub = gcw_hub_new();
    struct document *letter = GC_NEW(struct document);
    struct document *poem = GC_NEW(struct document);

    letter->name = "letter";
    poem->name = "poem";
    gcw_hub_connect_fn(hub, NULL, NULL, count, &saves, 0);
    struct window *desk = window_new(hub, "desk", letter);
    struct window *list = window_new(hub, "list", NULL);

    save(hub, letter);
    save(hub, poem);
    gcw_dispose(desk);       /* closed: it hears nothing any more, at once */
    save(hub, letter);
    printf("%s heard to the end; %d saves in all\n", list->title, saves);
    return 0;
}
