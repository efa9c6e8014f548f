# t/local.mk: the tests.  Part of Makefile.am.
#
# make check; one alone: make check TESTS=t/ref.t.

# t/NAME.t is built from t/NAME.c.  Add one here.
test_programs = \
	t/atexit.t \
	t/base.t \
	t/batch.t \
	t/cleanup.t \
	t/debug.t \
	t/drain.t \
	t/event-mute.t \
	t/event-object.t \
	t/event-stop.t \
	t/event-threads.t \
	t/event-weak.t \
	t/cancel.t \
	t/children.t \
	t/containers.t \
	t/ending.t \
	t/event.t \
	t/exit-fail.t \
	t/exit-back.t \
	t/exit-id.t \
	t/exit-level.t \
	t/exit-limit.t \
	t/exit-threads.t \
	t/exit-weak.t \
	t/exit.t \
	t/fork.t \
	t/gc-debug.t \
	t/guardian.t \
	t/held.t \
	t/hostile.t \
	t/hub-post.t \
	t/hub-run.t \
	t/hub-weak.t \
	t/hub.t \
	t/intern.t \
	t/map-steps.t \
	t/map-storm.t \
	t/map.t \
	t/marks.t \
	t/memory.t \
	t/method.t \
	t/midst.t \
	t/names.t \
	t/oom.t \
	t/queue.t \
	t/random.t \
	t/rare.t \
	t/ref.t \
	t/set.t \
	t/shutdown.t \
	t/signal.t \
	t/stacks.t \
	t/steps-drain.t \
	t/steps-hub.t \
	t/steps-run.t \
	t/steps.t \
	t/strangers.t \
	t/table.t \
	t/take-down.t \
	t/threads.t \
	t/told.t \
	t/tell.t \
	t/torture-read.t \
	t/way.t \
	t/worker.t

# Those of proxies, and of what stands in for them.
if HAVE_LIBFFI
test_programs += t/proxy-threads.t t/proxy.t t/signature.t
else
test_programs += t/no-proxy.t
endif

# Those of gcweak.hpp.  What is compiled as C++ is linked as C.
if HAVE_CXX17
test_programs += t/cpp-event.t t/cpp-exit.t t/cpp.t
endif
t_cpp_event_t_SOURCES =
t_cpp_exit_t_SOURCES =
t_cpp_t_SOURCES =
t_cpp_event_t_LDADD = t/cpp-event.$(OBJEXT) $(LDADD) -lstdc++
t_cpp_exit_t_LDADD = t/cpp-exit.$(OBJEXT) $(LDADD) -lstdc++
t_cpp_t_LDADD = t/cpp.$(OBJEXT) $(LDADD) -lstdc++
cpp_objects = \
	t/cpp-event.$(OBJEXT) t/cpp-exit.$(OBJEXT) t/cpp.$(OBJEXT)
$(cpp_objects): t/cpp.h t/mode.h t/readable.h t/support.h t/test.h t/thread.h \
  $(include_HEADERS) $(pkginclude_HEADERS) $(cppinclude_HEADERS)
	$(AM_V_GEN)$(MKDIR_P) t && $(CXX) -I$(top_srcdir)/include \
	  -D_GNU_SOURCE -DGC_THREADS -DGC_NO_THREAD_REDIRECTS $(GC_CFLAGS) \
	  $(CMOCKA_CFLAGS) $(CPPFLAGS) -std=c++17 $(WARN_CFLAGS) $(CFLAGS) -c \
	  -o $@ $(srcdir)/$(@:.$(OBJEXT)=.cc)
t/cpp-event.$(OBJEXT): t/cpp-event.cc
t/cpp-exit.$(OBJEXT): t/cpp-exit.cc
t/cpp.$(OBJEXT): t/cpp.cc
EXTRA_DIST += t/cpp-event.cc t/cpp-exit.cc t/cpp.cc t/cpp.h

# Those of the example with epoll.
if HAVE_EPOLL
test_programs += t/service-kills.t t/service.t
endif
t_service_t_SOURCES = t/service.c t/serving.c t/serving.h
t_service_kills_t_SOURCES = t/service-kills.c t/serving.c t/serving.h

