/* serving.h: runs of examples/service, each a process, whose words are read as
 * it says them.
 *
 * Any thread may use one, at the same time as others use theirs: nothing here
 * fails a test, or asks anything of the collector.  What cannot go on ends the
 * test program. */
#ifndef SERVING_H
#define SERVING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SERVING_WORDS = 8192, SERVING_OPTIONS = 4 };

struct serving {
    const char *dir;
    pid_t pid;
    int words;                     /* its stderr */
    char said[SERVING_WORDS];      /* what has been read of it */
    size_t length;
    bool over;                     /* it will say no more */
    int status;                    /* of waitpid */
};

/* The line that says that it serves. */
#define SERVING_READY "is ready"

/* Options: none; it ends as soon as it is ready. */
extern const char *const serving_plain[SERVING_OPTIONS];
extern const char *const serving_once[SERVING_OPTIONS];

/* A directory for services, to be removed, with what is in it. */
char *serving_dir_new(void);
void serving_dir_remove(char *dir);

/* Starts `service -v OPTIONS dir`, with signals as a shell would leave them. */
void serving_begin(struct serving *s, const char *dir,
                   const char *const options[SERVING_OPTIONS]);

/* Waits until it has said so many lines; or the line; or all that it will say.
 * One that says nothing for a minute is killed. */
void serving_await_lines(struct serving *s, size_t lines);
void serving_await(struct serving *s, const char *line);

/* What it has said by now, without waiting. */
void serving_look(struct serving *s);

/* Waits for its end. */
void serving_finish(struct serving *s);
bool serving_killed_by(const struct serving *s, int sig);

/* Begins one, and waits for its end. */
void serving_run(struct serving *s, const char *dir,
                 const char *const options[SERVING_OPTIONS]);

/* Whether it has said this line, and how many it has said. */
bool serving_said(const struct serving *s, const char *line);
size_t serving_lines(const struct serving *s);

/* The names of what is in the directory, each with a blank behind it, sorted;
 * malloc memory. */
char *serving_remains(const char *dir);

/* Whether the journal's last line is that of a service that closed it, which is
 * this one. */
bool serving_closed_journal(const struct serving *s);

#endif
