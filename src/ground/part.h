/* part.h: parts of the library, as forking and unloading see them.
 *
 * Each part that has locks, or that could call code which is unloaded, has a
 * row in one table (parts.c).  The order of the rows is the order of the locks
 * (lock.h).
 */
#ifndef GCW__PART_H
#define GCW__PART_H

struct gcw__range;

/* Each may be NULL. */
struct gcw__part {
    const char *name;
    void (*prepare)(void);           /* before a fork: takes its locks */
    void (*parent)(void);            /* after it: gives them back, */
    void (*child)(void);             /* and makes whole what other threads
                                      * were at */
    void (*unloading)(const struct gcw__range *range);   /* what lies there
                                      * is not called any more */
};

#endif
