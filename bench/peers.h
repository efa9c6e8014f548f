/* peers.h: events of other libraries, to stand beside those of gcweak.
 *
 * Each peer lies in a file of its own, which is compiled only where configure
 * found the library.  It has one signal, whose argument is a pointer, and n
 * objects with a counter each.  A listener counts in its object, and is held
 * in the way in which that library lets go of it when the object dies.
 */
#ifndef PEERS_H
#define PEERS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peer {
    void (*open)(size_t n);             /* no listeners yet */
    void *(*connect)(size_t i);         /* object i; the listener */
    void (*disconnect)(void *listener);
    void (*emit)(size_t times);
    size_t (*calls)(void);              /* the sum of all counters */
};

#ifdef HAVE_BOOST_SIGNALS2
extern const struct peer peer_boost;
#endif
#ifdef HAVE_GOBJECT
extern const struct peer peer_glib;
#endif

/* Prints which of them are not in this program. */
void print_missing_peers(void);

#ifdef __cplusplus
}
#endif

#endif
