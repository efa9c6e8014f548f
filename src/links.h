/* links.h: pages of link words outside the collected heap.
 *
 * A page that was handed out once stays readable for ever, also after it has
 * been given back: a reader that was delayed may still look at it.  What it
 * reads there means nothing, and read.h sees that.
 */
#ifndef GCW__LINKS_H
#define GCW__LINKS_H

#include <stddef.h>
#include <stdatomic.h>

struct gcw__region;

enum { GCW__LINKS_IN_PAGE = 512 };

/* A page of GCW__LINKS_IN_PAGE words with any contents, or NULL if memory ran
 * out.  *region is for giving it back. */
void *_Atomic *gcw__links_take(struct gcw__region **region);
void gcw__links_give(void *_Atomic *page, struct gcw__region *region);

/* How many pages are in use. */
size_t gcw__links_pages(void);

void gcw__links_fork_prepare(void);
void gcw__links_fork_done(void);

#endif
