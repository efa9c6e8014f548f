/* memo.c: what was computed from an object, remembered as long as the object
 * lives, by somebody who does not own it.
 *
 * Lines of a log come and go.  The reader, who makes them, holds the last 64 in
 * a window, and knows nothing but text.  Several consumers want to know where
 * the words of a line are, each whenever it likes.  So that a line is parsed
 * once however many ask, they share a memo: a map from lines to their indexes.
 * Nobody tells the memo when a line is no longer needed.
 *
 * The keys of the memo are weak (GCW_WEAK_KEYS).  An index leads back to its
 * line, as what is computed from an object often does.  A table of weak
 * references to lines would not do: the table holds the index, and the index
 * holds the line.  An entry of a gcw_map is an ephemeron: it holds its index
 * only as long as something else holds the line.  So a million lines come and
 * go, and the heap stays as it was.  With --strong the map holds its values as
 * an ordinary table would, and the same program grows with every line.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gc.h>
#include <gcweak.h>

enum {
    ENOUGH = 1000000,        /* lines, if nothing else is asked for */
    ENOUGH_STRONG = 100000,  /* with --strong: all of them stay */
    WINDOW = 64,             /* lines that are held */
    TURN = 50,               /* lines between two samples */
    WIDTH = 60,              /* of a plot */
    HEIGHT = 12
};

struct options {
    const char *path;
    size_t lines;            /* 0: as many as are enough */
    bool strong;
};

/* What the reader makes: text, and nothing that is not of the reader's own. */
struct line {
    size_t number;           /* the first is 1 */
    char text[];
};

struct word {
    size_t start, length;
};

/* What is computed from a line.  Offsets alone tell nothing, so it has the line
 * as well, and whoever holds an index holds its line. */
struct index {
    struct line *line;
    size_t count;
    struct word topic;       /* what the line tells of */
    struct word words[];
};

/* Everything that lives.  A local of main holds it. */
struct desk {
    gcw_map *memo;
    struct line *window[WINDOW];
    struct line *widest;     /* the first of those with the most words */
    size_t lines, asked, parsed;
    size_t words, repeats;   /* what the consumers have found */
};

/* What is looked at every now and then.  Numbers only: malloc will do. */
enum { ASKED, PARSED, ENTRIES, HEAP, MEASURES };
struct sample {
    size_t lines;
    size_t of[MEASURES];
};
static struct sample *samples;
static size_t sample_count;

static void
check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "memo: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Parsing. */

static bool
is_blank(char c)
{
    return isspace((unsigned char)c);
}

/* The next word, from `start` on; an empty one at the end. */
static struct word
next_word(const char *text, size_t start)
{
    struct word w = { .start = start };

    while (is_blank(text[w.start]))
        w.start++;
    for (const char *c = text + w.start; *c != '\0' && !is_blank(*c); c++)
        w.length++;
    return w;
}

static size_t
count_words(const char *text)
{
    size_t count = 0;

    for (struct word w = next_word(text, 0); w.length > 0;
         w = next_word(text, w.start + w.length))
        count++;
    return count;
}

/* A program's name as in syslog, or a package's as dpkg has it: a word that
 * begins with a letter, with a colon in it. */
static bool
is_topic(const char *text, struct word w)
{
    return isalpha((unsigned char)text[w.start])
           && memchr(text + w.start, ':', w.length) != NULL;
}

static void
find_words(struct index *index)
{
    const char *text = index->line->text;
    size_t end = 0;

    for (size_t i = 0; i < index->count; i++) {
        struct word w = next_word(text, end);

        index->words[i] = w;
        end = w.start + w.length;
        if (index->topic.length == 0 && is_topic(text, w))
            index->topic = w;
    }
}

static struct index *
parse(struct line *line)
{
    size_t count = count_words(line->text);
    struct index *index =
        GC_MALLOC(sizeof *index + count * sizeof index->words[0]);

    check(index != NULL, "memory");
    index->line = line;
    index->count = count;
    find_words(index);
    return index;
}

/* The memo. */

/* Between the look-up and the change another thread might have parsed the same
 * line: then both get the index that came first. */
