/* cache.c: what is computed from an object is remembered as long as that lives,
 * though the result leads back to it. */
#include <stdio.h>
#include <string.h>
#include <gc.h>
#include <gcweak.h>

struct page { char text[40]; };

struct layout {
    struct page *page;       /* back to the key: a plain table would leak */
    size_t width;
};

static gcw_map *layouts;
static size_t asked, computed;

static struct layout *
compute(struct page *page)
{
    struct layout *layout = GC_NEW(struct layout);

    computed++;
    layout->page = page;
    layout->width = strlen(page->text);
    return layout;
}

/* Any thread may ask: of two that compute, one's layout is everybody's. */
static struct layout *
layout_of(struct page *page)
{
    struct layout *layout = gcw_map_get(layouts, page);

    asked++;
    if (layout == NULL)
        layout = gcw_map_setdefault(layouts, page, compute(page));
    return layout;
}

/* Pages that nobody keeps. */
static void
read_book(int pages)
{
    for (int i = 0; i < pages; i++) {
        struct page *page = GC_NEW(struct page);

        snprintf(page->text, sizeof page->text, "page %d", i);
        layout_of(page);
        layout_of(page);
    }
}

int
main(void)
{
    layouts = gcw_map_new(GCW_WEAK_KEYS);
    struct page *title = GC_NEW(struct page);
    strcpy(title->text, "Weak things");
    struct layout *first = layout_of(title);

    read_book(10000);
    printf("asked %zu times, computed %zu times\n", asked, computed);
    gcw_collect();
    size_t left = gcw_map_count(layouts);
    printf("of pages that nobody keeps, at most a few are left: %s\n",
           left < 100 ? "yes" : "no");
    printf("the title page still has its layout: %s\n",
           layout_of(title) == first ? "yes" : "no");
    return 0;
}
