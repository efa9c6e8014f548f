/* parse.c: recursive descent, one function for each line of the grammar.
 *
 *     statement   let NAME = expression ;
 *                 NAME and fields = expression ;
 *                 expression ;   return [expression] ;
 *                 class NAME { NAME (names) block ... }
 *                 if expression block [else block or if]
 *                 while expression block
 *     block       { statement ... }
 *     expression  operators: or, and, == !=, < <= > >=, + -, * /, not -
 *     postfix     primary, then any of  .NAME  and  (expressions)
 *     primary     constants, NAME, fn (names) block, (expression)
 */
#include "parse.h"

#include "vm.h"

struct parser {
    struct lexer lexer;
    struct table *names;             /* of the function that is being read */
};

static struct node *expression(struct parser *p);
static struct node *statement(struct parser *p);
static struct node *block(struct parser *p);

static struct node *
node_new(struct parser *p, int kind)
{
    struct node *n = allocate(sizeof *n);
    n->kind = kind;
    n->line = p->lexer.line;
    return n;
}

static bool
accept(struct parser *p, int kind)
{
    if (p->lexer.kind != kind)
        return false;
    lexer_next(&p->lexer);
    return true;
}

static void
expect(struct parser *p, int kind, const char *what)
{
    if (!accept(p, kind))
        fail(p->lexer.line, "%s expected", what);
}

static struct string *
read_any_name(struct parser *p)
{
    struct value name = p->lexer.value;
    expect(p, T_NAME, "a name");
    return (struct string *)name.as.object;
}

/* The function that it stands in may have to capture it, unless it is a
 * parameter. */
static struct node *
variable(struct parser *p)
{
    struct node *n = node_new(p, N_NAME);
    n->name = read_any_name(p);
    table_add(p->names, n->name);
    return n;
}

static struct node *
parameter(struct parser *p)
{
    struct node *n = variable(p);
    *table_find(p->names, n->name) = truth(true);
    return n;
}

/* Reads items, apart by commas if there is a separator, up to `end`, as the
 * list of n; returns the first. */
static struct node *
list(struct parser *p, struct node *n, int end,
     struct node *(*item)(struct parser *p), int separator)
{
    struct node *first = NULL, **last = &first;
    for (n->count = 0; !accept(p, end); n->count++) {
        if (first != NULL && separator != 0)
            expect(p, separator, "a comma or the end of the list");
        *last = item(p);
        last = &(*last)->next;
    }
    return first;
}

/* What an inner function names, the outer ones must capture for it. */
static void
add_names(struct table *to, const struct table *from)
{
    for (size_t i = 0; i < from->capacity; i++)
        if (is_captured(&from->entries[i]))
            table_add(to, from->entries[i].key);
}

static struct node *
function(struct parser *p)
{
    struct node *n = node_new(p, N_FUNCTION);
    struct table *outer = p->names;
    p->names = &n->names;
    expect(p, '(', "(");
    n->a = list(p, n, ')', parameter, ',');
    n->b = block(p);
    p->names = outer;
    add_names(outer, &n->names);
    return n;
}

static struct node *
constant(struct parser *p, struct value value)
{
    struct node *n = node_new(p, N_CONSTANT);
    n->value = value;
    lexer_next(&p->lexer);
    return n;
}

static struct node *
primary(struct parser *p)
{
    struct node *n;
    switch (p->lexer.kind) {
    case T_NUMBER:
    case T_STRING:
        return constant(p, p->lexer.value);
    case T_NIL:
        return constant(p, nil());
    case T_TRUE:
    case T_FALSE:
        return constant(p, truth(p->lexer.kind == T_TRUE));
    case T_NAME:
        return variable(p);
    }
    if (accept(p, T_FN))
        return function(p);
    expect(p, '(', "an expression");
    n = expression(p);
    expect(p, ')', ")");
    return n;
}

/* Puts a node of that kind above a. */
static struct node *
above(struct parser *p, int kind, struct node *a)
{
    struct node *n = node_new(p, kind);
    n->a = a;
    return n;
}

static struct node *
postfix(struct parser *p)
{
    struct node *n = primary(p);
    for (;;)
        if (p->lexer.kind == '(') {
            n = above(p, N_CALL, n);
            lexer_next(&p->lexer);
            n->b = list(p, n, ')', expression, ',');
        } else if (accept(p, '.')) {
            n = above(p, N_FIELD, n);
            n->name = read_any_name(p);
        } else
            return n;
}

