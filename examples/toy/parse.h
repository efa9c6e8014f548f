/* parse.h: from a script's text to its tree. */
#ifndef TOY_PARSE_H
#define TOY_PARSE_H

#include "value.h"

/* What a token is: a character that stands for itself, or one of these. */
enum token_kind {
    T_END = 256, T_NUMBER, T_STRING, T_NAME,
    T_AND, T_CLASS, T_ELSE, T_FALSE, T_FN, T_IF, T_LET, T_NIL, T_NOT, T_OR,
    T_RETURN, T_TRUE, T_WHILE,
    T_EQUAL, T_UNEQUAL, T_LESS_EQUAL, T_GREATER_EQUAL
};

struct lexer {
    const char *at;                  /* behind the token */
    int line;                        /* of the token */
    int kind;
    struct value value;              /* of a number, string or name */
};

/* Reads the next token; a syntax error raises. */
void lexer_next(struct lexer *l);

/* A statement or expression.  What a, b and c are stands beside its kind. */
struct node {
    enum {
        N_CONSTANT,                  /* value */
        N_NAME,                      /* name */
        N_FIELD,                     /* a.name */
        N_CALL,                      /* a(b, ...) */
        N_FUNCTION,                  /* fn (a, ...) b; name may be NULL */
        N_NOT,                       /* not a */
        N_AND, N_OR, N_BINARY,       /* a operator b */
        N_LET,                       /* let name = a */
        N_ASSIGN,                    /* a = b */
        N_CLASS,                     /* class name { a ... }: functions */
        N_IF,                        /* if a b else c */
        N_WHILE,                     /* while a b */
        N_RETURN,                    /* return a; a may be NULL */
        N_BLOCK                      /* { a ... } */
    } kind;
    int line;
    int operator;                    /* a token */
    size_t count;                    /* of a function's or call's list */
    bool is_method;                  /* a function that has a self */
    struct string *name;
    struct value value;
    struct table names;              /* in a function; true: a parameter */
    struct node *a, *b, *c;
    struct node *next;               /* in a list */
};

/* Whether an entry of a function's names is to be captured. */
static inline bool
is_captured(const struct entry *e)
{
    return e->key != NULL && !is_true(*e->box);
}

/* Parses a whole script to a block; a syntax error raises. */
struct node *parse(const char *text);

#endif
