/* proxy.c: function pointers made at run time, for methods.
 *
 * A proxy is a closure of libffi's, a few dozen bytes that are a function and
 * lead to a record, and that record, which has the rest.  The closure lies in
 * memory that the collector does not scan, so the library holds the record in
 * a list until the proxy is freed.
 *
 * A call comes on any thread, at any time.  It reads the target (read.h); the
 * pointer that it gets lies on its stack among the arguments that it hands on,
 * and keeps the target alive until the function has returned.  It takes no
 * lock of ours, unless the target is dead: then it takes one to read the hook.
 *
 * What a call needs of the record is read before the function runs, and the
 * signature is held from the stack, so the function may free its proxy: libffi
 * returns to the caller without coming back to the closure.  The thread may
 * be unknown to the collector, or within GC_do_blocking, as that of a loop
 * that waits there and calls back; so each call asks the collector, which
 * takes its lock for a moment.
 *
 * The lock here is for the list, the hooks and the signatures in use, and for
 * libffi's allocator as well, which a fork must not catch at work.
 */
#include <config.h>
#include "proxy/proxy.h"

#include "ground/code.h"
#include "ground/delay.h"
#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/roots.h"
#include "proxy/signature.h"
#include "proxy/trial.h"
#include "weak/enter.h"
#include "weak/ref.h"

#include <errno.h>
#include <string.h>

typedef void stale_hook(gcw_proxy *p, void *data);

struct gcw_proxy {
    gcw_ref *self;                   /* constant */
    struct gcw__signature *signature;    /* constant once it has a closure */
    gcw_proxy_fn *_Atomic fn;            /* NULL: its code was unloaded */
    gcw_proxy_fn *_Atomic code;          /* NULL: freed */
    /* Under the lock. */
    ffi_closure *closure;
    struct gcw__hook hook;           /* a stale_hook */
    gcw_proxy *prev, *next;
};

static pthread_mutex_t proxies_lock = PTHREAD_MUTEX_INITIALIZER;

/* Calling a proxy. */

static void
call_stale(gcw_proxy *p, void *result)
{
    struct gcw__hook hook;

    gcw__result_zero(p->signature->outer.rtype, result);
    hook = gcw__hook_get(&p->hook, &proxies_lock);
    if (hook.fn != NULL)
        ((stale_hook *)hook.fn)(p, hook.data);
    gcw__refused("the pointer of a proxy", ESTALE, "");
}

static void
call_live(struct gcw__signature *signature, gcw_proxy_fn *fn, void *self,
          void *result, void **arguments)
{
    void *values[signature->inner.nargs];

    values[0] = &self;
    memcpy(values + 1, arguments,
           signature->outer.nargs * sizeof *arguments);
    ffi_call(&signature->inner, fn, result, values);
    GCW__KEEP(self);
    GCW__KEEP(signature);
}

struct proxy_call {
    gcw_proxy *proxy;
    void *result, **arguments;
    int error;                       /* the caller's errno, and the callee's */
};

/* The thread is known to the collector. */
static void
call_known(void *arg)
{
    struct proxy_call *c = arg;
    gcw_proxy *p = c->proxy;
    gcw_proxy_fn *fn = atomic_load(&p->fn);
    void *self = gcw__read(p->self);

    GCW__DELAY(1);
    errno = c->error;
    if (self != NULL && fn != NULL)
        call_live(p->signature, fn, self, c->result, c->arguments);
    else
        call_stale(p, c->result);
    c->error = errno;
}

/* Called by libffi.  The function may end the thread, or throw; and may free
 * the proxy. */
static void
call_proxy(ffi_cif *outer, void *result, void **arguments, void *proxy)
{
    struct proxy_call c = { proxy, result, arguments, errno };

    if (!gcw__as_known(call_known, &c)) {
        gcw__result_zero(outer->rtype, result);
        c.error = EPERM;
    }
    errno = c.error;
}

/* Making a proxy.  The lock is held for what follows. */

