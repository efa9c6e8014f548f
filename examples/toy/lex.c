/* lex.c: cuts a script into tokens. */
#include "parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "vm.h"

/* What the tokens from T_AND on look like. */
static const char *const words[] = {
    "and", "class", "else", "false", "fn", "if", "let", "nil", "not", "or",
    "return", "true", "while", "==", "!=", "<=", ">="
};

/* The token that looks like this; or `other`. */
static int
word_kind(const char *text, size_t length, int other)
{
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0)
            return T_AND + i;
    return other;
}

/* To the first character of the next token, over blanks and comments. */
static void
skip(struct lexer *l)
{
    for (; isspace((unsigned char)*l->at) || *l->at == '#'; l->at++) {
        if (*l->at == '#')
            l->at += strcspn(l->at, "\n");
        if (*l->at == '\0')
            return;
        l->line += *l->at == '\n';
    }
}

static void
read_number(struct lexer *l)
{
    char *end;
    l->kind = T_NUMBER;
    l->value = number(strtod(l->at, &end));
    l->at = end;
}

static bool
in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static void
read_name(struct lexer *l)
{
    const char *start = l->at;
    while (in_name(*l->at))
        l->at++;
    size_t length = (size_t)(l->at - start);
    l->kind = word_kind(start, length, T_NAME);
    l->value = l->kind == T_NAME ? object(symbol(start, length)) : nil();
}

/* There are no escapes: a string is what stands between the quotes. */
static void
read_string(struct lexer *l)
{
    const char *start = l->at + 1;
    size_t length = strcspn(start, "\"\n");
    if (start[length] != '"')
        fail(l->line, "the string has no end");
    l->kind = T_STRING;
    l->value = object(string_new(start, length));
    l->at = start + length + 1;
}

static void
read_sign(struct lexer *l)
{
    l->kind = l->at[1] == '=' ? word_kind(l->at, 2, 0) : 0;
    l->at += l->kind != 0 ? 2 : 1;
    if (l->kind == 0)
        l->kind = (unsigned char)l->at[-1];
    if (l->kind < T_END && strchr("+-*/<>=(){},;.", l->kind) == NULL)
        fail(l->line, "a script has no such character");
}

void
lexer_next(struct lexer *l)
{
    skip(l);
    if (*l->at == '\0')
        l->kind = T_END;
    else if (isdigit((unsigned char)*l->at))
        read_number(l);
    else if (in_name(*l->at))
        read_name(l);
    else if (*l->at == '"')
        read_string(l);
    else
        read_sign(l);
}
