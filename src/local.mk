# src/local.mk: the library.  Part of Makefile.am.

# The sources of the library.  Add one here.
gcweak_sources = \
	src/collector/canary.c \
	src/collector/canary.h \
	src/collector/collector.c \
	src/collector/collector.h \
	src/collector/objects.c \
	src/collector/objects.h \
	src/collector/threads.c \
	src/collector/threads.h \
	src/debug/debug-dump.c \
	src/debug/debug-explain.c \
	src/debug/debug-leak.c \
	src/debug/debug-search.c \
	src/debug/debug-search.h \
	src/debug/debug-stats.c \
	src/debug/debug.h \
	src/debug/tell-to.c \
	src/debug/walk.c \
	src/debug/walk.h \
	src/deliver/cleanup-order.c \
	src/deliver/cleanup-order.h \
	src/deliver/cleanup-name.c \
	src/deliver/cleanup-see.c \
	src/deliver/cleanup.c \
	src/deliver/cleanup.h \
	src/deliver/drain.c \
	src/deliver/drain.h \
	src/deliver/queue-fd.c \
	src/deliver/queue-own.c \
	src/deliver/queue.c \
	src/deliver/queue.h \
	src/deliver/wait.c \
	src/deliver/worker.c \
	src/deliver/worker.h \
	src/event/audience.c \
	src/event/by-object.c \
	src/event/emit.h \
	src/event/emitting.c \
	src/event/emitting.h \
	src/event/event-see.c \
	src/event/event.c \
	src/event/event.h \
	src/event/hub-connect.c \
	src/event/hub-emit.c \
	src/event/hub-list.c \
	src/event/hub-pattern.c \
	src/event/hub-post.c \
	src/event/hub-step.c \
	src/event/hub-step.h \
	src/event/hub.c \
	src/event/hub.h \
	src/event/listener-name.c \
	src/event/listener.c \
	src/event/listeners.c \
	src/event/listeners.h \
	src/event/mute.c \
	src/exit/exit-back.c \
	src/exit/exit-handler.c \
	src/exit/exit-ids.c \
	src/exit/exit-ids.h \
	src/exit/exit-levels.c \
	src/exit/exit-levels.h \
	src/exit/exit-limit.c \
	src/exit/exit-order.c \
	src/exit/exit-order.h \
	src/exit/exit-place.c \
	src/exit/exit-registry.c \
	src/exit/exit-run.c \
	src/exit/exit-see.c \
	src/exit/exit-turn.c \
	src/exit/exit.c \
	src/exit/exit.h \
	src/ground/code.c \
	src/ground/code.h \
	src/ground/compiler.h \
	src/ground/delay.h \
	src/ground/end.c \
	src/ground/end.h \
	src/ground/fail.h \
	src/ground/guard.c \
	src/ground/guard.h \
	src/ground/hidden.h \
	src/ground/hook.c \
	src/ground/hook.h \
	src/ground/index.c \
	src/ground/index.h \
	src/ground/leader.c \
	src/ground/leader.h \
	src/ground/limit.c \
	src/ground/limit.h \
	src/ground/lock.c \
	src/ground/lock.h \
	src/ground/map.c \
	src/ground/map.h \
	src/ground/memory.h \
	src/ground/names.c \
	src/ground/names.h \
	src/ground/part.h \
	src/ground/process.c \
	src/ground/process.h \
	src/ground/report.c \
	src/ground/report.h \
	src/ground/roots.c \
	src/ground/roots.h \
	src/ground/spare.h \
	src/ground/stack.c \
	src/ground/stack.h \
	src/ground/table.c \
	src/ground/table.h \
	src/ground/tell.c \
	src/ground/tell.h \
	src/ground/text.h \
	src/ground/thread.c \
	src/ground/thread.h \
	src/ground/trace.h \
	src/ground/wakeup.c \
	src/ground/wakeup.h \
	src/map/ephemeron.c \
	src/map/intern.c \
	src/map/map-lock.c \
	src/map/map-new.c \
	src/map/map-room.c \
	src/map/map-see.c \
	src/map/map-walk.c \
	src/map/guardian.c \
	src/map/guardian-see.c \
	src/map/guardian-room.c \
	src/map/guardians.h \
	src/map/maps.c \
	src/map/maps.h \
	src/map/method-set.c \
	src/map/set.c \
	src/marks/engine.c \
	src/marks/engine.h \
	src/marks/inner.h \
	src/marks/kill.c \
	src/marks/kind.c \
	src/marks/kind.h \
	src/marks/marked.h \
	src/marks/owners.c \
	src/marks/owners.h \
	src/marks/pass.c \
	src/marks/pass.h \
	src/marks/pending.c \
	src/marks/pending.h \
	src/marks/tables.c \
	src/marks/tables.h \
	src/marks/tracer.c \
	src/marks/tracer.h \
	src/marks/weak-table.h \
	src/process/atexit.c \
	src/process/fork.c \
	src/process/fork.h \
	src/process/last.c \
	src/process/last.h \
	src/process/name.c \
	src/process/object.c \
	src/process/on-signal.c \
	src/process/on-signal.h \
	src/process/parts.c \
	src/process/parts.h \
	src/process/shutdown.c \
	src/process/shutdown.h \
	src/process/signal.c \
	src/process/start.c \
	src/process/start.h \
	src/process/starting.c \
	src/process/take-down.c \
	src/process/starting.h \
	src/process/version.c \
	src/proxy/proxy.h \
	src/weak/bury.c \
	src/weak/by-marks.c \
	src/weak/by-marks.h \
	src/weak/death.c \
	src/weak/death.h \
	src/weak/enter.c \
	src/weak/enter.h \
	src/weak/finder.c \
	src/weak/finder.h \
	src/weak/inside.c \
	src/weak/inside.h \
	src/weak/label.c \
	src/weak/label.h \
	src/weak/method.c \
	src/weak/method.h \
	src/weak/pair.c \
	src/weak/pair.h \
	src/weak/polled.c \
	src/weak/polled.h \
	src/weak/call.c \
	src/weak/call.h \
	src/weak/container.c \
	src/weak/container.h \
	src/weak/read.h \
	src/weak/ref.c \
	src/weak/ref.h \
	src/weak/see.c \
	src/weak/see.h \
	src/weak/settled.c \
	src/weak/settled.h \
	src/weak/shard.c \
	src/weak/shard.h \
	src/weak/shards.c \
	src/weak/shards.h \
	src/weak/refuse.c \
	src/weak/refuse.h \
	src/weak/seats.c \
	src/weak/seats.h \
	src/weak/watch.c \
	src/weak/way.c \
	src/weak/way.h \
	src/weak/weak-data.c