# Tests that are shell scripts.  Add one here.
test_scripts = \
	t/bench.t \
	t/collector-functions.t \
	t/configure.t \
	t/cookbook.t \
	t/cpp-typed.t \
	t/crystal.t \
	t/demo.t \
	t/drop-in.t \
	t/exports.t \
	t/fitting.t \
	t/fuzz.t \
	t/gdb.t \
	t/headers.t \
	t/html.t \
	t/install.t \
	t/last-words.t \
	t/layers.t \
	t/locks.t \
	t/logbus.t \
	t/loops.t \
	t/manual.t \
	t/memo.t \
	t/nim.t \
	t/oom-lists.t \
	t/site.t \
	t/throw.t \
	t/torture.t \
	t/toy.t \
	t/trace.t \
	t/typed.t \
	t/valgrind.t \
	t/words.t

# That of the examples with proxies.
if HAVE_LIBFFI
test_scripts += t/proxies.t
else
EXTRA_DIST += t/proxies.t
endif

# Those of the module for ECL.
if HAVE_ECL
test_scripts += t/ecl.t
else
EXTRA_DIST += t/ecl.t
endif

# Those of the module for Guile.
if HAVE_GUILE
test_scripts += t/guile.t
else
EXTRA_DIST += t/guile.t
endif

# What the tests share.
test_support = \
	t/all-calls.h \
	t/at-once.h \
	t/await.h \
	t/chance.c \
	t/chance.h \
	t/heard.h \
	t/hub-scene.h \
	t/dumped.h \
	t/idle.h \
	t/listeners.h \
	t/log.h \
	t/main.c \
	t/mode.c \
	t/mode.h \
	t/readable.h \
	t/registry.h \
	t/scenario.c \
	t/scenario.h \
	t/storm.h \
	t/support.c \
	t/support.h \
	t/test.c \
	t/test.h \
	t/thread.h
t_libsupport_a_SOURCES = $(test_support)

# A test links with the library proper, unless its own line says otherwise.
LDADD = t/libsupport.a libgcweak.la $(CMOCKA_LIBS) $(GC_LIBS)
internals = t/libsupport.a libgcweak-internal.la $(CMOCKA_LIBS) $(FFI_LIBS) \
	$(GC_LIBS)
t_children_t_LDADD = $(internals)
t_ending_t_LDADD = $(internals)
t_held_t_LDADD = $(internals)
t_hostile_t_LDADD = $(internals)
t_marks_t_LDADD = $(internals)
t_map_steps_t_LDADD = t/libsupport.a libgcweak-delayed.la $(CMOCKA_LIBS) \
	$(FFI_LIBS) $(GC_LIBS)
t_memory_t_LDADD = $(internals)
t_midst_t_LDADD = $(internals)
t_oom_t_LDADD = $(internals)
t_rare_t_LDADD = $(internals)
t_signature_t_LDADD = $(internals)
t_table_t_LDADD = $(internals)
t_torture_read_t_LDADD = $(internals)

# These have functions that the dynamic linker knows by name; t/hostile.t also
# holds threads up in on_exit.
t_debug_t_LDFLAGS = -export-dynamic
t_event_t_LDFLAGS = -export-dynamic
t_hostile_t_LDFLAGS = -export-dynamic -Wl,--wrap=on_exit

# These have the library call something else in place of what it calls.
t_children_t_LDFLAGS = -Wl,--wrap=on_exit
t_ending_t_LDFLAGS = \
	-Wl,--wrap=pthread_mutex_unlock,--wrap=dl_iterate_phdr
t_held_t_LDFLAGS = -Wl,--wrap=on_exit

