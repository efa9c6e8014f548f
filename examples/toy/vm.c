/* vm.c: errors and traps, the stack, safe points.
 *
 * An error leaves by longjmp to the innermost trap.  Each function of the
 * script that gcweak calls has a trap of its own around it (weak.c), so no
 * error ever jumps over gcweak's own frames.
 */
#include "vm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <gcweak.h>

struct vm *vm;

struct trap {
    jmp_buf escape;
    struct trap *outer;
    size_t stack_allowed;            /* outside, like the next */
    bool in_death;
};

static size_t
stack_size(void)
{
    enum { ENOUGH = 8 * 1024 * 1024 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur > ENOUGH)
        return ENOUGH;
    return limit.rlim_cur;
}

void
vm_start(const char *file, const void *base)
{
    vm = GC_MALLOC_UNCOLLECTABLE(sizeof *vm);
    if (vm == NULL) {
        fputs("toy: out of memory\n", stderr);
        exit(1);
    }
    vm->file = file;
    vm->globals = allocate(sizeof *vm->globals);
    symbols_start();
    vm->self = symbol("self", 4);
    vm->init = symbol("init", 4);
    vm->stack_base = (uintptr_t)base;
    vm->stack_size = stack_size();
}

void
vm_define(struct builtin *builtins, size_t count)
{
    for (struct builtin *b = builtins; b < builtins + count; b++) {
        struct string *name = symbol(b->name, strlen(b->name));
        *table_add(&vm->globals->names, name) = object(b);
    }
}

void
fail(int line, const char *format, ...)
{
    char what[200], all[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(all, sizeof all, "%s:%d: %s", vm->file, line, what);
    vm->error = string_new(all, strlen(all));
    longjmp(vm->trap->escape, 1);
}

/* A callback may run when the script has used all that it is allowed, and
 * shall not fail for that: what it is allowed is more. */
bool
attempt(void (*body)(void *arg), void *arg)
{
    struct trap trap = { .outer = vm->trap,
                         .stack_allowed = vm->stack_allowed,
                         .in_death = vm->in_death };
    volatile bool done = false;
    vm->stack_allowed = vm->stack_size / 4 * (vm->trap == NULL ? 2 : 3);
    vm->trap = &trap;
    if (setjmp(trap.escape) == 0) {
        body(arg);
        done = true;
    }
    vm->trap = trap.outer;
    vm->stack_allowed = trap.stack_allowed;
    vm->in_death = trap.in_death;
    return done;
}

/* The stack grows downwards. */
void
check_stack(int line)
{
    char here;
    if (vm->stack_base - (uintptr_t)&here > vm->stack_allowed)
        fail(line, "this goes too deep");
}

/* Not from within such a callback: the next would run before it is done. */
void
drain_deaths(void)
{
    if (vm->in_death)
        return;
    vm->collections = GC_get_gc_no();
    gcw_drain(0);
}
