/* symbol.c: symbols: of the strings with one text, the one that stands for all.
 *
 * Names of variables and fields are symbols, and so are strings that are keys
 * of weak tables.  A symbol that nothing refers to any more is collected, and
 * made anew when its text comes again: nobody can tell the difference, since
 * whoever could compare the two would have held the first.
 */
#include "weak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gcweak.h>

/* What is looked for: a text, of which no string need be made. */
struct text {
    const char *start;
    size_t length;
};

static bool
has_text(const void *text, const void *string)
{
    const struct text *t = text;
    const struct string *s = string;
    return s->length == t->length && memcmp(s->text, t->start, t->length) == 0;
}

static void *
make_symbol(const void *text, void *data)
{
    const struct text *t = text;
    (void)data;
    return string_new(t->start, t->length);
}

static void *
checked(void *result)
{
    if (result == NULL) {
        perror("toy: symbols");
        exit(1);
    }
    return result;
}

struct string *
symbol(const char *text, size_t length)
{
    struct text t = { text, length };
    return checked(gcw_intern_add(vm->symbols, string_hash(text, length),
                                  has_text, &t, make_symbol, NULL));
}

void
symbols_start(void)
{
    vm->symbols = checked(gcw_intern_new());
}
