/* label.h: names of handles.  See label.c. */
#ifndef GCW__LABEL_H
#define GCW__LABEL_H

/* Gives the object, which is a handle of the library's and which the caller
 * holds, a name, which is copied, in the place of any other; NULL takes it
 * away.  Returns 0 or an errno.  No lock held. */
int gcw__label_set(void *handle, const char *name);

/* The name of the handle, or NULL; collected memory.  No lock held. */
const char *gcw__label_of(const void *handle);

#endif
