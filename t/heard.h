/* heard.h: an error hook that remembers what it heard. */
#ifndef HEARD_H
#define HEARD_H

#include <stdio.h>
#include "support.h"

struct heard {
    int times;
    void *handle;
    char name[64], why[64];
};

static inline void
copy_heard(char to[64], const char *from)
{
    snprintf(to, 64, "%s", from != NULL ? from : "(null)");
}

/* The hook; its data is a struct heard. */
static inline void
hear(void *handle, const char *name, const char *why, void *data)
{
    struct heard *heard = data;
    heard->times++;
    heard->handle = handle;
    copy_heard(heard->name, name);
    copy_heard(heard->why, why);
}

#endif
