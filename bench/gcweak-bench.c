/* gcweak-bench: how fast gcweak is beside the raw collector and others.
 *
 *     gcweak-bench [OPTION]... [NAME]...
 *
 *     -f            in full: all sizes and contestants, in more rounds
 *     -r ROUNDS     5, if not told, of the largest sizes 3; in full 7 of all
 *     -m SIZE       the most targets, listeners or handlers, to try things
 *     -o FILE       where results.json goes; else it is not written
 *     -p DIRECTORY  where the programs of the peers lie
 *     -c DIRECTORY  where the compiled ones do, or are to go
 *
 * Measures what is named, or everything.  Ratios come first: machines differ
 * and are noisy, and what one way costs beside another says more than
 * nanoseconds.
 */
#include "goals.h"
#include "machine.h"
#include "measure.h"
#include "noise.h"
#include "peers.h"
#include "results.h"
#include "scenes.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct scene {
    const char *name;
    void (*run)(void);
} scenes[] = {
    { "read", bench_read },
    { "method", bench_method },
    { "proxy", bench_proxy },
    { "create", bench_create },
    { "collect", bench_collect },
    { "notice", bench_notice },
    { "deaths", bench_deaths },
    { "exit", bench_exit },
    { "emit", bench_emit },
    { "connect", bench_connect },
    { "memory", bench_memory },
    { "map", bench_map },
    { "cpp", bench_cpp },
};
enum { SCENES = sizeof scenes / sizeof *scenes };

static void
usage(void)
{
    fputs("usage: gcweak-bench [-f] [-r ROUNDS] [-m SIZE] [-o FILE] [-p "
          "DIRECTORY]\n                    [-c DIRECTORY] [NAME]...\nnames:",
          stderr);
    for (size_t i = 0; i < SCENES; i++)
        fprintf(stderr, " %s", scenes[i].name);
    fputc('\n', stderr);
    exit(2);
}

static const struct scene *
find(const char *name)
{
    for (size_t i = 0; i < SCENES; i++)
        if (strcmp(scenes[i].name, name) == 0)
            return &scenes[i];
    fprintf(stderr, "gcweak-bench: nothing is called '%s'\n", name);
    usage();
    return NULL;
}

static void
print_machine(void)
{
    const char *name, *value;

    for (size_t i = 0; (name = machine_fact(i, &value)) != NULL; i++)
        printf("%-10s %s\n", name, value);
}

static void
print_peers(void)
{
    const char *before = "beside     ";

    for (enum peer_id peer = NO_PEER + 1; peer < PEERS; peer++) {
        if (peer_missing(peer) != NULL)
            continue;
        printf("%s%s", before, peer_name(peer));
        before = ", ";
    }
    putchar('\n');
    for (enum peer_id peer = NO_PEER + 1; peer < PEERS; peer++)
        if (peer_missing(peer) != NULL)
            printf("skipped    %s, which needs %s\n", peer_name(peer),
                   peer_missing(peer));
}

static void
print_header(void)
{
    print_machine();
    print_peers();
    printf("rounds     %zu", rounds());
    if (rounds_if_large() != rounds())
        printf(", with more than 10^5 %zu", rounds_if_large());
    puts("\nmethod     the contestants of a table in turn, each in a process "
         "of its own;\n           to raw, to limit: the cost as a multiple of "
         "theirs");
    fflush(stdout);
}

static long
number(const char *text, long most)
{
    char *end;
    long n = strtol(text, &end, 10);

    if (n < 1 || n > most || *end != '\0')
        usage();
    return n;
}

struct files {
    const char *results, *programs, *compiled;
};

static void
set_option(int option, struct files *files)
{
    switch (option) {
    case 'f':
        measure_all();
        return;
    case 'r':
        set_rounds((size_t)number(optarg, ROUNDS_MAX));
        return;
    case 'm':
        set_bound((size_t)number(optarg, LONG_MAX));
        return;
    case 'o':
        files->results = optarg;
        return;
    case 'p':
        files->programs = optarg;
        return;
    case 'c':
        files->compiled = optarg;
        return;
    default:
        usage();
    }
}

static void
print_noise(void)
{
    struct noise noise = noise_of_run();

    printf("\nnoise of the machine: %s\n", noise.says);
    if (!isnan(noise.tables))
        printf("  the middle half of the rounds differs by %.1f %%: the "
               "median of all tables\n", noise.tables * 100);
    if (!isnan(noise.loop))
        printf("  that of a loop which is always the same, by %.1f %%\n",
               noise.loop * 100);
}

static void
run_scenes(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        find(names[i])->run();
    for (size_t i = 0; n == 0 && i < SCENES; i++)
        scenes[i].run();
}

int
main(int argc, char **argv)
{
    struct files files = { NULL, ".", "." };
    int option;

    while ((option = getopt(argc, argv, "fr:m:o:p:c:")) != -1)
        set_option(option, &files);
    for (int i = optind; i < argc; i++)
        find(argv[i]);
    find_programs(files.programs, files.compiled);
    print_header();
    run_scenes(argv + optind, (size_t)(argc - optind));
    print_noise();
    print_verdicts();
    if (files.results != NULL)
        write_json(files.results);
    return 0;
}
