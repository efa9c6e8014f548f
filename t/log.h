/* log.h: what handlers leave behind for a test to read.
 *
 * Inside the test's own process: note() appends a word, noted() is the text so
 * far.  In a scenario: say() writes a line to stdout at once, so that fork
 * doubles nothing and _exit loses nothing.
 */
#ifndef LOG_H
#define LOG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include "support.h"

enum { NOTES = 4096 };

/* The words noted since forget(), with a blank between two. */
static inline char *
noted(void)
{
    static char text[NOTES];
    return text;
}

static inline void
forget(void)
{
    noted()[0] = '\0';
}

static inline void
note(const char *word)
{
    size_t n = strlen(noted());
    snprintf(noted() + n, NOTES - n, "%s%s", n > 0 ? " " : "", word);
}

static inline void
say(const char *line)
{
    dprintf(STDOUT_FILENO, "%s\n", line);
}

/* The usual handlers: the data is the word, or the line. */
static inline void
note_it(void *data)
{
    note(data);
}

static inline void
say_it(void *data)
{
    say(data);
}

/* The same of an event's listener. */
static inline void
say_word(void *arg, void *word)
{
    (void)arg;
    say(word);
}

/* In a scenario: ends the process with status 99 if `ok` does not hold. */
#define MUST(ok) must((ok), #ok, __LINE__)

static inline void
must(bool ok, const char *what, int line)
{
    if (ok)
        return;
    dprintf(STDOUT_FILENO, "line %d: not so: %s\n", line, what);
    _exit(99);
}

/* The default registry runs it. */
static inline void
at_exit(void (*fn)(void *data), void *data)
{
    MUST(gcw_exit_register_fn(gcw_exit_default(), fn, data, NULL) != NULL);
}

/* Waits for the child, which must end with status 0. */
static inline void
ends_well(pid_t child)
{
    int status;
    MUST(waitpid(child, &status, 0) == child);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
