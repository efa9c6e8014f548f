/* trial.c: whether libffi passes arguments as it says.
 *
 * It does not always.  Before 3.4.7, on x86-64, a struct that begins in the
 * last register for integers spoils the first floating-point argument.  From
 * 3.4.3 to 3.7.0, on arm64, of several large structs the copies of some lie
 * where the pointers to others do.  Such a fault shows in one call, made by
 * libffi and received by a closure of libffi's, for the two halves are written
 * apart.  What is received may lead anywhere: an argument is looked at only
 * where one can be, in the call's part of the stack or where it was sent from.
 *
 * Signatures of numbers and pointers alone are not tried.  Arguments that are
 * larger than a small stack would bear are taken on trust.
 */
#include <config.h>
#include "proxy/trial.h"

#include "ground/memory.h"
#include "proxy/signature.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 16384 };

struct trial {
    void **values;                   /* as they were sent */
    uintptr_t frame;                 /* of the sender */
    bool right;
};

static size_t
aligned(size_t at, const ffi_type *type)
{
    return (at + type->alignment - 1) / type->alignment * type->alignment;
}

/* Whether two values are the same, but for the padding. */
static bool
same(const ffi_type *type, const char *a, const char *b)
{
    size_t at = 0;

    if (type->type != FFI_TYPE_STRUCT)
        return memcmp(a, b, type->size) == 0;
    for (ffi_type **member = type->elements; *member != NULL; member++) {
        at = aligned(at, *member);
        /* Newer libffi has no such fault. */
        if (!same(*member, a + at, b + at))  /* GCOVR_EXCL_BR_LINE */
            return false;                    /* GCOVR_EXCL_LINE */
        at += (*member)->size;
    }
    return true;
}

/* Between two frames, whichever way the stack grows. */
static bool
is_between(uintptr_t a, uintptr_t b, uintptr_t at, size_t size)
{
    uintptr_t low = a < b ? a : b, high = a < b ? b : a;

    return at >= low && at <= high && size <= high - at;
}

static bool
arrived(const struct trial *trial, const ffi_type *type, const void *there,
        const void *sent)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    return (there == sent
            || is_between(here, trial->frame, (uintptr_t)there, type->size))
        && same(type, there, sent);
}

static void
receive(ffi_cif *cif, void *result, void **arguments, void *arg)
{
    struct trial *trial = arg;

    trial->right = true;
    for (unsigned i = 0; i < cif->nargs; i++)
        if (!arrived(trial, cif->arg_types[i], arguments[i],
                     trial->values[i]))
            trial->right = false;
    gcw__result_zero(cif->rtype, result);
}

/* Fills the arguments with bytes so that no two values are alike (Marsaglia's
 * xorshift), and none is a NaN, whose bits may change on the way. */
static void
fill(unsigned char *bytes, size_t size)
{
    uint32_t random = UINT32_C(2463534242);

    for (size_t i = 0; i < size; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        bytes[i] = random >> 26;
    }
}

static int
send(ffi_cif *cif, void *result, void **values)
{
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    struct trial trial = { values, frame, false };
    void *code;
    int before = errno;
    ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);

    errno = before;
    if (closure == NULL)
        return ENOMEM;
    if (ffi_prep_closure_loc(closure, cif, receive, &trial, code) == FFI_OK)
        ffi_call(cif, (void (*)(void))code, result, values);
    ffi_closure_free(closure);
    return trial.right ? 0 : ENOTSUP;
}

/* Lays the arguments out one after the other; returns how much they take. */
static size_t
lay_out(const ffi_cif *cif, char *bytes, void **values)
{
    size_t at = 0;

    for (unsigned i = 0; i < cif->nargs; i++) {
        at = aligned(at, cif->arg_types[i]);
        if (values != NULL)
            values[i] = bytes + at;
        at += cif->arg_types[i]->size;
    }
    return at;
}

int
gcw__trial(ffi_cif *cif)
{
    size_t size = lay_out(cif, NULL, NULL);
    size_t result_size = cif->rtype->size + sizeof(ffi_arg);
    char *bytes, *result;
    void **values;
    int error = ENOMEM;

    if (size + result_size > LARGEST)
        return 0;
    bytes = gcw__malloc(size);
    result = gcw__malloc(result_size);
    values = gcw__malloc(cif->nargs * sizeof *values);
    if (bytes != NULL && result != NULL && values != NULL) {
        lay_out(cif, bytes, values);
        fill((unsigned char *)bytes, size);
        error = send(cif, result, values);
    }
    free(values);
    free(result);
    free(bytes);
    return error;
}
