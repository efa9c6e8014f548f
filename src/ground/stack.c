/* stack.c: what is on the stack that the calling thread runs on.
 *
 * The bounds of the thread's own stack are looked up once.  The stack of the
 * main thread grows; its bounds are those of the most that it can become.
 */
#include <config.h>
#include "ground/stack.h"

#include "ground/compiler.h"
#include "ground/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#if HAVE_UNWIND_BACKTRACE
# include <unwind.h>
#endif

struct bounds {
    uintptr_t start, end;            /* both 1: not known */
};

static struct bounds
bounds_of(pthread_t thread)
{
    struct bounds bounds = { 1, 1 };
#if HAVE_PTHREAD_GETATTR_NP
    pthread_attr_t attributes;
    int error = errno;
    void *start = NULL;
    size_t size = 0;

    gcw__cancel_off();
    if (pthread_getattr_np(thread, &attributes) == 0) {
        if (pthread_attr_getstack(&attributes, &start, &size) == 0)
            bounds = (struct bounds){ (uintptr_t)start,
                                      (uintptr_t)start + size };
        pthread_attr_destroy(&attributes);
    }
    gcw__cancel_on();
    errno = error;
#else
    (void)thread;
#endif
    return bounds;
}

static bool
are_within(struct bounds bounds, uintptr_t address)
{
    return address - bounds.start < bounds.end - bounds.start;
}

static struct bounds
own_bounds(void)
{
    static _Thread_local struct bounds own;

    if (own.end == 0)
        own = bounds_of(pthread_self());
    return own;
}

bool
gcw__stack_own(uintptr_t address)
{
    return are_within(own_bounds(), address);
}

static uintptr_t
mark_of(const struct gcw__marks *marks, size_t i)
{
    return ~(uintptr_t)&marks->words[i];
}

struct gcw__frame
gcw__frame_here(struct gcw__marks *marks)
{
    struct gcw__frame frame = { pthread_self(), 0, marks };

    for (size_t i = 0; i < GCW__MARKS; i++)
        marks->words[i] = mark_of(marks, i);
#ifdef SYS_gettid
    frame.id = syscall(SYS_gettid);
#endif
    return frame;
}

GCW__UNCHECKED bool
gcw__frame_is_overwritten(const struct gcw__frame *frame)
{
    const struct gcw__marks *marks = frame->marks;

    for (size_t i = 0; i < GCW__MARKS; i++)
        if (marks->words[i] != mark_of(marks, i))
            return true;
    return false;
}

/* The number that is the last word but one of the line, or 0. */
static uintptr_t
last_but_one(char *line)
{
    char *space = strrchr(line, ' ');

    if (space == NULL)
        return 0;
    *space = '\0';
    space = strrchr(line, ' ');
    return space == NULL ? 0 : (uintptr_t)strtoull(space, NULL, 16);
}

/* Asks the system for the stack pointer of a thread that waits; 0 if the
 * thread runs, or the system does not say.  False: there is no such thread. */
static bool
ask(long id, uintptr_t *stack)
{
    char path[64], line[256];
    FILE *file;

    *stack = 0;
    snprintf(path, sizeof path, "/proc/self/task/%ld/syscall", id);
    file = fopen(path, "re");
    if (file == NULL)
        return errno != ENOENT;
    if (fgets(line, sizeof line, file) != NULL)
        *stack = last_but_one(line);
    fclose(file);
    return true;
}

static bool
has_tasks(void)
{
    return access("/proc/self/task", F_OK) == 0;
}

bool
gcw__frame_of_other_is_over(const struct gcw__frame *frame)
{
    uintptr_t stack = 0, address = (uintptr_t)frame->marks;
    struct bounds bounds;
    bool there;

    if (frame->id == 0)
        return false;
    gcw__cancel_off();
    there = !has_tasks() || ask(frame->id, &stack);
    gcw__cancel_on();
    if (!there)
        return true;
    if (stack == 0)
        return false;
    bounds = bounds_of(frame->thread);
    return are_within(bounds, stack) && are_within(bounds, address)
           && (stack > address || gcw__frame_is_overwritten(frame));
}

#if HAVE_UNWIND_BACKTRACE

/* No function that is looked for is longer, in bytes. */
enum { LONGEST = 1024 };

struct search {
    void *function;
    bool found;
    bool cut;                        /* the last frame's function is unknown */
};

static _Unwind_Reason_Code
look_at_frame(struct _Unwind_Context *context, void *arg)
{
    struct search *search = arg;
    int before;
    uintptr_t at = _Unwind_GetIPInfo(context, &before);
    void *function = at == 0 ? NULL
                     : _Unwind_FindEnclosingFunction((void *)(at - !before));

    search->found = function == search->function;
    search->cut = at != 0 && function == NULL;
    return search->found ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

static struct search
unwind_to(void (*function)(void))
{
    struct search search = { (void *)function, false, false };

    _Unwind_Backtrace(look_at_frame, &search);
    return search;
}

bool
gcw__stack_calls(void (*function)(void))
{
    return unwind_to(function).found;
}

/* A return address may be the first one that is no more in the function.  Whose
 * function is unknown counts if it is near. */
static bool
returns_to(uintptr_t word, void *function)
{
    void *found;

    if (word - (uintptr_t)function - 1 >= LONGEST)
        return false;
    found = _Unwind_FindEnclosingFunction((void *)(word - 1));
    return found == function || found == NULL;
}

GCW__UNCHECKED static bool
any_returns_to(uintptr_t from, void *function)
{
    struct bounds own = own_bounds();

    if (from == 0 || !are_within(own, from))
        return false;
    for (; from < own.end; from += sizeof from)
        if (returns_to(*(const uintptr_t *)from, function))
            return true;
    return false;
}

bool
gcw__stack_may_call(void (*function)(void))
{
    struct search search = unwind_to(function);

    return search.found
           || (search.cut
               && any_returns_to((uintptr_t)__builtin_frame_address(0),
                                 search.function));
}

#else

bool
gcw__stack_calls(void (*function)(void))
{
    (void)function;
    return false;
}

bool
gcw__stack_may_call(void (*function)(void))
{
    return gcw__stack_calls(function);
}

#endif

GCW__UNCHECKED __attribute__((__noinline__)) void
gcw__clear_stack(void)
{
    volatile uintptr_t words[1024];

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        words[i] = 0;
}
