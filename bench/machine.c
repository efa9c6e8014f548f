/* machine.c: asks the system and the libraries what they are. */
#include "machine.h"
#include "work.h"

#include <gcweak.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
processor(char *text, size_t size)
{
    FILE *info = fopen("/proc/cpuinfo", "r");
    const char *model = NULL;
    char line[256];

    while (info != NULL && model == NULL && fgets(line, sizeof line, info))
        model = model_in(line);
    snprintf(text, size, "%s, %ld online", model != NULL ? model : "unknown",
             sysconf(_SC_NPROCESSORS_ONLN));
    if (info != NULL)
        fclose(info);
}

static void
collector(char *text, size_t size)
{
    unsigned v = GC_get_version();

    snprintf(text, size, "bdwgc %u.%u.%u", v >> 16, v >> 8 & 255, v & 255);
}

static void
compiler(char *text, size_t size)
{
    const char *clang = strstr(__VERSION__, "lang");

    snprintf(text, size, "%s%s", clang != NULL ? "" : "gcc ", __VERSION__);
}

static void
c_library(char *text, size_t size)
{
#ifdef _CS_GNU_LIBC_VERSION
    confstr(_CS_GNU_LIBC_VERSION, text, size);
#else
    snprintf(text, size, "unknown");
#endif
}

static void
library(char *text, size_t size)
{
    snprintf(text, size, "gcweak %s", gcw_version());
}

const char *
machine_fact(size_t i, const char **value)
{
    static const struct {
        const char *name;
        void (*tell)(char *text, size_t size);
    } facts[] = {
        { "processor", processor },
        { "collector", collector },
        { "C library", c_library },
        { "compiler", compiler },
        { "library", library },
    };
    static char text[320];

    if (i >= sizeof facts / sizeof *facts)
        return NULL;
    facts[i].tell(text, sizeof text);
    *value = text;
    return facts[i].name;
}
