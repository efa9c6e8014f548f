/* name.c: names of functions, given by the program.
 *
 * What is kept is a table of the ground (names.c).  Here is only what it takes
 * to be safe at forks, for names may be given before anything else is called.
 */
#include <config.h>
#include "ground/fail.h"
#include "ground/names.h"
#include "process/start.h"
#include "weak/refuse.h"

#include <gcweak/method.h>

int
gcw_name_function(void (*code)(void), const char *name)
{
    int before = errno, error;

    if (code == NULL)
        return gcw__refuse_int(EINVAL, "given code", (void *)code);
    error = gcw__start_early();
    if (error == 0 && !gcw__function_set_name((uintptr_t)code, name))
        error = ENOMEM;
    errno = before;
    return error == 0 ? 0 : gcw__fail_int(error);
}