# Those of proxies, and what stands in for them without libffi.
if HAVE_LIBFFI
gcweak_sources += \
	src/proxy/proxy.c \
	src/proxy/signature.c \
	src/proxy/signature.h \
	src/proxy/trial.c \
	src/proxy/trial.h
else
gcweak_sources += src/proxy/no-proxy.c
endif

# The public headers.  Add one here.
include_HEADERS = include/gcweak.h
pkginclude_HEADERS = \
	include/gcweak/atexit.h \
	include/gcweak/base.h \
	include/gcweak/call.h \
	include/gcweak/cleanup.h \
	include/gcweak/debug.h \
	include/gcweak/drain.h \
	include/gcweak/ephemeron.h \
	include/gcweak/event.h \
	include/gcweak/guardian.h \
	include/gcweak/map.h \
	include/gcweak/exit.h \
	include/gcweak/gcweak.hpp \
	include/gcweak/hub.h \
	include/gcweak/intern.h \
	include/gcweak/method.h \
	include/gcweak/proxy.h \
	include/gcweak/queue.h \
	include/gcweak/ref.h \
	include/gcweak/set.h \
	include/gcweak/tell.h \
	include/gcweak/signal.h

# Those in C++, which gcweak.hpp includes.
cppincludedir = $(pkgincludedir)/cpp
cppinclude_HEADERS = \
	include/gcweak/cpp/cleanup.hpp \
	include/gcweak/cpp/core.hpp \
	include/gcweak/cpp/event.hpp \
	include/gcweak/cpp/exit.hpp \
	include/gcweak/cpp/hub.hpp \
	include/gcweak/cpp/map.hpp \
	include/gcweak/cpp/method.hpp \
	include/gcweak/cpp/queue.hpp \
	include/gcweak/cpp/ref.hpp

