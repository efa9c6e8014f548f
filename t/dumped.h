/* dumped.h: what gcw_dump says. */
#ifndef DUMPED_H
#define DUMPED_H

#include "log.h"

#include <gcweak/debug.h>
#include <stdio.h>

/* In malloc memory, for the caller to free. */
static NOINLINE char *
dumped(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    MUST(out != NULL);
    gcw_dump(out);
    MUST(fclose(out) == 0);
    return text;
}

#endif
