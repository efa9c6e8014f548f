/* gcweak-guile.c: loads the extension. */
#include "gcweak-guile.h"

static SCM
version(void)
{
    return scm_from_utf8_string(gcw_version());
}

static const struct gcwg_definition definitions[] = {
    { "gcweak-version", 0, 0, 0, version },
};

/* Once, however often the module is loaded.  The library comes first: what is
 * set up for exit later comes earlier then. */
void gcw_guile_init(void);

void
gcw_guile_init(void)
{
    static bool loaded;

    if (loaded)
        return;
    if (gcw_init() != 0)
        gcwg_failed("gcweak");
    loaded = true;
    GCWG_DEFINE(definitions);
    gcwg_handle_init();
    gcwg_call_init();
    gcwg_failure_init();
    gcwg_mailbox_init();
    gcwg_step_init();
    gcwg_method_init();
    gcwg_drain_init();
    gcwg_cleanup_init();
    gcwg_event_init();
    gcwg_hub_init();
    gcwg_exit_init();
    gcwg_exit_list_init();
    gcwg_signal_init();
    gcwg_map_init();
    gcwg_ephemeron_init();
    gcwg_guardian_init();
}
