/* failing.c: memory that runs out when a test wants it to.  See failing.h. */
#include <config.h>
#include "failing.h"
#include "support.h"

#include <errno.h>
#if HAVE_LIBFFI
# include <ffi.h>
#endif
#include <gc.h>
#include <gc/gc_inline.h>
#include <gc/gc_mark.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>

enum allocator {
#define ALLOCATOR(type, name, parameters, arguments, failure) AT_##name,
#define SILENT_ALLOCATOR(name, parameters, arguments) AT_##name,
    ALLOCATORS(ALLOCATOR, SILENT_ALLOCATOR)
#undef ALLOCATOR
#undef SILENT_ALLOCATOR
    N_ALLOCATORS
};

static const char *const names[] = {
#define ALLOCATOR(type, name, parameters, arguments, failure) #name,
#define SILENT_ALLOCATOR(name, parameters, arguments) #name,
    ALLOCATORS(ALLOCATOR, SILENT_ALLOCATOR)
#undef ALLOCATOR
#undef SILENT_ALLOCATOR
};

static size_t times[N_ALLOCATORS];

/* How many allocations are left until the one that fails; 0: none fails. */
static _Thread_local size_t countdown;
static _Thread_local bool in_use, to_last, all_fail;
static _Thread_local const char *only;
static _Thread_local void (*to_call)(void *data);
static _Thread_local void *to_call_with;
static _Thread_local size_t failures;

/* Those of the collector and of libffi need not leave anything sensible in
 * errno. */
static int
error_of(enum allocator allocator)
{
    const char *name = names[allocator];
    return strncmp(name, "GC_", 3) == 0 || strncmp(name, "ffi_", 4) == 0
         ? EDOM : ENOMEM;
}

static bool
is_to_fail(enum allocator allocator)
{
    if (only != NULL)
        return strcmp(only, names[allocator]) == 0
               && (countdown <= 1 || countdown-- == 0);
    if (to_call != NULL && strncmp(names[allocator], "GC_malloc", 9) != 0
        && strcmp(names[allocator], "GC_register_long_link") != 0)
        return false;
    return all_fail || (countdown != 0 && --countdown == 0);
}

static bool
fails(enum allocator allocator)
{
    if (!is_to_fail(allocator))
        return false;
    if (to_call != NULL) {
        failures++;
        to_call(to_call_with);
        return false;
    }
    all_fail = all_fail || to_last;
    failures++;
    times[allocator]++;
    errno = error_of(allocator);
    return true;
}

/* As GC_pthread_create does where sem_wait first tries, in musl. */
static void
upset_errno(void)
{
    if (in_use)
        errno = EILSEQ;
}

#define ALLOCATOR(type, name, parameters, arguments, failure)               \
    type __real_##name parameters;                                          \
    type __wrap_##name parameters;                                          \
    type __wrap_##name parameters                                           \
    {                                                                       \
        type result = failure;                                              \
        if (!fails(AT_##name)) {                                            \
            result = __real_##name arguments;                               \
            if (result != failure)                                          \
                upset_errno();                                              \
        }                                                                   \
        return result;                                                      \
    }
#define SILENT_ALLOCATOR(name, parameters, arguments)                       \
    void __real_##name parameters;                                          \
    void __wrap_##name parameters;                                          \
    void __wrap_##name parameters                                           \
    {                                                                       \
        if (!fails(AT_##name)) {                                            \
            __real_##name arguments;                                        \
            upset_errno();                                                  \
        }                                                                   \
    }
ALLOCATORS(ALLOCATOR, SILENT_ALLOCATOR)

void
failing_begin(size_t n, bool lasting)
{
    in_use = true;
    failures = 0;
    to_last = lasting;
    countdown = n;
}

void
failing_begin_all(void)
{
    in_use = true;
    failures = 0;
    all_fail = true;
}

void
failing_begin_only(const char *name)
{
    in_use = true;
    failures = 0;
    only = name;
}

void
failing_begin_from(const char *name, size_t n)
{
    failing_begin_only(name);
    countdown = n;
}

void
failing_call(size_t n, void (*fn)(void *data), void *data)
{
    failing_begin(n, false);
    to_call = fn;
    to_call_with = data;
}

size_t
failing_end(void)
{
    in_use = false;
    countdown = 0;
    to_call = NULL;
    only = NULL;
    to_last = all_fail = false;
    return failures;
}

size_t
failing_count(void)
{
    return N_ALLOCATORS;
}

const char *
failing_name(size_t i)
{
    return names[i];
}

size_t
failing_times(size_t i)
{
    return times[i];
}

static int
leave_out(void)
{
    return test_skip_all("needs shared libraries of the collector and of C,"
                         " whose own calls do not fail");
}

int (*
failing_is_left_out(void))(void)
{
    return names_are_known() ? NULL : leave_out;
}
