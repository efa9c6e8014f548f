/* part.h: parts of the library, as forking and unloading see them.
 *
 * Each part that has locks, or that could call code which is unloaded, has a
 * row in one table (parts.c).  The order of the rows is the order of the locks
 * (lock.h).
 */
#ifndef GCW__PART_H
#define GCW__PART_H

struct gcw__range;

/* Each function may be NULL. */
struct gcw__part {
    const char *name;
    void (*prepare)(void);           /* before a fork: takes the locks */
    void (*parent)(void);            /* in the parent: gives them back */
    void (*child)(void);             /* in the child: the same, and mends what
                                      * other threads had begun */
    void (*unloading)(const struct gcw__range *range);   /* drops the callbacks
                                      * whose code lies in the range */
};

#endif