# What these fail in turn, or call the library from; see t/failing.h.
t_midst_t_SOURCES = t/failing.c t/failing.h t/midst.c
t_midst_t_LDFLAGS = $(wrapped)
t_oom_t_SOURCES = t/failing.c t/failing.h t/oom.c
t_oom_t_LDFLAGS = $(wrapped)
wrapped = \
	-Wl,--wrap=GC_malloc,--wrap=GC_malloc_atomic \
	-Wl,--wrap=GC_malloc_uncollectable \
	-Wl,--wrap=GC_malloc_atomic_uncollectable \
	-Wl,--wrap=GC_malloc_ignore_off_page \
	-Wl,--wrap=GC_malloc_atomic_ignore_off_page \
	-Wl,--wrap=GC_generic_malloc,--wrap=GC_generic_malloc_many \
	-Wl,--wrap=GC_general_register_disappearing_link \
	-Wl,--wrap=GC_register_long_link \
	-Wl,--wrap=GC_register_finalizer_no_order,--wrap=GC_pthread_create \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=mmap \
	-Wl,--wrap=eventfd,--wrap=pipe2 \
	-Wl,--wrap=atexit,--wrap=on_exit,--wrap=at_quick_exit \
	-Wl,--wrap=pthread_atfork
if HAVE_LIBFFI
wrapped += -Wl,--wrap=ffi_closure_alloc
endif

# What t/rare.c makes happen besides.
t_rare_t_SOURCES = t/failing.c t/failing.h t/rare.c
t_rare_t_LDFLAGS = $(wrapped) $(rare)
rare = \
	-Wl,--wrap=pthread_mutex_trylock,--wrap=pthread_mutex_lock \
	-Wl,--wrap=pthread_condattr_init,--wrap=pthread_cond_init \
	-Wl,--wrap=pthread_cond_wait,--wrap=pthread_attr_init \
	-Wl,--wrap=pthread_create \
	-Wl,--wrap=sem_init,--wrap=sem_wait \
	-Wl,--wrap=GC_get_stack_base,--wrap=GC_register_my_thread \
	-Wl,--wrap=GC_base,--wrap=msync,--wrap=sysconf,--wrap=write
if HAVE_LIBFFI
rare += -Wl,--wrap=ffi_prep_cif,--wrap=ffi_prep_closure_loc
endif

# What t/locks.t runs, with all wrapped that it watches.
locks_programs = t/locks-held
t_locks_held_LDADD = $(internals)
t_locks_held_LDFLAGS = \
	-Wl,--wrap=GC_malloc,--wrap=GC_malloc_atomic \
	-Wl,--wrap=GC_malloc_uncollectable \
	-Wl,--wrap=GC_malloc_atomic_uncollectable \
	-Wl,--wrap=GC_malloc_ignore_off_page \
	-Wl,--wrap=GC_malloc_atomic_ignore_off_page \
	-Wl,--wrap=GC_generic_malloc,--wrap=GC_generic_malloc_many \
	-Wl,--wrap=GC_get_toggleref_func \
	-Wl,--wrap=GC_stop_world_external \
	-Wl,--wrap=GC_start_world_external \
	-Wl,--wrap=GC_free,--wrap=GC_call_with_alloc_lock \
	-Wl,--wrap=GC_general_register_disappearing_link \
	-Wl,--wrap=GC_unregister_disappearing_link \
	-Wl,--wrap=GC_register_long_link,--wrap=GC_unregister_long_link \
	-Wl,--wrap=GC_register_finalizer_no_order \
	-Wl,--wrap=GC_get_on_collection_event \
	-Wl,--wrap=GC_set_on_collection_event \
	-Wl,--wrap=GC_get_abort_func,--wrap=GC_set_abort_func \
	-Wl,--wrap=GC_register_displacement \
	-Wl,--wrap=GC_init,--wrap=GC_gcollect,--wrap=GC_get_my_stackbottom \
	-Wl,--wrap=GC_thread_is_registered,--wrap=GC_register_my_thread \
	-Wl,--wrap=GC_unregister_my_thread,--wrap=GC_call_with_gc_active \
	-Wl,--wrap=GC_pthread_create \
	-Wl,--wrap=pthread_mutex_lock \
	-Wl,--wrap=write,--wrap=read,--wrap=close,--wrap=msync,--wrap=fopen \
	-Wl,--wrap=fclose,--wrap=fgets,--wrap=access,--wrap=sem_wait \
	-Wl,--wrap=pthread_cond_wait,--wrap=pthread_cond_timedwait \
	-Wl,--wrap=fputs,--wrap=fputc,--wrap=fwrite,--wrap=vfprintf \
	-Wl,--wrap=fprintf

