#!/bin/sh
# last-words.t: a process that is to die by a signal does so when all is over
# that exit does: handlers, destructors of the program and of shared objects, and
# the flush of stdio; wherever the library lies.

: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}"
. "$srcdir/t/tap.sh"

libs=$(cd "$builddir/.libs" && pwd)

# A shared object that the library does not know.
cat > "$dir/stranger.c" <<'C'
#include <unistd.h>
int stranger(void);
int stranger(void) { return 0; }
__attribute__((__destructor__)) static void
ends(void)
{
    if (write(1, "stranger\n", 9) != 9)
        _exit(1);
}
C

# One that is to die by SIGTERM, as part of the program or loaded by it.
cat > "$dir/dies.c" <<'C'
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int stranger(void);
static void handler(void) { puts("handler"); fflush(stdout); }
__attribute__((__destructor__)) static void
ends(void) { puts("program"); fflush(stdout); fputs("flushed\n", stdout); }
#ifdef LOADED
static int
gcw_exit_on_signal(int sig, unsigned flags)
{
    void *library = dlopen(LOADED, RTLD_NOW | RTLD_LOCAL);
    int (*fn)(int sig, unsigned flags);
    if (library == NULL)
        exit(1);
    *(void **)&fn = dlsym(library, "gcw_exit_on_signal");
    return fn(sig, flags);
}
#else
int gcw_exit_on_signal(int sig, unsigned flags);
#endif
int
main(void)
{
    atexit(handler);
    if (gcw_exit_on_signal(SIGTERM, 0) != 0)
        return stranger();
    kill(getpid(), SIGTERM);
    for (;;)
        pause();
}
C

printf '%s\n' handler program stranger flushed 'killed by 15' \
    > "$dir/expected"

# Of several flags, on purpose.
# shellcheck disable=SC2086
compile()
{
    to=$1
    shift
    $CC ${CFLAGS-} -Wall -Wextra -o "$dir/$to" "$@" ${LDFLAGS-} \
        2> "$dir/said" || { cat "$dir/said"; false; }
}

# dies WHAT FLAG...: the program, linked in that way, ends in that order.
dies()
{
    compile dies "$dir/dies.c" "$@" -L"$dir" -Wl,--no-as-needed -lstranger \
        -Wl,-rpath,"$dir" -ldl -pthread &&
    "$dir/watch" "$dir/dies" > "$dir/found" &&
    diff "$dir/expected" "$dir/found"
}

[ -e "$builddir/libgcweak-atexit.a" ] ||
    skip_all 'the C library has no on_exit'
if ! compile watch "$srcdir/t/watch.c" ||
    ! compile libstranger.so -fPIC -shared "$dir/stranger.c" ||
    ! [ -e "$libs/libgcweak.so" ]
then
    skip_all 'no shared objects to be had'
fi
echo 1..4
passes 'with the shared library before a stranger' \
    dies "$libs/libgcweak.so" -Wl,-rpath,"$libs"
passes 'after it' \
    dies -L"$dir" -lstranger "$libs/libgcweak.so" -Wl,-rpath,"$libs"
passes 'with the library loaded later' dies -DLOADED="\"$libs/libgcweak.so\""
if [ -e "$libs/libgcweak.a" ]; then
    # shellcheck disable=SC2086
    passes 'with the static library' \
        dies "$libs/libgcweak.a" ${FFI_LIBS--lffi} ${GC_LIBS--lgc}
else
    skip 1 'no static library was built'
fi
