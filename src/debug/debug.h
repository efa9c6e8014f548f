/* debug.h: what the files of this room, and the process's end, share. */
#ifndef GCW__DEBUG_H
#define GCW__DEBUG_H

#include "debug/walk.h"
#include "ground/part.h"

#include <gcweak/debug.h>

/* Prints which event, pattern of a hub, or registry it is. */
void gcw__print_table_name(FILE *out, const struct gcw__table_seen *table);

/* Prints the report of GCWEAK_DEBUG=leak, if that is set; at exit. */
void gcw__report_leaks(void);

extern const struct gcw__part gcw__explain_part;

#endif
