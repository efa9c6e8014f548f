# t/coverage.mk: coverage: make coverage.  Part of Makefile.am.

# Two builds of their own, in the directory coverage: one with the shared
# library, where all tests are run, and one without, where the counts of
# processes that do not end by exit are kept too (see t/coverage.h), and which
# has pipes in the place of eventfd.  What is printed depends on the collector,
# so that is tested with it set up in other ways, too (t/support.h).  What the
# tests have not reached of src stands in the report there.  It does not count
# against it that a test fails; that is told at the end.
COVERAGE_FLAGS = -O0 -g --coverage -fprofile-update=atomic
GCOVR = gcovr
coverage_ends = t/base.t t/cleanup.t t/drain.t t/fork.t t/hub-post.t t/oom.t \
	t/rare.t t/shutdown.t t/worker.t
.PHONY: coverage coverage-report
coverage:
	@for way in shared static; do $(MKDIR_P) coverage/$$way && \
	  cd coverage/$$way && { test -e Makefile || $(SHELL) \
	    $(abs_top_srcdir)/configure --disable-static --disable-shared \
	    --enable-$$way --without-guile --without-ecl `test $$way = shared || \
	    echo ac_cv_func_eventfd=no`; } && cd ../.. || exit 1; done
	@find coverage -name '*.gcda' -exec rm -f {} +
	status=0; \
	(cd coverage/shared && \
	  $(MAKE) CFLAGS='$(COVERAGE_FLAGS)' check) || status=1; \
	(cd coverage/static && $(MAKE) TESTS='$(coverage_ends)' CFLAGS='\
	  $(COVERAGE_FLAGS) -include $(abs_top_srcdir)/t/coverage.h' \
	  check) || status=1; \
	for mode in incremental ecl; do (cd coverage/shared && \
	  GCWEAK_TEST_MODE=$$mode $(MAKE) TESTS='t/debug.t' \
	  CFLAGS='$(COVERAGE_FLAGS)' check) || status=1; done; \
	$(MAKE) coverage-report && exit $$status

# What the last make coverage has counted.
coverage-report:
	@$(MKDIR_P) coverage/report
	@root=`cd $(srcdir) && pwd` && \
	for way in shared static; do (cd coverage/$$way && \
	  $(GCOVR) --root $$root --gcov-ignore-parse-errors \
	    --object-directory . --filter $$root/src/ \
	    --json ../$$way.json src) || exit 1; done && \
	$(GCOVR) --root $$root --print-summary \
	  --add-tracefile coverage/shared.json \
	  --add-tracefile coverage/static.json \
	  --html-details coverage/report/index.html \
	  --txt coverage/report/lines.txt
	@cat coverage/report/lines.txt
EXTRA_DIST += t/coverage.h

clean-local:
	rm -rf crystal.dir install.dir nim.dir bench/plots coverage deb doc/html \
	  fuzz model.dir musl.dir mutants.dir valgrind.dir