# What leads others to the library.
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = gcweak.pc
if HAVE_ON_EXIT
pkgconfig_DATA += gcweak-atexit.pc
endif
cmakedir = $(libdir)/cmake/gcweak
cmake_DATA = gcweak-config.cmake gcweak-config-version.cmake
dist_pkgdata_DATA = src/gcweak.supp
aclocaldir = $(datadir)/aclocal
dist_aclocal_DATA = gcweak.m4

# All objects, nothing hidden: tests of the internals link with this one.
noinst_LTLIBRARIES = libgcweak-internal.la
libgcweak_internal_la_SOURCES = $(gcweak_sources)
libgcweak_internal_la_CPPFLAGS = $(AM_CPPFLAGS) -DGCW_NO_UNLOAD
libgcweak_internal_la_CFLAGS = $(AM_CFLAGS) $(ALIGN_CFLAGS) \
	$(EXCEPTIONS_CFLAGS)

# What gives atexit to programs that are not compiled again.  It goes into
# programs of any kind.
if HAVE_ON_EXIT
lib_LIBRARIES = libgcweak-atexit.a
libgcweak_atexit_a_SOURCES = src/process/link-atexit.c
libgcweak_atexit_a_CFLAGS = $(AM_CFLAGS) -fPIC
else
EXTRA_DIST += src/process/link-atexit.c
endif

# The library proper: the same objects, with only what the list names
# exported.  HACKING.md says how to change -version-info and the list.
lib_LTLIBRARIES = libgcweak.la
libgcweak_la_SOURCES =
libgcweak_la_LIBADD = libgcweak-internal.la $(FFI_LIBS) $(GC_LIBS)
libgcweak_la_LDFLAGS = -version-info 1:0:1 -no-undefined $(NODELETE_LDFLAGS)
EXTRA_DIST += src/gcweak.sym src/gcweak-map.awk \
	src/collector/README.md src/debug/README.md src/deliver/README.md \
	src/event/README.md src/exit/README.md src/ground/README.md \
	src/map/README.md src/marks/README.md src/process/README.md \
	src/proxy/README.md src/weak/README.md

# With their versions, where the linker takes a script; else only the names.
if HAVE_VERSIONS
exports = src/gcweak.map
libgcweak_la_LDFLAGS += -Wl,--version-script,$(exports)
else
exports = src/gcweak.names
libgcweak_la_LDFLAGS += -export-symbols $(exports)
endif
EXTRA_libgcweak_la_DEPENDENCIES = $(exports)
CLEANFILES += $(exports)

src/gcweak.map: $(srcdir)/src/gcweak.sym $(srcdir)/src/gcweak-map.awk
	@$(MKDIR_P) src
	$(AM_V_GEN)$(AWK) -f $(srcdir)/src/gcweak-map.awk \
	  $(srcdir)/src/gcweak.sym > $@
src/gcweak.names: $(srcdir)/src/gcweak.sym
	@$(MKDIR_P) src
	$(AM_V_GEN)grep '^gcw_' $(srcdir)/src/gcweak.sym > $@

# What gdb knows of the library lies where gdb looks for it: by the whole name of
# the library, which -version-info gives it, beside it or in gdb's directory.
gdb_script = $(gdbdir)/libgcweak.so.0.1.0-gdb.py
EXTRA_DIST += src/libgcweak-gdb.py
if BUILD_SHARED
install-data-local:
	$(MKDIR_P) "$(DESTDIR)$(gdbdir)"
	$(INSTALL_DATA) $(srcdir)/src/libgcweak-gdb.py \
	  "$(DESTDIR)$(gdb_script)"
uninstall-local:
	rm -f "$(DESTDIR)$(gdb_script)"
endif
