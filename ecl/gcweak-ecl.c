/* gcweak-ecl.c: the C half of the module for ECL.
 *
 * Calls into Lisp out of the library's frames.  They happen at exit, in the runs of
 * registries with a limit, and nowhere else in a program that is all Lisp.  No way out of Lisp may jump over
 * those frames, so each is caught here: the callback has failed then.  The
 * thread may be one that ECL does not know, for any thread may call exit.
 */
#include <ecl/ecl.h>

#include "gcweak-ecl.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Calls (gcweak::call-at-exit function self status info) in Lisp, where self may
 * be NIL, and info is, for what is no exit handler. */
static void
call_lisp_with(void *function, void *self, gcw_exit_info *info)
{
    bool foreign = ecl_process_env_unsafe() == NULL &&
        ecl_import_current_thread(ECL_NIL, ECL_NIL);
    cl_env_ptr env = ecl_process_env();
    volatile bool returned = false;

    ECL_CATCH_ALL_BEGIN(env) {
        cl_funcall(5, ecl_make_symbol("CALL-AT-EXIT", "GCWEAK"),
                   (cl_object)function, self ? (cl_object)self : ECL_NIL,
                   ecl_make_fixnum(info == NULL ? 0 : info->status),
                   gcwe_wrap(info));
        returned = true;
    } ECL_CATCH_ALL_IF_CAUGHT {
    } ECL_CATCH_ALL_END;
    if (!returned)
        gcw_failed("left by a transfer of control");
    if (foreign)
        ecl_release_current_thread();
}

static void
call_lisp(void *function, void *self)
{
    call_lisp_with(function, self, NULL);
}

void *
gcwe_method(void *self, void *arg, void *data)
{
    (void)arg;
    call_lisp(data, self);
    return NULL;
}

void *
gcwe_exit_method(void *self, void *info, void *data)
{
    call_lisp_with(data, self, info);
    return NULL;
}

/* A function is a method of the anchor: so it is told the status, and found by
 * what it is. */
void *
gcwe_exit_function(void *anchor, void *info, void *data)
{
    (void)anchor;
    call_lisp_with(data, NULL, info);
    return NULL;
}

void
gcwe_function(void *data)
{
    call_lisp(data, NULL);
}

void
gcwe_listener(void *arg, void *data)
{
    (void)arg;
    call_lisp(data, NULL);
}

void
gcwe_hub_listener(const gcw_emission *emission, void *data)
{
    (void)emission;
    call_lisp(data, NULL);
}

void
gcwe_death(gcw_method *m, void *data)
{
    (void)m;
    call_lisp(data, NULL);
}

/* --- Stepping -------------------------------------------------------------- */

typedef void any_function(void);

static bool
is_ours(any_function *f)
{
    return f == (any_function *)gcwe_method ||
        f == (any_function *)gcwe_exit_method ||
        f == (any_function *)gcwe_exit_function ||
        f == (any_function *)gcwe_function ||
        f == (any_function *)gcwe_listener ||
        f == (any_function *)gcwe_hub_listener ||
        f == (any_function *)gcwe_death;
}

cl_object
gcwe_call_function(const gcw_call *call)
{
    return is_ours(call->fn) ? (cl_object)call->data : ECL_NIL;
}

cl_object
gcwe_call_self(const gcw_call *call)
{
    return call->self != NULL && call->fn != (any_function *)gcwe_exit_function
        ? (cl_object)call->self : ECL_NIL;
}

cl_object
gcwe_copy_call(const gcw_call *call)
{
    gcw_call *copy = ecl_alloc(sizeof *copy);

    *copy = *call;
    return ecl_make_pointer(copy);
}

cl_object
gcwe_posted(const gcw_hub_step *step)
{
    return (cl_object)step->emission.arg;
}

cl_object
gcwe_wrap(void *handle)
{
    return handle != NULL ? ecl_make_pointer(handle) : ECL_NIL;
}

cl_object
gcwe_new_step(size_t bytes)
{
    return ecl_make_pointer(ecl_alloc(bytes));
}

/* --- Exit handlers --------------------------------------------------------- */

static const gcw_exit_info *
info_of(cl_object info)
{
    return ecl_foreign_data_pointer_safe(info);
}

cl_object
gcwe_info_registry(cl_object info)
{
    return gcwe_wrap(info_of(info)->registry);
}

cl_object
gcwe_info_handler(cl_object info)
{
    return gcwe_wrap(info_of(info)->handler);
}

