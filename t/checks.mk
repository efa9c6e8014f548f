# t/checks.mk: checks that are no tests.  Part of Makefile.am.
#
# Each fails on whatever it finds.

# What is no mistake is silenced where it is found, with the reason beside.
# The tools; make CLANG=clang-14 and the like name others.
ANALYZER_GCC = gcc
CLANG = clang
CPPCHECK = cppcheck
SHELLCHECK = shellcheck
VALGRIND = valgrind

.PHONY: check-analyzer check-analyzer-gcc check-analyzer-clang
.PHONY: check-cppcheck check-shell check-valgrind

# The analyzers of gcc and of clang, over each file of the library and of the
# modules for Guile and ECL.  With its own limits gcc's would leave a quarter of the
# files half looked at; clang's would take twice as long, for functions that are no
# longer.  The headers in the lists are there already.
analyzed = $(gcweak_sources)
if HAVE_GUILE
analyzed += $(guile_sources)
endif
if HAVE_ECL
analyzed += $(ecl_sources)
endif
analyzer_flags = -Werror -O1 -c -o /dev/null $(DEFS) $(DEFAULT_INCLUDES) \
	$(AM_CPPFLAGS) $(GUILE_CFLAGS) $(ECL_CFLAGS) -DGCW_NO_UNLOAD $(AM_CFLAGS)
gcc_analyzer_flags = -fanalyzer --param=analyzer-bb-explosion-factor=50 \
	--param=analyzer-max-enodes-per-program-point=100
clang_analyzer_flags = --analyze -Xclang -analyzer-werror \
	-Xclang -analyzer-output=text \
	-Xclang -analyzer-config -Xclang max-nodes=75000
check-analyzer: check-analyzer-gcc check-analyzer-clang
check-analyzer-gcc: $(analyzed:.c=.analyzed-by-gcc)
check-analyzer-clang: $(analyzed:.c=.analyzed-by-clang)
.c.analyzed-by-gcc:
	$(AM_V_GEN)$(ANALYZER_GCC) $(gcc_analyzer_flags) $(analyzer_flags) $<
.c.analyzed-by-clang:
	$(AM_V_GEN)$(CLANG) $(clang_analyzer_flags) $(analyzer_flags) $<

# Its style checks are left out: what they find here are callbacks that could
# take pointers to const, and calls that it takes for declarations.
check-cppcheck:
	$(AM_V_GEN)cd $(srcdir) && $(CPPCHECK) --quiet --std=c11 \
	  --library=posix --library=gnu --error-exitcode=1 --inline-suppr \
	  --enable=warning,performance,portability $(DEFS) -D_GNU_SOURCE \
	  -DGC_THREADS '-D_Noreturn=__attribute__((noreturn))' \
	  -I'$(abs_top_builddir)' -Iinclude -Isrc \
	  src include guile ecl t bench examples doc/cookbook

# All scripts: those that say so in their first line, and what they share.
check-shell:
	$(AM_V_GEN)cd $(srcdir) && $(SHELLCHECK) -x bench/*.sh doc/*.sh t/*.sh \
	  t/model/*.sh `grep -slE '^#!/bin/(ba)?sh' quickstart .ci/* t/*.t \
	  debian/tests/*`

# The tests under valgrind's memcheck, scenarios included.  Findings lie in
# valgrind.dir, one file a process, so that none is lost with a process whose
# status nobody asks for.  With helper threads of its own the collector would
# only wait for them: valgrind runs one thread at a time.
#
# Left out: the torture of the weak read, which counts on threads that run at
# the same time; limits, which are short; the scripts, which start compilers and
# other programs; and some that take longest, of which the sanitizers say as
# much.
# The collected heap is initialised memory to valgrind, and always there.  A
# test that hangs fails after twenty minutes here, instead of five.
valgrind_leaves_out = t/torture-read.t t/exit-limit.t t/held.t t/hostile.t \
	t/hub-weak.t t/plugin.t t/proxy-threads.t t/service-kills.t t/set.t \
	t/shutdown.t t/signal.t t/stacks.t \
	t/strangers.t t/take-down.t t/way.t
VALGRIND_TESTS = $(test_programs)
if BUILD_SHARED
VALGRIND_TESTS += $(plugin_test)
endif
valgrind_command = $(TEST_TIMEOUT:300=1200) $(LIBTOOL) --mode=execute $(VALGRIND) \
	--quiet --fair-sched=yes --vgdb=no --trace-children=yes --error-exitcode=99 \
	--num-callers=20 --suppressions=$(abs_srcdir)/src/gcweak.supp \
	--log-file=$(abs_builddir)/valgrind.dir/%p
check-valgrind:
	@rm -rf valgrind.dir && $(MKDIR_P) valgrind.dir
	@tests=; for test in $(VALGRIND_TESTS); do \
	  case ' $(valgrind_leaves_out) ' in \
	  *" $$test "*) ;; \
	  *) tests="$$tests $$test" ;; \
	  esac; done; \
	GC_MARKERS=1 GCWEAK_TEST_MACHINE=valgrind $(MAKE) check TESTS="$$tests" \
	  T_LOG_COMPILER='$(valgrind_command)'; status=$$?; \
	if cat valgrind.dir/* | grep .; then exit 1; fi; exit $$status

# make check-musl: everything but C++ compiles and links with musl, by the
# compiler of Debian's musl-tools.  It takes as long as building does.
MUSL_GCC = musl-gcc
.PHONY: check-musl
check-musl:
	CC='$(CC)' MUSL_GCC='$(MUSL_GCC)' PKG_CONFIG='$(PKG_CONFIG)' \
	  MAKE='$(MAKE)' $(SHELL) $(srcdir)/t/musl.sh $(srcdir) musl.dir
EXTRA_DIST += t/musl.sh

# make mutants: whether the tests see so many changes that make the library
# wrong, a minute each or less; another SEED makes others.
MUTANTS = 60
mutant_tests = $(test_programs) $(plugin_test) t/layers.t t/locks.t t/throw.t
.PHONY: mutants
mutants:
	$(SHELL) $(srcdir)/t/mutants.sh $(srcdir) $(MUTANTS) $${SEED:-1} \
	  $(mutant_tests)
EXTRA_DIST += t/mutants.sh

# make check-dist: a release made anew is the same, byte for byte.  make
# check-wrap: Meson builds with a release, which takes a minute.
MESON = meson
.PHONY: check-dist check-wrap
check-dist: dist-gzip
	MAKE='$(MAKE)' $(SHELL) $(srcdir)/t/again.sh $(distdir).tar.gz again.dir \
	  $(srcdir)
check-wrap: dist-gzip
	MESON='$(MESON)' $(SHELL) $(srcdir)/t/wrap.sh $(distdir).tar.gz wrap.dir
EXTRA_DIST += t/again.sh t/wrap.sh
