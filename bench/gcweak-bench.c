/* gcweak-bench: how fast gcweak is beside the raw collector.
 *
 *     gcweak-bench [-r ROUNDS] [NAME]...
 *
 * Measures what is named, or everything.  Ratios come first: machines differ
 * and are noisy, and what one way costs beside another says more than
 * nanoseconds.
 */
#include "measure.h"
#include "scenes.h"
#include "table.h"
#include "work.h"

#include <gcweak.h>
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
    { "create", bench_create },
    { "collect", bench_collect },
    { "notice", bench_notice },
    { "deaths", bench_deaths },
    { "exit", bench_exit },
    { "emit", bench_emit },
    { "connect", bench_connect },
};
enum { SCENES = sizeof scenes / sizeof *scenes };

static void
usage(void)
{
    fputs("usage: gcweak-bench [-r ROUNDS] [NAME]...\nnames:", stderr);
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

/* The value in a line of /proc/cpuinfo, "model name : ...", if it is one. */
static const char *
model_in(char *line)
{
    char *value = strchr(line, ':');

    if (strncmp(line, "model name", 10) != 0 || value == NULL)
        return NULL;
    value[strcspn(value, "\n")] = '\0';
    return value + 2;
}

static void
print_processor(void)
{
    FILE *info = fopen("/proc/cpuinfo", "r");
    const char *model = NULL;
    char line[256];

    while (info != NULL && model == NULL && fgets(line, sizeof line, info))
        model = model_in(line);
    printf("processor  %s, %ld online\n", model != NULL ? model : "unknown",
           sysconf(_SC_NPROCESSORS_ONLN));
    if (info != NULL)
        fclose(info);
}

static void
print_header(void)
{
    unsigned v = GC_get_version();
    const char *clang = strstr(__VERSION__, "lang");

    print_processor();
    printf("collector  bdwgc %u.%u.%u\n", v >> 16, v >> 8 & 255, v & 255);
    printf("compiler   %s%s\n", clang != NULL ? "" : "gcc ", __VERSION__);
    printf("library    gcweak %s\n", gcw_version());
    printf("method     %d rounds, the contestants of a table in turn, each in "
           "a process\n           of its own; median, least and most\n",
           rounds());
    fflush(stdout);
}

static void
read_rounds(const char *text)
{
    int n = atoi(text);

    if (n < 1 || n > ROUNDS_MAX)
        usage();
    set_rounds(n);
}

int
main(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "r:")) != -1) {
        if (option != 'r')
            usage();
        read_rounds(optarg);
    }
    for (int i = optind; i < argc; i++)
        find(argv[i]);
    print_header();
    for (int i = optind; i < argc; i++)
        find(argv[i])->run();
    for (size_t i = 0; optind == argc && i < SCENES; i++)
        scenes[i].run();
    table_totals();
    return 0;
}