static cl_object
describe(const gcw_exit_entry *entry)
{
    return cl_list(5, gcwe_wrap(entry->handler), gcwe_string(entry->name),
                   ecl_make_integer(entry->level),
                   entry->running ? ECL_T : ECL_NIL,
                   entry->has_age ? ecl_make_unsigned_integer(entry->age)
                   : ECL_NIL);
}

/* Others may register more between the two calls: then once more. */
cl_object
gcwe_handlers(gcw_exit_registry *r)
{
    gcw_exit_entry *entries = NULL;
    cl_object list = ECL_NIL;
    size_t room = 0, n;

    while ((n = gcw_exit_list(r, entries, room)) > room) {
        room = n + n / 8;
        entries = ecl_alloc(room * sizeof *entries);
    }
    if (n == 0)
        return ECL_NIL;
    while (n > 0)
        list = ecl_cons(describe(&entries[--n]), list);
    errno = 0;
    return list;
}

/* --- Values ---------------------------------------------------------------- */

/* A number or a character has all bits in use, so it could be taken for the
 * address of something in the heap, and hold that, or be refused for it.  But
 * the second bit of these is always set, as it is in no pointer: rotated, it
 * is the highest, which no address of a process has. */
#if UINTPTR_MAX > 0xffffffff
enum { BITS = 64 };
static const uintptr_t high = (uintptr_t)1 << (BITS - 1), mark = 2;

void *
gcwe_word(cl_object x)
{
    uintptr_t word = (uintptr_t)x;

    return (void *)(word & mark ? word >> 2 | word << (BITS - 2) : word);
}

cl_object
gcwe_value(void *pointer)
{
    uintptr_t word = (uintptr_t)pointer;

    return (cl_object)(word & high ? word << 2 | word >> (BITS - 2) : word);
}
#else
/* Where any word may be an address, a number that is that of something in the
 * heap holds it; one that leads into the middle of something is refused. */
void *
gcwe_word(cl_object x)
{
    return x;
}

cl_object
gcwe_value(void *pointer)
{
    return pointer;
}
#endif

cl_object
gcwe_value_or_nil(void *pointer)
{
    return pointer != NULL ? gcwe_value(pointer) : ECL_NIL;
}

void *
gcwe_object_or_null(cl_object x)
{
    return x == ECL_NIL ? NULL : x;
}

bool
gcwe_collectable(cl_object x)
{
    return !ECL_FIXNUMP(x) && !ECL_CHARACTERP(x) && GC_base(x) != NULL;
}