static struct index *
index_of(struct desk *d, struct line *line)
{
    struct index *index = gcw_map_get(d->memo, line);

    d->asked++;
    if (index == NULL) {
        d->parsed++;
        index = gcw_map_setdefault(d->memo, line, parse(line));
        check(index != NULL, "gcw_map_setdefault");
    }
    if (index->line == line)
        return index;
    fprintf(stderr, "memo: the index of line %zu is that of another\n",
            line->number);
    exit(1);
}

/* Consumers.  Each is called with a new line, and knows nothing of the
 * others. */

static void
count_all_words(struct desk *d, struct line *line)
{
    d->words += index_of(d, line)->count;
}

static bool
same_topic(const struct index *a, const struct index *b)
{
    return a->topic.length == b->topic.length
           && memcmp(a->line->text + a->topic.start,
                     b->line->text + b->topic.start, a->topic.length) == 0;
}

/* Looks through the window, the newest first, for what tells of the same. */
static void
find_repeat(struct desk *d, struct line *line)
{
    size_t oldest = line->number > WINDOW ? line->number - WINDOW : 0;
    const struct index *index = index_of(d, line);
    size_t n = line->number - 1;

    if (index->topic.length == 0)
        return;
    while (n > oldest
           && !same_topic(index_of(d, d->window[n % WINDOW]), index))
        n--;
    d->repeats += n > oldest;
}

/* Keeps a line for as long as it likes, and with it, without knowing, the
 * line's index. */
static void
keep_widest(struct desk *d, struct line *line)
{
    if (d->widest == NULL
        || index_of(d, line)->count > index_of(d, d->widest)->count)
        d->widest = line;
}

/* The run. */

static struct line *
line_new(size_t number, const char *text)
{
    struct line *line = GC_MALLOC_ATOMIC(sizeof *line + strlen(text) + 1);

    check(line != NULL, "memory");
    line->number = number;
    strcpy(line->text, text);
    return line;
}

static void
take_line(struct desk *d, const char *text)
{
    struct line *line = line_new(++d->lines, text);

    d->window[line->number % WINDOW] = line;
    count_all_words(d, line);
    find_repeat(d, line);
    keep_widest(d, line);
}

static void
take_sample(const struct desk *d)
{
    struct sample *more =
        realloc(samples, (sample_count + 1) * sizeof *samples);

    check(more != NULL, "memory");
    samples = more;
    samples[sample_count++] = (struct sample){ .lines = d->lines, .of = {
        [ASKED] = d->asked,
        [PARSED] = d->parsed,
        [ENTRIES] = gcw_map_count(d->memo),
        [HEAP] = (GC_get_heap_size() - GC_get_free_bytes()) / 1024
    } };
}

/* Reads to the end of the log, or until there are enough lines. */
static void
read_once(struct desk *d, FILE *log, size_t enough)
{
    char *text = NULL;
    size_t room = 0;

    while (d->lines < enough && getline(&text, &room, log) >= 0) {
        take_line(d, text);
        if (d->lines % TURN == 0)
            take_sample(d);
    }
    free(text);
}

/* A file is read again and again until there are enough lines; what cannot be
 * read again ends where it ends.  Returns how often it was read. */
static size_t
read_log(struct desk *d, FILE *log, const struct options *options)
{
    size_t enough = options->lines > 0 ? options->lines
                    : options->strong ? ENOUGH_STRONG : ENOUGH;
    size_t passes = 0;

    do {
        read_once(d, log, enough);
        check(!ferror(log), options->path);
        passes++;
    } while (d->lines > 0 && d->lines < enough
             && fseek(log, 0, SEEK_SET) == 0);
    take_sample(d);
    return passes;
}

/* The report. */

/* The most of something in the samples from `start` to before `end`; of one at
 * least. */
static size_t
most(int what, size_t start, size_t end)
{
    size_t most = samples[start].of[what];

    for (size_t i = start + 1; i < end; i++)
        if (samples[i].of[what] > most)
            most = samples[i].of[what];
    return most;
}

/* What has come by the end of each tenth, and the most that there was in it. */
static void
print_tenths(void)
{
    printf("%10s %12s %10s %14s %15s\n", "lines", "asked", "parsed",
           "entries, most", "heap, most, KiB");
    for (size_t tenth = 0; tenth < 10; tenth++) {
        size_t start = tenth * sample_count / 10;
        size_t end = (tenth + 1) * sample_count / 10;

        if (start < end)
            printf("%10zu %12zu %10zu %14zu %15zu\n", samples[end - 1].lines,
                   samples[end - 1].of[ASKED], samples[end - 1].of[PARSED],
                   most(ENTRIES, start, end), most(HEAP, start, end));
    }
}

