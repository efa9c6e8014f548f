/* signature.c: reading signatures, and keeping one of each.
 *
 * A text is read in one pass, with a vector of the types met so far.  At a `{`
 * the vector's length is noted; at the `}` that belongs to it all types since
 * then become the members of a struct, which replaces them.  So the arguments
 * and the result are left at the end, and nothing recurs, however hostile the
 * text.  libffi does recur through nested structs, hence the limit.
 *
 * All memory is collected.  A struct's type lies in the middle of its record,
 * where not every set-up of the collector finds it, so the signature holds
 * the records themselves, in a chain.
 *
 * The table of signatures in use does not hold them, their proxies do.  A
 * call that is under way holds its signature from the stack, so a proxy may be
 * freed by its own function.
 */
#include <config.h>
#include "proxy/signature.h"

#include "ground/fail.h"
#include "ground/memory.h"
#include "ground/text.h"

enum { NESTED = 32, MEMBERS = 65535 };

/* A struct that is passed by value. */
struct gcw__struct {
    struct gcw__struct *next;
    size_t scalars;                  /* in it and in its members */
    ffi_type type;
    ffi_type *members[];             /* NULL at the end */
};

/* Where a struct began whose `}` is still to come. */
struct open {
    size_t first;                    /* of its members */
    size_t scalars;                  /* before it */
};

struct reader {
    const char *at;                  /* the next character */
    ffi_type **types;                /* so far; pointer-free memory */
    size_t count, room;
    size_t scalars;                  /* in all that was read */
    struct open open[NESTED];
    size_t depth;
    bool repeatable;                 /* the last one may become an array */
    struct gcw__struct *structs;
};

_Static_assert(sizeof(bool) == 1, "a bool is passed as a byte");

static ffi_type *
scalar(char c)
{
    switch (c) {
    case 'B':
        return &ffi_type_uint8;
    case 'c':
        return &ffi_type_schar;
    case 'C':
        return &ffi_type_uchar;
    case 's':
        return &ffi_type_sshort;
    case 'S':
        return &ffi_type_ushort;
    case 'i':
        return &ffi_type_sint;
    case 'I':
        return &ffi_type_uint;
    case 'j':
        return &ffi_type_slong;
    case 'J':
        return &ffi_type_ulong;
    case 'l':
        return &ffi_type_sint64;
    case 'L':
        return &ffi_type_uint64;
    case 'f':
        return &ffi_type_float;
    case 'd':
        return &ffi_type_double;
    case 'p':
    case 'Z':
        return &ffi_type_pointer;
    default:
        return NULL;
    }
}

/* These return 0 or an errno; for EINVAL r->at is the wrong character. */

/* Makes room for so many types more. */
static int
make_room_for_types(struct reader *r, size_t more)
{
    size_t room = r->room == 0 ? 16 : r->room;
    ffi_type **types;

    while (room < r->count + more)
        room *= 2;
    if (room == r->room)
        return 0;
    types = gcw__new_plain(room * sizeof *types);
    if (types == NULL)
        return ENOMEM;
    if (r->count != 0)
        memcpy(types, r->types, r->count * sizeof *types);
    r->types = types;
    r->room = room;
    return 0;
}

static int
push_type(struct reader *r, ffi_type *type)
{
    int error = make_room_for_types(r, 1);

    if (error != 0)
        return error;
    r->types[r->count++] = type;
    r->repeatable = true;
    return 0;
}

static int
push_scalar(struct reader *r, ffi_type *type)
{
    if (r->scalars == MEMBERS)
        return EINVAL;
    r->scalars++;
    return push_type(r, type);
}

static int
open_struct(struct reader *r)
{
    if (r->depth == NESTED)
        return EINVAL;
    r->open[r->depth++] = (struct open){ r->count, r->scalars };
    r->repeatable = false;
    return 0;
}

static size_t
scalars_in(ffi_type *type)
{
    const char *record = (const char *)type
                         - offsetof(struct gcw__struct, type);

    return type->type != FFI_TYPE_STRUCT
        ? 1 : ((const struct gcw__struct *)record)->scalars;
}

static int
close_struct(struct reader *r)
{
    struct open open;
    struct gcw__struct *record;
    size_t size;

    if (r->depth == 0 || r->count == r->open[r->depth - 1].first)
        return EINVAL;
    open = r->open[r->depth - 1];
    size = (r->count - open.first) * sizeof *record->members;
    record = gcw__new(sizeof *record + size + sizeof *record->members);
    if (record == NULL)
        return ENOMEM;
    memcpy(record->members, r->types + open.first, size);
    record->scalars = r->scalars - open.scalars;
    record->type.type = FFI_TYPE_STRUCT;
    record->type.elements = record->members;
    record->next = r->structs;
    r->structs = record;
    r->count = open.first;
    r->depth--;
    return push_type(r, &record->type);
}

