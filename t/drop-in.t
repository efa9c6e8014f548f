#!/bin/sh
# drop-in.t: <gcweak/atexit.h> puts the registry in atexit's place and changes
# nothing else of a program; -lgcweak-atexit does so for one that is not
# compiled again.

: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}" "${CXX:=c++}"
. "$srcdir/t/tap.sh"

include=$(cd "$srcdir/include" && pwd)
libs=$(cd "$builddir" && pwd)/.libs
static=$(cd "$builddir" && pwd)/libgcweak-atexit.a
header="-include $include/gcweak/atexit.h"
strict='-Wall -Wextra -Wpedantic -Wundef -Werror'

# Programs.

cat > "$dir/plain.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
static void first(void) { puts("first"); }
static void second(void) { puts("second"); }
int main(void) { return atexit(first) + atexit(second); }
END

cat > "$dir/bool.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
typedef int bool;
enum { false, true };
static bool done;
static void first(void) { puts("first"); }
static void second(void) { done = true; puts("second"); }
int main(void) { return atexit(first) + atexit(second) + done; }
END

cat > "$dir/gnu.c" <<'END'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void first(void) { puts("first"); }
static void second(void) { puts(strcasestr("the SECOND", "s") ? "second" : ""); }
int main(void) { return atexit(first) + atexit(second); }
END

# Its own declaration, as old programs have one; and the address.
cat > "$dir/own.c" <<'END'
#include <stdio.h>
extern int atexit(void (*)(void));
static void first(void) { puts("first"); }
static void second(void) { puts("second"); }
int main(void)
{
    int (*registers)(void (*)(void)) = atexit;
    return registers(first) + atexit(second);
}
END

cat > "$dir/after.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <gcweak/atexit.h>
static void first(void) { puts("first"); }
static void second(void) { puts("second"); }
int main(void) { return atexit(first) + atexit(second); }
END

cat > "$dir/back.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <gcweak/atexit.h>
static void first(void) { puts("first"); }
static void never(void) { puts("never"); }
static void second(void) { puts("second"); }
int main(void)
{
    return atexit(first) + atexit(never) + atexit(second)
           + gcw_atexit_cancel(never);
}
END

cat > "$dir/all.c" <<'END'
#include <gcweak/atexit.h>
#include <gcweak.h>
#include <stdio.h>
#include <stdlib.h>
static void first(void) { puts("first"); }
static void second(void) { puts("second"); }
int main(void) { return atexit(first) + atexit(second); }
END

cat > "$dir/plus.cc" <<'END'
#include <cstdio>
#include <cstdlib>
static void first() { std::puts("first"); }
static void second() { std::puts("second"); }
int main() { return std::atexit(first) + atexit(second); }
END

# An object of its own, unloaded before the program ends.
cat > "$dir/object.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
static void first(void) { puts("first"); }
static void second(void) { puts("second"); }
int plug(void) { return atexit(first) + atexit(second); }
END

cat > "$dir/loader.c" <<'END'
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    void *object = dlopen(argv[argc - 1], RTLD_NOW);
    int (*plug)(void);
    if (object == NULL)
        return 1;
    *(void **)&plug = dlsym(object, "plug");
    if (plug() != 0 || dlclose(object) != 0)
        return 1;
    puts("unloaded");
    return 0;
}
END

# Building and running.

# build NAME COMPILER FLAGS...: flags are several words.  What one compiler
# leaves to the linker another cannot take up.
# shellcheck disable=SC2086
build()
{
    file=$1
    shift
    "$@" ${CFLAGS-} -fno-lto $strict -I"$include" ${GC_CFLAGS-} -c "$dir/$file" \
        -o "$dir/$file.o" &&
        $CC ${CFLAGS-} ${LDFLAGS-} "$dir/$file.o" -o "$dir/$file.bin" \
            ${before-} "$libs/libgcweak.so" -Wl,-rpath,"$libs" ${GC_LIBS--lgc} \
            ${after-}
}

# Both handlers run, and the library says that it was it who called them.
registered()
{
    GCWEAK_DEBUG='exit' "$dir/$1.bin" > "$dir/out" 2> "$dir/err" || return 1
    printf 'second\nfirst\n' | diff - "$dir/out" &&
        [ "$(grep -c '^gcweak: exit: handler .* took' "$dir/err")" = 2 ]
}

runs()
{
    build "$@" && registered "$1"
}

# The same for the standards that the compiler knows.
# shellcheck disable=SC2086
in_standards()
{
    file=$1 compiler=$2
    shift 2
    for standard
    do
        $compiler -std="$standard" -fsyntax-only -x "$language" /dev/null \
            > /dev/null 2>&1 || continue
        runs "$file" $compiler -std="$standard" $header ||
            { echo "$standard"; return 1; }
    done
}

# The object must not be linked with the collector: then it would export its
# _end, which the collector, loaded after it, would find and keep it for.
unloads()
{
    # shellcheck disable=SC2086
    $CC ${CFLAGS-} $strict $header -fPIC -shared "$dir/object.c" \
        -o "$dir/object.so" "$libs/libgcweak.so" -Wl,-rpath,"$libs" &&
        $CC ${CFLAGS-} "$dir/loader.c" -o "$dir/loader" -ldl &&
        "$dir/loader" "$dir/object.so" > "$dir/out" &&
        printf 'second\nfirst\nunloaded\n' | diff - "$dir/out"
}

