/* set.c: weak sets: maps whose entries have a mark for a value. */
#include <config.h>
#include "map/maps.h"

#include "weak/enter.h"
#include "weak/ref.h"

#include <gcweak/set.h>

struct gcw_set {
    gcw_map map;
};

/* It leads nowhere. */
enum { MARK = 1 };

gcw_set *
gcw_set_new(void)
{
    if (gcw__enter() != 0)
        return NULL;
    return (gcw_set *)gcw__map_make(GCW__MEMBERS, NULL, &gcw__set_ops);
}

int
gcw_set_add(gcw_set *s, const void *member)
{
    struct gcw__map_change c = { .room.map = (gcw_map *)s,
                                 .function = __func__,
                                 .key = (uintptr_t)member, .value = MARK,
                                 .what = GCW__DEFAULT };
    void *base;

    if (gcw__enter() != 0)
        return -1;
    base = gcw__base(member);
    if (s == NULL || base == NULL)
        return gcw__refuse_int(EINVAL, "given s, heap member", s, member);
    c.interior = base != member;
    if (!gcw__map_change(&c))
        return -1;
    return c.was == 0;
}

bool
gcw_set_has(const gcw_set *s, const void *member)
{
    uintptr_t value;

    if (gcw__enter() != 0)
        return false;
    if (s == NULL || member == NULL)
        return gcw__refuse_false(EINVAL, "given s, given member", s, member);
    value = gcw__map_look_up(&s->map, (uintptr_t)member, 0);
    GCW__KEEP(member);
    GCW__KEEP(s);
    return value != 0;
}

bool
gcw_set_remove(gcw_set *s, const void *member)
{
    struct gcw__map_change c = { .room.map = (gcw_map *)s,
                                 .function = __func__,
                                 .key = (uintptr_t)member,
                                 .what = GCW__REMOVE };

    if (gcw__enter() != 0)
        return false;
    if (s == NULL || member == NULL)
        return gcw__refuse_false(EINVAL, "given s, given member", s, member);
    return gcw__map_change(&c) && c.was != 0;
}

size_t
gcw_set_count(gcw_set *s)
{
    return gcw__map_entries((gcw_map *)s, __func__, "given s");
}

void
gcw_set_first(gcw_set *s, gcw_set_iter *i)
{
    gcw__map_begin((gcw_map *)s, i == NULL ? NULL : &i->entries, __func__,
                   "given s");
}

bool
gcw_set_next(gcw_set_iter *i, void **member)
{
    void *mark;

    if (i == NULL || member == NULL)
        return gcw__refuse_false(EINVAL, "given i, given member", i, member);
    return gcw_map_next(&i->entries, member, &mark);
}
