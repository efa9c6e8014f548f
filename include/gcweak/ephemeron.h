/* ephemeron.h: single ephemerons.
 *
 * An ephemeron is one key and one value.  It holds the value as long as it and
 * the key are alive, and does not hold the key, even where the value leads to
 * it.  Once the key has died both read NULL.  What is said in map.h of the
 * entries of maps with weak keys holds for ephemerons: when they go, what may be
 * a key, and which threads may call.
 */
#ifndef GCWEAK_EPHEMERON_H
#define GCWEAK_EPHEMERON_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_ephemeron gcw_ephemeron;

/* A new ephemeron.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns NULL with errno: EINVAL (`key` is no heap object; `value` is NULL, or
 * would not be held, see base.h), EPERM, ENOMEM; ENOTSUP as gcw_map_new.
 * Cost: 32 bytes, and a word of malloc memory.  After Scheme's
 * make-ephemeron. */
gcw_ephemeron *gcw_ephemeron_new(const void *key, void *value);

/* The key, as a strong pointer, or NULL once it has died.
 *
 * Any known thread; also from finalizers and callbacks.  NULL with errno EINVAL
 * if `e` is NULL.  Cost: a few loads; no lock. */
void *gcw_ephemeron_key(const gcw_ephemeron *e);

/* The value, as a strong pointer, or NULL once the key has died; as
 * gcw_ephemeron_key. */
void *gcw_ephemeron_value(const gcw_ephemeron *e);

#ifdef __cplusplus
}
#endif

#endif
