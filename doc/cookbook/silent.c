/* silent.c: callbacks that do not come, and where one sees why. */
#include <errno.h>
#include <stdio.h>
#include <gc.h>
#include <gcweak.h>
#include <gcweak/debug.h>

static void
say(void *data)
{
    printf("  callback: %s\n", (const char *)data);
}

static void
hear(const gcw_emission *emission, void *data)
{
    (void)emission, (void)data;
    puts("  heard");
}

static size_t
pending(void)
{
    gcw_statistics s = { .size = sizeof s };

    gcw_stats(&s);
    return s.pending;
}

int
main(void)
{
    void *object = GC_MALLOC(16);

    puts("1. nobody has drained");
    gcw_cleanup_new(object, say, "the object has died");
    gcw_dispose(object);
    printf("  waiting: %zu\n", pending());
    gcw_drain(0);

    puts("2. it was refused, and nobody looked");
    errno = 0;
    void *on_stack = &object;
    if (gcw_cleanup_new(on_stack, say, "never") == NULL && errno == EINVAL)
        puts("  EINVAL: not an object of the collector's heap");

    puts("3. its data leads to the object itself");
    void *other = GC_MALLOC(16);
    if (gcw_cleanup_new(other, say, other) == NULL && errno == EINVAL)
        puts("  EINVAL: such an object could never die");

    puts("4. posted, and nobody dispatches");
    gcw_hub *hub = gcw_hub_new();
    gcw_hub_connect_fn(hub, "saved", NULL, hear, NULL, 0);
    gcw_hub_post(hub, "saved", NULL, NULL);
    gcw_hub_size size;
    if (gcw_hub_measure(hub, &size) == 0)
        printf("  waiting: %zu\n", size.posted);
    gcw_hub_dispatch(hub, 0);

    puts("5. connected to another type, or another hub");
    printf("  heard by %zu\n", gcw_hub_emit(hub, "Saved", NULL, NULL));

    puts("6. a method's death callback does not come at exit");
    void *living = GC_MALLOC(16);
    gcw_cleanup *c = gcw_cleanup_new(living, say, "it lives, and we exit");
    gcw_cleanup_set_atexit(c, false);   /* as gcw_method_on_death does */
    GC_reachable_here(living);
    return 0;
}
