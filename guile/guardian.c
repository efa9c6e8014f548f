/* guardian.c: guardians.
 *
 * What a program calls is an object of gcweak.scm, which can be applied; here
 * is the handle within.
 */
#include "gcweak-guile.h"

#include <errno.h>

static SCM
make_guardian(void)
{
    gcw_guardian *g = gcw_guardian_new();

    if (g == NULL)
        gcwg_failed("make-weak-guardian");
    return gcwg_wrap(GCWG_GUARDIAN, g);
}

static SCM
guardian_add(SCM guardian, SCM object, SCM representative)
{
    static const char who[] = "weak-guardian";
    gcw_guardian *g = gcwg_handle(GCWG_GUARDIAN, guardian, 0, who);
    void *target = gcwg_object(object, 1, who);
    void *other = SCM_UNBNDP(representative) ? NULL
        : gcwg_word(representative);

    if (gcw_guardian_add(g, target, other) != 0)
        gcwg_failed(who);
    scm_remember_upto_here(guardian, object, representative);
    return SCM_UNSPECIFIED;
}

static SCM
guardian_next(SCM guardian)
{
    static const char who[] = "weak-guardian";
    gcw_guardian *g = gcwg_handle(GCWG_GUARDIAN, guardian, 0, who);
    void *next;

    errno = 0;
    next = gcw_guardian_next(g);
    if (next == NULL && errno != 0)
        gcwg_failed(who);
    scm_remember_upto_here_1(guardian);
    return gcwg_value_or_false(next);
}

static int
descriptor(SCM guardian, const char *who)
{
    int fd = gcw_guardian_fd(gcwg_handle(GCWG_GUARDIAN, guardian, 1, who));

    if (fd < 0)
        gcwg_failed(who);
    return fd;
}

static SCM
guardian_file_descriptor(SCM guardian)
{
    int fd = descriptor(guardian, "weak-guardian-file-descriptor");

    scm_remember_upto_here_1(guardian);
    return scm_from_int(fd);
}

static SCM
guardian_port(SCM guardian)
{
    static const char who[] = "weak-guardian-port";
    SCM port = gcwg_port(descriptor(guardian, who), who);

    scm_remember_upto_here_1(guardian);
    return port;
}

static const struct gcwg_definition definitions[] = {
    { "%make-guardian", 0, 0, 0, make_guardian },
    { "%guardian-add", 2, 1, 0, guardian_add },
    { "%guardian-next", 1, 0, 0, guardian_next },
    { "%guardian-file-descriptor", 1, 0, 0, guardian_file_descriptor },
    { "%guardian-port", 1, 0, 0, guardian_port },
};

void
gcwg_guardian_init(void)
{
    GCWG_DEFINE(definitions);
}
