/* links.h: pages of link words outside the collected heap.
 *
 * The first word of a page leads to its owner, so that the owner is found from
 * any of the links behind it.
 *
 * A page that was handed out once stays readable for ever, also after it has
 * been given back: a reader that was delayed may still look at it.  What it
 * reads there means nothing, and the protocol of read.h discards it.
 */
#ifndef GCW__LINKS_H
#define GCW__LINKS_H

#include "ground/part.h"

#include <stddef.h>
#include <stdatomic.h>
#include <stdint.h>

struct gcw__region;

enum { GCW__PAGE_WORDS = 512, GCW__LINKS_IN_PAGE = GCW__PAGE_WORDS - 1 };

/* Takes a page: GCW__LINKS_IN_PAGE words with any contents.  NULL: no memory.
 * *region is set for gcw__links_give. */
void *_Atomic *gcw__links_take(struct gcw__region **region, void *owner);

/* Gives the page back. */
void gcw__links_give(void *_Atomic *links, struct gcw__region *region);

/* The number of the link among those of its page. */
static inline unsigned
gcw__link_number(void *_Atomic *link)
{
    return (uintptr_t)link / sizeof *link % GCW__PAGE_WORDS - 1;
}

/* The owner of the link's page. */
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