/* libffi may have to ask the system for executable memory, by files. */
static ffi_closure *
closure_new(void **code)
{
    int before = errno;
    ffi_closure *closure;

    gcw__cancel_off();
    closure = ffi_closure_alloc(sizeof *closure, code);
    gcw__cancel_on();
    errno = before;
    return closure;
}

static bool
make_closure(gcw_proxy *p)
{
    void *code;
    ffi_closure *closure = closure_new(&code);

    if (closure == NULL)
        return false;
    if (ffi_prep_closure_loc(closure, &p->signature->outer, call_proxy, p,
                             code) != FFI_OK) {
        ffi_closure_free(closure);
        return false;
    }
    p->closure = closure;
    p->code = (gcw_proxy_fn *)code;
    return true;
}

static void
list_proxy(gcw_proxy *p)
{
    p->next = gcw__roots->proxies;
    if (p->next != NULL)
        p->next->prev = p;
    gcw__roots->proxies = p;
}

static void
delist_proxy(gcw_proxy *p)
{
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        gcw__roots->proxies = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    p->prev = p->next = NULL;
}

/* Another thread may have put an equal signature in use meanwhile. */
static bool
arm_proxy(gcw_proxy *p, struct gcw__signature *signature)
{
    struct gcw__signature *used = gcw__signature_find(signature->text);

    p->signature = used == NULL ? signature : used;
    if (!gcw__signature_hold(p->signature))
        return false;
    if (!make_closure(p)) {
        gcw__signature_release(p->signature);
        return false;
    }
    list_proxy(p);
    return true;
}

/* The lock is not held for what follows. */

static struct gcw__signature *
signature_in_use(const char *text)
{
    struct gcw__signature *signature;

    gcw__lock(&proxies_lock, true);
    signature = gcw__signature_find(text);
    gcw__unlock(&proxies_lock);
    return signature;
}

/* Reads a signature, and tries whether libffi keeps to it.  NULL with
 * errno. */
static struct gcw__signature *
signature_new(const char *text)
{
    size_t position;
    struct gcw__signature *signature = gcw__signature_read(text, &position);
    int error;

    if (signature == NULL || signature->structs == NULL)
        return signature;
    gcw__lock(&proxies_lock, true);
    gcw__cancel_off();
    error = gcw__trial(&signature->inner);
    gcw__cancel_on();
    gcw__unlock(&proxies_lock);
    return error == 0 ? signature : gcw__fail_null(error);
}

static struct gcw__signature *
signature_for(const char *text)
{
    struct gcw__signature *signature = signature_in_use(text);

    return signature == NULL ? signature_new(text) : signature;
}

static gcw_proxy *
proxy_of(gcw_ref *self, gcw_proxy_fn *fn, struct gcw__signature *signature)
{
    gcw_proxy *p = gcw__new(sizeof *p);
    bool armed;

    if (p == NULL)
        return gcw__fail_null(ENOMEM);
    p->self = self;
    atomic_init(&p->fn, fn);
    gcw__lock(&proxies_lock, true);
    armed = arm_proxy(p, signature);
    gcw__unlock(&proxies_lock);
    return armed ? p : gcw__fail_null(ENOMEM);
}

static gcw_proxy *
proxy_new(void *base, void *self, gcw_proxy_fn *fn, const char *text)
{
    struct gcw__signature *signature = signature_for(text);
    gcw_ref *ref = signature == NULL ? NULL
                                     : gcw__shard_ref(base, self, false);

    return ref == NULL ? NULL : proxy_of(ref, fn, signature);
}

/* libffi may leave anything in errno. */
gcw_proxy *
gcw_proxy_new(void *self, gcw_proxy_fn *fn, const char *signature)
{
    int before = errno;
    gcw_proxy *p;
    void *base;

    if (gcw__enter() != 0)
        return NULL;
    base = gcw__base(self);
    if (base == NULL || fn == NULL || signature == NULL)
        return gcw__refuse_null(EINVAL, "heap self, given fn, given signature",
                                self, (void *)fn, signature);
    p = proxy_new(base, self, fn, signature);
    if (p == NULL)
        return gcw__refuse_null(errno, errno == ENOTSUP
                                ? "because libffi cannot pass these"
                                  " types here"
                                : "because signature is none: see"
                                  " gcw_signature_check");
    errno = before;
    return p;
}

