/* hello.c: a weak method, built with Meson. */
#include <stdio.h>
#include <gc.h>
#include <gcweak.h>

struct player {
    const char *name;
};

static void *
greet(struct player *self, const char *from, void *data)
{
    printf("%s hears from %s\n", self->name, from);
    return data;
}
GCW_METHOD(greet, struct player, const char, void)

int
main(void)
{
    struct player *ann = GC_NEW(struct player);
    gcw_method *hello;
    char bob[] = "Bob";

    ann->name = "Ann";
    hello = greet_method(ann, NULL);
    gcw_method_invoke(hello, bob, NULL);
    gcw_dispose(ann);
    if (gcw_method_invoke(hello, bob, NULL) != 0)
        puts("Ann is gone");
    return 0;
}
