/* code.c: where functions lie, and whether they still do.
 *
 * The dynamic linker and the system are asked each time, with two exceptions:
 * the program's own code, which stays; and programs that never unload
 * anything, for which a flag answers.  Code that lies in no object, such as a
 * runtime compiles, counts as loaded while its memory is mapped.
 */
#include <config.h>
#include "ground/code.h"

#include "ground/lock.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#if HAVE_GETAUXVAL
# include <sys/auxv.h>
#endif
#include <sys/mman.h>
#include <unistd.h>

struct search {
    uintptr_t code;
    struct gcw__range range;
};

/* The range of an object: its segments come in the order of addresses. */
static struct gcw__range
range_of(const struct dl_phdr_info *object)
{
    struct gcw__range range = { UINTPTR_MAX, 0 };

    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;

        if (segment->p_type != PT_LOAD)
            continue;
        if (start < range.start)
            range.start = start;
        range.end = start + segment->p_memsz;
    }
    return range;
}

#if HAVE_GETAUXVAL

/* Asks the kernel where the program lies, which needs no lock of the dynamic
 * linker's.  False if the kernel does not say. */
static bool
ask_kernel(struct gcw__range *range)
{
    struct dl_phdr_info program = {
        .dlpi_phdr = (const ElfW(Phdr) *)getauxval(AT_PHDR),
        .dlpi_phnum = (ElfW(Half))getauxval(AT_PHNUM)
    };

    for (size_t i = 0; i < program.dlpi_phnum; i++)
        if (program.dlpi_phdr[i].p_type == PT_PHDR)
            program.dlpi_addr = (uintptr_t)program.dlpi_phdr
                                - program.dlpi_phdr[i].p_vaddr;
    *range = range_of(&program);
    return program.dlpi_phdr != NULL;
}

#else

static bool
ask_kernel(struct gcw__range *range)
{
    (void)range;
    return false;
}

#endif

static int
take_first(struct dl_phdr_info *object, size_t size, void *range)
{
    (void)size;
    *(struct gcw__range *)range = range_of(object);
    return 1;
}

_Atomic uintptr_t gcw__program_start, gcw__program_length;

/* Where the kernel does not say where the program lies, the program is the
 * first object of the dynamic linker's, but in namespaces of dlmopen. */
static void
find_program(void)
{
    struct gcw__range range;

    if (!ask_kernel(&range))
        dl_iterate_phdr(take_first, &range);
    atomic_store_explicit(&gcw__program_start, range.start,
                          memory_order_relaxed);
    atomic_store_explicit(&gcw__program_length, range.end - range.start,
                          memory_order_release);
}

static bool
in_program(uintptr_t code)
{
    if (atomic_load(&gcw__program_length) == 0)
        find_program();
    return gcw__in_program(code);
}

static int
look_at_object(struct dl_phdr_info *object, size_t size, void *arg)
{
    struct search *search = arg;

    (void)size;
    search->range = range_of(object);
    return gcw__in_range(search->code, &search->range);
}

bool
gcw__object_of(uintptr_t code, struct gcw__range *range)
{
    struct search search = { .code = code };

    if (in_program(code) || dl_iterate_phdr(look_at_object, &search) == 0)
        return false;
    *range = search.range;
    return true;
}

bool
gcw__in_object(const void *address)
{
    Dl_info info;

    return in_program((uintptr_t)address) || dladdr(address, &info) != 0;
}

/* The shared library is linked to stay (-z nodelete) where the linker can do
 * that.  A program that is linked statically is no shared object; the linker
 * would warn of a call of dlopen in it, so dlopen is looked up by its name. */
void
gcw__code_stay(void)
{
    void *(*open)(const char *file, int mode);
    struct gcw__range range;
    Dl_info info;

    if (!gcw__object_of((uintptr_t)gcw__code_stay, &range)
        || dladdr((void *)gcw__code_stay, &info) == 0)
        return;
    *(void **)&open = dlsym(RTLD_DEFAULT, "dlopen");
    gcw__cancel_off();
    if (open != NULL)
        open(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    gcw__cancel_on();
}

atomic_uint gcw__code_unloading;

/* Whether any shared object was ever unloaded; once true, stays true. */
static atomic_bool any_unloaded;

/* How often that was to be found out, and for which of these it was found out
 * last. */
static atomic_uint wanted = 1, looked;

static int
look_at_count(struct dl_phdr_info *object, size_t size, void *any)
{
    /* Some C libraries have no such member. */
    if (size  /* GCOVR_EXCL_BR_LINE */
        >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof object->dlpi_subs)
        *(bool *)any = object->dlpi_subs != 0;
    return 1;
}

/* What another thread has found out counts if it has begun to look after this one
 * wanted it; `looked` is written last. */
static bool
was_any_unloaded(void)
{
    unsigned now = atomic_load_explicit(&wanted, memory_order_acquire);
    bool any = true;

    if (atomic_load_explicit(&looked, memory_order_acquire) == now)
        return atomic_load_explicit(&any_unloaded, memory_order_relaxed);
    dl_iterate_phdr(look_at_count, &any);
    if (any)
        atomic_store_explicit(&any_unloaded, true, memory_order_relaxed);
    atomic_store_explicit(&looked, now, memory_order_release);
    return any;
}

void
gcw__code_look(void)
{
    if (!atomic_load_explicit(&any_unloaded, memory_order_relaxed))
        atomic_fetch_add_explicit(&wanted, 1, memory_order_acq_rel);
}

static bool
is_mapped(uintptr_t code)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    int error = errno;
    bool mapped;

    gcw__cancel_off();
    mapped = msync((void *)(code & ~(page - 1)), 1, MS_ASYNC) == 0
             || errno != ENOMEM;
    gcw__cancel_on();
    errno = error;
    return mapped;
}

bool
gcw__other_code_gone(uintptr_t code)
{
    return !in_program(code) && was_any_unloaded() && !is_mapped(code);
}
