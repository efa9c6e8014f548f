// throw.cc: what t/throw.t runs: callbacks that are left by an exception, or
// by the end of their thread.
//
// throw throw PLACE   an exception passes out of a callback there
// throw fail PLACE    the same in a callback, which gives up afterwards
// throw end PLACE     a callback there ends its thread
// Ends with status 0 if all is as it should be afterwards.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gc.h>
#include <gcweak.h>

extern "C" bool mode_set_up(const char *mode);

#define MUST(ok) must((ok), #ok, __LINE__)

static void must(bool ok, const char *what, int line)
{
    if (ok)
        return;
    std::printf("line %d: not so: %s\n", line, what);
    std::fflush(stdout);
    _exit(99);
}

struct thrown { };

// How callbacks leave.  All of it is about one thread at a time.
static bool throws;
static int ran;

static void leave()
{
    if (throws)
        throw thrown();
    pthread_exit(nullptr);
}

// --- Callbacks ---------------------------------------------------------------

static void listener(void *, void *) { leave(); }
static void hub_listener(const gcw_emission *, void *) { leave(); }
static void function(void *) { leave(); }
static void *method(void *, void *, void *) { leave(); return nullptr; }
static int behind_proxy(void *) { leave(); return 0; }
static void count(void *) { ran++; }
static void count_emission(const gcw_emission *, void *) { ran++; }

static void *target()
{
    void *t = GC_MALLOC(100);
    MUST(t != nullptr);
    return t;
}

// It is never freed.  The compiler may leave out a store into memory that
// nobody reads; not this one.
static void *held_target()
{
    void *volatile *keep = static_cast<void *volatile *>(
        GC_MALLOC_UNCOLLECTABLE(sizeof(void *)));
    MUST(keep != nullptr);
    return *keep = target();
}

static bool is_readable(int fd)
{
    pollfd p = { fd, POLLIN, 0 };
    return poll(&p, 1, 0) == 1;
}

static void in_thread(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    MUST(GC_pthread_create(&thread, nullptr, body, arg) == 0);
    MUST(GC_pthread_join(thread, nullptr) == 0);
}

// --- Places: a call that a callback leaves, and a look at it afterwards -------

struct place {
    const char *name;
    void *(*make)();
    void (*call)(void *it);
    void (*look)(void *it);
};

static void *event_make()
{
    gcw_event *e = gcw_event_new(nullptr);
    MUST(gcw_event_connect_fn(e, listener, nullptr, GCW_ONCE) != nullptr);
    return e;
}

static void event_call(void *e)
{
    gcw_event_emit(static_cast<gcw_event *>(e), nullptr);
}

static void event_look(void *e)
{
    MUST(gcw_event_emit(static_cast<gcw_event *>(e), nullptr) == 0);
}

static void *hub_make()
{
    gcw_hub *h = gcw_hub_new();
    MUST(gcw_hub_connect_fn(h, nullptr, nullptr, hub_listener, nullptr,
                            GCW_ONCE) != nullptr);
    MUST(gcw_hub_connect_fn(h, "type", nullptr, count_emission, nullptr, 0)
         != nullptr);
    return h;
}

static void hub_call(void *h)
{
    gcw_hub_emit(static_cast<gcw_hub *>(h), "type", nullptr, nullptr);
}

static void hub_look(void *h)
{
    MUST(gcw_hub_emit(static_cast<gcw_hub *>(h), "type", nullptr, nullptr)
         == 1);
    MUST(ran == 1);
}

static void *dispatch_make()
{
    void *it = hub_make();
    gcw_hub *h = static_cast<gcw_hub *>(it);
    MUST(gcw_hub_fd(h) >= 0);
    for (int i = 0; i < 3; i++)
        MUST(gcw_hub_post(h, "type", nullptr, nullptr) == 0);
    return it;
}

static void dispatch_call(void *h)
{
    gcw_hub_dispatch(static_cast<gcw_hub *>(h), 0);
}

