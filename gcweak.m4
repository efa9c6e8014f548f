# gcweak.m4: finds gcweak for a package that is configured with Autoconf.
# serial 1
#
# GCW_CHECK_GCWEAK([MINIMUM-VERSION], [ACTION-IF-FOUND], [ACTION-IF-NOT-FOUND])
#
# Asks pkg-config for gcweak, of MINIMUM-VERSION or later unless that is empty.
# If it is there, what to compile and to link with is in GCWEAK_CFLAGS and
# GCWEAK_LIBS, in the shell and in the files that configure makes, and
# ACTION-IF-FOUND runs.  Else ACTION-IF-NOT-FOUND does, which by default ends
# configure with a message that says what to do.  GCWEAK_LIBS has the collector
# too.  A whole configure.ac:
#
#     AC_INIT([hello], [1.0])
#     AC_PROG_CC
#     GCW_CHECK_GCWEAK([0.1])
#     AC_CONFIG_FILES([Makefile])
#     AC_OUTPUT
#
# and what its Makefile.in needs of it:
#
#     hello: hello.c
#     	@CC@ @CFLAGS@ @GCWEAK_CFLAGS@ -o hello hello.c @GCWEAK_LIBS@
#
# aclocal finds this file where gcweak has installed it; if that is elsewhere
# than aclocal itself, say aclocal -I PREFIX/share/aclocal, or set ACLOCAL_PATH.
# Who builds your package sets PKG_CONFIG_PATH if gcweak.pc is not where
# pkg-config looks, or GCWEAK_CFLAGS and GCWEAK_LIBS to do without pkg-config.

AC_DEFUN([GCW_CHECK_GCWEAK],
[AC_REQUIRE([PKG_PROG_PKG_CONFIG])
PKG_CHECK_MODULES([GCWEAK], [gcweak]m4_ifnblank([$1], [[ >= $1]]),
  [m4_default([$2], [:])],
  [m4_default([$3],
     [AC_MSG_ERROR([gcweak]m4_ifnblank([$1],
        [[ $1 or later]])[ was not found.
  If it is installed, add the directory of gcweak.pc to PKG_CONFIG_PATH.
  pkg-config says: $GCWEAK_PKG_ERRORS])])])
])
