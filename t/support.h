/* support.h: what all tests share.
 *
 * Modes.  GCWEAK_TEST_MODE in the environment makes test_main set up the
 * collector before anything else, as other runtimes do:
 *   (unset)       nothing
 *   incremental   GC_enable_incremental
 *   guile         no interior pointers from the heap, finalizers on demand,
 *                 pumped by a thread that the collector's notifier wakes
 *   ecl           no interior pointers from the heap, no roots in libraries
 *                 nor in statics of the program
 * So a test keeps collectable objects on its stack or in uncollectable memory,
 * never in statics, and points at the start of objects from the heap.
 *
 * Deaths.  Collection is conservative: a test that waits for a death makes
 * many targets in a frame that is gone, and asks that nearly all have died.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <cmocka.h>
#include <gc.h>
#include <gcweak.h>
#include "test.h"

/* A function with a frame of its own, of which its callers know nothing: also
 * where the optimiser sees the whole program. */
#if defined __has_attribute
# if __has_attribute(noipa)
#  define NOINLINE __attribute__((noinline, noipa))
# endif
#endif
#ifndef NOINLINE
# define NOINLINE __attribute__((noinline))
#endif

/* From here on the optimiser does not know where the pointer comes from: what
 * is stored there is stored, and what it calls is called. */
#define FORGET_ORIGIN(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")

/* Whether the dynamic linker knows functions by their names: not those of a
 * program that is linked statically. */
bool names_are_known(void);

/* For `.lacks` of a test that one word astray makes fail: with 4 bytes, numbers
 * often are addresses in the heap, and the address sanitizer has the compiler
 * leave in registers what is used no more. */
const char *nothing_astray(void);

/* For `.lacks` of a test of those names. */
const char *names_of_functions(void);

/* As what the library shows a function or a variable of this program, after a
 * space: by its name, or by its address where no names are known. */
#define SHOWN(name) shown(#name " (", (uintptr_t)&(name))

/* The text, or that address where no names are known; after a space. */
const char *shown(const char *text, uintptr_t address);

/* Whether the address sanitizer is at work. */
#if defined __SANITIZE_ADDRESS__
# define ADDRESSES_ARE_CHECKED 1
#elif defined __has_feature
# define ADDRESSES_ARE_CHECKED __has_feature(address_sanitizer)
#else
# define ADDRESSES_ARE_CHECKED 0
#endif

/* Whether a thread may end, by pthread_exit or a cancellation, within a call of
 * the library, whose frames are unwound then.  The address sanitizer takes
 * what runs meanwhile for an overflow: it did not see the frames go that were
 * left. */
#define CAN_UNWIND (!ADDRESSES_ARE_CHECKED)

/* Of MANY targets that were dropped, NEARLY_ALL at least have died. */
enum { MANY = 1000, NEARLY_ALL = 950 };

/* An ordinary target: so large that it shares no block with the collector's
 * own records, for what is stale in those would keep it alive. */
struct target {
    uintptr_t magic;
    size_t number;
    void *field;
    void *more[9];
};
enum { MAGIC = 0x5a17ed };

/* A new target with its magic word set; fails the test if memory runs out. */
struct target *target_new(size_t number);

/* One that lives as long as the process. */
struct target *lasting_target(size_t number);

/* Makes a callback pending, without a collection. */
gcw_cleanup *pend(void (*fn)(void *data), void *data);

/* Whether so many deaths of so many are nearly all. */
bool nearly_all(size_t count, size_t of);

/* How many of n references are those of the dead. */
size_t dead_refs(void *refs, size_t n);

/* A counter for callbacks, and a callback that counts.  It outlives its test,
 * for so may a callback whose target the collector did not find dead. */
size_t *counter_new(void);
void count(void *counter);

/* The numbers below n, in an order that a fixed seed decides; malloc memory
 * that stays. */
const unsigned *shuffled(unsigned n);

/* n pointers in uncollectable memory: keeps what is stored there alive. */
void **keep_array(size_t n);

/* Overwrites the stack below the caller, and the caller-saved registers. */
NOINLINE void clear_stack(void);

/* clear_stack and a full collection, with finalizers run, until nothing more
 * can die; does not drain. */
void collect(void);

/* For a thread that collects all the time: a full collection, after which it
 * rests for as long as that took.  The collector's lock may be one for which
 * others ask now and then, asleep in between. */
void collect_and_rest(void);

/* Calls body(arg) in a frame of its own and clears what it left behind. */
NOINLINE void in_dead_frame(void (*body)(void *arg), void *arg);

/* Fails the test unless the call fails, with that errno. */
#define expect_errno(failed, expected)                                      \
    (errno = 0, expect_failure((failed), (expected), #failed, __FILE__,     \
                               __LINE__))
void expect_failure(bool failed, int expected, const char *call,
                    const char *file, int line);

/* The errno of a call that has failed, or 0. */
int refusal(bool failed);

/* What tests of unloading lack, as in `.lacks`: in musl dlclose unloads nothing.
 * Asked of a shared object that does nothing by itself. */
const char *lacks_unloading(const char *object);

/* The memory that the process has, in bytes. */
size_t resident(void);

/* Scenarios, those of SCENARIO and of END: what runs in a child process of its
 * own, started afresh from this test program.  The scenario's function runs
 * after the mode was set up; the child's status, output and errors come
 * back. */
struct outcome {
    int status;          /* of exit; 128 + n if killed by signal n */
    char *out, *err;     /* malloc memory, never NULL */
};

/* Runs the scenario of that name and waits for it; a child that takes longer
 * than 60 seconds is killed (128 + SIGALRM). */
struct outcome run_scenario(const char *name);
void outcome_free(struct outcome *o);

/* Has the collector have so many threads for marking, which it decides when it
 * starts: the scenario may be started afresh for it. */
void with_markers(const char *scenario, const char *markers);

/* The file of this test program.  To start it anew use this, not the link in
 * /proc: that one would start valgrind itself where a test runs under it. */
const char *program_path(void);

/* What starts a program of this build with these arguments, which end with
 * NULL: its file and they; after the words of $EMULATOR, where the tests run
 * under one.  For posix_spawnp and execvp; malloc memory, for the caller to
 * free. */
char **command_of(const char *program, const char *const *arguments);

/* Whether they do. */
bool is_emulated(void);

/* What the main function of each test program calls: sets up the mode, then
 * does what the arguments ask for (test.h).  A program may have a function that
 * runs its tests, if not NULL, in place of test_run.  Returns what main
 * returns. */
int test_main(int argc, char **argv, int (*run_tests)(void));

#endif
