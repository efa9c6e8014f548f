/* signature.c: tests of signatures: what is well formed, where what is not is
 * wrong, and that proxies hand on arguments and results of every type.
 *
 * Two ways to see the latter.  Functions written in C are called through a
 * proxy and directly, and both must say the same.  And random signatures are
 * made, with libffi at both ends: it calls the proxy, and it receives what the
 * proxy calls.  The seed is printed; GCWEAK_TEST_SEED repeats a run.
 *
 * Whether a narrow integer has a sign is seen by neither where caller and
 * callee only look at its low bits.  So this is linked with the library's
 * objects, and also looks at the types that a signature was read as.
 */
#include <errno.h>
#include <ffi.h>
#include <inttypes.h>
#include <limits.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "idle.h"
#include "support.h"
#include "chance.h"
#include "proxy/signature.h"

typedef void function(void);

static gcw_proxy *
proxy_new(void *self, function *fn, const char *signature)
{
    gcw_proxy *p = gcw_proxy_new(self, fn, signature);
    if (p == NULL)
        fail_msg("no proxy for \"%s\": %s", signature, strerror(errno));
    return p;
}

/* --- the notation --- */

static void
is_well_formed(const char *text)
{
    errno = 0;
    if (gcw_signature_check(text, NULL) != 0)
        fail_msg("\"%s\" is refused: %s", text, strerror(errno));
    assert_int_equal(errno, 0);
}

static void
is_wrong_at(const char *text, size_t position)
{
    void *self = target_new(0);
    size_t found = SIZE_MAX;
    errno = 0;
    if (gcw_signature_check(text, &found) != -1 || errno != EINVAL)
        fail_msg("\"%s\" is not refused with EINVAL", text);
    if (found != position)
        fail_msg("\"%s\" is wrong at %zu, not at %zu", text, position, found);
    expect_errno(gcw_proxy_new(self, idle_at_exit, text) == NULL, EINVAL);
}

TEST(every_type_may_be_argument_result_and_member)
{
    for (const char *c = "BcCsSiIjJlLfdpZ"; *c != '\0'; c++) {
        char text[] = { *c, '{', *c, '[', '3', ']', '}', ')', *c, '\0' };
        is_well_formed(text);
    }
}

