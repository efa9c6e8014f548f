// hello.cc: a weak method in C++.
#include <cstdio>
#include <gc.h>
#include <gcweak.h>

struct player {
    const char *name;
};

static void *
greet(player *self, const char *from, void *data)
{
    (void)data;
    std::printf("%s hears from %s\n", self->name, from);
    return NULL;
}
GCW_METHOD(greet, player, const char, void)

int
main()
{
    player *ann = GC_NEW(player);
    ann->name = "Ann";
    gcw_method *hello = greet_method(ann, nullptr);

    char bob[] = "Bob";
    gcw_method_invoke(hello, bob, nullptr);
    gcw_dispose(ann);
    if (gcw_method_invoke(hello, bob, nullptr) != 0)
        std::puts("Ann is gone");
}