# What random operations are held against, those of t/random.c and those of
# t/fuzz/ops.c.
oracle = \
	t/oracle/oracle.h \
	t/oracle/audience.c \
	t/oracle/cleanups.c \
	t/oracle/emissions.c \
	t/oracle/frames.c \
	t/oracle/handlers.c \
	t/oracle/interns.c \
	t/oracle/listeners.c \
	t/oracle/maps.c \
	t/oracle/methods.c \
	t/oracle/objects.c \
	t/oracle/proxies.c \
	t/oracle/queues.c \
	t/oracle/sets.c \
	t/oracle/world.c
t_random_t_SOURCES = t/random.c $(oracle)

# What t/fuzz.t replays the inputs with that fuzzing has found; see below.
fuzz_targets = ops
fuzz_programs = t/fuzz/replay-ops
t_fuzz_replay_ops_SOURCES = \
	t/fuzz/fuzz.h t/fuzz/ops.c t/fuzz/replay.c $(oracle)
t_fuzz_replay_signature_SOURCES = \
	t/fuzz/fuzz.h t/fuzz/replay.c t/fuzz/signature.c
t_fuzz_replay_signature_LDADD = $(LDADD) $(FFI_LIBS)
if HAVE_LIBFFI
fuzz_targets += signature
fuzz_programs += t/fuzz/replay-signature
endif

# The torture test with the wrong orders, which t/torture.t must see fail.
torture_programs = t/torture-order1 t/torture-order2 t/torture-order3
t_torture_order1_SOURCES = t/torture-read.c
t_torture_order1_CPPFLAGS = $(AM_CPPFLAGS) -DGCW__READ_ORDER=1
t_torture_order1_LDADD = $(internals)
t_torture_order2_SOURCES = t/torture-read.c
t_torture_order2_CPPFLAGS = $(AM_CPPFLAGS) -DGCW__READ_ORDER=2
t_torture_order2_LDADD = $(internals)
t_torture_order3_SOURCES = t/torture-read.c
t_torture_order3_CPPFLAGS = $(AM_CPPFLAGS) -DGCW__READ_ORDER=3
t_torture_order3_LDADD = $(internals)

# The torture of everything: the library with delays inside
# (src/ground/delay.h), and a plugin, which finds the library in the program.
libgcweak_delayed_la_SOURCES = $(gcweak_sources)
libgcweak_delayed_la_CPPFLAGS = $(AM_CPPFLAGS) -DGCW_NO_UNLOAD -DGCW__DELAYED
torture_programs += t/torture
t_torture_SOURCES = \
	t/torture.c \
	t/torture.h \
	t/torture-away.c \
	t/torture-delay.c \
	t/torture-listen.c \
	t/torture-map.c \
	t/torture-model.c \
	t/torture-play.c
t_torture_CPPFLAGS = $(AM_CPPFLAGS)
t_torture_LDFLAGS = -export-dynamic -Wl,-u,gcw_object_unloading
t_torture_LDADD = libgcweak-delayed.la $(FFI_LIBS) $(GC_LIBS)
if BUILD_SHARED
t_torture_CPPFLAGS += -DTORTURE_PLUGINS
endif
t_torture_plugin_la_LDFLAGS = $(plugin_ldflags)

# For longer: make torture SECONDS=600 SEED=n, where SEED may be left out.
SECONDS = 60
.PHONY: torture
torture: t/torture$(EXEEXT) $(torture_plugin)
	t/torture$(EXEEXT) -t $(SECONDS) $${SEED:+-s $$SEED}

# t/plugin.t loads and unloads these, where shared objects are built.  One of
# them does not know gcweak.
plugin_test = t/plugin.t
test_plugins = \
	t/plugin-exit.la \
	t/plugin-foreign.la \
	t/plugin-proxy.la \
	t/plugin-static.la
