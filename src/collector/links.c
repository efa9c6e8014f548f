/* links.c: pages of link words outside the collected heap.
 *
 * The links lie outside, because a link in the heap costs every collection a
 * look-up of its own object and the marking of it; next to each other, because
 * then looking for cleared links is a walk through an array.
 *
 * Pages come from regions of 64.  A region is never unmapped: that keeps every
 * page readable (see links.h).  The memory of a page that is given back goes
 * back to the system; its addresses stay.
 *
 * One lock, innermost.  A region is in the list exactly while it has a free
 * page.
 */
#include <config.h>
#include "collector/links.h"

#include "ground/lock.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 64 };

static const size_t page_size = GCW__PAGE_WORDS * sizeof(void *);

struct gcw__region {
    struct gcw__region *next;
    void *_Atomic *words;
    uint64_t free;           /* a bit a page */
};

/* All under the lock. */
static struct {
    pthread_mutex_t lock;
    struct gcw__region *first;
    size_t pages;
} pool = { PTHREAD_MUTEX_INITIALIZER, NULL, 0 };

static struct gcw__region *
region_new(void)
{
    struct gcw__region *region = malloc(sizeof *region);
    void *words;

    if (region == NULL)
        return NULL;
    words = mmap(NULL, PAGES * page_size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (words == MAP_FAILED) {
        free(region);
        return NULL;
    }
    region->words = words;
    region->free = UINT64_MAX;
    region->next = NULL;
    return region;
}

static void *_Atomic *
take_locked(struct gcw__region **result)
{
    struct gcw__region *region = pool.first;
    unsigned page;

    if (region == NULL) {
        region = region_new();
        if (region == NULL)
            return NULL;
        pool.first = region;
    }
    page = (unsigned)__builtin_ctzll(region->free);
    region->free &= region->free - 1;
    if (region->free == 0)
        pool.first = region->next;
    pool.pages++;
    *result = region;
    return region->words + (size_t)page * GCW__PAGE_WORDS;
}

void *_Atomic *
gcw__links_take(struct gcw__region **region, void *owner)
{
    void *_Atomic *page;

    gcw__lock(&pool.lock, true);
    page = take_locked(region);
    gcw__unlock(&pool.lock);
    if (page == NULL)
        return NULL;
    atomic_store_explicit(page, owner, memory_order_relaxed);
    return page + 1;
}

static void
give_memory_back(void *_Atomic *page)
{
#if HAVE_MADVISE
    if ((size_t)sysconf(_SC_PAGESIZE) <= page_size)
        madvise((void *)page, page_size, MADV_DONTNEED);
#else
    (void)page;
#endif
}

void
gcw__links_give(void *_Atomic *links, struct gcw__region *region)
{
    void *_Atomic *page = links - 1;
    size_t number = (size_t)(page - region->words) / GCW__PAGE_WORDS;

    give_memory_back(page);
    gcw__lock(&pool.lock, true);
    if (region->free == 0) {
        region->next = pool.first;
        pool.first = region;
    }
    region->free |= UINT64_C(1) << number;
    pool.pages--;
    gcw__unlock(&pool.lock);
}

size_t
gcw__links_pages(void)
{
    size_t pages;

    gcw__lock(&pool.lock, true);
    pages = pool.pages;
    gcw__unlock(&pool.lock);
    return pages;
}

static void
links_prepare(void)
{
    gcw__lock(&pool.lock, true);
}

static void
links_done(void)
{
    gcw__unlock(&pool.lock);
}

const struct gcw__part gcw__links_part = {
    "links", links_prepare, links_done, links_done, NULL
};
