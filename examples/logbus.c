/* logbus.c: a log's lines as events on one hub, heard by subscribers that
 * come and go, and never take leave.
 *
 * Each line becomes an event with a type, and with a source, if it tells of
 * something.  With each line come new subscribers, which connect to the type,
 * to the source, to both or to anything.  A short ring holds the last few;
 * what falls out of it is simply forgotten.  Nobody disconnects, and the hub
 * stays as small as what lives.  With strong listeners (--leak) the same
 * program grows with every line.
 *
 * What a line is
 *   - dpkg's log, "2025-06-24 14:36:25 VERB ...": the type is the verb; the
 *     source is the package, the first of the next two words with a colon.
 *   - syslog, "... PROGRAM[PID]: ...": if one of the first five words begins
 *     with a letter and ends with a colon, it is the source, without the
 *     colon; what stands before its bracket is the type.
 *   - any other line: of the type "line", without a source.
 * Words stand between blanks, and a NUL byte ends the line.  Names are cut
 * after 63 bytes, and have a '?' for each byte that does not print.
 *
 * A source is an object too.  It is made when a line tells of it first, and
 * forgotten when so many others were told of since.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gc.h>
#include <gcweak.h>

enum {
    ENOUGH = 60000,      /* lines, if nothing else is asked for */
    ENOUGH_LEAK = 6000,  /* with --leak: the time grows with the square */
    PER_LINE = 2,        /* new subscribers with each line */
    RING = 64,           /* subscribers that are held */
    SOURCES = 32,        /* sources that are held */
    TURN = 50,           /* lines between two samples */
    NAME = 64,
    WIDTH = 60,          /* of a plot */
    HEIGHT = 12
};

struct options {
    const char *path;
    size_t repeat;       /* 0: until there are enough lines */
    bool leak;
    bool plot;
};

/* What a line tells of.  An empty source is none. */
struct news {
    char type[NAME];
    char source[NAME];
};

/* A type stays, and counts its own events. */
struct type {
    struct type *next;
    char name[NAME];
    size_t events;
    size_t calls;
};

struct source {
    char name[NAME];
};

struct subscriber {
    size_t number;
    size_t heard;
};

/* Everything that lives.  A local of main holds it. */
struct bus {
    gcw_hub *hub;
    struct type *types;
    struct source *sources[SOURCES];     /* the last told of is the first */
    struct subscriber *ring[RING];
    size_t lines;
    bool leak;
};

/* What is counted.  It leads to no object, so methods may have it as data. */
struct tally {
    size_t types;
    size_t sources, sources_died;
    size_t subscribers, subscribers_died;
    size_t late_calls;   /* to subscribers that had left the ring */
};
static struct tally tally;

/* What is looked at every now and then.  Numbers only: malloc will do. */
enum { CONNECTED, LISTENERS, HEAP, MEASURES };
struct sample {
    size_t of[MEASURES];
};
static struct sample *samples;
static size_t sample_count;

static void
check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "logbus: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *
make(size_t size)
{
    void *p = GC_MALLOC(size);
    check(p != NULL, "memory");
    return p;
}

/* Reading a line. */

/* Whether a line begins as those of dpkg do. */
static bool
is_dpkg(const char *line)
{
    for (const char *c = "0000-00-00 00:00:00 "; *c != '\0'; c++, line++)
        if (*c == '0' ? !isdigit((unsigned char)*line) : *line != *c)
            return false;
    return true;
}

/* Cuts a line into words; those that it has not are empty. */
static void
split(char *line, const char **words, int count)
{
    char *rest = NULL;
    for (int i = 0; i < count; i++) {
        const char *word = strtok_r(i == 0 ? line : NULL, " \t\r\n", &rest);
        words[i] = word != NULL ? word : "";
    }
}

static void
copy_name(char *name, const char *from, size_t size)
{
    size_t length = size < NAME ? size : NAME - 1;
    for (size_t i = 0; i < length; i++)
        name[i] = isprint((unsigned char)from[i]) ? from[i] : '?';
    name[length] = '\0';
}

static void
read_dpkg(struct news *news, const char *const *words)
{
    int i = strchr(words[3], ':') != NULL ? 3 : 4;
    copy_name(news->type, words[2], strlen(words[2]));
    if (strchr(words[i], ':') != NULL)
        copy_name(news->source, words[i], strlen(words[i]));
}