/* -x is read as 0 - x. */
static struct node *
unary(struct parser *p)
{
    check_stack(p->lexer.line);
    if (p->lexer.kind != T_NOT && p->lexer.kind != '-')
        return postfix(p);
    struct node *n = node_new(p, p->lexer.kind == '-' ? N_BINARY : N_NOT);
    n->operator = p->lexer.kind;
    lexer_next(&p->lexer);
    n->a = n->b = unary(p);
    if (n->kind == N_BINARY) {
        n->a = node_new(p, N_CONSTANT);
        n->a->value = number(0);
    }
    return n;
}

/* How tightly a binary operator binds; 0: it is none. */
static int
precedence(int kind)
{
    switch (kind) {
    case T_OR: return 1;
    case T_AND: return 2;
    case T_EQUAL: case T_UNEQUAL: return 3;
    case '<': case '>': case T_LESS_EQUAL: case T_GREATER_EQUAL: return 4;
    case '+': case '-': return 5;
    case '*': case '/': return 6;
    }
    return 0;
}

/* Operators that bind more tightly than `least`; left to right. */
static struct node *
binary(struct parser *p, int least)
{
    struct node *n = unary(p);
    for (;;) {
        int kind = p->lexer.kind, level = precedence(kind);
        if (level <= least)
            return n;
        n = above(p, kind == T_OR ? N_OR : kind == T_AND ? N_AND : N_BINARY,
                  n);
        n->operator = kind;
        lexer_next(&p->lexer);
        n->b = binary(p, level);
    }
}

static struct node *
expression(struct parser *p)
{
    return binary(p, 0);
}

/* Statements. */

static struct node *
block(struct parser *p)
{
    struct node *n = node_new(p, N_BLOCK);
    expect(p, '{', "{");
    n->a = list(p, n, '}', statement, 0);
    return n;
}

static struct node *
method(struct parser *p)
{
    struct string *name = read_any_name(p);
    struct node *n = function(p);
    n->name = name;
    n->is_method = true;
    return n;
}

static struct node *
class(struct parser *p)
{
    struct node *n = node_new(p, N_CLASS);
    n->name = read_any_name(p);
    expect(p, '{', "{");
    n->a = list(p, n, '}', method, 0);
    return n;
}

static struct node *
let(struct parser *p)
{
    struct node *n = node_new(p, N_LET);
    n->name = read_any_name(p);
    expect(p, '=', "=");
    n->a = expression(p);
    if (n->a->kind == N_FUNCTION)
        n->a->name = n->name;
    expect(p, ';', ";");
    return n;
}

static struct node *
conditional(struct parser *p)
{
    check_stack(p->lexer.line);
    struct node *n = node_new(p, N_IF);
    n->a = expression(p);
    n->b = block(p);
    if (accept(p, T_ELSE))
        n->c = accept(p, T_IF) ? conditional(p) : block(p);
    return n;
}

static struct node *
loop(struct parser *p)
{
    struct node *n = node_new(p, N_WHILE);
    n->a = expression(p);
    n->b = block(p);
    return n;
}

static struct node *
give_back(struct parser *p)
{
    struct node *n = node_new(p, N_RETURN);
    if (p->lexer.kind != ';')
        n->a = expression(p);
    expect(p, ';', ";");
    return n;
}

static struct node *
assignment(struct parser *p)
{
    struct node *n = expression(p);
    if (p->lexer.kind == '=') {
        if (n->kind != N_NAME && n->kind != N_FIELD)
            fail(p->lexer.line, "only variables and fields are assigned to");
        n = above(p, N_ASSIGN, n);
        lexer_next(&p->lexer);
        n->b = expression(p);
    }
    expect(p, ';', ";");
    return n;
}

static struct node *
statement(struct parser *p)
{
    check_stack(p->lexer.line);
    return accept(p, T_LET) ? let(p)
           : accept(p, T_CLASS) ? class(p)
           : accept(p, T_IF) ? conditional(p)
           : accept(p, T_WHILE) ? loop(p)
           : accept(p, T_RETURN) ? give_back(p)
           : p->lexer.kind == '{' ? block(p)
           : assignment(p);
}

struct node *
parse(const char *text)
{
    struct table names = { 0 };
    struct parser p = { { .at = text, .line = 1 }, &names };
    lexer_next(&p.lexer);
    struct node *n = node_new(&p, N_BLOCK);
    n->a = list(&p, n, T_END, statement, 0);
    return n;
}
