/* peers.h: what gcweak stands beside.
 *
 * Libraries are linked with the program where configure found them.  Other
 * languages are programs beside this file, found in the path when the
 * benchmark runs.  One of those is started as
 *
 *     INTERPRETER PROGRAM JOB SIZE THREADS HANDLES
 *
 * and behaves like every contestant's process; see measure.c.  What a job is
 * called stands in the scenes.  With the job `version` it prints its name and
 * version and ends.
 */
#ifndef PEERS_H
#define PEERS_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum peer_id {
    NO_PEER, LIBFFI, CXX, BOOST, GLIB, PYTHON, GUILE, JAVA, LUA, NODE, PEERS
};

/* Where the programs lie, and where compiled ones do or are to go. */
void find_programs(const char *directory, const char *compiled);

/* What the peer is called, with its version if it is there. */
const char *peer_name(enum peer_id peer);

/* Which package would bring the peer; NULL if it is there. */
const char *peer_missing(enum peer_id peer);

/* Becomes the program of a peer. */
void run_program(enum peer_id peer, const char *job, size_t size,
                 unsigned threads, size_t handles)
    __attribute__((noreturn));

/* --- Libraries ------------------------------------------------------------
 * Where one is missing, its structures are empty. */

/* Events: one signal, whose argument is a pointer, and n objects with a
 * counter each.  A listener counts in its object, and is held in the way in
 * which that library lets go of it when the object dies. */
struct peer {
    void (*open)(size_t n);             /* no listeners yet */
    void *(*connect)(size_t i);         /* object i; the listener */
    void (*disconnect)(void *listener);
    void (*emit)(size_t times);
    size_t (*calls)(void);              /* the sum of all counters */
};

extern const struct peer peer_boost;
extern const struct peer peer_glib;

/* Weak references. */
struct weak_peer {
    void (*open)(size_t n);             /* n targets, no handles yet */
    void (*make)(const size_t *to, size_t n);   /* n handles to those */
    void (*read)(size_t n, size_t times);       /* the first n handles */
};

extern const struct weak_peer weak_cxx;
extern const struct weak_peer weak_glib;

/* Deaths: n objects, each with a callback that counts. */
struct death_peer {
    void (*watch)(size_t n, void (*fn)(void));
    void (*drop)(void);
};

extern const struct death_peer death_glib;

/* Versions; empty where the library is missing. */
extern const char version_cxx[], version_boost[];
const char *version_glib(void);

#ifdef __cplusplus
}
#endif

#endif
