# ecl/local.mk: the module for ECL.  Part of Makefile.am.

# Its C half.
ecl_sources = \
	ecl/gcweak-ecl.c \
	ecl/gcweak-ecl.h

# Its Lisp half, which ecl/build.lisp compiles.  Add one here and there.
ecl_lisp = \
	ecl/base.lisp \
	ecl/build.lisp \
	ecl/cleanup.lisp \
	ecl/event.lisp \
	ecl/exit-list.lisp \
	ecl/exit.lisp \
	ecl/guardian.lisp \
	ecl/hub.lisp \
	ecl/library.lisp \
	ecl/map.lisp \
	ecl/package.lisp \
	ecl/reference.lisp \
	ecl/signal.lisp

# The programs that t/ecl.t runs.  Add one here.
ecl_tests = \
	ecl/t/argument.lisp \
	ecl/t/cleanup.lisp \
	ecl/t/event.lisp \
	ecl/t/exit.lisp \
	ecl/t/guardian.lisp \
	ecl/t/hub.lisp \
	ecl/t/interrupt.lisp \
	ecl/t/map.lisp \
	ecl/t/names.lisp \
	ecl/t/process.lisp \
	ecl/t/reference.lisp \
	ecl/t/tap.lisp \
	ecl/t/thread.lisp

EXTRA_DIST += $(ecl_lisp) $(ecl_tests) doc/ecl.md

if HAVE_ECL
noinst_LTLIBRARIES += ecl/libecl-gcweak.la
ecl_libecl_gcweak_la_SOURCES = $(ecl_sources)
ecl_libecl_gcweak_la_CPPFLAGS = $(AM_CPPFLAGS) $(ECL_CFLAGS) -DGCW_NO_UNLOAD

# ECL finds it there where the prefix is its own: see doc/ecl.md.
nodist_ecl_DATA = ecl/gcweak.fas
CLEANFILES += ecl/gcweak.fas ecl/*.o

# It is linked by ECL, not by libtool, and the library is looked for where it
# will be installed; LD_LIBRARY_PATH, as the tests set it, comes first.
ecl_rpath = case " $(sys_lib_dlsearch_path_spec) " in \
	  *' $(libdir) '* | *' $(libdir)/ '*) ;; \
	  *) echo '-Wl,--enable-new-dtags,-rpath,$(libdir)' ;; \
	  esac
ecl/gcweak.fas: $(ecl_lisp) ecl/libecl-gcweak.la libgcweak.la
	$(AM_V_GEN)rm -f $@; srcdir=`cd $(srcdir) && pwd`; \
	  include=`cd $(top_srcdir)/include && pwd`; \
	  here=`pwd`; rpath=`$(ecl_rpath)`; cd ecl && \
	  SRCDIR="$$srcdir/ecl" \
	  CFLAGS="-I$$include -I$$srcdir/ecl -DGC_THREADS \
	    -DGC_NO_THREAD_REDIRECTS -DGCW_NO_UNLOAD $(GC_CFLAGS)" \
	  LDFLAGS="-Wl,--whole-archive $$here/ecl/.libs/libecl-gcweak.a \
	    -Wl,--no-whole-archive -L$$here/.libs -lgcweak $$rpath $(GC_LIBS)" \
	  '$(ECL)' --norc --shell "$$srcdir/ecl/build.lisp" > build.log 2>&1 || \
	  { cat build.log >&2; rm -f gcweak.fas; exit 1; }
CLEANFILES += ecl/build.log
endif
