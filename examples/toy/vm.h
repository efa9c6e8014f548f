/* vm.h: the running machine: its state, errors, safe points, and calls. */
#ifndef TOY_VM_H
#define TOY_VM_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <gc.h>

#include "parse.h"
#include "value.h"

/* Lies in uncollectable memory, so it is a root, wherever `vm` itself may
 * be, and until the very end: exit handlers run when main has returned. */
struct vm {
    const char *file;
    struct scope *globals;
    struct trap *trap;               /* the innermost, or NULL */
    struct string *error;            /* what the last one said */
    struct gcw_intern *symbols;      /* symbol.c */
    struct string *self, *init;      /* names that mean something */
    GC_word collections;             /* as many as were looked at */
    bool in_death;                   /* in a callback about a death */
    uintptr_t stack_base;
    size_t stack_size, stack_allowed;
};
extern struct vm *vm;

/* A call, for whom it goes to. */
struct call {
    const char *name;                /* of a built-in function */
    int line;
    size_t count;
    const struct value *args;        /* where the collector looks */
};

/* Starts the machine; base is a variable of main. */
void vm_start(const char *file, const void *base);

/* Makes built-in functions known under their names. */
void vm_define(struct builtin *builtins, size_t count);

/* Raises an error: control goes to the innermost trap, vm->error tells what
 * was wrong and where. */
_Noreturn void fail(int line, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/* Calls body(arg) with a trap around it, and puts back afterwards what of the
 * machine's state belongs to the body.  False: it has raised an error. */
bool attempt(void (*body)(void *arg), void *arg);

/* Raises an error if little of the stack is left. */
void check_stack(int line);

/* Where callbacks about deaths may run.  Deaths are found by collections, so
 * unless there was one since the last time there is nothing to do. */
void drain_deaths(void);

static inline void
safe_point(void)
{
    if (GC_get_gc_no() != vm->collections)
        drain_deaths();
}

/* eval.c */

void run_script(const struct node *script);
struct value call_value(struct value f, const struct call *c);

/* `self` is for methods; other functions know theirs, if any. */
struct value call_closure(struct closure *f, struct object *self,
                          const struct call *c);

/* What the name means to the object: a field, or else a method of its class;
 * or NULL. */
struct value *find_member(const struct instance *o,
                          const struct string *name);

/* symbol.c */

void symbols_start(void);

/* The one string with that text that is a symbol. */
struct string *symbol(const char *text, size_t length);

/* weak.c, and weaktable.c */

void weak_define(void);
void weaktable_define(void);

/* Calls a weak reference, a weak method, or a guardian. */
struct value weak_call(struct object *weak, const struct call *c);

/* Whether two weak references, or two weak methods, mean the same. */
bool weak_equal(const struct object *a, const struct object *b);

#endif
