/* label.h: names of handles.  See label.c. */
#ifndef GCW__LABEL_H
#define GCW__LABEL_H

/* What gcw_listener_set_name and its like do, and gcw_listener_name: for a
 * function of that name, with the words for its argument (weak/refuse.h).  No
 * lock held. */
int gcw__label_set(const char *function, const char *words, void *handle,
                   const char *name);
const char *gcw__label_get(const char *function, const char *words,
                           const void *handle);

/* The name of the handle, or NULL; collected memory.  No lock held. */
const char *gcw__label_of(const void *handle);

#endif
