/* threads.c: three kinds of threads: made by the program, made by somebody else
 * and made known, and made by somebody else who only has something to say. */
#define GC_THREADS      /* before <gc.h>: it then knows pthread_create */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>
#include <gc.h>
#include <gcweak.h>

static gcw_hub *hub;         /* a static: the collector looks here */

static void
hear(const gcw_emission *emission, void *data)
{
    (void)data;
    printf("main: heard of \"%s\"\n", emission->type);
}

static void
make_ref(const char *who)
{
    gcw_ref *ref = gcw_ref_new(GC_MALLOC(16));

    printf("%s: %s\n", who, ref != NULL ? "has a reference" : strerror(errno));
}

/* GC_pthread_create has registered it, for GC_THREADS is defined. */
static void *
own(void *data)
{
    make_ref("own thread");
    return data;
}

/* thrd_create stands for a library that makes threads of its own: the collector
 * does not hear of them, and must not be asked for memory there. */
static int
stranger(void *data)
{
    struct GC_stack_base base;

    (void)data;
    if (gcw_hub_new() == NULL)
        printf("stranger: %s\n", strerror(errno));
    gcw_hub_post(hub, "news of a stranger", NULL, NULL);    /* may always */

    GC_get_stack_base(&base);
    GC_register_my_thread(&base);
    make_ref("stranger, made known");
    GC_unregister_my_thread();    /* last of all, and always */
    return 0;
}

int
main(void)
{
    pthread_t thread;
    thrd_t strange;

    if (gcw_init() != 0)     /* on the main thread, before there are others */
        return 1;
    hub = gcw_hub_new();
    gcw_hub_connect_fn(hub, NULL, NULL, hear, NULL, 0);

    if (pthread_create(&thread, NULL, own, NULL) == 0)
        pthread_join(thread, NULL);
    if (thrd_create(&strange, stranger, NULL) == thrd_success)
        thrd_join(strange, NULL);
    printf("main: %zu waited\n", gcw_hub_dispatch(hub, 0));
    return 0;
}
