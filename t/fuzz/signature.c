/* signature.c: a fuzz target: the signatures of proxies.
 *
 * The input is a signature.  gcw_signature_check and gcw_proxy_new must be of
 * one mind about it.  A wrong character must lie in the string or be its end;
 * what stands before it must be a signature, or wrong only because it ends;
 * and what is added behind it must not matter.  A proxy whose arguments and
 * result are scalars is called by libffi, with the target living and dead.
 */
#include <errno.h>
#include <ffi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gc.h>
#include <gcweak.h>

#include "fuzz.h"

static void
must(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "wrong: %s\n", what);
    abort();
}

/* Longer ones take the reader's time and try nothing new. */
enum { LONGEST = 4096 };

struct target {
    size_t calls;
    size_t more[7];
};

/* What proxies call, for each way in which a result comes back.  The other
 * arguments are of no interest: t/signature.c looks at those. */
static long long
count_call(struct target *self)
{
    self->calls++;
    return 0;
}

static double
count_call_double(struct target *self)
{
    self->calls++;
    return 0;
}

static float
count_call_float(struct target *self)
{
    self->calls++;
    return 0;
}

static gcw_proxy_fn *
function_for(char result)
{
    switch (result) {
    case 'd':
        return (gcw_proxy_fn *)count_call_double;
    case 'f':
        return (gcw_proxy_fn *)count_call_float;
    default:
        return (gcw_proxy_fn *)count_call;
    }
}

static ffi_type *
type_of(char c)
{
    static const char chars[] = "BcCsSiIjJlLfdpZv";
    static ffi_type *const types[] = {
        &ffi_type_uint8, &ffi_type_schar, &ffi_type_uchar, &ffi_type_sshort,
        &ffi_type_ushort, &ffi_type_sint, &ffi_type_uint, &ffi_type_slong,
        &ffi_type_ulong, &ffi_type_sint64, &ffi_type_uint64, &ffi_type_float,
        &ffi_type_double, &ffi_type_pointer, &ffi_type_pointer,
        &ffi_type_void
    };
    return types[strchr(chars, c) - chars];
}

static bool
has_only_scalars(const char *text)
{
    return strchr(text, '{') == NULL;
}

/* All arguments are zero.  libffi widens small results to a word. */
static void
call(gcw_proxy *p, const char *text)
{
    ffi_type *types[LONGEST];
    void *arguments[LONGEST];
    uint64_t zero = 0, result[2] = { 0, 0 };
    ffi_cif cif;
    unsigned n = (unsigned)strlen(text) - 2;
    for (unsigned i = 0; i < n; i++) {
        types[i] = type_of(text[i]);
        arguments[i] = &zero;
    }
    must(ffi_prep_cif(&cif, FFI_DEFAULT_ABI, n, type_of(text[n + 1]), types)
         == FFI_OK, "libffi refuses it");
    must(gcw_proxy_code(p) != NULL, "a proxy has no code");
    ffi_call(&cif, gcw_proxy_code(p), result, arguments);
    must(result[0] == 0, "the result is not 0");
}

static void
try_calls(struct target *self, gcw_proxy *p, const char *text)
{
    call(p, text);
    must(self->calls == 1, "a proxy did not call");
    must(gcw_dispose(self) == 0, "dispose failed");
    errno = 0;
    call(p, text);
    must(self->calls == 1 && errno == ESTALE, "a dead proxy called");
}

static void
try_proxy(const char *text, bool accepted)
{
    struct target *self = GC_MALLOC(sizeof *self);
    must(self != NULL, "memory has run out");
    gcw_proxy *p = gcw_proxy_new(self, function_for(text[strlen(text) - 1]),
                                 text);
    if (p == NULL) {
        must(errno == EINVAL || errno == ENOTSUP, "another error");
        must((errno == EINVAL) != accepted, "check and proxy disagree");
        return;
    }
    must(accepted, "the proxy of a wrong signature");
    if (has_only_scalars(text))
        try_calls(self, p, text);
    must(gcw_proxy_free(p) == 0, "free failed");
}

static bool
is_well_formed(const char *text, size_t *position)
{
    size_t length = strlen(text);
    *position = (size_t)-1;
    errno = 0;
    if (gcw_signature_check(text, position) == 0)
        return true;
    must(errno == EINVAL, "another error");
    must(*position <= length, "a position outside the text");
    return false;
}

static void
check_position(const char *text, size_t position)
{
    char copy[LONGEST + 2];
    size_t again, length = strlen(text);
    memcpy(copy, text, position);
    copy[position] = '\0';
    must(is_well_formed(copy, &again) || again == position,
         "what stands before the wrong character is wrong");
    if (position == length)
        return;
    memcpy(copy, text, length);
    copy[length] = 'v';
    copy[length + 1] = '\0';
    must(!is_well_formed(copy, &again) && again == position,
         "what was added makes another place wrong");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char text[LONGEST + 1];
    size_t position;
    if (n == 0 || n > LONGEST || memchr(bytes, '\0', n) != NULL)
        return 0;
    memcpy(text, bytes, n);
    text[n] = '\0';
    bool accepted = is_well_formed(text, &position);
    if (!accepted)
        check_position(text, position);
    must(gcw_signature_check(text, NULL) == (accepted ? 0 : -1),
         "without a place for the position");
    try_proxy(text, accepted);
    return 0;
}
