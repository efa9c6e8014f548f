/* replay.c: tries a fuzz target with inputs that were kept.
 *
 *     replay-TARGET FILE-OR-DIRECTORY...
 *
 * Directories are read one level deep.  Says how many inputs there were; a
 * wrong one ends the process.  With GCWEAK_FUZZ_TELL in the environment each
 * is named before it is tried.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "../mode.h"

static size_t tried;

static _Noreturn void
give_up(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(2);
}

static void
try_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(size + 1);
    if (file == NULL || bytes == NULL)
        give_up(path);
    if (getenv("GCWEAK_FUZZ_TELL") != NULL)
        fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(bytes, fread(bytes, 1, size, file));
    fclose(file);
    free(bytes);
    tried++;
}

static void
try_directory(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0)
        give_up(path);
    for (int i = 0; i < n; i++) {
        char inner[4096];
        struct stat about;
        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (stat(inner, &about) == 0 && S_ISREG(about.st_mode))
            try_file(inner, (size_t)about.st_size);
        free(entries[i]);
    }
    free(entries);
}

int
main(int argc, char **argv)
{
    if (!mode_set_up(getenv("GCWEAK_TEST_MODE"))) {
        fputs("The mode cannot be had\n", stderr);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        struct stat about;
        if (stat(argv[i], &about) != 0)
            give_up(argv[i]);
        if (S_ISDIR(about.st_mode))
            try_directory(argv[i]);
        else
            try_file(argv[i], (size_t)about.st_size);
    }
    printf("%zu inputs\n", tried);
    return 0;
}
