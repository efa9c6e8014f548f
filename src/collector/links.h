/* links.h: pages of link words outside the collected heap.
 *
 * The first word of a page leads to its owner, so that this is found from any
 * of the links behind it.
 *
 * A page that was handed out once stays readable for ever, also after it has
 * been given back: a reader that was delayed may still look at it.  What it
 * reads there means nothing, and read.h sees that.
 */
#ifndef GCW__LINKS_H
#define GCW__LINKS_H

#include "ground/part.h"

#include <stddef.h>
#include <stdatomic.h>
#include <stdint.h>

struct gcw__region;

enum { GCW__PAGE_WORDS = 512, GCW__LINKS_IN_PAGE = GCW__PAGE_WORDS - 1 };

/* GCW__LINKS_IN_PAGE words with any contents, or NULL if memory ran out.
 * *region is for giving them back. */
void *_Atomic *gcw__links_take(struct gcw__region **region, void *owner);
void gcw__links_give(void *_Atomic *links, struct gcw__region *region);

/* Which of its page's links it is. */
static inline unsigned
gcw__link_number(void *_Atomic *link)
{
    return (uintptr_t)link / sizeof *link % GCW__PAGE_WORDS - 1;
}

/* Whose page it is in. */
static inline void *
gcw__link_owner(void *_Atomic *link)
{
    return atomic_load_explicit(link - gcw__link_number(link) - 1,
                                memory_order_relaxed);
}

/* How many pages are in use. */
size_t gcw__links_pages(void);

extern const struct gcw__part gcw__links_part;

#endif
