/* sortby.c: qsort with a comparison that belongs to an object.
 *
 * qsort takes a bare function pointer: there is no room to say which column
 * to sort by, or which way round.  A global variable would do, until two
 * sorts are at work at once, one inside the other or on two threads.  A proxy
 * does better: it is a pointer for qsort, and calls a method of an object,
 * which knows the column, and may count or remember what it likes.
 *
 * The object is an ordinary one of the collected heap.  That somebody has the
 * pointer does not keep it alive.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gc.h>
#include <gcweak.h>

struct ship {
    const char *name;
    int built;
    double length;       /* metres */
};

static struct ship ships[] = {
    { "Cutty Sark", 1869, 85.4 },
    { "Vasa", 1627, 69.0 },
    { "Gorch Fock", 1958, 89.3 },
    { "Fram", 1892, 38.9 },
    { "Endurance", 1912, 43.9 },
};
enum { SHIPS = sizeof ships / sizeof *ships };

enum column { NAME, BUILT, LENGTH };

/* How to sort, and how much work it was. */
struct order {
    enum column column;
    int backwards;
    unsigned comparisons;
};

typedef int comparator(const void *a, const void *b);

/* The story ends here if something is not as it must be. */
static void
check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "sortby: %s\n", what);
    exit(1);
}

static int
compare_column(enum column column, const struct ship *a, const struct ship *b)
{
    switch (column) {
    case NAME:
        return strcmp(a->name, b->name);
    case BUILT:
        return (a->built > b->built) - (a->built < b->built);
    default:
        return (a->length > b->length) - (a->length < b->length);
    }
}

/* The method: what qsort calls, with self in front. */
static int
compare(struct order *self, const void *a, const void *b)
{
    int result = compare_column(self->column, a, b);
    self->comparisons++;
    return self->backwards ? -result : result;
}

static struct order *
order_new(enum column column, int backwards)
{
    struct order *order = GC_NEW(struct order);
    check(order != NULL, "no memory");
    order->column = column;
    order->backwards = backwards;
    return order;
}

/* "pp)i": called with two pointers, returns an int. */
static gcw_proxy *
comparison(struct order *order)
{
    gcw_proxy *p = gcw_proxy_new(order, (void (*)(void))compare, "pp)i");
    if (p == NULL)
        fprintf(stderr, "sortby: gcw_proxy_new: %s\n", strerror(errno));
    check(p != NULL, "no proxy");
    return p;
}

static void
show(void)
{
    for (int i = 0; i < SHIPS; i++)
        printf("   %-11s %d  %.1f m\n", ships[i].name, ships[i].built,
               ships[i].length);
}

static void
sort(comparator *code)
{
    qsort(ships, SHIPS, sizeof *ships, code);
}

/* One function, three objects. */
static void
three_orders(void)
{
    struct order *by_name = order_new(NAME, 0);
    struct order *oldest = order_new(BUILT, 0);
    struct order *longest = order_new(LENGTH, 1);
    struct order *orders[] = { by_name, oldest, longest };
    const char *titles[] = { "by name", "the oldest first",
                             "the longest first" };
    for (int i = 0; i < 3; i++) {
        gcw_proxy *p = comparison(orders[i]);
        sort((comparator *)gcw_proxy_code(p));
        printf("%d. Sorted %s, in %u comparisons:\n", i + 1, titles[i],
               orders[i]->comparisons);
        show();
        check(orders[i]->comparisons >= SHIPS - 1, "too few comparisons");
        check(gcw_proxy_free(p) == 0, "cannot free a proxy");
    }
}

static void
hear(gcw_proxy *p, void *data)
{
    (void)p;
    ++*(unsigned *)data;
}

/* Who has the pointer may come too late. */
static void
too_late(void)
{
    static unsigned stale_calls;
    struct order *order = order_new(NAME, 0);
    gcw_proxy *p = comparison(order);
    comparator *code = (comparator *)gcw_proxy_code(p);
    check(gcw_proxy_on_stale(p, hear, &stale_calls) == 0, "no hook");
    printf("4. An order is disposed of, but its comparison is still about.\n");
    check(gcw_dispose(order) == 0, "cannot dispose of an order");
    errno = 0;
    int result = code(&ships[0], &ships[1]);
    check(result == 0 && errno == ESTALE, "a stale call was not stale");
    printf("   It finds all ships equal (%d), and says: %s.\n", result,
           errno == ESTALE ? "ESTALE" : "nothing");
    check(stale_calls == 1, "the hook was not called");
    printf("   Its hook has heard of %u call that came too late.\n",
           stale_calls);
    check(gcw_proxy_free(p) == 0, "cannot free a proxy");
}

int
main(void)
{
    GC_INIT();
    three_orders();
    too_late();
    return 0;
}
