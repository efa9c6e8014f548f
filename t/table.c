/* table.c: tests of how addresses are spread over tables, whatever the size of
 * a machine word.
 */
#include <config.h>

#include "ground/index.h"
#include "support.h"
#include "weak/shards.h"

#include <string.h>

/* Four for each shard. */
TEST(neighbours_in_the_heap_come_into_all_shards)
{
    enum { NEIGHBOURS = 4 * GCW__SHARDS, REGION = 1 << 15 };
    size_t used = 0, n[GCW__SHARDS] = { 0 };
    for (uintptr_t i = 1; i <= NEIGHBOURS; i++)
        used += n[gcw__shard_of_base(i * REGION) - gcw__shards]++ == 0;
    assert_int_equal(used, GCW__SHARDS);
}

/* As many hashes as heads: chance would leave a bit more than a third of the
 * heads unused. */
TEST(many_hashes_come_to_many_heads_of_an_index)
{
    enum { HEADS = 1 << 20, GRANULE = 16 };
    struct gcw__index index = { .heads = HEADS };
    char *is_used = GC_MALLOC_ATOMIC(HEADS);
    size_t used = 0;
    memset(is_used, 0, HEADS);
    for (uintptr_t i = 1; i <= HEADS; i++) {
        char *head = &is_used[gcw__index_head(&index, gcw__mix(i * GRANULE))];
        used += !*head;
        *head = 1;
    }
    assert_in_range(used, HEADS / 2, HEADS);
}
