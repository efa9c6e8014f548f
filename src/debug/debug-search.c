/* debug-search.c: a chain of objects from a root to a target.
 *
 * The search goes in breadth, under the collector's lock: objects that were
 * reached are in a list, each with the word that led to it, and the list is
 * gone through from its beginning while it grows.  So the first chain that is
 * found is a shortest one.  A table has the objects that are in the list.
 *
 * The target's address is hidden (hidden.h), so that neither the collection
 * nor the search finds it in the search itself.
 *
 * Words are taken for pointers as the collector takes them: any word that
 * leads into an object counts, one into its middle from the heap or from
 * static data only if the collector follows such.  Objects that the collection
 * before has not marked are passed over at first, for they are free, or new.
 * None is passed over where marks mean nothing, because the collector marks
 * bit by bit or not at all.
 *
 * Other threads run, but cannot allocate, so nothing is freed meanwhile; what
 * they change in objects may be missed.  Memory comes from mmap.  Static data
 * is read within dl_iterate_phdr, as the collector does, so that no shared
 * object is unloaded meanwhile.
 */
#include <config.h>
#include "debug/debug-search.h"

#include "collector/collector.h"
#include "collector/objects.h"
#include "ground/hidden.h"
#include "ground/roots.h"
#include "ground/stack.h"
#include "ground/table.h"

#include <gc/gc_mark.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

/* An object that was reached. */
struct node {
    uintptr_t base;
    uintptr_t word;                  /* where the pointer to it is; 0: it is
                                      * uncollectable */
    size_t from;                     /* the number of the object that the word
                                      * is in; or a root */
};

/* Numbers that stand for roots. */
#define ROOT(root) (SIZE_MAX - (size_t)(root))
#define IS_ROOT(from) ((from) >= ROOT(GCW__ROOT_COLLECTOR))

struct search {
    uintptr_t hidden, hidden_base;   /* the caller's pointer, and the beginning
                                      * of its object */
    uintptr_t stack, stack_bottom;
    bool use_marks;
    bool interior;                   /* pointers into the middle count
                                      * everywhere */
    struct node *nodes;
    size_t capacity, n, done;        /* of `nodes` */
    struct gcw__table numbers;       /* of nodes, from 1 on, by base */
    size_t found;                    /* the target's number; SIZE_MAX: none */
    bool no_memory;
    size_t from;                     /* the object or root that is followed */
    enum gcw__root wanted;           /* which static data to follow */
    bool is_program;                 /* the first object is the program */
    struct gcw__chain *chain;
    enum gcw__found result;
};

/* Memory. */

static void *
get(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    /* cppcheck-suppress memleak ; it is returned */
    return p == MAP_FAILED ? NULL : p;
}

static void
give(void *p, size_t size)
{
    if (p != NULL)
        munmap(p, size);
}

static void
give_all(struct search *s)
{
    give(s->nodes, s->capacity * sizeof *s->nodes);
    give(s->numbers.entries, s->numbers.capacity * sizeof(struct gcw__entry));
    s->nodes = NULL;
    s->numbers = (struct gcw__table){ NULL, 0, 0 };
    s->capacity = 0;
}

/* Moves the nodes to memory for so many.  False: there is none. */
static bool
move_nodes(struct search *s, size_t capacity)
{
    struct node *nodes = get(capacity * sizeof *nodes);

    if (nodes == NULL)
        return false;
    if (s->n != 0)
        memcpy(nodes, s->nodes, s->n * sizeof *nodes);
    give(s->nodes, s->capacity * sizeof *nodes);
    s->nodes = nodes;
    s->capacity = capacity;
    return true;
}

static bool
move_numbers(struct search *s, size_t capacity)
{
    size_t old = s->numbers.capacity;
    struct gcw__entry *entries = get(capacity * sizeof *entries);

    if (entries == NULL)
        return false;
    give(gcw__table_move(&s->numbers, entries, capacity),
         old * sizeof *entries);
    return true;
}

/* The table is half full at most. */
static bool
grow(struct search *s)
{
    size_t capacity = s->capacity == 0 ? 4096 : s->capacity * 2;

    s->no_memory = !move_nodes(s, capacity) || !move_numbers(s, 2 * capacity);
    return !s->no_memory;
}