/* Returns whether the word was a program's name with a colon. */
static bool
read_tag(struct news *news, const char *word)
{
    size_t size = strlen(word);
    if (!isalpha((unsigned char)word[0]) || word[size - 1] != ':')
        return false;
    copy_name(news->source, word, size - 1);
    copy_name(news->type, word, strcspn(word, "[:"));
    return true;
}

static void
read_line(struct news *news, char *line)
{
    const char *words[5];
    bool dpkg = is_dpkg(line);
    *news = (struct news){ .type = "line" };
    split(line, words, 5);
    if (dpkg && words[2][0] != '\0')
        read_dpkg(news, words);
    else
        for (int i = 0; i < 5 && !read_tag(news, words[i]); i++)
            continue;
}

/* Types and sources. */

/* The method of a type. */
static void *
count_event(struct type *self, const gcw_emission *emission, void *data)
{
    (void)emission;
    (void)data;
    self->events++;
    return NULL;
}

/* Defines count_event_method(), which checks the types. */
GCW_METHOD(count_event, struct type, const gcw_emission, void)

static struct type *
type_new(struct bus *bus, const char *name)
{
    struct type *type = make(sizeof *type);
    gcw_method *m = count_event_method(type, NULL);
    strcpy(type->name, name);
    check(gcw_hub_connect(bus->hub, name, NULL, m, 0) != NULL,
          "gcw_hub_connect");
    tally.types++;
    return type;
}

static struct type *
type_named(struct bus *bus, const char *name)
{
    struct type **at = &bus->types;
    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (*at == NULL)
        *at = type_new(bus, name);
    return *at;
}

static void
note_death(void *count)
{
    ++*(size_t *)count;
}

/* Has a death counted.  Only the count waits for gcw_drain; the hub needs
 * nobody's help. */
static void
count_death(void *target, size_t *count)
{
    gcw_cleanup *c = gcw_cleanup_new(target, note_death, count);
    check(c != NULL && gcw_cleanup_set_atexit(c, false) == 0,
          "gcw_cleanup_new");
}

static struct source *
source_new(const char *name)
{
    struct source *source = make(sizeof *source);
    strcpy(source->name, name);
    count_death(source, &tally.sources_died);
    tally.sources++;
    return source;
}

/* Puts it first among the sources; the last may fall out. */
static struct source *
source_named(struct bus *bus, const char *name)
{
    struct source **all = bus->sources;
    int i = 0;
    while (i < SOURCES - 1 && all[i] != NULL
           && strcmp(all[i]->name, name) != 0)
        i++;
    bool known = all[i] != NULL && strcmp(all[i]->name, name) == 0;
    struct source *source = known ? all[i] : source_new(name);
    memmove(all + 1, all, (size_t)i * sizeof *all);
    return all[0] = source;
}

/* Subscribers. */

/* The method of a subscriber.  One that was forgotten may still hear of
 * something, until a collection finds it dead. */
static void *
hear(struct subscriber *self, const gcw_emission *emission,
     struct tally *counts)
{
    (void)emission;
    self->heard++;
    counts->late_calls += self->number + RING < counts->subscribers;
    return NULL;
}

GCW_METHOD(hear, struct subscriber, const gcw_emission, struct tally)

/* The same as a function, whose data the hub holds: the subscriber lives as
 * long as the hub, or as the source that it listens to. */
static void
hear_strongly(const gcw_emission *emission, void *subscriber)
{
    hear(subscriber, emission, &tally);
}

static void
connect_to(struct bus *bus, const char *type, struct source *source,
           struct subscriber *s)
{
    gcw_listener *listener = bus->leak
        ? gcw_hub_connect_fn(bus->hub, type, source, hear_strongly, s, 0)
        : gcw_hub_connect(bus->hub, type, source, hear_method(s, &tally), 0);
    check(listener != NULL, "gcw_hub_connect");
}

/* A new subscriber takes the place of the oldest in the ring.  Of four, one
 * wants to hear of anything, one of this type, one of this source, and one of
 * both. */
static void
subscribe(struct bus *bus, const char *type, struct source *source)
{
    struct subscriber *s = make(sizeof *s);
    s->number = tally.subscribers++;
    bus->ring[s->number % RING] = s;
    count_death(s, &tally.subscribers_died);
    connect_to(bus, s->number & 1 ? type : NULL,
               s->number & 2 ? source : NULL, s);
}

/* The run. */

static gcw_hub_size
measure(const struct bus *bus)
{
    gcw_hub_size size;
    check(gcw_hub_measure(bus->hub, &size) == 0, "gcw_hub_measure");
    return size;
}

