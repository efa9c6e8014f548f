/* proxies.c: function pointers; see oracle.h.  Without libffi there are none.
 */
#include "oracle.h"

struct proxy {
    struct thing t;
    int (*code)(int);            /* NULL once it was freed */
    size_t stale;                /* calls that found it stale */
    bool hooked;
};

struct proxy_call {
    struct frame f;
    const struct proxy *proxy;
};

static struct list proxies = LIST_OF(struct proxy);

static int
proxied(struct object *self, int n)
{
    struct proxy_call *c = frame_for(CALLS_PROXY);

    must(c->proxy->t.on[0] == number_of(self), "a wrong object");
    go_on();
    return n + 1;
}

static void
told_stale(gcw_proxy *handle, void *data)
{
    struct proxy *p = proxies.at[(size_t)data - 1];

    must(p->t.handle == handle && p->hooked, "a wrong proxy is stale");
    p->stale++;
    met[STALE]++;
    go_on();
}

OPERATION(make_proxy, "make a proxy of %zu", &slots, one_of)
{
    struct object *self = object_in(thing);
    struct proxy p = { .t.on = { self->number } };

    p.t.handle = gcw_proxy_new(self, (gcw_proxy_fn *)proxied, "i)i");
    if (p.t.handle == NULL) {
        must(errno == ENOTSUP, "a proxy could not be made");
        return;
    }
    p.code = (int (*)(int))gcw_proxy_code(p.t.handle);
    p.hooked = below(2);
    add(&proxies, &p);
    if (p.hooked)
        must(gcw_proxy_on_stale(p.t.handle, told_stale, (void *)proxies.n)
             == 0, "on_stale");
}

/* It is called as it is when the call begins, whatever its function does. */
OPERATION(call_proxy, "call proxy %zu", &proxies, one_of)
{
    struct proxy *p = thing;
    struct proxy_call c = { .f.call = CALLS_PROXY, .proxy = p };
    enum standing before = of(p);
    size_t stale = p->stale + p->hooked;
    int result;

    if (p->code == NULL)
        return;
    enter(&c.f);
    errno = 0;
    result = p->code(3);
    must(c.f.called == 1 || errno == ESTALE, "a dead proxy's errno");
    leave(&c.f);
    must(result == (c.f.called == 1 ? 4 : 0), "a wrong result");
    must(c.f.called == 1 || p->stale >= stale, "the hook was not called");
    says(p, before, c.f.called == 1, "a proxy, dead or alive");
}

OPERATION(free_proxy, "free proxy %zu", &proxies, one_of)
{
    struct proxy *p = thing;

    must(gcw_proxy_free(p->t.handle) == (p->code == NULL ? -1 : 0),
         "free: wrong");
    must(gcw_proxy_code(p->t.handle) == NULL, "a freed proxy has code");
    p->code = NULL;
}

void
free_all_proxies(void)
{
    EACH(struct proxy, p, proxies)
        do_free_proxy(p);
}
