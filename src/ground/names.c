/* names.c: what lies at an address, for people. */
#include <config.h>
#include "ground/names.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

const char *
gcw__function_name(uintptr_t code)
{
    Dl_info info;

    if (code == 0 || dladdr((void *)code, &info) == 0
        || (uintptr_t)info.dli_saddr != code)
        return NULL;
    return info.dli_sname;
}

static const char *
file_of(const Dl_info *info)
{
    const char *slash = strrchr(info->dli_fname, '/');

    return slash == NULL ? info->dli_fname : slash + 1;
}

void
gcw__code_text(char *text, size_t size, uintptr_t code)
{
    Dl_info info;

    if (code == 0 || dladdr((void *)code, &info) == 0)
        snprintf(text, size, "%#jx", (uintmax_t)code);
    else if ((uintptr_t)info.dli_saddr == code && info.dli_sname != NULL)
        snprintf(text, size, "%s (%s)", info.dli_sname, file_of(&info));
    else
        snprintf(text, size, "%s+%#jx", file_of(&info),
                 (uintmax_t)(code - (uintptr_t)info.dli_fbase));
}

void
gcw__print_code(FILE *out, uintptr_t code)
{
    char text[GCW__CODE_TEXT];

    gcw__code_text(text, sizeof text, code);
    fputs(text, out);
}

/* Finds the nearest symbol at or below the address, and whether the address
 * lies within that; where the symbol's size cannot be had, whether it begins
 * there.  False: the address is in no object. */
static bool
find_symbol(uintptr_t address, Dl_info *info, bool *within)
{
#if HAVE_DLADDR1
    const ElfW(Sym) *symbol = NULL;

    if (dladdr1((void *)address, info, (void **)&symbol, RTLD_DL_SYMENT) == 0)
        return false;
    /* glibc finds no symbol that the address is not in. */
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