static void
take_sample(const struct bus *bus)
{
    struct sample *more;
    gcw_drain(0);
    more = realloc(samples, (sample_count + 1) * sizeof *samples);
    check(more != NULL, "memory");
    samples = more;
    samples[sample_count++] = (struct sample){ .of = {
        [CONNECTED] = tally.subscribers + tally.types,
        [LISTENERS] = measure(bus).listeners,
        [HEAP] = (GC_get_heap_size() - GC_get_free_bytes()) / 1024
    } };
}

static void
tell(struct bus *bus, char *line)
{
    struct news news;
    read_line(&news, line);
    struct type *type = type_named(bus, news.type);
    struct source *source = news.source[0] != '\0'
        ? source_named(bus, news.source) : NULL;
    for (int i = 0; i < PER_LINE; i++)
        subscribe(bus, news.type, source);
    size_t calls = gcw_hub_emit(bus->hub, news.type, source, NULL);
    check(calls > 0, "gcw_hub_emit");
    type->calls += calls;
}

/* Reads the log once, but no more than up to `limit` lines in all. */
static void
read_once(struct bus *bus, FILE *log, size_t limit)
{
    char *line = NULL;
    size_t room = 0;
    while (bus->lines < limit && getline(&line, &room, log) >= 0) {
        bus->lines++;
        tell(bus, line);
        if (bus->lines % TURN == 0)
            take_sample(bus);
    }
    free(line);
}

/* Reads the log as often as asked; returns how often that was. */
static size_t
read_log(struct bus *bus, FILE *log, const struct options *options)
{
    size_t limit = options->leak ? ENOUGH_LEAK : ENOUGH;
    size_t pass = 0;
    if (options->repeat > 0)
        limit = SIZE_MAX;
    if (options->repeat > 1)
        check(fseek(log, 0, SEEK_CUR) == 0, "cannot read it repeatedly");
    do {
        read_once(bus, log, limit);
        check(!ferror(log), options->path);
    } while (++pass != options->repeat && bus->lines < limit
             && bus->lines > 0 && fseek(log, 0, SEEK_SET) == 0);
    take_sample(bus);
    return pass;
}

/* The report. */

static void
print_type(const char *name, size_t events, size_t calls)
{
    printf("%-24.24s %9zu %11zu %13.1f\n", name, events, calls,
           (double)calls / (double)events);
}

static void
print_types(const struct bus *bus)
{
    size_t events = 0, calls = 0;
    printf("%-24s %9s %11s %13s\n", "type", "events", "calls", "calls/event");
    for (const struct type *t = bus->types; t != NULL; t = t->next) {
        print_type(t->name, t->events, t->calls);
        events += t->events;
        calls += t->calls;
    }
    print_type("(all)", events, calls);
    printf("%zu calls reached a subscriber after it was forgotten, before\n"
           "a collection found it dead.\n\n", tally.late_calls);
}

/* The most of something in the samples from `start` to before `end`. */
static size_t
most(int what, size_t start, size_t end)
{
    size_t most = 0;
    for (size_t i = start; i < end; i++)
        if (samples[i].of[what] > most)
            most = samples[i].of[what];
    return most;
}

static void
print_halves(const char *name, int what, const char *unit)
{
    printf("%-12s at most %zu%s in the first half, %zu%s in the second\n",
           name, most(what, 0, (sample_count + 1) / 2), unit,
           most(what, sample_count / 2, sample_count), unit);
}

static void
print_lives(const struct bus *bus)
{
    gcw_hub_size size = measure(bus);
    size_t held = tally.subscribers < RING ? tally.subscribers : RING;
    printf("subscribers  %zu made, %zu held, %zu died unannounced\n",
           tally.subscribers, held, tally.subscribers_died);
    printf("sources      %zu made, %zu died\n", tally.sources,
           tally.sources_died);
    printf("hub          %zu listeners, %zu patterns, %zu types, %zu bytes\n",
           size.listeners, size.patterns, size.types, size.bytes);
    print_halves("listeners", LISTENERS, "");
    print_halves("heap in use", HEAP, " KiB");
}

/* The most in one column of a plot. */
static size_t
column(int what, size_t c)
{
    size_t start = c * sample_count / WIDTH;
    size_t end = (c + 1) * sample_count / WIDTH;
    return most(what, start, end > start ? end : start + 1);
}