static void dispatch_look(void *it)
{
    gcw_hub *h = static_cast<gcw_hub *>(it);
    MUST(is_readable(gcw_hub_fd(h)));
    MUST(gcw_hub_dispatch(h, 0) == 2);
    MUST(ran == 2);
    MUST(!is_readable(gcw_hub_fd(h)));
}

static void *drain_make()
{
    MUST(gcw_drain_fd() >= 0);
    for (int i = 0; i < 3; i++) {
        void *t = target();
        MUST(gcw_cleanup_new(t, i == 0 ? function : count, nullptr)
             != nullptr);
        MUST(gcw_dispose(t) == 0);
    }
    return nullptr;
}

static void drain_call(void *)
{
    gcw_drain(0);
}

static void drain_look(void *)
{
    MUST(is_readable(gcw_drain_fd()));
    MUST(gcw_drain(0) == 2);
    MUST(ran == 2);
    MUST(!is_readable(gcw_drain_fd()));
}

static void *cleanup_make()
{
    gcw_cleanup *c = gcw_cleanup_new(target(), function, nullptr);
    MUST(c != nullptr);
    return c;
}

static void cleanup_call(void *c)
{
    gcw_cleanup_run(static_cast<gcw_cleanup *>(c));
}

static void cleanup_look(void *c)
{
    MUST(!gcw_cleanup_alive(static_cast<gcw_cleanup *>(c)));
    MUST(!gcw_cleanup_run(static_cast<gcw_cleanup *>(c)));
}

static void *exit_make()
{
    gcw_exit_registry *r = gcw_exit_registry_new(nullptr);
    MUST(gcw_exit_register_fn(r, count, nullptr, nullptr) != nullptr);
    MUST(gcw_exit_register_fn(r, function, nullptr, nullptr) != nullptr);
    return r;
}

static void exit_call(void *r)
{
    gcw_exit_run(static_cast<gcw_exit_registry *>(r), 0);
}

static void *run_rest(void *r)
{
    MUST(gcw_exit_run(static_cast<gcw_exit_registry *>(r), 0) == 0);
    return nullptr;
}

static void exit_look(void *r)
{
    int state;
    MUST(ran == 0);
    MUST(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state) == 0);
    MUST(state == PTHREAD_CANCEL_ENABLE);
    in_thread(run_rest, r);
    MUST(ran == 1);
}

static void *method_make()
{
    void *t = held_target();
    gcw_method *m = gcw_method_new(t, method, nullptr);
    MUST(m != nullptr);
    return m;
}

static void method_call(void *m)
{
    gcw_method_invoke(static_cast<gcw_method *>(m), nullptr, nullptr);
}

static void method_look(void *m)
{
    MUST(gcw_method_alive(static_cast<gcw_method *>(m)));
}

static void *proxy_make()
{
    void *t = held_target();
    gcw_proxy *p = gcw_proxy_new(
        t, reinterpret_cast<gcw_proxy_fn *>(behind_proxy), ")i");
    MUST(p != nullptr);
    return p;
}

static void proxy_call(void *p)
{
    reinterpret_cast<int (*)()>(
        gcw_proxy_code(static_cast<gcw_proxy *>(p)))();
}

// On a thread that the collector does not know.
static void *catch_from_proxy(void *p)
{
    bool caught = false;
    MUST(!GC_thread_is_registered());
    try {
        proxy_call(p);
    } catch (const thrown &) {
        caught = true;
    }
    MUST(caught && !GC_thread_is_registered());
    errno = 0;
    MUST(gcw_event_new(nullptr) == nullptr && errno == EPERM);
    return nullptr;
}

static void unknown_call(void *p)
{
    pthread_t thread;
    MUST(pthread_create(&thread, nullptr, catch_from_proxy, p) == 0);
    MUST(pthread_join(thread, nullptr) == 0);
    leave();
}

static void *end_in_proxy(void *p)
{
    proxy_call(p);
    return nullptr;
}

static void unknown_end(void *p)
{
    pthread_t thread;
    MUST(pthread_create(&thread, nullptr, end_in_proxy, p) == 0);
    MUST(pthread_join(thread, nullptr) == 0);
}