/* Reaching objects. */

static void
reach(struct search *s, uintptr_t base, uintptr_t word)
{
    size_t at = gcw__table_place(base);

    if (gcw__table_next(&s->numbers, base, &at) != NULL
        || (s->n == s->capacity && !grow(s)))
        return;
    s->nodes[s->n] = (struct node){ base, word, s->from };
    gcw__table_insert(&s->numbers, base, (void *)(uintptr_t)++s->n);
    if (base == ~s->hidden_base)
        s->found = s->n - 1;
}

static bool
search_is_over(const struct search *s)
{
    return s->found != SIZE_MAX || s->no_memory;
}

static void
follow_word(struct search *s, uintptr_t pointer, uintptr_t word, bool interior)
{
    uintptr_t base;

    if (pointer < (uintptr_t)GC_least_plausible_heap_addr
        || pointer >= (uintptr_t)GC_greatest_plausible_heap_addr)
        return;
    base = (uintptr_t)GC_base((void *)pointer);
    if (base == 0 || (base != pointer && !interior)
        || (s->use_marks && !GC_is_marked((void *)base)))
        return;
    reach(s, base, word);
}

static GCW__UNCHECKED uintptr_t
load(uintptr_t word)
{
    return *(const volatile uintptr_t *)word;
}

static void
follow_all(struct search *s, uintptr_t begin, uintptr_t end, bool interior)
{
    uintptr_t word = (begin + sizeof word - 1) & ~(sizeof word - 1);

    for (; word + sizeof word <= end && !search_is_over(s);
         word += sizeof word)
        follow_word(s, load(word), word, interior);
}

static void
follow_object(struct search *s, size_t number)
{
    uintptr_t base = s->nodes[number].base;
    size_t size;

    if (gcw__is_pointer_free((void *)base))
        return;
    GC_get_kind_and_size((void *)base, &size);
    s->from = number;
    follow_all(s, base, base + size, s->interior);
}

static void
follow_reached(struct search *s)
{
    while (s->done < s->n && !search_is_over(s))
        follow_object(s, s->done++);
}

/* Roots. */

static void
reach_uncollectable(void *object, size_t size, void *arg)
{
    struct search *s = arg;

    (void)size;
    if (gcw__is_uncollectable(object) && !search_is_over(s))
        reach(s, (uintptr_t)object, 0);
}

static bool
has_collector(const struct dl_phdr_info *object)
{
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;

        if (segment->p_type == PT_LOAD
            && (uintptr_t)GC_base - start < segment->p_memsz)
            return true;
    }
    return false;
}

static void
follow_segments(struct search *s, const struct dl_phdr_info *object)
{
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;

        if (segment->p_type == PT_LOAD && segment->p_flags & PF_W)
            follow_all(s, start, start + segment->p_memsz, s->interior);
    }
}

/* If the program contains the collector, their static data is one: it counts
 * as the program's. */
static int
follow_shared_object(struct dl_phdr_info *object, size_t size, void *arg)
{
    struct search *s = arg;
    bool collectors = !s->is_program && has_collector(object);

    (void)size;
    s->is_program = false;
    if (collectors == (s->wanted == GCW__ROOT_COLLECTOR))
        follow_segments(s, object);
    return search_is_over(s);
}

static void
follow_static_data(struct search *s, enum gcw__root which)
{
    s->from = ROOT(which);
    s->wanted = which;
    s->is_program = true;
    if (which == GCW__ROOT_COLLECTOR || !GC_get_no_dls())
        dl_iterate_phdr(follow_shared_object, s);
}

static void
follow_stack(struct search *s)
{
    s->from = ROOT(GCW__ROOT_STACK);
    /* The stack grows upwards on very few machines. */
    if (s->stack < s->stack_bottom)  /* GCOVR_EXCL_BR_LINE */
        follow_all(s, s->stack, s->stack_bottom, true);
    else
        follow_all(s, s->stack_bottom, s->stack, true); /* GCOVR_EXCL_LINE */
}

