# bench/local.mk: the benchmarks.  Part of Makefile.am.
#
# make bench; some scenes: make bench BENCH='read emit'; every size and
# contestant, in more rounds: make bench BENCH_FULL=1.

EXTRA_PROGRAMS = bench/gcweak-bench
bench_gcweak_bench_SOURCES = \
	bench/collect.c \
	bench/connect.c \
	bench/cpp.c \
	bench/cpp.h \
	bench/create.c \
	bench/deaths.c \
	bench/emit.c \
	bench/exit.c \
	bench/gcweak-bench.c \
	bench/goals.c \
	bench/goals.h \
	bench/json.c \
	bench/json.h \
	bench/machine.c \
	bench/machine.h \
	bench/map-collect.c \
	bench/map-collect.h \
	bench/map-ways.h \
	bench/map.c \
	bench/measure.c \
	bench/measure.h \
	bench/memory.c \
	bench/method.c \
	bench/noise.c \
	bench/noise.h \
	bench/notice.c \
	bench/peers.c \
	bench/peers.h \
	bench/plain.c \
	bench/print.c \
	bench/print.h \
	bench/proxy.c \
	bench/read.c \
	bench/results.c \
	bench/results.h \
	bench/scenes.h \
	bench/spread.c \
	bench/spread.h \
	bench/work.c \
	bench/work.h
bench_gcweak_bench_CFLAGS = $(AM_CFLAGS) -O2
bench_gcweak_bench_LDADD = libgcweak.la $(GC_LIBS)
CLEANFILES += $(EXTRA_PROGRAMS) bench/*.class bench/merged.json \
	bench/peers-guile.go

# The libraries beside that configure found.  Those in C++ are linked as C.
if HAVE_GOBJECT
bench_gcweak_bench_SOURCES += bench/peers-glib.c
bench_gcweak_bench_CFLAGS += $(GOBJECT_CFLAGS)
bench_gcweak_bench_LDADD += $(GOBJECT_LIBS)
endif
if HAVE_BOOST_SIGNALS2
bench_gcweak_bench_LDADD += bench/peers-boost.$(OBJEXT)
endif
if HAVE_CXX
bench_gcweak_bench_LDADD += bench/peers-cxx.$(OBJEXT) -lstdc++
endif
if HAVE_CXX17
bench_gcweak_bench_LDADD += bench/cpp-ways.$(OBJEXT) -lstdc++
endif
bench_cxx = $(CXX) $(DEFS) $(DEFAULT_INCLUDES) \
	$(CPPFLAGS) $(WARN_CFLAGS) -O2 -c
bench/peers-boost.$(OBJEXT): bench/peers-boost.cc bench/peers.h
	$(AM_V_GEN)$(MKDIR_P) bench && $(bench_cxx) -o $@ \
	  $(srcdir)/bench/peers-boost.cc
bench/peers-cxx.$(OBJEXT): bench/peers-cxx.cc bench/peers.h
	$(AM_V_GEN)$(MKDIR_P) bench && $(bench_cxx) -o $@ \
	  $(srcdir)/bench/peers-cxx.cc
# Without -Isrc, for the C++ library has a <debug/debug.h> of its own.
bench/cpp-ways.$(OBJEXT): bench/cpp-ways.cc bench/cpp.h \
		$(pkginclude_HEADERS) $(cppinclude_HEADERS)
	$(AM_V_GEN)$(MKDIR_P) bench && $(CXX) $(DEFS) -I. \
	  -I$(top_srcdir)/include $(GC_CFLAGS) $(CPPFLAGS) -std=c++17 \
	  $(WARN_CFLAGS) -O2 -c -o $@ $(srcdir)/bench/cpp-ways.cc

# The programs beside, in other languages.  Java's is compiled where there is
# a compiler; else java does that each time that it is started.
bench_programs = \
	bench/PeersJava.java \
	bench/peers-guile.scm \
	bench/peers-lua.lua \
	bench/peers-node.js \
	bench/peers-python.py
bench/PeersJava.class: bench/PeersJava.java
	@$(MKDIR_P) bench
	-@if command -v javac > /dev/null; then \
	  javac -d bench $(srcdir)/bench/PeersJava.java; fi

.PHONY: bench bench-page
bench: bench/gcweak-bench$(EXEEXT) bench/PeersJava.class
	bench/gcweak-bench$(EXEEXT) -p $(srcdir)/bench -c bench \
	  -o bench/results.json $${BENCH_FULL:+-f} $(BENCHFLAGS) $(BENCH)
	$(SHELL) $(srcdir)/bench/plot.sh bench/results.json bench/plots

# From the last make bench: renews the tables of the page, the copy of the
# results in the sources, and the plots.  Scenes that were not measured stay as
# they are.
bench-page:
	$(AWK) -f $(srcdir)/bench/merge.awk bench/results.json \
	  $(srcdir)/bench/results.json > bench/merged.json
	$(SHELL) $(srcdir)/bench/page.sh bench/merged.json \
	  $(srcdir)/doc/performance.md
	cmp -s bench/merged.json $(srcdir)/bench/results.json || \
	  cp bench/merged.json $(srcdir)/bench/results.json
	$(SHELL) $(srcdir)/bench/plot.sh bench/merged.json $(srcdir)/doc/plots
EXTRA_DIST += $(bench_programs) bench/README.md bench/merge.awk bench/page.awk \
	bench/page.sh bench/cpp-ways.cc bench/peers-boost.cc bench/peers-cxx.cc bench/plot.awk \
	bench/plot.sh bench/results.json bench/rows.awk doc/plots
