/* eval.c: runs the tree. */
#include "vm.h"

static struct value evaluate(struct scope *s, const struct node *n);
static bool run(struct scope *s, const struct node *n, struct value *result);

static struct scope *
scope_new(struct scope *outer)
{
    struct scope *s = allocate(sizeof *s);
    s->outer = outer;
    return s;
}

/* The box of a variable, looked for up to the scope `end`; or NULL. */
static struct value *
find_variable(struct scope *s, const struct string *name,
              const struct scope *end)
{
    struct value *box = NULL;
    for (; s != end && box == NULL; s = s->outer)
        box = table_find(&s->names, name);
    return box;
}

static struct value *
variable(struct scope *s, const struct node *n)
{
    struct value *box = find_variable(s, n->name, NULL);
    if (box == NULL)
        fail(n->line, "%s is not defined", n->name->text);
    return box;
}

/* A closure shares those variables around it that its function names, and no
 * others.  If it had the whole scope, it would keep alive whatever happens to
 * stand beside them: a finalizer, for one, the very object that it waits for.
 * Globals are there anyway. */
static struct closure *
closure_new(struct scope *s, const struct node *function)
{
    struct closure *f = allocate_object(CLOSURE, sizeof *f);
    f->function = function;
    f->captured = scope_new(vm->globals);
    for (size_t i = 0; i < function->names.capacity; i++) {
        const struct entry *e = &function->names.entries[i];
        struct value *box = is_captured(e)
                            ? find_variable(s, e->key, vm->globals) : NULL;
        if (box != NULL)
            table_share(&f->captured->names, e->key, box);
    }
    return f;
}

/* Members. */

struct value *
find_member(const struct instance *o, const struct string *name)
{
    struct value *box = table_find(&o->fields, name);
    return box != NULL ? box : table_find(&o->class->methods, name);
}

static struct instance *
instance(struct scope *s, const struct node *n)
{
    struct value v = evaluate(s, n);
    if (!is(v, INSTANCE))
        fail(n->line, "%s has no fields or methods", kind_name(v));
    return (struct instance *)v.as.object;
}

/* The value of object.name; if that is a method, *self becomes the object. */
static struct value
member(struct scope *s, const struct node *n, struct object **self)
{
    struct instance *o = instance(s, n->a);
    struct value *box = find_member(o, n->name);
    if (box == NULL)
        fail(n->line, "%s has no %s", o->class->name->text, n->name->text);
    if (table_find(&o->fields, n->name) == NULL)
        *self = &o->head;
    return *box;
}

static struct value
field(struct scope *s, const struct node *n)
{
    struct object *self = NULL;
    struct value v = member(s, n, &self);
    if (self == NULL)
        return v;
    struct bound *b = allocate_object(BOUND, sizeof *b);
    b->self = self;
    b->closure = (struct closure *)v.as.object;
    return object(b);
}

/* Calls. */

static void
check_count(const char *name, size_t least, size_t most, const struct call *c)
{
    if (c->count < least || c->count > most)
        fail(c->line, "%s: %zu arguments are too %s", name, c->count,
             c->count < least ? "few" : "many");
}

static void
bind_arguments(struct scope *s, const struct node *function,
               const struct call *c)
{
    const char *name = function->name != NULL ? function->name->text : "fn";
    const struct value *arg = c->args;
    check_count(name, function->count, function->count, c);
    for (const struct node *p = function->a; p != NULL; p = p->next)
        *table_add(&s->names, p->name) = *arg++;
}

struct value
call_closure(struct closure *f, struct object *self, const struct call *c)
{
    struct scope *s = scope_new(f->captured);
    struct value result = nil();
    check_stack(c->line);
    safe_point();
    if (f->function->is_method)
        *table_add(&s->names, vm->self) = object(self);
    bind_arguments(s, f->function, c);
    for (const struct node *n = f->function->b->a; n != NULL; n = n->next)
        if (run(s, n, &result))
            break;
    return result;
}

static struct value
call_builtin(const struct builtin *b, struct call c)
{
    c.name = b->name;
    check_count(b->name, b->least, b->most, &c);
    /* cppcheck-suppress returnDanglingLifetime ; no value holds a call */
    return b->fn(&c);
}

/* A call of a class makes an object, and calls its method init. */
static struct value
construct(struct class *class, const struct call *c)
{
    struct instance *o = allocate_object(INSTANCE, sizeof *o);
    struct value *init = table_find(&class->methods, vm->init);
    o->class = class;
    if (init != NULL)
        call_closure((struct closure *)init->as.object, &o->head, c);
    else
        check_count(class->name->text, 0, 0, c);
    return object(o);
}

struct value
call_value(struct value f, const struct call *c)
{
    struct object *o = f.kind == OBJECT ? f.as.object : NULL;
    switch (o != NULL ? o->type : STRING) {
    case CLOSURE:
        return call_closure((struct closure *)o, NULL, c);
    case BUILTIN:
        return call_builtin((struct builtin *)o, *c);
    case BOUND:
        return call_closure(((struct bound *)o)->closure,
                            ((struct bound *)o)->self, c);
    case CLASS:
        return construct((struct class *)o, c);
    case WEAKREF:
    case WEAKMETHOD:
    case GUARDIAN:
        return weak_call(o, c);
    default:
        fail(c->line, "%s cannot be called", kind_name(f));
    }
}

static struct value *
arguments(struct scope *s, const struct node *call)
{
    struct value *args = allocate((call->count + 1) * sizeof *args);
    struct value *arg = args;
    for (const struct node *n = call->b; n != NULL; n = n->next)
        *arg++ = evaluate(s, n);
    return args;
}

