/* debug.h: what the files that look inside share. */
#ifndef GCW__DEBUG_H
#define GCW__DEBUG_H

#include "debug/walk.h"
#include "ground/part.h"

#include <gcweak/debug.h>

/* Which event, pattern of a hub, or registry it is. */
void gcw__print_table_name(FILE *out, const struct gcw__table_seen *table);

/* What GCWEAK_DEBUG=leak asks for, if it is asked for; when the process begins to
 * exit. */
void gcw__report_leaks(void);

extern const struct gcw__part gcw__explain_part;

#endif