/* Asking and freeing. */

gcw_proxy_fn *
gcw_proxy_code(const gcw_proxy *p)
{
    gcw_proxy_fn *code = p == NULL ? NULL : atomic_load(&p->code);

    if (code == NULL)
        gcw__refuse(EINVAL, "given p, because p was freed", p);
    return code;
}

/* Frees the proxy; false if it was freed before.  Lock held. */
static bool
disarm_proxy(gcw_proxy *p)
{
    if (atomic_exchange(&p->code, NULL) == NULL)
        return false;
    ffi_closure_free(p->closure);
    gcw__signature_release(p->signature);
    delist_proxy(p);
    p->closure = NULL;
    p->hook = (struct gcw__hook){ NULL, NULL };
    return true;
}

int
gcw_proxy_free(gcw_proxy *p)
{
    bool freed;

    if (gcw__enter() != 0)
        return -1;
    if (p == NULL)
        return gcw__refuse_int(EINVAL, "given p", p);
    gcw__lock(&proxies_lock, true);
    freed = disarm_proxy(p);
    gcw__unlock(&proxies_lock);
    return freed ? 0 : gcw__refuse_int(EINVAL, "because p was freed before");
}

static bool
set_hook(gcw_proxy *p, stale_hook *hook, void *data)
{
    bool there;

    gcw__lock(&proxies_lock, true);
    there = atomic_load(&p->code) != NULL;
    if (there)
        p->hook = (struct gcw__hook){ (void (*)(void))hook,
                                      hook == NULL ? NULL : data };
    gcw__unlock(&proxies_lock);
    return there;
}

int
gcw_proxy_on_stale(gcw_proxy *p, void (*fn)(gcw_proxy *p, void *data),
                   void *data)
{
    void *base;

    if (gcw__enter() != 0)
        return -1;
    base = gcw__base(data);
    if (p == NULL || (base != NULL && base == gcw__base(gcw__read(p->self)))
        || !gcw__holdable(data) || !set_hook(p, fn, data))
        return gcw__refuse_int(EINVAL, "given p, held data, because data leads"
                               " into the object of p, or p was freed", p,
                               data);
    return 0;
}

int
gcw_signature_check(const char *signature, size_t *position)
{
    size_t ignored;

    if (position == NULL)
        position = &ignored;
    *position = 0;
    if (gcw__enter() != 0)
        return -1;
    if (signature == NULL)
        return gcw__refuse_int(EINVAL, "given signature", signature);
    return gcw__signature_read(signature, position) == NULL ? -1 : 0;
}

/* Looking at all proxies. */

size_t
gcw__proxies_count(void)
{
    size_t n = 0;

    gcw__lock(&proxies_lock, true);
    for (gcw_proxy *p = gcw__roots->proxies; p != NULL; p = p->next)
        n++;
    gcw__unlock(&proxies_lock);
    return n;
}

bool
gcw__proxies_have(const void *object)
{
    gcw_proxy *p;

    gcw__lock(&proxies_lock, true);
    for (p = gcw__roots->proxies; p != NULL && p != object; p = p->next)
        continue;
    gcw__unlock(&proxies_lock);
    return p != NULL;
}

/* Unloaded code, and forks. */

static void
proxies_unloading(const struct gcw__range *range)
{
    gcw__lock(&proxies_lock, true);
    for (gcw_proxy *p = gcw__roots->proxies; p != NULL; p = p->next) {
        if (gcw__in_range((uintptr_t)p->fn, range))
            p->fn = NULL;
        gcw__hook_drop(&p->hook, range);
    }
    gcw__unlock(&proxies_lock);
}

static void
proxies_prepare(void)
{
    gcw__lock(&proxies_lock, true);
}

static void
proxies_done(void)
{
    gcw__unlock(&proxies_lock);
}

const struct gcw__part gcw__proxy_part = {
    "proxy", proxies_prepare, proxies_done, proxies_done, proxies_unloading
};
