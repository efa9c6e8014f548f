/* names.c: what lies at an address, for people.
 *
 * Names that were given to functions come first: of static functions, and of
 * code that is in no object, the dynamic linker knows none.  They are in one
 * table for the process, in memory from calloc, under a lock that is taken
 * last of all: so any thread may ask, whether the collector knows it or not.
 */
#include <config.h>
#include "ground/names.h"

#include "ground/code.h"
#include "ground/lock.h"
#include "ground/table.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

/* Names that were given; under the lock.  libgcweak-gdb.py reads it too. */
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gcw__table given_names;

static char *
find_given(uintptr_t code)
{
    size_t at = gcw__table_place(code);

    return gcw__table_next(&given_names, code, &at);
}

static const char *
given_name(uintptr_t code)
{
    const char *name;

    gcw__lock(&names_lock, true);
    name = find_given(code);
    gcw__unlock(&names_lock);
    return name;
}

static void
take_name(uintptr_t code, char *name)
{
    gcw__table_remove(&given_names, code, name);
    gcw__table_trim(&given_names);
}

/* Room comes first, so that the old name stays if there is none. */
static bool
replace_name(uintptr_t code, const char *name)
{
    char *before = find_given(code);

    if (name != NULL && !gcw__table_make_room(&given_names))
        return false;
    if (before != NULL)
        take_name(code, before);
    if (name != NULL)
        gcw__table_insert(&given_names, code, (void *)(uintptr_t)name);
    return true;
}

bool
gcw__function_set_name(uintptr_t code, const char *name)
{
    bool done;

    gcw__lock(&names_lock, true);
    done = replace_name(code, name);
    gcw__unlock(&names_lock);
    return done;
}

/* Removing moves another entry to that place, or one that was looked at. */
static void
names_unloading(const struct gcw__range *range)
{
    size_t at = 0;

    gcw__lock(&names_lock, true);
    while (at < given_names.capacity) {
        const struct gcw__entry *e = &given_names.entries[at];

        if (e->item != NULL && gcw__in_range(~e->hidden, range))
            gcw__table_remove(&given_names, ~e->hidden, e->item);
        else
            at++;
    }
    gcw__table_trim(&given_names);
    gcw__unlock(&names_lock);
}

static void
names_prepare(void)
{
    gcw__lock(&names_lock, true);
}

static void
names_go_on(void)
{
    gcw__unlock(&names_lock);
}

const struct gcw__part gcw__names_part = {
    "names", names_prepare, names_go_on, names_go_on, names_unloading
};

const char *
gcw__function_name(uintptr_t code)
{
    const char *given = given_name(code);
    Dl_info info;

    if (given != NULL)
        return given;
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

/* What is in no object. */
static void
text_without_object(char *text, size_t size, uintptr_t code, const char *name)
{
    if (name != NULL)
        snprintf(text, size, "%s", name);
    else
        snprintf(text, size, "%#jx", (uintmax_t)code);
}

void
gcw__code_text(char *text, size_t size, uintptr_t code)
{
    const char *name = given_name(code);
    Dl_info info;

    if (code == 0 || dladdr((void *)code, &info) == 0) {
        text_without_object(text, size, code, name);
        return;
    }
    if (name == NULL && (uintptr_t)info.dli_saddr == code)
        name = info.dli_sname;
    if (name != NULL)
        snprintf(text, size, "%s (%s)", name, file_of(&info));
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
