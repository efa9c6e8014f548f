/* value.h: the values of the toy language, and tables of them.
 *
 * A value is a small struct, passed by value.  What lies on the heap begins
 * with a struct object, and a value points at that start: a plain pointer,
 * where the collector can see it.  Numbers, truths and nil lie in the value
 * itself, so they are nothing that could die.
 */
#ifndef TOY_VALUE_H
#define TOY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum type {
    STRING, CLOSURE, BUILTIN, CLASS, INSTANCE, BOUND,
    WEAKREF, WEAKMETHOD, WEAKTABLE, GUARDIAN, FINALIZER, EXIT_HANDLER, EVENT,
    LISTENER
};

struct object {
    enum type type;
};

struct value {
    enum { NIL, TRUTH, NUMBER, OBJECT } kind;
    union {
        bool truth;
        double number;
        struct object *object;
    } as;
};

struct string {
    struct object head;
    size_t hash;
    size_t length;
    char text[];
};

/* From names to boxes.  A name is a symbol, which no other string is equal to,
 * so names are compared by their address (symbol.c).  A box is an object of its
 * own, so that closures can share the variable in it. */
struct table {
    struct entry *entries;
    size_t count, capacity;
};

struct entry {
    struct string *key;              /* NULL: free */
    struct value *box;
};

struct class {
    struct object head;
    struct string *name;
    struct table methods;            /* closures; the class roots them */
};

struct instance {
    struct object head;
    struct class *class;
    struct table fields;
};

/* The variables of a block or a call. */
struct scope {
    struct table names;
    struct scope *outer;             /* the last of the chain is global */
};

/* A function and the variables of its surroundings that it names. */
struct closure {
    struct object head;
    const struct node *function;
    struct scope *captured;
};

struct call;

/* A function of the interpreter's own; static, not on the heap. */
struct builtin {
    struct object head;
    const char *name;
    struct value (*fn)(const struct call *c);
    size_t least, most;              /* arguments */
};

/* What object.method is when it is not called at once: a strong pair, and a
 * temporary. */
struct bound {
    struct object head;
    struct object *self;
    struct closure *closure;
};

/* The values that stand for something of gcweak's: a gcw_ref, a gcw_method,
 * a gcw_cleanup and so on.  The type tells which. */
struct handle {
    struct object head;
    void *of;
};

static inline struct value
nil(void)
{
    return (struct value){ .kind = NIL };
}

static inline struct value
truth(bool b)
{
    return (struct value){ .kind = TRUTH, .as.truth = b };
}

static inline struct value
number(double n)
{
    return (struct value){ .kind = NUMBER, .as.number = n };
}

/* Of any of the structs above that begin with a struct object; NULL is nil. */
static inline struct value
object(void *o)
{
    if (o == NULL)
        return nil();
    return (struct value){ .kind = OBJECT, .as.object = o };
}

static inline bool
is(struct value v, enum type type)
{
    return v.kind == OBJECT && v.as.object->type == type;
}

/* Collected memory, cleared; if there is none, the program ends. */
void *allocate(size_t size);
void *allocate_object(enum type type, size_t size);

size_t string_hash(const char *text, size_t length);
struct string *string_new(const char *text, size_t length);
struct string *string_join(const struct string *a, const struct string *b);

/* The value as it is printed; what kind of thing it is, for messages. */
struct string *to_string(struct value v);
const char *kind_name(struct value v);

bool is_true(struct value v);
bool same_string(const struct string *a, const struct string *b);

/* The box of the name, or NULL. */
struct value *table_find(const struct table *t, const struct string *name);

/* The box of the name; a new one, with nil, if there is none. */
struct value *table_add(struct table *t, struct string *name);

/* Gives the name that box. */
void table_share(struct table *t, struct string *name, struct value *box);

#endif