/* Follows the roots in the order in which they are of use to the caller. */
static void
follow_roots(struct search *s)
{
    s->from = ROOT(GCW__ROOT_UNCOLLECTABLE);
    GC_enumerate_reachable_objects_inner(reach_uncollectable, s);
    follow_static_data(s, GCW__ROOT_STATIC);
    follow_reached(s);
    if (!search_is_over(s))
        follow_stack(s);
    follow_reached(s);
    if (!search_is_over(s))
        follow_static_data(s, GCW__ROOT_COLLECTOR);
    follow_reached(s);
}

/* The chain, from its end. */

static void
remember_step(struct gcw__chain *chain, size_t number, const struct node *node,
              size_t at)
{
    struct gcw__step step = { (char *)node->base, 0, at };

    GC_get_kind_and_size(step.object, &step.size);
    if (number < GCW__STEPS)
        chain->first[number] = step;
    else if (number + GCW__STEPS >= chain->length)
        chain->last[number + GCW__STEPS - chain->length] = step;
}

static size_t
length_of(const struct search *s)
{
    size_t n = 1;

    for (size_t i = s->found; !IS_ROOT(s->nodes[i].from);
         i = s->nodes[i].from)
        n++;
    return n;
}

static void
make_chain(struct search *s, size_t at)
{
    struct gcw__chain *chain = s->chain;
    const struct node *node = &s->nodes[s->found];
    size_t number;

    number = chain->length = length_of(s);
    for (;;) {
        remember_step(chain, --number, node, at);
        if (number == 0)
            break;
        at = node->word - s->nodes[node->from].base;
        node = &s->nodes[node->from];
    }
    chain->root = (enum gcw__root)(SIZE_MAX - node->from);
    chain->word = node->word;
}

/* Searches once more, without regard to marks: if no chain was found to an
 * object that is marked, it may lead through objects that are new since the
 * collection, made by a finalizer or another thread. */
static void
follow_unmarked(struct search *s)
{
    give_all(s);
    s->n = s->done = 0;
    s->use_marks = false;
    follow_roots(s);
}

/* Whether the target is marked.  An unmarked one may be freed by now. */
static bool
target_is_marked(const struct search *s)
{
    void *target = gcw__reveal(s->hidden_base);

    return GC_base(target) == target && GC_is_marked(target);
}

static enum gcw__found
search_all(struct search *s)
{
    bool marks = s->use_marks;

    follow_roots(s);
    if (!search_is_over(s) && marks) {
        if (!target_is_marked(s))
            return GCW__NOT_MARKED;
        follow_unmarked(s);
    }
    if (s->no_memory)
        return GCW__NO_MEMORY;
    if (s->found != SIZE_MAX)
        return GCW__FOUND;
    return marks ? GCW__NOT_FOUND : GCW__NOT_KNOWN;
}

static void *
search_locked(void *arg)
{
    struct search *s = arg;

    s->result = search_all(s);
    if (s->result == GCW__FOUND)
        make_chain(s, s->hidden_base - s->hidden);
    give_all(s);
    return NULL;
}

/* Searches with all that this thread has on its stack from this frame on. */
static __attribute__((__noinline__)) void
search_from_here(struct search *s)
{
    s->stack = (uintptr_t)__builtin_frame_address(0);
    gcw__with_lock(search_locked, s);
}

static __attribute__((__noinline__)) uintptr_t
hidden_base(uintptr_t hidden)
{
    return gcw__hide(GC_base(gcw__reveal(hidden)));
}

/* The registers are put on the stack, for they are the caller's. */
enum gcw__found
gcw__search(uintptr_t hidden, struct gcw__chain *out)
{
    struct search s = { .hidden = hidden, .found = SIZE_MAX, .chain = out };
    struct GC_stack_base base;

    GC_get_my_stackbottom(&base);
    s.stack_bottom = (uintptr_t)base.mem_base;
    s.hidden_base = hidden_base(hidden);
    gcw__clear_stack();
    GC_gcollect();
    s.use_marks = !GC_is_disabled() && !GC_is_incremental_mode();
    s.interior = GC_get_all_interior_pointers();
    __builtin_unwind_init();
    search_from_here(&s);
    return s.result;
}