/* Writes a character in UTF-8, and returns the end. */
static unsigned char *
put_character(unsigned char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (unsigned char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (unsigned char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (unsigned char)(0xe0 | c >> 12);
        } else {
            *to++ = (unsigned char)(0xf0 | c >> 18);
            *to++ = (unsigned char)(0x80 | (c >> 12 & 0x3f));
        }
        *to++ = (unsigned char)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (unsigned char)(0x80 | (c & 0x3f));
    return to;
}

const char *
gcwe_name(cl_object string)
{
    cl_index length, i;
    unsigned char *name, *to;

    if (string == ECL_NIL)
        return NULL;
    length = (cl_index)ecl_length(string);
    to = name = ecl_alloc_atomic(4 * length + 1);
    for (i = 0; i < length; i++)
        to = put_character(to, (unsigned)ecl_char(string, i));
    *to = 0;
    return (const char *)name;
}

/* Reads a character, and returns the end.  Names that C gives may be no UTF-8:
 * then it is some character, and the end is not behind theirs. */
static const unsigned char *
get_character(const unsigned char *from, ecl_character *c)
{
    unsigned more = *from < 0xc0 ? 0 : *from < 0xe0 ? 1 : *from < 0xf0 ? 2 : 3;

    *c = more == 0 ? *from : *from & (0x3fu >> more);
    for (from++; more > 0 && (*from & 0xc0) == 0x80; more--)
        *c = (*c << 6 | (*from++ & 0x3f)) & 0x1fffff;
    if (*c >= ECL_CHAR_CODE_LIMIT)
        *c = 0xfffd;
    return from;
}

cl_object
gcwe_string(const char *name)
{
    const unsigned char *from = (const unsigned char *)name, *at;
    ecl_character c;
    cl_index length = 0, i;
    cl_object string;

    if (name == NULL)
        return ECL_NIL;
    for (at = from; *at != 0; length++)
        at = get_character(at, &c);
    string = ecl_alloc_simple_extended_string(length);
    for (i = 0; i < length; i++) {
        from = get_character(from, &c);
        ecl_char_set(string, i, c);
    }
    return string;
}

/* --- Signals --------------------------------------------------------------- */

/* The thread that waits for a signal is none of ECL's until then: so EXT:QUIT
 * need not end it. */

enum { PATIENCE = 1000 };            /* milliseconds */

static atomic_bool exit_claimed, program_waits;
static int signal_fd;
static sem_t left_lisp;              /* the thread is none of ECL's again */

bool
gcwe_claim_exit(void)
{
    return !atomic_exchange(&exit_claimed, true);
}

static void
exit_has_begun(void)
{
    atomic_store(&exit_claimed, true);
}

/* Has the Lisp process quit that asked for that. */
static void
have_it_quit(void)
{
    cl_env_ptr env;

    if (!ecl_import_current_thread(ECL_NIL, ECL_NIL))
        return;
    env = ecl_process_env();
    ECL_CATCH_ALL_BEGIN(env) {
        cl_funcall(1, ecl_make_symbol("HAVE-IT-QUIT", "GCWEAK"));
    } ECL_CATCH_ALL_IF_CAUGHT {
    } ECL_CATCH_ALL_END;
    ecl_release_current_thread();
    sem_post(&left_lisp);
}

void
gcwe_await_release(void)
{
    while (sem_wait(&left_lisp) != 0)
        continue;
}

/* Since ECL takes itself down in exit, the thread must be one of its own. */
static void
exit_here(void)
{
    ecl_import_current_thread(ECL_NIL, ECL_NIL);
    gcw_exit_by_signal(0);
}

static void *
wait_for_signal(void *unused)
{
    struct pollfd signal = { .fd = signal_fd, .events = POLLIN };

    while (poll(&signal, 1, -1) <= 0)
        continue;
    if (atomic_load(&program_waits) || atomic_load(&exit_claimed))
        return unused;
    have_it_quit();
    poll(NULL, 0, PATIENCE);
    if (gcwe_claim_exit())
        exit_here();
    return unused;
}

/* All but what the collector needs. */
static void
signals_to_block(sigset_t *set)
{
    sigfillset(set);
    sigdelset(set, GC_get_suspend_signal());
    sigdelset(set, GC_get_thr_restart_signal());
    sigdelset(set, SIGSEGV);
    sigdelset(set, SIGBUS);
    sigdelset(set, SIGFPE);
    sigdelset(set, SIGILL);
}

static int
make_signal_thread(void)
{
    sigset_t block, before;
    pthread_t thread;
    int error;

    signals_to_block(&block);
    pthread_sigmask(SIG_BLOCK, &block, &before);
    error = pthread_create(&thread, NULL, wait_for_signal, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        pthread_detach(thread);
    return error;
}

/* In a child all begins anew. */
static void
begin_signals(void)
{
    static pid_t process;

    if (process == getpid())
        return;
    if (process == 0)
        atexit(exit_has_begun);
    process = getpid();
    sem_init(&left_lisp, 0, 0);
    signal_fd = -1;
    atomic_store(&exit_claimed, false);
    atomic_store(&program_waits, false);
}

int
gcwe_await_signals(void)
{
    int fd;

    begin_signals();
    if (signal_fd >= 0 || atomic_load(&program_waits))
        return 0;
    fd = gcw_exit_signal_fd();
    if (fd < 0)
        return -1;
    signal_fd = fd;
    errno = make_signal_thread();
    if (errno == 0)
        return 0;
    signal_fd = -1;
    return -1;
}

int
gcwe_signal_fd(void)
{
    int fd = gcw_exit_signal_fd();

    begin_signals();
    if (fd >= 0)
        atomic_store(&program_waits, true);
    return fd;
}

/* --- The system ------------------------------------------------------------ */

const char *
gcwe_errno_name(int number)
{
    switch (number) {
    case EAGAIN: return "EAGAIN";
    case EBUSY: return "EBUSY";
    case EINVAL: return "EINVAL";
    case EMFILE: return "EMFILE";
    case ENFILE: return "ENFILE";
    case ENOMEM: return "ENOMEM";
    case ENOTSUP: return "ENOTSUP";
    case EOVERFLOW: return "EOVERFLOW";
    case EPERM: return "EPERM";
    case ESHUTDOWN: return "ESHUTDOWN";
    case ESTALE: return "ESTALE";
    default: return "UNKNOWN";
    }
}

void
gcwe_poll(int fd, int milliseconds)
{
    struct pollfd wanted = { .fd = fd, .events = POLLIN };

    poll(&wanted, 1, milliseconds);
}
