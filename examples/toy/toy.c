/* toy.c: runs a script in the toy language; see README.md here.
 *
 *     toy SCRIPT
 *
 * Ends with status 0; 1 if the script raised an error; 2 if there is no such
 * script or it is none; or what the script gave to exit.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gc.h>
#include <gcweak.h>

#include "vm.h"

static struct value
print(const struct call *c)
{
    for (size_t i = 0; i < c->count; i++)
        printf("%s%s", i == 0 ? "" : " ", to_string(c->args[i])->text);
    if (putchar('\n') == EOF)
        fail(c->line, "print: %s", strerror(errno));
    return nil();
}

/* Exit handlers run inside this call, on top of the script's stack. */
static struct value
leave(const struct call *c)
{
    struct value status = c->count > 0 ? c->args[0] : number(0);
    if (status.kind != NUMBER || !(status.as.number >= 0)
        || status.as.number > 255)
        fail(c->line, "exit: the status is a number from 0 to 255");
    exit((int)status.as.number);
}

static void
no_script(const char *path, const char *why)
{
    fprintf(stderr, "toy: %s: %s\n", path, why);
    exit(2);
}

/* The text of a script, or NULL if it is empty.  It does not lead to anything,
 * so malloc memory will do. */
static char *
read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    if (file == NULL)
        no_script(path, strerror(errno));
    if (getdelim(&text, &size, '\0', file) < 0) {
        if (!feof(file))
            no_script(path, strerror(errno));
        free(text);
        text = NULL;
    }
    if (getc(file) != EOF)
        no_script(path, "this is no text");
    fclose(file);
    return text;
}

struct script {
    const char *text;
    int status;                      /* if an error is raised */
};

static void
run_text(void *script)
{
    struct script *s = script;
    s->status = 2;
    struct node *tree = parse(s->text);
    s->status = 1;
    run_script(tree);
    s->status = 0;
}

static struct builtin builtins[] = {
    { { BUILTIN }, "print", print, 0, SIZE_MAX },
    { { BUILTIN }, "exit", leave, 0, 1 },
};

/* What the runtime wants of the collector comes first, then gcweak. */
static void
start_collector(void)
{
    GC_set_all_interior_pointers(0);
    GC_INIT();
    if (gcw_init() != 0) {
        perror("toy: gcw_init");
        exit(1);
    }
}

/* Lines come out in the order in which they are written, errors too. */
static void
start(const char *file, const void *base)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    start_collector();
    vm_start(file, base);
    vm_define(builtins, sizeof builtins / sizeof *builtins);
    weak_define();
    weaktable_define();
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: toy SCRIPT\n", stderr);
        return 2;
    }
    char *text = read_file(argv[1]);
    struct script script = { text != NULL ? text : "", 0 };
    start(argv[1], &script);
    if (!attempt(run_text, &script))
        fprintf(stderr, "toy: %s\n", vm->error->text);
    free(text);
    exit(script.status);
}
