/* exit-handler.c: what a handler is. */
#include <config.h>
#include "exit/exit.h"

#include "weak/method.h"

pthread_mutex_t gcw__exit_lock = PTHREAD_MUTEX_INITIALIZER;

uintptr_t
gcw__exit_code(const gcw_exit_handler *h)
{
    /* There are no other kinds. */
    switch ((enum gcw__exit_kind)h->kind) {  /* GCOVR_EXCL_BR_LINE */
    case GCW__METHOD:
        return (uintptr_t)h->call.method->fn;
    case GCW__FUNCTION:
        return (uintptr_t)h->call.function;
    case GCW__PLAIN:
        break;
    }
    return (uintptr_t)h->call.plain;
}

const char *
gcw__exit_name(const gcw_exit_handler *h)
{
    return h->has_extra ? h->more.extra->name : NULL;
}