/* One row of a plot: '#' up to `what`, dots where `dots` are. */
static void
print_plot_row(int what, int dots, size_t row, size_t top)
{
    for (size_t c = 0; c < WIDTH; c++) {
        size_t bar = (column(what, c) * HEIGHT + top - 1) / top;
        size_t dot = (column(dots, c) * HEIGHT + top - 1) / top;
        putchar(bar >= row ? '#' : dot == row ? '.' : ' ');
    }
}

static void
plot(const char *title, int what, int dots, size_t lines)
{
    size_t top = most(dots, 0, sample_count);
    printf("\n%s\n", title);
    for (size_t row = HEIGHT; row > 0; row--) {
        if (row == HEIGHT || row == HEIGHT / 2)
            printf("%9zu |", top * row / HEIGHT);
        else
            printf("%9s |", "");
        print_plot_row(what, dots, row, top);
        putchar('\n');
    }
    printf("%9d +", 0);
    for (int c = 0; c < WIDTH; c++)
        putchar('-');
    printf("\n%11s%-*d%*zu lines\n", "", WIDTH / 2, 0, WIDTH / 2, lines);
}

static void
report(const struct bus *bus, const struct options *options, size_t passes)
{
    printf("%zu lines of %s, in %zu pass%s, %s listeners\n\n", bus->lines,
           options->path, passes, passes == 1 ? "" : "es",
           options->leak ? "strong" : "weak");
    print_types(bus);
    print_lives(bus);
    if (!options->plot)
        return;
    plot("# listeners in the hub    . all that were ever connected",
         LISTENERS, CONNECTED, bus->lines);
    plot("# heap in use, KiB", HEAP, HEAP, bus->lines);
}

/* The start. */

static const char usage[] =
    "usage: logbus [--leak] [--plot] [--repeat N] [FILE | -]\n"
    "\n"
    "Makes events of a log's lines, for subscribers that are forgotten and\n"
    "never disconnect.  Shows who heard what, and how small the hub stays.\n"
    "\n"
    "  FILE        the log; /var/log/dpkg.log if none is given; - is stdin\n"
    "  --repeat N  read the whole log N times; without it, 60000 lines: a\n"
    "              shorter log several times, of a longer one the beginning\n"
    "  --leak      listeners that hold their subscribers; with the plots.\n"
    "              6000 lines, for the time grows with their square\n"
    "  --plot      plot listeners and heap over the lines read\n";

static void
show_usage(FILE *out, int status)
{
    fprintf(out, "%s", usage);
    exit(status);
}

static size_t
number(const char *text)
{
    size_t n = text != NULL ? strtoul(text, NULL, 10) : 0;
    if (n == 0 || strspn(text, "0123456789") != strlen(text))
        show_usage(stderr, 1);
    return n;
}

static struct options
read_options(char **args)
{
    struct options options = { .path = "/var/log/dpkg.log" };
    for (char **arg = args + 1; *arg != NULL; arg++)
        if (strcmp(*arg, "--help") == 0)
            show_usage(stdout, 0);
        else if (strcmp(*arg, "--leak") == 0)
            options.leak = options.plot = true;
        else if (strcmp(*arg, "--plot") == 0)
            options.plot = true;
        else if (strcmp(*arg, "--repeat") == 0)
            options.repeat = number(*++arg);
        else if ((*arg)[0] == '-' && (*arg)[1] != '\0')
            show_usage(stderr, 1);
        else
            options.path = *arg;
    return options;
}

static void
no_log(const char *path, const char *why)
{
    fprintf(stderr, "logbus: %s: %s\n"
            "Any log will do: logbus FILE, or what comes on standard input:"
            " ... | logbus -\n", path, why);
    exit(1);
}

static FILE *
open_log(const char *path)
{
    FILE *log = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (log == NULL)
        no_log(path, strerror(errno));
    return log;
}

int
main(int argc, char **argv)
{
    (void)argc;
    struct options options = read_options(argv);
    FILE *log = open_log(options.path);
    GC_INIT();
    struct bus *bus = make(sizeof *bus);
    bus->leak = options.leak;
    bus->hub = gcw_hub_new();
    check(bus->hub != NULL, "gcw_hub_new");
    size_t passes = read_log(bus, log, &options);
    if (bus->lines == 0)
        no_log(options.path, "no lines");
    gcw_collect();
    if (log == stdin)
        options.path = "standard input";
    report(bus, &options, passes);
    check(fflush(stdout) == 0, "standard output");
    return 0;
}
