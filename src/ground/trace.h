/* trace.h: static tracepoints, for tracers such as perf, bpftrace and
 * SystemTap.
 *
 * A tracepoint is one instruction that does nothing, and a note in the library
 * that says where it is and where its arguments are.  Where configure found no
 * <sys/sdt.h> there are none.  The provider is gcweak:
 *     ref__create(ref, target)
 *     death(ref)                       of the reference's target
 *     emit__begin(event, name)         or of a hub: (hub, type)
 *     emit__end(event, called)         not if memory for the emission ran out
 *     handler__begin(handler, code)    of an exit registry
 *     handler__end(handler)            also if it failed
 *     cleanup__run(cleanup, code)
 *     map__create(map, kind)           the number of the kind (map.h)
 *     weak__pass(tables, died)         weak maps and ephemerons have been gone
 *                                      through, and so many entries taken away;
 *                                      the world is stopped
 *     weak__missed(collections, dropped)   of so many they were not told, and
 *                                      because of that so many entries went
 */
#ifndef GCW__TRACE_H
#define GCW__TRACE_H

#if HAVE_SYS_SDT_H
# include <sys/sdt.h>
# define GCW__TRACE1(name, a) STAP_PROBE1(gcweak, name, a)
# define GCW__TRACE2(name, a, b) STAP_PROBE2(gcweak, name, a, b)
#else
# define GCW__TRACE1(name, a) ((void)(a))
# define GCW__TRACE2(name, a, b) ((void)(a), (void)(b))
#endif

#endif