TEST(these_are_well_formed)
{
    static const char *const texts[] = {
        ")v", ")i", "i)v", "{i})v", "){i}", "{{{c}}}){{c}}", "{i[1]})v",
        "{i[007]})v", "{{i}[2]c}p)d", "{c[65535]})v", "i{c[65533]})v",
        "{i[2]j[2]}){d[2]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        is_well_formed(texts[i]);
}

TEST(what_is_malformed_is_wrong_at_its_first_wrong_character)
{
    static const struct {
        const char *text;
        size_t position;
    } texts[] = {
        /* too early an end */
        { "", 0 }, { ")", 1 }, { "i", 1 }, { "ii", 2 }, { "{", 1 },
        { "{i", 2 }, { "{i}", 3 }, { "{i[", 3 }, { "{i[2", 4 },
        { "{i[2]", 5 }, { "){", 2 }, { "){i", 3 },
        /* what is no type, or none here */
        { "x)i", 0 }, { "ix)i", 1 }, { "i)x", 2 }, { "v)v", 0 },
        { "iv)v", 1 }, { "{v})v", 1 }, { "){v}", 2 }, { " )v", 0 },
        { "i )v", 1 }, { "i) v", 2 }, { "_:i)i", 0 }, { "\xff)v", 0 },
        { "1)v", 0 }, { "i%s)v", 1 },
        /* too much */
        { ")vv", 2 }, { ")ii", 2 }, { ")v)", 2 }, { ")i ", 2 },
        { "){i}i", 4 }, { "){i}}", 4 }, { "))v", 1 },
        /* brackets */
        { "})v", 0 }, { "i})v", 1 }, { "{})v", 1 }, { "{{}})v", 2 },
        { "{i)i", 2 }, { "{i)i}", 2 }, { ")}", 1 }, { "){}", 2 },
        { "<i>)v", 0 },
        /* arrays: in structs only, of something, once, and not empty */
        { "i[2])v", 1 }, { ")i[2]", 2 }, { ")v[2]", 2 }, { "[2])v", 0 },
        { "{[2]i})v", 1 }, { "{i[2][2]})v", 5 }, { "{i}[2])v", 3 },
        { "{i[]})v", 3 }, { "{i[x]})v", 3 }, { "{i[-1]})v", 3 },
        { "{i[ 1]})v", 3 }, { "{i[1x]})v", 4 }, { "{i[1}})v", 4 },
        { "{i[0]})v", 3 }, { "{i[65536]})v", 7 }, { "{i]})v", 2 },
        { "{i[18446744073709551617]})v", 8 }, { "{i[65535]i})v", 9 },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        is_wrong_at(texts[i].text, texts[i].position);
}

TEST(structs_nest_32_deep)
{
    char text[100];
    for (int depth = 32; depth <= 33; depth++) {
        memset(text, '{', sizeof text);
        text[depth] = 'd';
        memset(text + depth + 1, '}', (size_t)depth);
        strcpy(text + 2 * depth + 1, ")v");
        if (depth == 32)
            is_well_formed(text);
        else
            is_wrong_at(text, 32);
    }
}

TEST(the_position_need_not_be_asked_for)
{
    size_t position = 7;
    assert_int_equal(gcw_signature_check("x", NULL), -1);
    assert_int_equal(errno, EINVAL);
    expect_errno(gcw_signature_check(NULL, &position) == -1, EINVAL);
    assert_int_equal(position, 0);
    assert_int_equal(gcw_signature_check(NULL, NULL), -1);
}

static const struct {
    char letter;
    ffi_type *type;
} letters[] = {
    { 'B', &ffi_type_uint8 }, { 'c', &ffi_type_schar },
    { 'C', &ffi_type_uchar }, { 's', &ffi_type_sshort },
    { 'S', &ffi_type_ushort }, { 'i', &ffi_type_sint },
    { 'I', &ffi_type_uint }, { 'j', &ffi_type_slong },
    { 'J', &ffi_type_ulong }, { 'l', &ffi_type_sint64 },
    { 'L', &ffi_type_uint64 }, { 'f', &ffi_type_float },
    { 'd', &ffi_type_double }, { 'p', &ffi_type_pointer },
    { 'Z', &ffi_type_pointer },
};
enum { LETTERS = sizeof letters / sizeof *letters };

TEST(each_character_is_its_type)
{
    size_t position;
    for (size_t i = 0; i < LETTERS; i++) {
        char c = letters[i].letter;
        struct gcw__signature *s =
            gcw__signature_read((char[]){ c, ')', c, '\0' }, &position);
        assert_non_null(s);
        assert_int_equal(s->outer.nargs, 1);
        assert_ptr_equal(s->outer.arg_types[0], letters[i].type);
        assert_ptr_equal(s->outer.rtype, letters[i].type);
        assert_int_equal(s->inner.nargs, 2);
        assert_ptr_equal(s->inner.arg_types[0], &ffi_type_pointer);
        assert_ptr_equal(s->inner.arg_types[1], letters[i].type);
        assert_ptr_equal(s->inner.rtype, letters[i].type);
    }
}

/* --- every type: extreme values there and back, and zero of the dead --- */

#define SCALARS(SCALAR)                                                     \
    SCALAR("BB)B", bool, false, true)                                       \
    SCALAR("cc)c", schar, SCHAR_MIN, SCHAR_MAX)                             \
    SCALAR("CC)C", uchar, UCHAR_MAX, SCHAR_MAX)                             \
    SCALAR("ss)s", short, SHRT_MIN, SHRT_MAX)                               \
    SCALAR("SS)S", ushort, USHRT_MAX, SHRT_MAX)                             \
    SCALAR("ii)i", int, INT_MIN, INT_MAX)                                   \
    SCALAR("II)I", unsigned, UINT_MAX, INT_MAX)                             \
    SCALAR("jj)j", long, LONG_MIN, LONG_MAX)                                \
    SCALAR("JJ)J", ulong, ULONG_MAX, LONG_MAX)                              \
    SCALAR("ll)l", llong, LLONG_MIN, LLONG_MAX)                             \
    SCALAR("LL)L", ullong, ULLONG_MAX, LLONG_MAX)                           \
    SCALAR("ff)f", float, -FLT_MAX, FLT_MIN)                                \
    SCALAR("dd)d", double, -DBL_MAX, DBL_MIN)                               \
    SCALAR("pp)p", pointer, (pointer)UINTPTR_MAX, (pointer)&the_word)       \
    SCALAR("ZZ)Z", string, the_word, the_word + 2)

typedef signed char schar;
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned long ulong;
typedef long long llong;
typedef unsigned long long ullong;
typedef void *pointer;
typedef char *string;

static char the_word[] = "word";

/* Each sees self, and which of its arguments it shall give back. */
#define SCALAR_FUNCTION(text, type, one, other)                             \
    static type                                                             \
    give_##type(struct target *self, type a, type b)                        \
    {                                                                       \
        assert_int_equal(self->magic, MAGIC);                               \
        return self->number++ % 2 == 0 ? a : b;                             \
    }                                                                       \
    static void                                                             \
    try_##type(const char *signature, type a, type b)                       \
    {                                                                       \
        struct target *t = target_new(0);                                   \
        gcw_proxy *p = proxy_new(t, (function *)give_##type, signature);    \
        type (*code)(type, type) = (type (*)(type, type))gcw_proxy_code(p); \
        assert_true(code(a, b) == a);                                       \
        assert_true(code(a, b) == b);                                       \
        assert_true(code((type)0, b) == (type)0);                           \
        assert_int_equal(t->number, 3);                                     \
        assert_int_equal(gcw_dispose(t), 0);                                \
        errno = 0;                                                          \
        assert_true(code(a, b) == (type)0);                                 \
        assert_int_equal(errno, ESTALE);                                    \
        assert_int_equal(t->number, 3);                                     \
        assert_int_equal(gcw_proxy_free(p), 0);                             \
    }
SCALARS(SCALAR_FUNCTION)

TEST(scalars_pass_with_their_extreme_values)
{
#define TRY_SCALAR(text, type, one, other)                                  \
    try_##type(text, (type)(one), (type)(other));                           \
    try_##type(text, (type)(other), (type)1);                               \
    try_##type(text, (type)-1, (type)(one));
    SCALARS(TRY_SCALAR)
}

static int
minus_two(struct target *self)
{
    (void)self;
    return -2;
}

TEST(no_argument_and_no_result)
{
    struct target *t = target_new(0);
    gcw_proxy *p = proxy_new(t, (function *)minus_two, ")i");
    assert_int_equal(((int (*)(void))gcw_proxy_code(p))(), -2);
    assert_int_equal(gcw_proxy_free(p), 0);
}

/* --- many arguments --- */

#define TEN(EACH, n)                                                        \
    EACH(n##0) EACH(n##1) EACH(n##2) EACH(n##3) EACH(n##4)                  \
    EACH(n##5) EACH(n##6) EACH(n##7) EACH(n##8) EACH(n##9)
#define HUNDRED(EACH)                                                       \
    TEN(EACH, 10) TEN(EACH, 11) TEN(EACH, 12) TEN(EACH, 13) TEN(EACH, 14)   \
    TEN(EACH, 15) TEN(EACH, 16) TEN(EACH, 17) TEN(EACH, 18) TEN(EACH, 19)

#define PAIR_TYPES(n) , int, double
#define PAIR_PARAMETERS(n) , int i##n, double d##n
#define PAIR_FOLDED(n) sum = (sum * 31 + (uint64_t)i##n) * 31 + (uint64_t)d##n;
#define PAIR_VALUES(n) , n * n - 100 * n, n * 1.5
#define PAIR_TEXT(n) "id"

/* Every argument counts, and its place. */
static uint64_t
fold_20(struct target *self, char first TEN(PAIR_PARAMETERS, 10))
{
    uint64_t sum = self->magic + (uint64_t)first;
    TEN(PAIR_FOLDED, 10)
    return sum;
}

static uint64_t
fold_200(struct target *self, char first HUNDRED(PAIR_PARAMETERS))
{
    uint64_t sum = self->magic + (uint64_t)first;
    HUNDRED(PAIR_FOLDED)
    return sum;
}

TEST(many_arguments_pass)
{
    struct target *t = target_new(0);
    gcw_proxy *p20 = proxy_new(t, (function *)fold_20,
                               "c" TEN(PAIR_TEXT, 10) ")L");
    gcw_proxy *p200 = proxy_new(t, (function *)fold_200,
                                "c" HUNDRED(PAIR_TEXT) ")L");
    assert_true(((uint64_t (*)(char TEN(PAIR_TYPES, 10)))gcw_proxy_code(p20))
                ('a' TEN(PAIR_VALUES, 10))
                == fold_20(t, 'a' TEN(PAIR_VALUES, 10)));
    assert_true(((uint64_t (*)(char HUNDRED(PAIR_TYPES)))gcw_proxy_code(p200))
                ('a' HUNDRED(PAIR_VALUES))
                == fold_200(t, 'a' HUNDRED(PAIR_VALUES)));
}

/* --- structs ---
 *
 * None of these has padding, so they can be compared as memory.  Of chars
 * there is one of each size up to 64. */

#define SIZES(STRUCT)                                                       \
    STRUCT(1) STRUCT(2) STRUCT(3) STRUCT(4) STRUCT(5) STRUCT(6) STRUCT(7)   \
    STRUCT(8) STRUCT(9)                                                     \
    TEN(STRUCT, 1) TEN(STRUCT, 2) TEN(STRUCT, 3) TEN(STRUCT, 4)             \
    TEN(STRUCT, 5) STRUCT(60) STRUCT(61) STRUCT(62) STRUCT(63) STRUCT(64)

#define STRUCTS(STRUCT)                                                     \
    STRUCT(short_char, "{sc[2]}", short a; char b[2];)                      \
    STRUCT(ints, "{iIi}", int a; unsigned b; int c;)                        \
    STRUCT(longs, "{jJ}", long a; unsigned long b;)                         \
    STRUCT(three_longs, "{jjj}", long a, b, c;)                             \
    STRUCT(one_float, "{f}", float a;)                                      \
    STRUCT(two_floats, "{ff}", float a, b;)                                 \
    STRUCT(three_floats, "{f[3]}", float a[3];)                             \
    STRUCT(four_floats, "{f[4]}", float a[4];)                              \
    STRUCT(five_floats, "{f[5]}", float a[5];)                              \
    STRUCT(one_double, "{d}", double a;)                                    \
    STRUCT(two_doubles, "{dd}", double a, b;)                               \
    STRUCT(four_doubles, "{d[4]}", double a[4];)                            \
    STRUCT(eight_doubles, "{d[8]}", double a[8];)                           \
    STRUCT(int_float, "{if}", int a; float b;)                              \
    STRUCT(float_int, "{fi}", float a; int b;)                              \
    STRUCT(long_double, "{ld}", long long a; double b;)                     \
    STRUCT(double_long, "{dl}", double a; long long b;)                     \
    STRUCT(floats_long, "{ffl}", float a, b; long long c;)                  \
    STRUCT(float_int_double, "{fid}", float a; int b; double c;)            \
    STRUCT(mixed_24, "{ldif}", long long a; double b; int c; float d;)      \
    STRUCT(pointers, "{pZ}", void *a; char *b;)                             \
    STRUCT(nested, "{{c[4]}{ff}i}",                                         \
           struct { char a[4]; } a; struct { float a, b; } b; int c;)       \
    STRUCT(deeper, "{{{{i}}f}{d}}",                                         \
           struct { struct { struct { int a; } a; } a; float b; } a;        \
           struct { double a; } b;)                                         \
    STRUCT(array_of_structs, "{{sc[2]}[3]{ff}[2]}",                         \
           struct { short a; char b[2]; } a[3];                             \
           struct { float a, b; } b[2];)                                    \
    STRUCT(all, "{pdjlLJiIfsScCc[2]}",                                      \
           void *a; double b; long c; long long d; unsigned long long e;    \
           unsigned long f; int g; unsigned h; float i; short j;            \
           unsigned short k; signed char l; unsigned char m; char n[2];)

/* The bytes of the result are those of the argument, backwards. */
static void
turn(const unsigned char *from, unsigned char *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[n - 1 - i];
}

/* No byte is that of a float that is not finite. */
static void
fill(unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(i + 1);
}

static void
is_zero_of_the_dead(const unsigned char *bytes, size_t n)
{
    int error = errno;
    assert_int_equal(error, ESTALE);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(bytes[i], 0);
}

/* The second struct lies elsewhere than the first: registers run out. */
#define STRUCT_FUNCTION(name, text, ...)                                    \
    struct name { __VA_ARGS__ };                                            \
    static struct name                                                      \
    turn_##name(struct target *self, int before, struct name s,             \
                double between, struct name same, char after)               \
    {                                                                       \
        struct name result;                                                 \
        assert_int_equal(self->magic, MAGIC);                               \
        assert_true(before == -1 && between == 0.5 && after == 'a');        \
        assert_memory_equal(&s, &same, sizeof s);                           \
        turn((void *)&s, (void *)&result, sizeof s);                        \
        return result;                                                      \
    }                                                                       \
    static void                                                             \
    try_##name(void)                                                        \
    {                                                                       \
        struct target *t = target_new(0);                                   \
        gcw_proxy *p = proxy_new(t, (function *)turn_##name,                \
                                 "i" text "d" text "c)" text);              \
        struct name (*code)(int, struct name, double, struct name, char)    \
            = (struct name (*)(int, struct name, double, struct name,       \
                               char))gcw_proxy_code(p);                     \
        struct name s, direct, got;                                         \
        fill((void *)&s, sizeof s);                                         \
        direct = turn_##name(t, -1, s, 0.5, s, 'a');                        \
        got = code(-1, s, 0.5, s, 'a');                                     \
        assert_memory_equal(&direct, &got, sizeof got);                     \
        assert_int_equal(gcw_dispose(t), 0);                                \
        errno = 0;                                                          \
        got = code(-1, s, 0.5, s, 'a');                                     \
        is_zero_of_the_dead((void *)&got, sizeof got);                      \
        assert_int_equal(gcw_proxy_free(p), 0);                             \
    }
#define SIZE_FUNCTION(n) STRUCT_FUNCTION(chars_##n, "{c[" #n "]}", char a[n];)
STRUCTS(STRUCT_FUNCTION)
SIZES(SIZE_FUNCTION)

TEST(structs_of_every_sort_pass_by_value)
{
#define TRY_STRUCT(name, text, ...) try_##name();
    STRUCTS(TRY_STRUCT)
}

TEST(structs_of_every_size_pass_by_value)
{
#define TRY_SIZE(n) try_chars_##n();
    SIZES(TRY_SIZE)
}

/* The example of the manual page, which has padding. */
struct padded {
    int a;
    char b[8];
    double c;
};

static struct padded
change_padded(struct target *self, struct padded s)
{
    assert_int_equal(self->magic, MAGIC);
    s.a = -s.a;
    s.b[7]++;
    s.c *= 2;
    return s;
}

TEST(a_struct_with_padding_passes_too)
{
    gcw_proxy *p = proxy_new(target_new(0), (function *)change_padded,
                             "{ic[8]d}){ic[8]d}");
    struct padded s = { 5, "letters", 0.25 }, got;
    got = ((struct padded (*)(struct padded))gcw_proxy_code(p))(s);
    assert_int_equal(got.a, -5);
    assert_memory_equal(got.b, "letters\1", 8);
    assert_true(got.c == 0.5);
}

/* The struct takes the last register for integers and one for floating-point
 * numbers; libffi before 3.4.7 spoils `first` then, on x86-64. */
struct straddling {
    long integer;
    double number;
};

static double
sum_straddling(struct target *self, double first, int a, int b, int c, int d,
               struct straddling s)
{
    assert_int_equal(self->magic, MAGIC);
    return first + a + b + c + d + (double)s.integer + s.number;
}

TEST(what_libffi_would_spoil_is_refused)
{
    typedef double summing(double, int, int, int, int, struct straddling);
    struct target *t = target_new(0);
    gcw_proxy *p;
    double sum;
    errno = 0;
    p = gcw_proxy_new(t, (function *)sum_straddling, "diiii{jd})d");
    if (p == NULL) {
        assert_int_equal(errno, ENOTSUP);
        return;
    }
    sum = ((summing *)gcw_proxy_code(p))(1.5, 1, 2, 3, 4,
                                         (struct straddling){ 5, 0.25 });
    assert_true(sum == 16.75);
}

/* A struct in memory between the two takes no register. */
TEST(so_it_is_wherever_the_two_lie)
{
    struct target *t = target_new(0);
    gcw_proxy *p = gcw_proxy_new(t, (function *)sum_straddling,
                                 "fiiii{jd})v");
    bool can = p != NULL;
    if (can)
        assert_int_equal(gcw_proxy_free(p), 0);
    for (int n = 17; n < 3000; n++) {
        char text[64];
        snprintf(text, sizeof text, "f{c[%d]}iiii{jd})v", n);
        errno = 0;
        p = gcw_proxy_new(t, (function *)sum_straddling, text);
        assert_true(can ? p != NULL : p == NULL && errno == ENOTSUP);
        if (p != NULL)
            assert_int_equal(gcw_proxy_free(p), 0);
    }
}

/* libffi before 3.7.1 copies some of these over the pointers to others, on
 * arm64. */
struct large {
    long parts[4];
};

#define LARGE_TYPES(n) , struct large
#define LARGE_PARAMETERS(n) , struct large s##n
#define LARGE_FOLDED(n)                                                     \
    for (int i = 0; i < 4; i++)                                             \
        sum = sum * 31 + (uint64_t)s##n.parts[i];
#define LARGE_VALUES(n) , (struct large){ { n, -n, n * n, 7 } }
#define LARGE_TEXT(n) "{j[4]}"

static uint64_t
fold_large(struct target *self, int first TEN(LARGE_PARAMETERS, 10)
           TEN(LARGE_PARAMETERS, 20))
{
    uint64_t sum = self->magic + (uint64_t)first;
    TEN(LARGE_FOLDED, 10)
    TEN(LARGE_FOLDED, 20)
    return sum;
}

TEST(many_large_structs_pass_or_are_refused)
{
    typedef uint64_t folding(int TEN(LARGE_TYPES, 1) TEN(LARGE_TYPES, 2));
    struct target *t = target_new(0);
    gcw_proxy *p;
    errno = 0;
    p = gcw_proxy_new(t, (function *)fold_large,
                      "i" TEN(LARGE_TEXT, 1) TEN(LARGE_TEXT, 2) ")L");
    if (p == NULL) {
        assert_int_equal(errno, ENOTSUP);
        return;
    }
    assert_true(((folding *)gcw_proxy_code(p))
                (5 TEN(LARGE_VALUES, 10) TEN(LARGE_VALUES, 20))
                == fold_large(t, 5 TEN(LARGE_VALUES, 10)
                              TEN(LARGE_VALUES, 20)));
}

TEST(struct_in_struct_counts_as_its_members)
{
    is_well_formed("{{c[255]}[257]})v");
    is_wrong_at("{{c[256]}[256]})v", 13);
    is_wrong_at("{{{c[65535]}[65535]}[65535]})v", 18);
    is_wrong_at("{c[65535]}i)v", 10);
}

/* What a signature says is held by its proxies only, and in parts: of arrays
 * of structs of structs. */
struct small {
    struct {
        short a;
        char b[2];
    } a[2];
    int b;
};

static struct small
turn_small(struct target *self, struct small s)
{
    struct small result;
    assert_int_equal(self->magic, MAGIC);
    turn((void *)&s, (void *)&result, sizeof s);
    return result;
}

/* All say the same, and differ in zeros that numbers begin with. */
static void
make_small(void *proxies)
{
    gcw_proxy **p = proxies;
    struct target *t = (struct target *)p[MANY];
    char text[64];
    for (size_t i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "{{sc[%s2]}[%s2]i}){{sc[%s2]}[2]i}",
                 &"0000000000"[i % 10], &"0000000000"[i / 10 % 10],
                 &"0000000000"[i / 100]);
        p[i] = proxy_new(t, (function *)turn_small, text);
    }
}

TEST(signatures_live_as_long_as_their_proxies)
{
    gcw_proxy **p = (gcw_proxy **)keep_array(MANY + 1);
    struct small s, expected, got;
    struct target *t = target_new(0);
    p[MANY] = (gcw_proxy *)t;
    fill((void *)&s, sizeof s);
    expected = turn_small(t, s);
    in_dead_frame(make_small, p);
    collect();
    for (size_t i = 0; i < 100 * MANY; i++)
        memset(GC_MALLOC(16 + i % 16 * 16), 0x55, 16);
    for (size_t i = 0; i < MANY; i++) {
        got = ((struct small (*)(struct small))gcw_proxy_code(p[i]))(s);
        assert_memory_equal(&got, &expected, sizeof got);
        assert_int_equal(gcw_proxy_free(p[i]), 0);
    }
    GC_FREE(p);
}

/* --- random signatures --- */

enum {
    RANDOM = 3000,           /* signatures */
    ARGUMENTS = 24,          /* at most */
    ELEMENTS = 6,            /* of a struct at most, and of an array */
    DEEP = 3,
    LONGEST = 8192           /* text */
};

/* A signature, and how this test itself understands it.  In collected memory;
 * a random tree of types is at most so large as the text that tells it. */
struct random {
    char text[LONGEST];
    size_t length;
    size_t n;                        /* arguments */
    ffi_type *types[ARGUMENTS + 2];  /* self, the arguments, the result */
    void *values[ARGUMENTS + 2];
    char *caller;                    /* its part of the stack */
    const char *wrong;
    size_t calls;
};

static ffi_type *add_random_type(struct random *r, int depth);

static void
add_text(struct random *r, const char *text)
{
    strcpy(r->text + r->length, text);
    r->length += strlen(text);
}

static size_t
random_repetition(struct random *r)
{
    char text[16];
    size_t n = 1;
    if (below(4) == 0) {
        n = 1 + below(ELEMENTS);
        snprintf(text, sizeof text, "[%zu]", n);
        add_text(r, text);
    }
    return n;
}

/* Each has at least one element. */
static ffi_type *
add_random_struct(struct random *r, int depth)
{
    ffi_type *type = GC_MALLOC(sizeof *type);
    size_t members = 1 + below(ELEMENTS), n = 0;
    type->type = FFI_TYPE_STRUCT;
    type->elements = GC_MALLOC((members * ELEMENTS + 1)
                               * sizeof *type->elements);
    add_text(r, "{");
    for (size_t i = 0; i < members; i++) {
        ffi_type *member = add_random_type(r, depth + 1);
        for (size_t k = random_repetition(r); k > 0; k--)
            type->elements[n++] = member;
    }
    add_text(r, "}");
    return type;
}

static ffi_type *
add_random_type(struct random *r, int depth)
{
    unsigned i = below(LETTERS + (depth < DEEP ? 4 : 0));
    if (i >= LETTERS)
        return add_random_struct(r, depth);
    add_text(r, (char[]){ letters[i].letter, '\0' });
    return letters[i].type;
}

static struct random *
random_signature(void)
{
    struct random *r = GC_MALLOC(sizeof *r);
    r->n = below(ARGUMENTS + 1);
    r->types[0] = &ffi_type_pointer;
    for (size_t i = 1; i <= r->n; i++)
        r->types[i] = add_random_type(r, 0);
    add_text(r, ")");
    if (below(8) == 0) {
        add_text(r, "v");
        r->types[r->n + 1] = &ffi_type_void;
    } else {
        r->types[r->n + 1] = add_random_type(r, 0);
    }
    return r;
}

/* Values.  Calls leaf(type, a, b) for all that is no struct, at the same
 * places from a and from b on. */
static void
walk(const ffi_type *type, char *a, char *b,
     void (*leaf)(const ffi_type *type, char *a, char *b))
{
    size_t at = 0;
    if (type->type != FFI_TYPE_STRUCT) {
        leaf(type, a, b);
        return;
    }
    for (ffi_type **e = type->elements; *e != NULL; e++) {
        at = (at + (*e)->alignment - 1) / (*e)->alignment * (*e)->alignment;
        walk(*e, a + at, b + at, leaf);
        at += (*e)->size;
    }
}

/* Floats are finite.  A byte may be that of a bool. */
static void
fill_leaf(const ffi_type *type, char *a, char *b)
{
    uint64_t word = random_word();
    double d = (double)word / 3;
    float f = (float)word / 3;
    (void)b;
    switch (type->type) {
    case FFI_TYPE_VOID:
        break;
    case FFI_TYPE_FLOAT:
        memcpy(a, &f, sizeof f);
        break;
    case FFI_TYPE_DOUBLE:
        memcpy(a, &d, sizeof d);
        break;
    case FFI_TYPE_UINT8:
        *a = word & 1;
        break;
    default:
        memcpy(a, &word, type->size);
    }
}

static bool same;

static void
compare_leaf(const ffi_type *type, char *a, char *b)
{
    if (type->type != FFI_TYPE_VOID && memcmp(a, b, type->size) != 0)
        same = false;
}

static bool
equal(const ffi_type *type, void *a, void *b)
{
    same = true;
    walk(type, a, b, compare_leaf);
    return same;
}

/* libffi gives and takes integers smaller than a word as words. */
static bool
is_small(const ffi_type *type)
{
    switch (type->type) {
    case FFI_TYPE_UINT8: case FFI_TYPE_SINT8: case FFI_TYPE_UINT16:
    case FFI_TYPE_SINT16: case FFI_TYPE_UINT32: case FFI_TYPE_SINT32:
        return type->size < sizeof(ffi_arg);
    default:
        return false;
    }
}

static ffi_arg
widened(const ffi_type *type, const void *value)
{
    switch (type->type) {
    case FFI_TYPE_UINT8:
        return *(const uint8_t *)value;
    case FFI_TYPE_SINT8:
        return (ffi_arg)*(const int8_t *)value;
    case FFI_TYPE_UINT16:
        return *(const uint16_t *)value;
    case FFI_TYPE_SINT16:
        return (ffi_arg)*(const int16_t *)value;
    case FFI_TYPE_UINT32:
        return *(const uint32_t *)value;
    default:
        return (ffi_arg)*(const int32_t *)value;
    }
}

/* Where libffi spoils the pointer to a struct, it leads anywhere: out of the
 * stack. */
static bool
arrived(const struct random *r, size_t i, char *there, char *here)
{
    const ffi_type *type = r->types[i];
    return (there == r->values[i]
            || (there > here && there + type->size <= r->caller))
        && equal(type, there, r->values[i]);
}

/* What the proxy calls.  Whoever calls it without self is the test. */
static void
receive(ffi_cif *cif, void *result, void **arguments, void *random)
{
    struct random *r = random;
    ffi_type *type = r->types[r->n + 1];
    size_t first = r->n + 1 - cif->nargs;
    char *here = __builtin_frame_address(0);
    r->calls++;
    for (size_t i = first; i <= r->n; i++)
        if (!arrived(r, i, arguments[i - first], here))
            r->wrong = i == 0 ? "self" : "an argument";
    if (is_small(type))
        *(ffi_arg *)result = widened(type, r->values[r->n + 1]);
    else if (type->type != FFI_TYPE_VOID)
        memcpy(result, r->values[r->n + 1], type->size);
}

static bool
result_is(const ffi_type *type, void *result, void *expected)
{
    return is_small(type)
        ? *(ffi_arg *)result == widened(type, expected)
        : equal(type, result, expected);
}

static void
fill_values(struct random *r, struct target **self)
{
    r->values[0] = self;
    for (size_t i = 1; i <= r->n + 1; i++) {
        r->values[i] = GC_MALLOC(r->types[i]->size + sizeof(ffi_arg));
        walk(r->types[i], r->values[i], NULL, fill_leaf);
    }
}

static void
is_right(const struct random *r, bool ok, const char *what)
{
    if (ok && r->wrong == NULL)
        return;
    printf("# seed %" PRIu64 ", signature %s\n", seed(), r->text);
    fflush(stdout);
    fail_msg("%s", r->wrong != NULL ? r->wrong : what);
}

/* libffi's end of it, with self or without: a closure that receives. */
struct end {
    ffi_cif cif;
    ffi_closure *closure;
    function *code;
};

static void
end_new(struct end *e, struct random *r, size_t first)
{
    void *code;
    e->closure = ffi_closure_alloc(sizeof *e->closure, &code);
    e->code = (function *)code;
    assert_non_null(e->closure);
    assert_int_equal(ffi_prep_cif(&e->cif, FFI_DEFAULT_ABI,
                                  (unsigned)(r->n + 1 - first),
                                  r->types[r->n + 1], r->types + first),
                     FFI_OK);
    assert_int_equal(ffi_prep_closure_loc(e->closure, &e->cif, receive, r,
                                          code), FFI_OK);
}

/* Calls the code as this end is called; the result is first spoilt. */
static void
call_random(struct random *r, struct end *e, function *code, void *result)
{
    ffi_type *type = r->types[r->n + 1];
    memset(result, 0x55, type->size + sizeof(ffi_arg));
    r->caller = __builtin_frame_address(0);
    ffi_call(&e->cif, code, result, r->values + (r->n + 1 - e->cif.nargs));
}

/* The target lives, and then does not. */
static void
call_proxy(struct random *r, struct end *outer, gcw_proxy *p,
           struct target *self, void *result)
{
    ffi_type *type = r->types[r->n + 1];
    void *zero = GC_MALLOC(type->size + sizeof(ffi_arg));
    call_random(r, outer, gcw_proxy_code(p), result);
    is_right(r, r->calls == 1, "calls");
    is_right(r, result_is(type, result, r->values[r->n + 1]), "the result");
    assert_int_equal(gcw_dispose(self), 0);
    errno = 0;
    call_random(r, outer, gcw_proxy_code(p), result);
    is_right(r, errno == ESTALE && r->calls == 1, "the call of the dead");
    is_right(r, result_is(type, result, zero), "the result of the dead");
}

/* libffi before 3.4.7 passes some structs wrongly on x86-64: those that begin
 * with the last integer register, and end in a floating-point one; before
 * 3.7.1, on arm64, some of several large ones.  Those no proxy is made for.
 * What libffi gets wrong where it takes the part of the proxy's caller, proves
 * nothing of proxies. */
static bool
libffi_can(struct random *r, struct end *e, void *result)
{
    bool can;
    call_random(r, e, e->code, result);
    can = r->wrong == NULL;
    r->wrong = NULL;
    r->calls = 0;
    return can;
}

/* False: libffi cannot do that. */
static bool
try_random(struct random *r)
{
    struct target *self = target_new(0);
    struct end inner, outer;
    gcw_proxy *p;
    void *result;
    bool can;
    end_new(&inner, r, 0);
    end_new(&outer, r, 1);
    fill_values(r, &self);
    result = GC_MALLOC(r->types[r->n + 1]->size + sizeof(ffi_arg));
    errno = 0;
    p = gcw_proxy_new(self, inner.code, r->text);
    is_right(r, p != NULL || errno == ENOTSUP, "making the proxy");
    is_right(r, libffi_can(r, &inner, result) == (p != NULL), "the trial");
    can = p != NULL && libffi_can(r, &outer, result);
    if (can)
        call_proxy(r, &outer, p, self, result);
    assert_int_equal(p == NULL ? 0 : gcw_proxy_free(p), 0);
    ffi_closure_free(inner.closure);
    ffi_closure_free(outer.closure);
    return can;
}

TEST(random_signatures_pass_what_they_say)
{
    int tried = 0;
    chance_begin(0);
    for (int i = 0; i < RANDOM; i++)
        tried += try_random(random_signature());
    assert_in_range(tried, RANDOM - RANDOM / 20, RANDOM);
}

/* A signature is whole only with its last character, and a wrong character is
 * found where it is. */
TEST(random_signatures_are_wrong_where_they_were_spoilt)
{
    chance_begin(1);
    for (int i = 0; i < RANDOM / 10; i++) {
        struct random *r = random_signature();
        size_t at = below((unsigned)r->length);
        char there = r->text[at];
        r->text[at] = '\0';
        is_wrong_at(r->text, at);
        r->text[at] = '?';
        is_wrong_at(r->text, at);
        r->text[at] = there;
        is_well_formed(r->text);
    }
}

/* --- many different ones --- */

enum { DIFFERENT = 10000, BITS = 14 };

static int
sum_14(struct target *self, int a, int b, int c, int d, int e, int f, int g,
       int h, int i, int j, int k, int l, int m, int n)
{
    return (int)self->number + a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f
         + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k + 12 * l + 13 * m + 14 * n;
}

typedef int of_14(int, int, int, int, int, int, int, int, int, int, int, int,
                  int, int);

/* All take ints, signed or not, and so can be called in the same way. */
static gcw_proxy *
different_proxy(struct target *t, unsigned number)
{
    char text[BITS + 3];
    for (unsigned i = 0; i < BITS; i++)
        text[i] = number >> i & 1 ? 'I' : 'i';
    strcpy(text + BITS, ")i");
    return proxy_new(t, (function *)sum_14, text);
}

static void
works_and_goes(gcw_proxy *p)
{
    of_14 *code = (of_14 *)gcw_proxy_code(p);
    assert_int_equal(code(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2), 120);
    assert_int_equal(gcw_proxy_free(p), 0);
}

TEST(many_signatures_are_in_use_at_once_and_go)
{
    struct target *t = target_new(1);
    gcw_proxy **proxies = (gcw_proxy **)keep_array(DIFFERENT);
    const unsigned *order = shuffled(DIFFERENT);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < DIFFERENT; i++)
            proxies[i] = different_proxy(t, i);
        GC_gcollect();
        for (unsigned i = 0; i < DIFFERENT; i++)
            works_and_goes(proxies[order[i]]);
    }
    GC_reachable_here(t);
}

TEST(what_signatures_take_is_given_back)
{
    struct target *t = target_new(1);
    size_t first = 0;
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < DIFFERENT; i++)
            works_and_goes(different_proxy(t, i));
        if (round == 1)
            first = GC_get_heap_size();
    }
    assert_in_range(GC_get_heap_size(), 0, first + first / 2);
    GC_reachable_here(t);
}

int
main(int argc, char **argv)
{
    printf("# seed %" PRIu64 "\n", seed());
    fflush(stdout);
    return test_main(argc, argv, NULL);
}
