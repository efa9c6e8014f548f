# examples/local.mk: the examples; make builds them.  Part of Makefile.am.

# examples/NAME is built from examples/NAME.c.  Add one here, and what it is
# linked with.
noinst_PROGRAMS = \
	examples/exitfiles \
	examples/logbus \
	examples/memo \
	examples/weakmethod

examples_exitfiles_LDADD = libgcweak.la $(GC_LIBS)
examples_logbus_LDADD = libgcweak.la $(GC_LIBS)
examples_memo_LDADD = libgcweak.la $(GC_LIBS)
examples_weakmethod_LDADD = libgcweak.la $(GC_LIBS)

# Those that need proxies.
if HAVE_LIBFFI
noinst_PROGRAMS += \
	examples/oldhook \
	examples/sortby
endif
examples_oldhook_LDADD = libgcweak.la $(GC_LIBS)
examples_sortby_LDADD = libgcweak.la $(GC_LIBS)

# The daemon has a loop with epoll.  Its test starts it a thousand times, and
# signals it, without a script of libtool's before it.
if HAVE_EPOLL
noinst_PROGRAMS += examples/service
endif
examples_service_LDADD = libgcweak.la $(GC_LIBS)
examples_service_LDFLAGS = -no-install

# Those that build by themselves, for others to copy.
EXTRA_DIST += \
	examples/cmake/CMakeLists.txt \
	examples/cmake/hello.cc \
	examples/meson/hello.c \
	examples/meson/meson.build \
	examples/meson/subprojects/gcweak.wrap \
	examples/meson/subprojects/packagefiles/gcweak/meson.build \
	examples/standalone/Makefile \
	examples/standalone/README.md \
	examples/standalone/doorbell.c

# Those with an event loop, which t/loops.t builds where there is one.
EXTRA_DIST += \
	examples/loops/epoll.c \
	examples/loops/glib.c \
	examples/loops/uv.c \
	examples/loops/work.c \
	examples/loops/work.h

# One in C++, which t/cpp-typed.t builds where there is a compiler.
EXTRA_DIST += examples/cpp/editor.cc

# Bindings, with an example each, which t/nim.t and t/crystal.t build where there
# is a compiler.
EXTRA_DIST += \
	examples/crystal/gcweak.cr \
	examples/crystal/harbour.cr \
	examples/nim/gcweak.nim \
	examples/nim/harbour.nim

# The toy interpreter of doc/runtimes.md.  Add a source or a script here.
noinst_PROGRAMS += examples/toy/toy
examples_toy_toy_SOURCES = \
	examples/toy/eval.c \
	examples/toy/lex.c \
	examples/toy/parse.c \
	examples/toy/parse.h \
	examples/toy/symbol.c \
	examples/toy/toy.c \
	examples/toy/value.c \
	examples/toy/value.h \
	examples/toy/vm.c \
	examples/toy/vm.h \
	examples/toy/weak.c \
	examples/toy/weak.h \
	examples/toy/weaktable.c
examples_toy_toy_LDADD = libgcweak.la $(GC_LIBS)
EXTRA_DIST += \
	doc/runtimes.md \
	examples/toy/README.md \
	examples/toy/bell.toy \
	examples/toy/ending.toy \
	examples/toy/files.toy \
	examples/toy/notes.toy \
	examples/toy/players.toy \
	examples/toy/windows.toy
