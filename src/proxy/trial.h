/* trial.h: whether libffi passes arguments as it says.  See trial.c. */
#ifndef GCW__TRIAL_H
#define GCW__TRIAL_H

#include <ffi.h>

/* Makes a call with these arguments.  Returns 0, ENOTSUP if they do not arrive
 * as they were, or ENOMEM.  Under the proxies' lock. */
int gcw__trial(ffi_cif *cif);

#endif
