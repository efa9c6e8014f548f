/* value.c: strings, tables, and what a value looks like. */
#include "value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gc.h>

static void *
checked(void *memory)
{
    if (memory == NULL) {
        fputs("toy: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void *
allocate(size_t size)
{
    return checked(GC_MALLOC(size));
}

void *
allocate_object(enum type type, size_t size)
{
    struct object *o = allocate(size);
    o->type = type;
    return o;
}

/* Strings.  There is no pointer in one, so the collector need not look. */

static struct string *
string_empty(size_t length)
{
    struct string *s = checked(GC_MALLOC_ATOMIC(sizeof *s + length + 1));
    s->head.type = STRING;
    s->length = length;
    s->text[length] = '\0';
    return s;
}

size_t
string_hash(const char *text, size_t length)
{
    size_t hash = 5381;
    for (size_t i = 0; i < length; i++)
        hash = hash * 33 + (unsigned char)text[i];
    return hash;
}

static struct string *
string_hashed(struct string *s)
{
    s->hash = string_hash(s->text, s->length);
    return s;
}

struct string *
string_new(const char *text, size_t length)
{
    struct string *s = string_empty(length);
    memcpy(s->text, text, length);
    return string_hashed(s);
}

struct string *
string_join(const struct string *a, const struct string *b)
{
    struct string *s = string_empty(a->length + b->length);
    memcpy(s->text, a->text, a->length);
    memcpy(s->text + a->length, b->text, b->length);
    return string_hashed(s);
}

bool
same_string(const struct string *a, const struct string *b)
{
    return a == b || (a->hash == b->hash && a->length == b->length
                      && memcmp(a->text, b->text, a->length) == 0);
}

/* Tables: open addressing, never more than three quarters full. */

/* The entry of the name, or the free one where it belongs. */
static struct entry *
table_entry(const struct table *t, const struct string *name)
{
    size_t i = name->hash & (t->capacity - 1);
    while (t->entries[i].key != NULL && t->entries[i].key != name)
        i = (i + 1) & (t->capacity - 1);
    return &t->entries[i];
}

static void
table_grow(struct table *t)
{
    struct table old = *t;
    t->capacity = old.capacity == 0 ? 4 : old.capacity * 2;
    t->entries = allocate(t->capacity * sizeof *t->entries);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].key != NULL)
            *table_entry(t, old.entries[i].key) = old.entries[i];
}

struct value *
table_find(const struct table *t, const struct string *name)
{
    return t->capacity == 0 ? NULL : table_entry(t, name)->box;
}

void
table_share(struct table *t, struct string *name, struct value *box)
{
    if ((t->count + 1) * 4 > t->capacity * 3)
        table_grow(t);
    struct entry *e = table_entry(t, name);
    t->count += e->key == NULL;
    *e = (struct entry){ name, box };
}

struct value *
table_add(struct table *t, struct string *name)
{
    struct value *box = table_find(t, name);
    if (box == NULL) {
        box = allocate(sizeof *box);
        table_share(t, name, box);
    }
    return box;
}

/* What a value looks like. */

bool
is_true(struct value v)
{
    return v.kind != NIL && (v.kind != TRUTH || v.as.truth);
}

static const char *const type_names[] = {
    [STRING] = "a string",
    [CLOSURE] = "a function",
    [BUILTIN] = "a built-in function",
    [CLASS] = "a class",
    [INSTANCE] = "an object",
    [BOUND] = "a bound method",
    [WEAKREF] = "a weak reference",
    [WEAKMETHOD] = "a weak method",
    [WEAKTABLE] = "a weak table",
    [GUARDIAN] = "a guardian",
    [FINALIZER] = "a finalizer",
    [EXIT_HANDLER] = "an exit handler",
    [EVENT] = "an event",
    [LISTENER] = "a listener",
};

const char *
kind_name(struct value v)
{
    return v.kind == NIL ? "nil"
           : v.kind == TRUTH ? "a boolean"
           : v.kind == NUMBER ? "a number"
           : type_names[v.as.object->type];
}

static const char *
object_name(const struct object *o)
{
    return o->type == INSTANCE
           ? ((const struct instance *)o)->class->name->text
           : strchr(type_names[o->type], ' ') + 1;
}

struct string *
to_string(struct value v)
{
    char text[80];
    if (is(v, STRING))
        return (struct string *)v.as.object;
    if (v.kind == NIL)
        strcpy(text, "nil");
    else if (v.kind == TRUTH)
        strcpy(text, v.as.truth ? "true" : "false");
    else if (v.kind == NUMBER)
        snprintf(text, sizeof text, "%.14g", v.as.number);
    else
        snprintf(text, sizeof text, "<%s>", object_name(v.as.object));
    return string_new(text, strlen(text));
}
