/* check.c: procedures: defining them, their arguments, and what the library says
 * of those. */
#include "gcweak-guile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>

#include <gc.h>

/* Constants of compiled code do not lie in the heap: they never die. */
bool
gcwg_collectable(SCM x)
{
    return SCM_HEAP_OBJECT_P(x) && GC_base(SCM_UNPACK_POINTER(x)) != NULL;
}

void *
gcwg_object(SCM x, int position, const char *who)
{
    if (!gcwg_collectable(x))
        scm_wrong_type_arg_msg(who, position, x, "collectable object");
    return SCM_UNPACK_POINTER(x);
}

void *
gcwg_object_or_any(SCM x, int position, const char *who)
{
    return scm_is_false(x) ? NULL : gcwg_object(x, position, who);
}

void
gcwg_check_procedure(SCM x, int position, const char *who)
{
    if (scm_is_false(scm_procedure_p(x)))
        scm_wrong_type_arg_msg(who, position, x, "procedure");
}

void
gcwg_check_callee(SCM x, int position, const char *who)
{
    if (!gcwg_is(GCWG_METHOD, x) && scm_is_false(scm_procedure_p(x)))
        scm_wrong_type_arg_msg(who, position, x,
                               "weak method or procedure");
}

/* Asked first, because Guile's own error for a number out of range names
 * neither procedure nor position, and in 3.0.8 cannot be printed. */
size_t
gcwg_count(SCM x, int position, const char *who)
{
    if (!scm_is_unsigned_integer(x, 0, SIZE_MAX))
        scm_wrong_type_arg_msg(who, position, x, "count");
    return scm_to_size_t(x);
}

size_t
gcwg_count_or_0(SCM x, int position, const char *who)
{
    return SCM_UNBNDP(x) ? 0 : gcwg_count(x, position, who);
}

int
gcwg_int_or_0(SCM x, int position, const char *who)
{
    if (SCM_UNBNDP(x))
        return 0;
    if (!scm_is_signed_integer(x, INT_MIN, INT_MAX))
        scm_wrong_type_arg_msg(who, position, x, "small integer");
    return scm_to_int(x);
}

char *
gcwg_name(SCM x, int position, const char *who)
{
    if (scm_is_false(x))
        return NULL;
    if (scm_is_symbol(x))
        x = scm_symbol_to_string(x);
    if (!scm_is_string(x))
        scm_wrong_type_arg_msg(who, position, x, "symbol, string or #f");
    return scm_to_utf8_string(x);
}

/* The port closes its descriptor when it is closed or collected. */
SCM
gcwg_port(int fd, const char *who)
{
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (own < 0)
        gcwg_failed(who);
    return scm_fdes_to_port(own, "r0", scm_from_utf8_string(who));
}

void
gcwg_failed(const char *who)
{
    if (errno == ENOMEM)
        scm_report_out_of_memory();
    if (errno == ESTALE)
        scm_error(scm_from_utf8_symbol("dead-object"), who,
                  "The object is dead", SCM_EOL, SCM_BOOL_F);
    scm_syserror(who);
}

void
gcwg_define(const struct gcwg_definition *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        scm_c_define_gsubr(table[i].name, table[i].required,
                           table[i].optional, table[i].rest,
                           table[i].function);
}
