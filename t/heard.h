/* heard.h: an error hook that remembers what it heard. */
#ifndef HEARD_H
#define HEARD_H

#include "log.h"

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
    heard->times += name == NULL || *name != '\0';
    heard->handle = handle;
    copy_heard(heard->name, name);
    copy_heard(heard->why, why);
}

/* A hook that fails too; its data is a word. */
static inline void
failing_hook(void *handle, const char *name, const char *why, void *word)
{
    (void)handle, (void)name, (void)why;
    note(word);
    gcw_fail("the hook, too");
}

#endif
