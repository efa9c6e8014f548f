/* support.c: targets, their deaths, and main, for all tests; see support.h. */
#include "support.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mode.h"
#include "scenario.h"

struct target *
target_new(size_t number)
{
    struct target *t = GC_MALLOC(sizeof *t);

    if (t == NULL)
        fail_msg("no memory for target %zu", number);
    t->magic = MAGIC;
    t->number = number;
    return t;
}

struct target *
lasting_target(size_t number)
{
    struct target *t = target_new(number);

    keep_array(1)[0] = t;
    return t;
}

gcw_cleanup *
pend(void (*fn)(void *data), void *data)
{
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t, fn, data);

    if (c == NULL || gcw_dispose(t) != 0)
        fail_msg("nothing is made pending");
    return c;
}

bool
nearly_all(size_t count, size_t of)
{
    return count * MANY >= of * NEARLY_ALL;
}

size_t
dead_refs(void *refs, size_t n)
{
    size_t dead = 0;

    for (size_t i = 0; i < n; i++)
        dead += gcw_ref_get(((gcw_ref **)refs)[i]) == NULL;
    return dead;
}

size_t *
counter_new(void)
{
    size_t *counter = calloc(1, sizeof *counter);

    assert_non_null(counter);
    return counter;
}

void
count(void *counter)
{
    ++*(size_t *)counter;
}

const unsigned *
shuffled(unsigned n)
{
    unsigned *order = calloc(n, sizeof *order);
    unsigned long long seed = 2022;

    assert_non_null(order);
    for (unsigned i = 0; i < n; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        unsigned j = (unsigned)((seed >> 33) % (i + 1));
        order[i] = order[j];
        order[j] = i;
    }
    return order;
}

void **
keep_array(size_t n)
{
    void **array = GC_MALLOC_UNCOLLECTABLE(n * sizeof *array);

    if (array == NULL)
        fail_msg("no memory for an array of %zu", n);
    FORGET_ORIGIN(array);
    return array;
}

/* Eight arguments fill every register that passes arguments on the usual
 * machines; the compiler cannot know that they are zero. */
static NOINLINE uintptr_t
clear_registers(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,
                uintptr_t e, uintptr_t f, uintptr_t g, uintptr_t h)
{
    return a | b | c | d | e | f | g | h;
}

/* A detector of addresses would put gaps around the array, where old words
 * survive. */
__attribute__((__no_sanitize__("address"))) void
clear_stack(void)
{
    volatile uintptr_t frame[64 * 1024 / sizeof(uintptr_t)];
    volatile uintptr_t zero = 0;

    for (size_t i = 0; i < sizeof frame / sizeof frame[0]; i++)
        frame[i] = 0;
    zero = clear_registers(zero, zero, zero, zero, zero, zero, zero, zero);
}

/* An object with a finalizer needs two rounds, one that is reached from such
 * an object needs a further one, and so does what a stale word has kept. */
void
collect(void)
{
    enum { ROUNDS = 4 };

    for (int i = 0; i < ROUNDS; i++) {
        clear_stack();
        GC_gcollect();
        mode_run_finalizers();
    }
}

enum { SECOND = 1000000000 };        /* in nanoseconds */

static int64_t
nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

void
collect_and_rest(void)
{
    int64_t begin = nanoseconds(), taken;
    struct timespec rest;

    GC_gcollect();
    taken = nanoseconds() - begin;
    rest = (struct timespec){ taken / SECOND, taken % SECOND };
    nanosleep(&rest, NULL);
}

void
in_dead_frame(void (*body)(void *arg), void *arg)
{
    FORGET_ORIGIN(body);
    body(arg);
    clear_stack();
}

void
expect_failure(bool failed, int expected, const char *call, const char *file,
               int line)
{
    int found = errno;

    _assert_true(failed, call, file, line);
    if (found != expected)
        print_error("errno %d, not %d: %s\n", found, expected, call);
    _assert_int_equal(found, expected, file, line);
    errno = 0;
}

int
refusal(bool failed)
{
    int found = failed ? errno : 0;

    errno = 0;
    return found;
}

bool
names_are_known(void)
{
    return dlsym(RTLD_DEFAULT, "exit") != NULL;
}

const char *
lacks_unloading(const char *object)
{
    void *again, *loaded = dlopen(object, RTLD_NOW | RTLD_LOCAL);

    if (loaded == NULL || dlclose(loaded) != 0)
        return NULL;
    again = dlopen(object, RTLD_NOW | RTLD_NOLOAD);
    if (again != NULL)
        dlclose(again);
    return again == NULL ? NULL
           : "a C library whose dlclose unloads what was loaded";
}

const char *
nothing_astray(void)
{
    return sizeof(void *) < 8 ? "addresses that small numbers are not by chance"
           : ADDRESSES_ARE_CHECKED ? "registers in which nothing is left"
           : NULL;
}

const char *
names_of_functions(void)
{
    return names_are_known() ? NULL
           : "a program whose functions the dynamic linker knows by name";
}

const char *
shown(const char *text, uintptr_t address)
{
    char *all;
    int n = names_are_known() ? asprintf(&all, " %s", text)
                              : asprintf(&all, " %#jx", (uintmax_t)address);

    if (n < 0)
        abort();
    return all;
}

size_t
resident(void)
{
    size_t all, pages;
    FILE *f = fopen("/proc/self/statm", "r");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%zu %zu", &all, &pages), 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

const char *
program_path(void)
{
    static char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (n < 0)
        fail_msg("where is this program?");
    path[n] = '\0';
    return path;
}

bool
is_emulated(void)
{
    const char *emulator = getenv("EMULATOR");

    return emulator != NULL && *emulator != '\0';
}

/* The words of a text, which has spaces between them; returns how many. */
static size_t
split(char *text, char **words)
{
    size_t n = 0;
    char *rest;

    for (char *word = strtok_r(text, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest))
        words[n++] = word;
    return n;
}

char **
command_of(const char *program, const char *const *arguments)
{
    const char *emulator = is_emulated() ? getenv("EMULATOR") : "";
    size_t length = strlen(emulator), n = 0;
    char **words, *text;

    while (arguments[n] != NULL)
        n++;
    words = malloc((length + n + 2) * sizeof *words + length + 1);
    assert_non_null(words);
    text = strcpy((char *)(words + length + n + 2), emulator);
    length = split(text, words);
    words[length] = (char *)program;
    memcpy(words + length + 1, arguments, (n + 1) * sizeof *words);
    return words;
}

int
test_main(int argc, char **argv, int (*tests)(void))
{
    const char *mode = getenv("GCWEAK_TEST_MODE");
    bool by_name = argc == 3 && strcmp(argv[1], "-n") == 0;

    if (!mode_set_up(mode)) {
        printf("Bail out! The mode %s cannot be had\n", mode);
        return 99;
    }
    if (argc > 1 && !by_name)
        return scenario_play(argv[1]);
    return tests != NULL ? tests() : test_run(by_name ? argv[2] : NULL);
}