static struct value
call(struct scope *s, const struct node *n)
{
    struct object *self = NULL;
    struct value f = n->a->kind == N_FIELD ? member(s, n->a, &self)
                     : evaluate(s, n->a);
    struct call c = { NULL, n->line, n->count, arguments(s, n) };
    return self == NULL ? call_value(f, &c)
           : call_closure((struct closure *)f.as.object, self, &c);
}

/* Operators. */

static bool
equal_objects(struct object *a, struct object *b)
{
    return a == b || weak_equal(a, b)
           || (a->type == STRING && b->type == STRING
               && same_string((struct string *)a, (struct string *)b));
}

static bool
equal(struct value a, struct value b)
{
    return a.kind == b.kind
           && (a.kind == NUMBER ? a.as.number == b.as.number
               : a.kind == TRUTH ? a.as.truth == b.as.truth
               : a.kind == NIL || equal_objects(a.as.object, b.as.object));
}

static struct value
calculate(const struct node *n, double a, double b)
{
    switch (n->operator) {
    case '+': return number(a + b);
    case '-': return number(a - b);
    case '*': return number(a * b);
    case '/': return number(a / b);
    case '<': return truth(a < b);
    case '>': return truth(a > b);
    case T_LESS_EQUAL: return truth(a <= b);
    default: return truth(a >= b);
    }
}

static void
check_number(struct value v, int line)
{
    if (v.kind != NUMBER)
        fail(line, "%s is not a number", kind_name(v));
}

static struct value
binary(struct scope *s, const struct node *n)
{
    struct value a = evaluate(s, n->a), b = evaluate(s, n->b);
    if (n->operator == T_EQUAL || n->operator == T_UNEQUAL)
        return truth(equal(a, b) == (n->operator == T_EQUAL));
    if (n->operator == '+' && (is(a, STRING) || is(b, STRING)))
        return object(string_join(to_string(a), to_string(b)));
    check_number(a, n->line);
    check_number(b, n->line);
    return calculate(n, a.as.number, b.as.number);
}

/* The second operand only if the first does not decide. */
static struct value
logical(struct scope *s, const struct node *n)
{
    struct value a = evaluate(s, n->a);
    return is_true(a) == (n->kind == N_OR) ? a : evaluate(s, n->b);
}

static struct value
evaluate(struct scope *s, const struct node *n)
{
    check_stack(n->line);
    switch (n->kind) {
    case N_CONSTANT:
        return n->value;
    case N_NAME:
        return *variable(s, n);
    case N_FIELD:
        return field(s, n);
    case N_CALL:
        return call(s, n);
    case N_FUNCTION:
        return object(closure_new(s, n));
    case N_NOT:
        return truth(!is_true(evaluate(s, n->a)));
    case N_AND:
    case N_OR:
        return logical(s, n);
    default:
        return binary(s, n);
    }
}

/* Statements. */

/* A function may name itself, so its name is there before it. */
static void
let(struct scope *s, const struct node *n)
{
    if (n->a->kind == N_FUNCTION)
        table_add(&s->names, n->name);
    struct value v = evaluate(s, n->a);
    *table_add(&s->names, n->name) = v;
}

static void
assign(struct scope *s, const struct node *n)
{
    struct value v = evaluate(s, n->b);
    if (n->a->kind == N_NAME)
        *variable(s, n->a) = v;
    else
        *table_add(&instance(s, n->a->a)->fields, n->a->name) = v;
}

static void
define_class(struct scope *s, const struct node *n)
{
    struct class *class = allocate_object(CLASS, sizeof *class);
    class->name = n->name;
    *table_add(&s->names, n->name) = object(class);
    for (const struct node *m = n->a; m != NULL; m = m->next)
        *table_add(&class->methods, m->name) = object(closure_new(s, m));
}

/* Like run. */
static bool
block(struct scope *outer, const struct node *n, struct value *result)
{
    struct scope *s = scope_new(outer);
    for (n = n->a; n != NULL; n = n->next)
        if (run(s, n, result))
            return true;
    return false;
}

static bool
loop(struct scope *s, const struct node *n, struct value *result)
{
    while (is_true(evaluate(s, n->a))) {
        if (block(s, n->b, result))
            return true;
        safe_point();
    }
    return false;
}

static bool
conditional(struct scope *s, const struct node *n, struct value *result)
{
    const struct node *chosen = is_true(evaluate(s, n->a)) ? n->b : n->c;
    return chosen != NULL && run(s, chosen, result);
}

/* Runs a statement.  True: it was left by a return, with that result. */
static bool
run(struct scope *s, const struct node *n, struct value *result)
{
    check_stack(n->line);
    switch (n->kind) {
    case N_LET:
        let(s, n);
        return false;
    case N_ASSIGN:
        assign(s, n);
        return false;
    case N_CLASS:
        define_class(s, n);
        return false;
    case N_IF:
        return conditional(s, n, result);
    case N_WHILE:
        return loop(s, n, result);
    case N_RETURN:
        *result = n->a != NULL ? evaluate(s, n->a) : nil();
        return true;
    case N_BLOCK:
        return block(s, n, result);
    default:
        evaluate(s, n);
        return false;
    }
}

void
run_script(const struct node *script)
{
    struct value result;
    for (const struct node *n = script->a; n != NULL; n = n->next)
        if (run(vm->globals, n, &result))
            break;
}
