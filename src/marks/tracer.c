/* tracer.c: marking what an object leads to.
 *
 * The stack is ours, of entries as the collector's own mark stack has: the
 * beginning of an object, or of its rest, and its descriptor.  Objects are read
 * in pieces, so it is as deep as the deepest structure is, not as large as the
 * largest object.  It lies outside the heap, and grows by mremap, which is
 * allowed while the world is stopped; malloc is not, for a stopped thread may
 * have its lock.
 *
 * If it cannot grow, what should have been pushed is forgotten, unmarked, and
 * that this happened is remembered.  Then all marked objects of the heap are
 * read once more, until nothing was forgotten: slow, but it needs no memory.
 */
#include <config.h>
#include "marks/tracer.h"

#include "ground/compiler.h"

#include <errno.h>
#include <gc/gc_mark.h>
#include <limits.h>
#include <sys/mman.h>

/* As struct GC_ms_entry is laid out from 8.0 on; tried at the start. */
struct entry {
    char *start;
    GC_word descriptor;
};

enum { FIRST = 4096, PIECE = 128 * sizeof(GC_word) };

static struct {
    struct entry *entries, *top;     /* the newest, or entries - 1 */
    size_t capacity;
    GC_word own;                     /* the descriptor of our tables */
    bool forgot;
    const struct gcw__trace_calls *calls;
} trace;

size_t gcw__trace_most = SIZE_MAX;

/* Room for one more, and for the rest of an object below it. */
static bool
stack_has_room(void)
{
    size_t used = (size_t)(trace.top + 1 - trace.entries);

    return used + 2 <= trace.capacity && used + 2 <= gcw__trace_most;
}

static bool
grow_stack(void)
{
    size_t at = (size_t)(trace.top - trace.entries);
    size_t size = trace.capacity * sizeof *trace.entries;
    void *larger;

    if (trace.capacity * 2 > gcw__trace_most)
        return false;
    larger = mremap(trace.entries, size, 2 * size, MREMAP_MAYMOVE);
    if (larger == MAP_FAILED)
        return false;
    trace.entries = larger;
    trace.top = trace.entries + at;
    trace.capacity *= 2;
    return true;
}

static bool
is_in_heap(uintptr_t word)
{
    return word >= (uintptr_t)GC_least_plausible_heap_addr
           && word < (uintptr_t)GC_greatest_plausible_heap_addr;
}

/* An object that has a descriptor is pushed as it is marked. */
static void
push(uintptr_t word)
{
    struct entry *limit = trace.entries + trace.capacity;

    trace.top = (struct entry *)GC_mark_and_push(
        (void *)word, (struct GC_ms_entry *)trace.top,
        (struct GC_ms_entry *)limit, NULL);
}

/* The same, and reports it. */
static void
push_and_report(uintptr_t word)
{
    void *base = GC_base((void *)word);

    if (base == NULL || GC_is_marked(base))
        return;
    push(word);
    if (GC_is_marked(base))
        trace.calls->marked((uintptr_t)base);
}

static void
follow_pointer(uintptr_t word)
{
    if (!is_in_heap(word))
        return;
    if (!stack_has_room() && !grow_stack())
        trace.forgot = true;
    else if (trace.calls->marked == NULL)
        push(word);
    else
        push_and_report(word);
}

static GCW__UNCHECKED uintptr_t
load_word(const char *at)
{
    return *(const volatile uintptr_t *)at;
}

static void
follow_words(char *start, size_t bytes)
{
    for (size_t at = 0; at + sizeof(uintptr_t) <= bytes;
         at += sizeof(uintptr_t))
        follow_pointer(load_word(start + at));
}

/* The rest goes back on the stack, where there is room for it. */
static void
follow_piece(char *start, GC_word length)
{
    if (length > PIECE) {
        *++trace.top = (struct entry){ start + PIECE, length - PIECE };
        length = PIECE;
    }
    follow_words(start, length);
}

/* The highest bit stands for the first word. */
static void
follow_bitmap(char *start, GC_word bits)
{
    const GC_word highest = (GC_word)1 << (sizeof bits * CHAR_BIT - 1);

    for (bits &= ~(GC_word)GC_DS_TAGS; bits != 0; bits <<= 1) {
        if (bits & highest)
            follow_pointer(load_word(start));
        start += sizeof bits;
    }
}

/* The descriptor that the object has itself, or its type; 0: none. */
static GC_word
descriptor_in(const char *start, GC_word descriptor)
{
    uintptr_t type;

    if ((GC_signed_word)descriptor >= 0)
        return load_word(start + descriptor - GC_DS_PER_OBJECT);
    type = load_word(start);
    if (type == 0)
        return 0;
    return load_word((const char *)type
                     - ((GC_signed_word)descriptor
                        + (GC_INDIR_PER_OBJ_BIAS - GC_DS_PER_OBJECT)));
}

/* What another kind's procedure would find is in the object. */
static void
look_into(struct entry e)
{
    GC_word d = e.descriptor;

    while ((d & GC_DS_TAGS) == GC_DS_PER_OBJECT)
        d = descriptor_in(e.start, d);
    if ((d & GC_DS_TAGS) == GC_DS_LENGTH)
        follow_piece(e.start, d);
    else if ((d & GC_DS_TAGS) == GC_DS_BITMAP)
        follow_bitmap(e.start, d);
    else if (d == trace.own)
        trace.calls->table(e.start);
    else
        follow_words(e.start, GC_size(e.start));
}

void
gcw__trace_rest(void)
{
    while (trace.top >= trace.entries)
        look_into(*trace.top--);
}

/* What the caller asks for must not be forgotten: no marked object leads there. */
void
gcw__trace(uintptr_t word, const struct gcw__trace_calls *calls)
{
    trace.calls = calls;
    if (!stack_has_room())
        gcw__trace_rest();
    follow_pointer(word);
}

/* Of an object that is marked, what it leads to. */
static void
trace_again(void *object, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    GC_clear_mark_bit(object);
    push((uintptr_t)object);
    gcw__trace_rest();
}

bool
gcw__trace_is_complete(const struct gcw__trace_calls *calls)
{
    if (!trace.forgot)
        return true;
    trace.forgot = false;
    trace.calls = calls;
    GC_enumerate_reachable_objects_inner(trace_again, NULL);
    return false;
}

/* The start. */

/* Pushes one object. */
static bool
layout_is_known(void *object)
{
    struct entry entries[8] = { { NULL, 0 } }, *top;

    GC_clear_mark_bit(object);
    top = (struct entry *)GC_mark_and_push(
        object, (struct GC_ms_entry *)entries,
        (struct GC_ms_entry *)(entries + 8), NULL);
    return top == entries + 1 && top->start == (char *)object
           && (top->descriptor & GC_DS_TAGS) == GC_DS_LENGTH
           && top->descriptor >= 64 && top->descriptor <= GC_size(object);
}

static int
get_stack(void)
{
    void *memory = mmap(NULL, FIRST * sizeof *trace.entries,
                        PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0);

    if (memory == MAP_FAILED)
        return ENOMEM;
    trace.entries = memory;
    trace.top = trace.entries - 1;
    trace.capacity = FIRST;
    return 0;
}

int
gcw__tracer_start(GC_word own, void *object)
{
    trace.own = own;
    if (!layout_is_known(object))
        return ENOTSUP;
    return trace.entries == NULL ? get_stack() : 0;
}
