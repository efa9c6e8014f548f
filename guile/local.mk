# guile/local.mk: the module for Guile.  Part of Makefile.am.

# The sources of its extension.  Add one here.
guile_sources = \
	guile/call.c \
	guile/check.c \
	guile/cleanup.c \
	guile/drain.c \
	guile/ephemeron.c \
	guile/event.c \
	guile/exit-list.c \
	guile/exit.c \
	guile/failure.c \
	guile/gcweak-guile.c \
	guile/gcweak-guile.h \
	guile/guardian.c \
	guile/handle.c \
	guile/hub.c \
	guile/mailbox.c \
	guile/map.c \
	guile/method.c \
	guile/signal.c \
	guile/step.c

# The programs that t/guile.t runs.  Add one here.
guile_tests = \
	guile/t/argument.scm \
	guile/t/cleanup.scm \
	guile/t/ephemeron.scm \
	guile/t/event.scm \
	guile/t/exit.scm \
	guile/t/guardian.scm \
	guile/t/hub.scm \
	guile/t/map.scm \
	guile/t/method.scm \
	guile/t/names.scm \
	guile/t/step.scm \
	guile/t/tap.scm \
	guile/t/thread.scm

EXTRA_DIST += guile/gcweak.scm guile/gcweak/srfi-124.scm $(guile_tests) doc/guile.md

# It is installed beside the library.  Where that is not where Guile looks,
# GUILE_LOAD_PATH and GUILE_LOAD_COMPILED_PATH tell it: see doc/guile.md.
guileextensiondir = $(libdir)/guile/3.0/extensions
guilesitedir = $(datadir)/guile/site/3.0
guilesitegcweakdir = $(guilesitedir)/gcweak
guileccachedir = $(libdir)/guile/3.0/site-ccache
guileccachegcweakdir = $(guileccachedir)/gcweak

if HAVE_GUILE
guileextension_LTLIBRARIES = guile/libguile-gcweak.la
guile_libguile_gcweak_la_SOURCES = $(guile_sources)
guile_libguile_gcweak_la_CPPFLAGS = $(AM_CPPFLAGS) $(GUILE_CFLAGS) \
	-DGCW_NO_UNLOAD
guile_libguile_gcweak_la_LDFLAGS = -module -avoid-version -shared \
	-export-symbols-regex '^gcw_guile_init$$'
guile_libguile_gcweak_la_LIBADD = libgcweak.la $(GUILE_LIBS) $(GC_LIBS)

# What is installed says where its extension is.
nodist_guilesite_DATA = guile/installed/gcweak.scm
nodist_guileccache_DATA = guile/installed/gcweak.go
guilesitegcweak_DATA = guile/gcweak/srfi-124.scm
nodist_guileccachegcweak_DATA = guile/installed/srfi-124.go
CLEANFILES += $(nodist_guilesite_DATA) $(nodist_guileccache_DATA) \
	$(nodist_guileccachegcweak_DATA)

guile/installed/gcweak.scm: $(srcdir)/guile/gcweak.scm Makefile
	@$(MKDIR_P) guile/installed
	$(AM_V_GEN)sed 's|"libguile-gcweak"|"$(guileextensiondir)/libguile-gcweak"|' \
	  $(srcdir)/guile/gcweak.scm > $@
guile/installed/gcweak.go: guile/installed/gcweak.scm
	$(AM_V_GEN)GUILE_AUTO_COMPILE=0 $(GUILD) compile -W2 -o $@ \
	  guile/installed/gcweak.scm > /dev/null
guile/installed/srfi-124.go: $(srcdir)/guile/gcweak/srfi-124.scm Makefile
	@$(MKDIR_P) guile/installed
	$(AM_V_GEN)GUILE_AUTO_COMPILE=0 $(GUILD) compile -W2 -o $@ \
	  $(srcdir)/guile/gcweak/srfi-124.scm > /dev/null

# Guile ignores what is compiled if it is older than its source.  The names
# stand in variables, or Automake would take these for the whole rules.
install_guileccache = install-nodist_guileccacheDATA
$(install_guileccache): install-nodist_guilesiteDATA
install_guileccachegcweak = install-nodist_guileccachegcweakDATA
$(install_guileccachegcweak): install-guilesitegcweakDATA
endif
