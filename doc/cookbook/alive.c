/* alive.c: an object that never dies, who keeps it, and how that is mended. */
#include <stdio.h>
#include <gc.h>
#include <gcweak.h>
#include <gcweak/debug.h>

struct session { const char *user; struct report *report; };

struct report { struct session *session; };

static void *
write_report(void *self, void *arg, void *data)
{
    (void)self, (void)arg, (void)data;
    return NULL;
}

static gcw_event *hourly;

/* Wrong: the event holds the method's data, and the data leads to the object
 * whose life was to decide. */
static void
connect_wrongly(struct session *session, struct report *report)
{
    gcw_event_connect(hourly,
                      gcw_method_new(session, write_report, report), 0);
}

/* Right: both are held weakly, and the session itself holds its report. */
static void
connect_rightly(struct session *session, struct report *report)
{
    session->report = report;
    gcw_event_connect(hourly,
                      gcw_method_new_weak(session, write_report, report), 0);
}

/* A reference to a session that nobody but the event may keep. */
__attribute__((__noinline__)) static gcw_ref *
open_session(void (*connect)(struct session *, struct report *))
{
    struct session *session = GC_NEW(struct session);
    struct report *report = GC_NEW(struct report);

    report->session = session;
    connect(session, report);
    return gcw_ref_new(session);
}

/* Many, for a stale word on the stack may keep one. */
static size_t
alive_of(size_t n, void (*connect)(struct session *, struct report *),
         gcw_ref **refs)
{
    size_t alive = 0;

    for (size_t i = 0; i < n; i++)
        refs[i] = open_session(connect);
    gcw_collect();
    for (size_t i = 0; i < n; i++)
        alive += gcw_ref_get(refs[i]) != NULL;
    return alive;
}

int
main(void)
{
    enum { N = 100 };
    gcw_ref **refs = GC_MALLOC(N * sizeof *refs);

    hourly = gcw_event_new("hourly");
    printf("connected wrongly: %zu of %d alive\n",
           alive_of(N, connect_wrongly, refs), N);
    gcw_explain(gcw_ref_get(refs[0]), stdout);

    hourly = gcw_event_new("hourly");
    printf("connected rightly: %s\n",
           alive_of(N, connect_rightly, refs) < N / 10 ? "nearly all have died"
                                                       : "alive");
    return 0;
}
