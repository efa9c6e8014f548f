/* tell.c: what GCWEAK_DEBUG in the environment makes the library tell.
 *
 * The words are read once, when the library starts; afterwards who runs
 * callbacks asks one word of memory, at places that emissions do not pass.
 * Lines about callbacks are written while no lock of the library is held, each
 * as a whole.
 */
#include <config.h>
#include "ground/tell.h"

#include "ground/lock.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

unsigned gcw__telling;
_Atomic uint64_t gcw__failures;

static const struct {
    const char *name;
    unsigned bit;
} words[] = {
    { "exit", GCW__TELL_EXIT },
    { "drain", GCW__TELL_DRAIN },
    { "leak", GCW__TELL_LEAK },
};

static unsigned
bit_of(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].name) == length
            && memcmp(words[i].name, word, length) == 0)
            return words[i].bit;
    return 0;
}

static void
complain(const char *word, size_t length)
{
    gcw__cancel_off();
    fprintf(stderr, "gcweak: GCWEAK_DEBUG: unknown word \"%.*s\" (known are"
            " exit, drain and leak)\n", (int)length, word);
    gcw__cancel_on();
}

void
gcw__tell_install(void)
{
    const char *at = getenv("GCWEAK_DEBUG");

    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ",");
        unsigned bit = bit_of(at, length);

        if (bit == 0 && length != 0)
            complain(at, length);
        gcw__telling |= bit;
        at += length + (at[length] == ',');
    }
}

uint64_t
gcw__clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + 1;
}

void
gcw__tell_line(uint64_t began, const struct gcw__told *told)
{
    double ms = (double)(gcw__clock() - began) / 1e6;

    gcw__cancel_off();
    flockfile(stderr);
    fprintf(stderr, "gcweak: %s: %s ", told->word, told->sort);
    if (told->name != NULL)
        fprintf(stderr, "\"%s\" ", told->name);
    gcw__print_code(stderr, told->code);
    fprintf(stderr, " %s %.3f ms\n",
            told->failed ? "failed after" : "took", ms);
    funlockfile(stderr);
    gcw__cancel_on();
}

/* Names. */

static const char *
file_of(const Dl_info *info)
{
    const char *slash = strrchr(info->dli_fname, '/');

    return slash == NULL ? info->dli_fname : slash + 1;
}

void
gcw__print_code(FILE *out, uintptr_t code)
{
    Dl_info info;

    if (code == 0 || dladdr((void *)code, &info) == 0)
        fprintf(out, "%#jx", (uintmax_t)code);
    else if ((uintptr_t)info.dli_saddr == code && info.dli_sname != NULL)
        fprintf(out, "%s (%s)", info.dli_sname, file_of(&info));
    else
        fprintf(out, "%s+%#jx", file_of(&info),
                (uintmax_t)(code - (uintptr_t)info.dli_fbase));
}

/* Whether the address lies within the symbol that was found, which is but the
 * nearest below; where its size cannot be had, whether it begins there. */
static bool
find_symbol(uintptr_t address, Dl_info *info, bool *within)
{
#if HAVE_DLADDR1
    const ElfW(Sym) *symbol = NULL;

    if (dladdr1((void *)address, info, (void **)&symbol, RTLD_DL_SYMENT) == 0)
        return false;
    /* glibc gives none that the address is not in. */
    /* GCOVR_EXCL_BR_START */
    *within = symbol != NULL && info->dli_sname != NULL
              && address - (uintptr_t)info->dli_saddr < symbol->st_size;
    /* GCOVR_EXCL_BR_STOP */
    return true;
#else
    if (dladdr((void *)address, info) == 0)
        return false;
    *within = (uintptr_t)info->dli_saddr == address;
    return true;
#endif
}

void
gcw__print_data(FILE *out, uintptr_t address)
{
    uintptr_t offset;
    bool within;
    Dl_info info;

    if (!find_symbol(address, &info, &within)) {
        fprintf(out, "%#jx", (uintmax_t)address);
        return;
    }
    if (!within) {
        fprintf(out, "%s+%#jx", file_of(&info),
                (uintmax_t)(address - (uintptr_t)info.dli_fbase));
        return;
    }
    offset = address - (uintptr_t)info.dli_saddr;
    fprintf(out, "%s", info.dli_sname);
    if (offset != 0)
        fprintf(out, "+%#jx", (uintmax_t)offset);
    fprintf(out, " (%s)", file_of(&info));
}