/* Reads a number.  0: none that will do; r->at is the wrong character. */
static size_t
number(struct reader *r)
{
    const char *first = r->at;
    size_t n = 0;

    for (; *r->at >= '0' && *r->at <= '9'; r->at++) {
        n = n * 10 + (size_t)(*r->at - '0');
        if (n > MEMBERS)
            return 0;
    }
    if (n == 0)
        r->at = first;
    return n;
}

static int
repeat(struct reader *r)
{
    size_t n, scalars;
    int error;

    if (r->depth == 0 || !r->repeatable)
        return EINVAL;
    r->at++;
    n = number(r);
    scalars = scalars_in(r->types[r->count - 1]);
    if (n == 0 || n - 1 > (MEMBERS - r->scalars) / scalars)
        return EINVAL;
    error = make_room_for_types(r, n - 1);
    if (error != 0)
        return error;
    for (size_t i = 1; i < n; i++, r->count++)
        r->types[r->count] = r->types[r->count - 1];
    r->scalars += (n - 1) * scalars;
    r->repeatable = false;
    return *r->at == ']' ? 0 : EINVAL;
}

/* Takes one character, or an array's number. */
static int
take_type(struct reader *r)
{
    int error;
    ffi_type *type = scalar(*r->at);

    if (type != NULL)
        error = push_scalar(r, type);
    else if (*r->at == '{')
        error = open_struct(r);
    else if (*r->at == '}')
        error = close_struct(r);
    else if (*r->at == '[')
        error = repeat(r);
    else
        error = EINVAL;
    if (error == 0)
        r->at++;
    return error;
}

static int
read_arguments(struct reader *r)
{
    int error = 0;

    while (error == 0 && (*r->at != ')' || r->depth != 0))
        error = take_type(r);
    r->at += error == 0;
    return error;
}

static int
read_result(struct reader *r)
{
    size_t arguments = r->count;
    int error = 0;

    if (*r->at == 'v') {
        error = push_type(r, &ffi_type_void);
        r->at++;
    }
    while (error == 0 && (r->count == arguments || r->depth != 0))
        error = take_type(r);
    if (error == 0 && *r->at != '\0')
        error = EINVAL;
    return error;
}

static int
prepare_calls(struct gcw__signature *s, unsigned arguments, ffi_type *result)
{
    if (ffi_prep_cif(&s->outer, FFI_DEFAULT_ABI, arguments, result,
                     s->types + 1) != FFI_OK
        || ffi_prep_cif(&s->inner, FFI_DEFAULT_ABI, arguments + 1, result,
                        s->types) != FFI_OK)
        return ENOTSUP;
    return 0;
}

/* The signature of the types that were read, of which the last is the
 * result. */
static struct gcw__signature *
signature_read(const struct reader *r, const char *text)
{
    struct gcw__signature *s = gcw__new(sizeof *s
                                        + r->count * sizeof *s->types);
    int error;

    if (s == NULL)
        return gcw__fail_null(ENOMEM);
    s->text = gcw__copy(text);
    if (s->text == NULL)
        return gcw__fail_null(ENOMEM);
    s->structs = r->structs;
    s->types[0] = &ffi_type_pointer;
    memcpy(s->types + 1, r->types, (r->count - 1) * sizeof *s->types);
    error = prepare_calls(s, (unsigned)r->count - 1, r->types[r->count - 1]);
    return error == 0 ? s : gcw__fail_null(error);
}

struct gcw__signature *
gcw__signature_read(const char *text, size_t *position)
{
    struct reader r = { .at = text };
    int error = read_arguments(&r);

    if (error == 0)
        error = read_result(&r);
    *position = (size_t)(r.at - text);
    return error == 0 ? signature_read(&r, text) : gcw__fail_null(error);
}

void
gcw__result_zero(const ffi_type *type, void *result)
{
    switch (type->type) {
    case FFI_TYPE_VOID:
        break;
    case FFI_TYPE_STRUCT:
    case FFI_TYPE_FLOAT:
    case FFI_TYPE_DOUBLE:
        memset(result, 0, type->size);
        break;
    default:
        memset(result, 0, type->size < sizeof(ffi_arg) ? sizeof(ffi_arg)
                                                       : type->size);
    }
}

/* The signatures in use, by the hash of their text. */
static struct gcw__table in_use;

struct gcw__signature *
gcw__signature_find(const char *text)
{
    uintptr_t hash = gcw__hash(text);
    size_t at = gcw__table_place(hash);
    struct gcw__signature *s;

    while ((s = gcw__table_next(&in_use, hash, &at)) != NULL)
        if (strcmp(s->text, text) == 0)
            return s;
    return NULL;
}

bool
gcw__signature_hold(struct gcw__signature *signature)
{
    if (signature->users == 0) {
        if (!gcw__table_make_room(&in_use))
            return false;
        gcw__table_insert(&in_use, gcw__hash(signature->text), signature);
    }
    signature->users++;
    return true;
}

void
gcw__signature_release(struct gcw__signature *signature)
{
    if (--signature->users != 0)
        return;
    gcw__table_remove(&in_use, gcw__hash(signature->text), signature);
    gcw__table_trim(&in_use);
}