static void unknown(void *p)
{
    if (throws)
        unknown_call(p);
    else
        unknown_end(p);
}

static void proxy_look(void *p)
{
    MUST(gcw_proxy_free(static_cast<gcw_proxy *>(p)) == 0);
}

static const place places[] = {
    { "listener", event_make, event_call, event_look },
    { "hub", hub_make, hub_call, hub_look },
    { "dispatch", dispatch_make, dispatch_call, dispatch_look },
    { "drain", drain_make, drain_call, drain_look },
    { "cleanup", cleanup_make, cleanup_call, cleanup_look },
    { "handler", exit_make, exit_call, exit_look },
    { "method", method_make, method_call, method_look },
    { "proxy", proxy_make, proxy_call, proxy_look },
    { "unknown", proxy_make, unknown, proxy_look },
};

static const place *find(const char *name)
{
    for (const place &p : places)
        if (std::strcmp(p.name, name) == 0)
            return &p;
    return nullptr;
}

// --- What must work afterwards ----------------------------------------------

static void *use(void *)
{
    void *t = target();
    gcw_exit_registry *r = gcw_exit_registry_new(nullptr);
    ran = 0;
    MUST(gcw_exit_register_fn(r, count, nullptr, nullptr) != nullptr);
    MUST(gcw_exit_run(r, 0) == 0);
    MUST(gcw_cleanup_new(t, count, nullptr) != nullptr);
    MUST(gcw_dispose(t) == 0);
    gcw_collect();
    MUST(gcw_drain_thread(true) == 0 && gcw_drain_thread(false) == 0);
    gcw_drain(0);
    MUST(ran == 2);
    return nullptr;
}

// A fork takes each lock that there is.
static void use_all()
{
    int status;
    pid_t child;
    use(nullptr);
    in_thread(use, nullptr);
    child = fork();
    MUST(child >= 0);
    if (child == 0) {
        use(nullptr);
        _exit(0);
    }
    MUST(waitpid(child, &status, 0) == child && status == 0);
}

// --- The three ways ----------------------------------------------------------

static bool leaves(const place *p, void *it)
{
    try {
        p->call(it);
    } catch (const thrown &) {
        return true;
    }
    return false;
}

static void play_throw(const place *p)
{
    throws = true;
    void *it = p->make();
    MUST(leaves(p, it));
    p->look(it);
    use_all();
}

static const place *inner;

static void outer_listener(void *, void *it)
{
    MUST(leaves(inner, it));
    gcw_fail("the outer one");
}

static void outer_hook(void *handle, const char *, const char *why, void *heard)
{
    MUST(handle != nullptr && std::strcmp(why, "the outer one") == 0);
    ++*static_cast<int *>(heard);
}

static void play_fail(const place *p)
{
    int heard = 0;
    gcw_event *e = gcw_event_new(nullptr);
    throws = true;
    inner = p;
    void *it = p->make();
    MUST(gcw_event_on_error(e, outer_hook, &heard) == 0);
    MUST(gcw_event_connect_fn(e, outer_listener, it, 0) != nullptr);
    MUST(gcw_event_emit(e, nullptr) == 1);
    MUST(heard == 1);
    p->look(it);
    use_all();
}

static void *call_inner(void *it)
{
    inner->call(it);
    MUST(inner->call == unknown);
    return nullptr;
}

static void play_end(const place *p)
{
    throws = false;
    inner = p;
    void *it = p->make();
    in_thread(call_inner, it);
    p->look(it);
    use_all();
}

int main(int argc, char **argv)
{
    const place *p = argc == 3 ? find(argv[2]) : nullptr;
    MUST(p != nullptr && mode_set_up(std::getenv("GCWEAK_TEST_MODE")));
    alarm(60);
    GC_INIT();
    GC_allow_register_threads();
    MUST(gcw_init() == 0);
    if (std::strcmp(argv[1], "throw") == 0)
        play_throw(p);
    else if (std::strcmp(argv[1], "fail") == 0)
        play_fail(p);
    else
        play_end(p);
    return 0;
}
