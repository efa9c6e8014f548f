/* failing.h: memory that runs out when a test wants it to.
 *
 * The linker puts the functions of failing.c in the place of those by which
 * the library gets memory, links, finalizers and threads (-Wl,--wrap=NAME for
 * each NAME in ALLOCATORS).  From failing_begin to failing_end, what succeeds
 * leaves another errno, as it may.  All of it is about the calling thread alone.
 */
#ifndef FAILING_H
#define FAILING_H

#include <stdbool.h>
#include <stddef.h>

/* All that the library may get something from.  To add one: a line here, and
 * one in the list of --wrap in Makefile.am.
 *
 * ALLOCATOR(what it gives, its name, its parameters, its arguments, what it
 * gives when it fails)
 * SILENT_ALLOCATOR(its name, its parameters, its arguments): gives nothing,
 * and fails by doing nothing */
#define ALLOCATORS(ALLOCATOR, SILENT_ALLOCATOR)                             \
    ALLOCATOR(void *, GC_malloc, (size_t n), (n), NULL)                     \
    ALLOCATOR(void *, GC_malloc_atomic, (size_t n), (n), NULL)              \
    ALLOCATOR(void *, GC_malloc_uncollectable, (size_t n), (n), NULL)       \
    ALLOCATOR(void *, GC_malloc_atomic_uncollectable, (size_t n), (n), NULL)\
    ALLOCATOR(void *, GC_malloc_ignore_off_page, (size_t n), (n), NULL)     \
    ALLOCATOR(void *, GC_malloc_atomic_ignore_off_page, (size_t n), (n),    \
              NULL)                                                         \
    ALLOCATOR(void *, GC_generic_malloc, (size_t n, int kind), (n, kind),   \
              NULL)                                                         \
    ALLOCATOR(int, GC_general_register_disappearing_link,                   \
              (void **link, const void *object), (link, object),            \
              GC_NO_MEMORY)                                                 \
    ALLOCATOR(int, GC_register_long_link,                                   \
              (void **link, const void *object), (link, object),            \
              GC_NO_MEMORY)                                                 \
    SILENT_ALLOCATOR(GC_register_finalizer_no_order,                        \
                     (void *object, GC_finalization_proc fn, void *data,    \
                      GC_finalization_proc *old, void **old_data),          \
                     (object, fn, data, old, old_data))                     \
    ALLOCATOR(int, GC_pthread_create,                                       \
              (pthread_t *thread, const pthread_attr_t *attributes,         \
               void *(*start)(void *), void *arg),                          \
              (thread, attributes, start, arg), EAGAIN)                     \
    SILENT_ALLOCATOR(GC_generic_malloc_many,                                \
                     (size_t n, int kind, void **result),                   \
                     (n, kind, result))                                     \
    FFI_ALLOCATORS(ALLOCATOR)                                               \
    ALLOCATOR(void *, malloc, (size_t n), (n), NULL)                        \
    ALLOCATOR(void *, calloc, (size_t n, size_t size), (n, size), NULL)     \
    ALLOCATOR(void *, realloc, (void *old, size_t size), (old, size), NULL) \
    ALLOCATOR(void *, mmap,                                                 \
              (void *address, size_t n, int access, int flags, int fd,      \
               off_t offset),                                               \
              (address, n, access, flags, fd, offset), MAP_FAILED)          \
    ALLOCATOR(int, eventfd, (unsigned value, int flags), (value, flags), -1)\
    ALLOCATOR(int, pipe2, (int *ends, int flags), (ends, flags), -1)        \
    ALLOCATOR(int, atexit, (void (*fn)(void)), (fn), ENOMEM)                \
    ON_EXIT_ALLOCATORS(ALLOCATOR)                                           \
    ALLOCATOR(int, at_quick_exit, (void (*fn)(void)), (fn), ENOMEM)         \
    ALLOCATOR(int, pthread_atfork,                                          \
              (void (*prepare)(void), void (*parent)(void),                 \
               void (*child)(void)),                                        \
              (prepare, parent, child), ENOMEM)

#if HAVE_LIBFFI
# define FFI_ALLOCATORS(ALLOCATOR)                                          \
    ALLOCATOR(void *, ffi_closure_alloc, (size_t n, void **code), (n, code),\
              NULL)
#else
# define FFI_ALLOCATORS(ALLOCATOR)
#endif

#if HAVE_ON_EXIT
# define ON_EXIT_ALLOCATORS(ALLOCATOR)                                      \
    ALLOCATOR(int, on_exit, (void (*fn)(int, void *), void *arg),           \
              (fn, arg), ENOMEM)
#else
# define ON_EXIT_ALLOCATORS(ALLOCATOR)
#endif

/* Lets the n-th allocation from here on fail, and all that follow it too if
 * `lasting`. */
void failing_begin(size_t n, bool lasting);

/* Lets all fail; or all calls of one allocator; or those from its n-th on. */
void failing_begin_all(void);
void failing_begin_only(const char *name);
void failing_begin_from(const char *name, size_t n);

/* Has fn(data) called in the midst of the n-th allocation of collected memory
 * from here on, as the collector may call a finalizer. */
void failing_call(size_t n, void (*fn)(void *data), void *data);

/* Lets none fail any more, nor call.  Returns how many have failed; or whether
 * fn was called. */
size_t failing_end(void);

/* How many allocators there are; their names; how often each has failed on
 * any thread. */
size_t failing_count(void);
const char *failing_name(size_t i);
size_t failing_times(size_t i);

/* In a program that contains the collector and the C library, their own calls
 * fail, too, which they do not survive.  For test_main: NULL if it is none,
 * else what runs no test and says so. */
int (*failing_is_left_out(void))(void);

#endif