# A program that uses nothing else, and is threatened with a collection.
cat > "$dir/alone.c" <<'END'
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <gc.h>
static int threads(void)
{
    int n = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (readdir(tasks) != NULL)
        n++;
    closedir(tasks);
    return n - 2;
}
static void first(void)
{
    printf("%d, %d\n", threads(), GC_is_init_called());
}
static void second(void) { puts("second"); }
static void never(void) { puts("never"); }
int main(void)
{
    if (atexit(first) + atexit(never) + atexit(second)
        + gcw_atexit_cancel(never) != 0)
        return 1;
    pthread_exit(NULL);
}
END

starts_nothing()
{
    # shellcheck disable=SC2086
    $CC ${CFLAGS-} $header ${GC_CFLAGS-} "$dir/alone.c" -o "$dir/alone" \
        "$libs/libgcweak.so" -Wl,-rpath,"$libs" ${GC_LIBS--lgc} -lpthread &&
        "$dir/alone" > "$dir/out" &&
        printf 'second\n1, 0\n' | diff - "$dir/out"
}

# Functions and statics of C++ in turn: the order is that without the header.
cat > "$dir/statics.cc" <<'END'
#include <cstdio>
#include <cstdlib>
struct thing {
    const char *name;
    explicit thing(const char *n) : name(n) { }
    ~thing() { std::puts(name); }
};
static thing &first() { static thing t("first static"); return t; }
static thing &second() { static thing t("second static"); return t; }
static void a() { std::puts("a"); }
static void b() { std::puts("b"); }
static void c() { std::puts("c"); }
static void never() { std::puts("never"); }
int main()
{
    std::atexit(a);
    first();
    std::atexit(b);
#ifdef GCWEAK_ATEXIT_H
    std::atexit(never);
    gcw_atexit_cancel(never);
#endif
    second();
    std::atexit(c);
    return never == a;
}
END

keeps_order()
{
    # shellcheck disable=SC2086
    $CXX ${CFLAGS-} "$dir/statics.cc" -o "$dir/statics" &&
        "$dir/statics" > "$dir/expected" &&
        after=-lstdc++ build statics.cc $CXX $header &&
        "$dir/statics.cc.bin" | diff "$dir/expected" -
}

# As the scripts that autoconf makes ask for a function.
has_atexit()
{
    printf 'char atexit(void);\nint main(void) { return atexit(); }\n' \
        > "$dir/has.c"
    # shellcheck disable=SC2086
    $CC -w -fno-builtin "$dir/has.c" -o "$dir/has" "$static" \
        "$libs/libgcweak.so" ${GC_LIBS--lgc}
}

# The same where the header is among the flags.
has_atexit_with_header()
{
    printf 'char atexit(void);\nint main(void) { return atexit(); }\n' \
        > "$dir/has.c"
    # shellcheck disable=SC2086
    $CC -w -fno-builtin $header "$dir/has.c" -o "$dir/has" \
        "$libs/libgcweak.so" ${GC_LIBS--lgc}
}

# Linked anew, and that is all: the object knows nothing of the library.
# shellcheck disable=SC2086
linked()
{
    before="$static"
    runs plain.c $CC && { ! nm "$dir/plain.c.o" | grep gcw; }
}

# shellcheck disable=SC2086
linked_without_pie()
{
    before="$static" after=-no-pie
    runs plain.c $CC -fno-pie
}

compiler_with_own_flags()
{
    compilers "$CC" clang gcc > "$dir/compilers"
    while read -r compiler
    do
        # shellcheck disable=SC2086
        runs "$1" $compiler ${2-} || { echo "$compiler"; return 1; }
    done < "$dir/compilers"
}

[ -e "$libs/libgcweak.so" ] || skip_all 'no shared library was built'
case ${CFLAGS-} in
*-fsanitize*) skip_all 'the library is built with a sanitizer' ;;
esac
echo 1..16
language=c
passes 'an unchanged program, in each C' \
    in_standards plain.c "$CC" c90 c99 c11 c17 gnu17
passes 'with each compiler' compiler_with_own_flags plain.c "$header"
passes 'its own bool stays' compiler_with_own_flags bool.c "$header"
passes 'its feature test macros work' compiler_with_own_flags gnu.c "$header"
passes 'its own declaration of atexit, and the address' \
    compiler_with_own_flags own.c "$header"
passes 'the header may come after <stdlib.h>' compiler_with_own_flags after.c
passes 'a handler is taken back' compiler_with_own_flags back.c
passes 'beside the other headers' compiler_with_own_flags all.c
passes 'configure scripts find atexit with the header' has_atexit_with_header
passes 'no thread is started, and no collector' starts_nothing
if echo 'int n;' > "$dir/try.cc" && $CXX -c "$dir/try.cc" -o "$dir/try.o" \
    2> "$dir/log"; then
    language=c++
    passes 'std::atexit, in each C++' \
        in_standards plus.cc "$CXX" c++98 c++11 c++14 c++17 c++20
    passes 'functions and statics of C++ keep their order' keeps_order
else
    skip 2 'no C++ compiler'
fi
if keeps_objects; then
    skip 1 'dlclose unloads nothing here'
else
    passes 'handlers of a shared object run when it is unloaded' unloads
fi
if [ -e "$static" ]; then
    passes 'a program that is only linked anew' linked
    passes 'the same at a fixed address' linked_without_pie
    passes 'configure scripts find atexit there' has_atexit
else
    skip 3 'the C library has no on_exit'
fi