plugin_ldflags = -module -avoid-version -shared -rpath /nowhere
# What the linker defines besides would be taken for the collector's own, in a
# namespace where the plugin comes first, and keep the plugin there.
t_plugin_exit_la_LDFLAGS = $(plugin_ldflags) -export-symbols-regex '^plugin_'
t_plugin_exit_la_LIBADD = libgcweak.la $(GC_LIBS)
t_plugin_foreign_la_LDFLAGS = $(plugin_ldflags)
t_plugin_static_la_CPPFLAGS = $(AM_CPPFLAGS) -DGCW_NO_UNLOAD
t_plugin_static_la_LDFLAGS = $(plugin_ldflags) -Wl,-Bsymbolic
t_plugin_static_la_LIBADD = libgcweak-internal.la $(FFI_LIBS) $(GC_LIBS)
t_plugin_proxy_la_LDFLAGS = $(plugin_ldflags)
t_plugin_proxy_la_LIBADD = libgcweak.la $(GC_LIBS)

if BUILD_SHARED
torture_plugin = t/torture-plugin.la
endif

# The scripts run what was built, and so not where it is for another processor:
# configure EMULATOR='qemu-aarch64 -L DIR'.
if EMULATED
emulated = $(LIBTOOL) --mode=execute $(EMULATOR)
else
scripts_here = $(test_scripts)
endif

if TESTS_ENABLED
check_LIBRARIES = t/libsupport.a
check_LTLIBRARIES = libgcweak-delayed.la
check_PROGRAMS = $(test_programs) $(fuzz_programs) $(torture_programs) \
	$(locks_programs) \
	$(EXTRA_PROGRAMS)
TESTS = $(test_programs) $(scripts_here)
if BUILD_SHARED
check_LTLIBRARIES += $(test_plugins) $(torture_plugin)
check_PROGRAMS += $(plugin_test)
TESTS += $(plugin_test)
endif
else
check-local:
	@echo 'This tree was configured with --disable-tests.  The tests' \
	  'need cmocka; on Debian: apt-get install libcmocka-dev' >&2; false
endif

# These run make install, which must not be at the same time, nor while the
# module for Guile is in use: it is linked anew for its final place.
t/fitting.log: t/install.log
if HAVE_GUILE
t/install.log: t/guile.log
endif

EXTRA_DIST += $(test_scripts) t/collector-functions.txt t/throw.cc t/watch.c \
	t/fuzz/corpus t/installed.sh t/languages.sh t/module.sh t/ok.sh \
	t/site-look.py t/tap.sh t/words.awk

# Models, checked with spin: make check-model, or check-model MODEL_CHECKS=few
# without those that take longest.  Add one here.
EXTRA_DIST += t/model/check.sh t/model/deadline.pml t/model/emit.pml \
	t/model/ephemeron.pml t/model/exit.pml t/model/level.pml t/model/read.pml \
	t/model/signal.pml t/model/start.pml
.PHONY: check-model
check-model:
	CC='$(CC)' $(SHELL) $(srcdir)/t/model/check.sh $(srcdir)/t/model model.dir \
	  $(MODEL_CHECKS)

TEST_EXTENSIONS = .t
T_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' \
	$(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
T_LOG_COMPILER = $(TEST_TIMEOUT) $(emulated)
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	builddir='$(builddir)'; export builddir; \
	EMULATOR='$(EMULATOR)'; export EMULATOR; \
	CC='$(CC)'; CXX='$(CXX)'; NM='$(NM)'; export CC CXX NM; \
	HAVE_VERSIONS='$(have_versions)'; export HAVE_VERSIONS; \
	CFLAGS='$(CFLAGS)'; LDFLAGS='$(LDFLAGS)'; export CFLAGS LDFLAGS; \
	GC_CFLAGS='$(GC_CFLAGS)'; GC_LIBS='$(GC_LIBS)'; export GC_CFLAGS GC_LIBS; \
	PKG_CONFIG='$(PKG_CONFIG)'; MAKE='$(MAKE)'; export PKG_CONFIG MAKE; \
	HAVE_LIBFFI='$(have_libffi)'; HAVE_GUILE='$(have_guile)'; \
	HAVE_ECL='$(have_ecl)'; ECL='$(ECL)'; export HAVE_ECL ECL; \
	HAVE_SDT='$(have_sdt)'; export HAVE_SDT; \
	LOWDOWN='$(LOWDOWN)'; export LOWDOWN; \
	GUILE='$(GUILE)'; export HAVE_LIBFFI HAVE_GUILE GUILE;