static size_t
column(int what, size_t c)
{
    return most(what, c * sample_count / WIDTH,
                (c + 1) * sample_count / WIDTH);
}

static void
plot(const char *title, int what, size_t lines)
{
    size_t top = most(what, 0, sample_count);

    printf("\n%s\n", title);
    for (size_t row = HEIGHT; row > 0; row--) {
        if (row == HEIGHT || row == HEIGHT / 2)
            printf("%9zu |", top * row / HEIGHT);
        else
            printf("%9s |", "");
        for (size_t c = 0; c < WIDTH; c++)
            putchar(column(what, c) * HEIGHT > top * (row - 1) ? '#' : ' ');
        putchar('\n');
    }
    printf("%9d +", 0);
    for (int c = 0; c < WIDTH; c++)
        putchar('-');
    printf("\n%11s%-*d%*zu lines\n", "", WIDTH / 2, 0, WIDTH / 2, lines);
}

/* That consumer alone may hold it: it has left the window long ago. */
static void
print_widest(struct desk *d)
{
    size_t parsed = d->parsed;
    struct index *index = index_of(d, d->widest);

    printf("widest    line %zu has %zu words; it is %zu lines old, and its\n"
           "          index is %s\n", d->widest->number, index->count,
           d->lines - d->widest->number,
           d->parsed == parsed ? "still there" : "made anew");
}

static void
report(struct desk *d, const struct options *options, size_t passes)
{
    printf("%zu lines of %s, in %zu pass%s, in a memo with %s\n\n", d->lines,
           options->path, passes, passes == 1 ? "" : "es",
           options->strong ? "strong values" : "weak keys");
    print_tenths();
    printf("\nasked     %zu times where a line's words are\n", d->asked);
    printf("parsed    %zu lines; remembered %zu times\n", d->parsed,
           d->asked - d->parsed);
    printf("words     %zu in all\n", d->words);
    printf("repeats   %zu lines tell of what one of the %d before told of\n",
           d->repeats, WINDOW - 1);
    print_widest(d);
    plot("# entries in the memo", ENTRIES, d->lines);
    plot("# heap in use, KiB", HEAP, d->lines);
}

/* The start. */

static const char usage[] =
    "usage: memo [--strong] [--lines N] [FILE | -]\n"
    "\n"
    "Remembers where the words of a log's lines are, while the lines live.\n"
    "Shows how often a line is parsed, and how small the memo stays.\n"
    "\n"
    "  FILE        the log; /var/log/dpkg.log if none is given; - is stdin\n"
    "  --lines N   so many lines, in place of 1000000: a shorter log several\n"
    "              times, of a longer one the beginning\n"
    "  --strong    a memo that holds what it remembers; 100000 lines\n";

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
        else if (strcmp(*arg, "--strong") == 0)
            options.strong = true;
        else if (strcmp(*arg, "--lines") == 0)
            options.lines = number(*++arg);
        else if ((*arg)[0] == '-' && (*arg)[1] != '\0')
            show_usage(stderr, 1);
        else
            options.path = *arg;
    return options;
}

static void
no_log(const char *path, const char *why)
{
    fprintf(stderr, "memo: %s: %s\n"
            "Any log will do: memo FILE, or what comes on standard input:"
            " ... | memo -\n", path, why);
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

static struct desk *
desk_new(bool strong)
{
    struct desk *d = GC_MALLOC(sizeof *d);

    check(d != NULL, "memory");
    d->memo = gcw_map_new(strong ? GCW_STRONG_VALUES : GCW_WEAK_KEYS);
    check(d->memo != NULL, "gcw_map_new");
    return d;
}

int
main(int argc, char **argv)
{
    (void)argc;
    struct options options = read_options(argv);
    FILE *log = open_log(options.path);
    GC_INIT();
    struct desk *d = desk_new(options.strong);
    size_t passes = read_log(d, log, &options);

    if (d->lines == 0)
        no_log(options.path, "no lines");
    if (log == stdin)
        options.path = "standard input";
    report(d, &options, passes);
    check(fflush(stdout) == 0, "standard output");
    return 0;
}
