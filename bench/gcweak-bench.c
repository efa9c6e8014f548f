/* gcweak-bench: how fast gcweak is beside the raw collector and others.
 *
 *     gcweak-bench [OPTION]... [NAME]...
 *
 *     -r ROUNDS     7, if not told
 *     -m SIZE       the most targets, listeners or handlers, to try things
 *     -o FILE       where results.json goes; else it is not written
 *     -p DIRECTORY  where the programs of the peers lie
 *     -c DIRECTORY  where the compiled ones do, or are to go
 *
 * Measures what is named, or everything.  Ratios come first: machines differ
 * and are noisy, and what one way costs beside another says more than
 * nanoseconds.
 */
#include "machine.h"
#include "measure.h"
#include "peers.h"
#include "results.h"
#include "scenes.h"

#include <limits.h>
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
};
enum { SCENES = sizeof scenes / sizeof *scenes };

static void
usage(void)
{
    fputs("usage: gcweak-bench [-r ROUNDS] [-m SIZE] [-o FILE] [-p DIRECTORY]"
          " [-c DIRECTORY]\n                    [NAME]...\nnames:", stderr);
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
    printf("method     %d rounds, the contestants of a table in turn, each in "
           "a process\n           of its own; to raw, to limit: the cost as a "
           "multiple of theirs\n", rounds());
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
    case 'r':
        set_rounds((int)number(optarg, ROUNDS_MAX));
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

    while ((option = getopt(argc, argv, "r:m:o:p:c:")) != -1)
        set_option(option, &files);
    for (int i = optind; i < argc; i++)
        find(argv[i]);
    find_programs(files.programs, files.compiled);
    print_header();
    run_scenes(argv + optind, (size_t)(argc - optind));
    print_totals();
    if (files.results != NULL)
        write_json(files.results);
    return 0;
}
