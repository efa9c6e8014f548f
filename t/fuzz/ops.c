/* ops.c: a fuzz target: operations on the public interface, against an oracle.
 *
 * The input is a program: each byte says what to do next, or what to do it
 * to.  Callbacks go on reading where the operation that called them stood, so
 * the operations nest.  t/oracle/oracle.h says what is held against what.
 *
 * At the end of its world an input has nothing left that the next one could
 * meet.  GCWEAK_FUZZ_TELL in the environment tells on stderr what is done.
 */
#include "../oracle/oracle.h"
#include "fuzz.h"

enum { LONGEST = 1024 };         /* what is behind it, is not read */

static const uint8_t *at, *end;

/* A byte decides, or two, if one is not enough; at the end, zeros. */
unsigned
below(unsigned n)
{
    unsigned word = at == end ? 0 : *at++;

    if (n > 256 && at != end)
        word = word * 256 + *at++;
    return word % n;
}

/* Those that are wanted more often stand more often. */
static const struct operation *const operations[] = {
    &op_refer, &op_refer, &op_read_ref, &op_read_ref, &op_dispose, &op_dispose,
    &op_drop, &op_drop, &op_collect, &op_only_collect, &op_make_method,
    &op_invoke, &op_look_at_method, &op_make_cleanup, &op_make_cleanup,
    &op_watch_method, &op_look_at_cleanup, &op_set_at_exit, &op_detach,
    &op_run_cleanup, &op_drain, &op_drain_some, &op_poll, &op_connect,
    &op_connect, &op_connect, &op_emit, &op_emit, &op_emit, &op_disconnect,
    &op_disconnect_equal, &op_block, &op_unblock, &op_look_at_listener,
    &op_post, &op_dispatch, &op_measure, &op_register, &op_register,
    &op_run_registry, &op_run_registry, &op_unregister, &op_unregister_fn,
    &op_make_proxy, &op_call_proxy, &op_call_proxy, &op_free_proxy, &op_lead,
    &op_lead, &op_put, &op_put, &op_set_default, &op_replace, &op_get, &op_get,
    &op_remove, &op_count, &op_walk, &op_chain, &op_dispose_map,
    &op_make_ephemeron, &op_read_ephemeron, &op_intern, &op_intern,
    &op_find_interned, &op_count_interned, &op_add_member, &op_add_member,
    &op_has_member, &op_remove_member, &op_count_set, &op_walk_set,
    &op_dispose_set, &op_add_method, &op_add_method, &op_add_cycle,
    &op_has_method, &op_remove_method, &op_count_methods, &op_invoke_set,
    &op_dispose_methods, &op_register_data, &op_ask_id, &op_unregister_method,
    &op_unregister_object, &op_clear, &op_list,
    &op_disconnect_object, &op_mute, &op_unmute, &op_unmute,
    &op_stop_emission, &op_has_listeners, &op_list_listeners, &op_make_queue,
    &op_dispose_queue, &op_drain_queue, &op_step_queue, &op_look_at_queue,
};

void
operate(void)
{
    if (at != end)
        perform(operations[below(sizeof operations / sizeof *operations)]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct setting setting = {
        .slots = 6, .events = 2, .hub = true, .registries = 2, .maps = 4,
        .busy = 4
    };

    at = bytes;
    end = bytes + (n < LONGEST ? n : LONGEST);
    world_begin(&setting);
    while (at != end)
        operate();
    world_end();
    return 0;
}
