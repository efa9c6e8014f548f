#!/bin/sh
# locks.t: the rules of src/ground/lock.h are kept: who holds a lock of the library
# asks the collector for nothing that takes its lock, nobody is cancelled in a
# call of the system, and a fork takes each lock.
#
# What the library may be cancelled in stands in a table here; t/locks-held.c
# watches the library at work.

: "${srcdir:=.}" "${builddir:=.}" "${NM:=nm}"
. "$srcdir/t/tap.sh"

# The cancellation points of POSIX, those that need not be ones too, but for
# what the C library does without a system call.
points()
{
    cat <<'END'
accept|aio_suspend|clock_nanosleep|close|closedir|connect|creat|fcntl
fdatasync|fsync|f?getmsg|lockf|m?q?_?timedreceive|mq_receive|mq_(timed)?send
msgrcv|msgsnd|msync|nanosleep|open|openat|pause|p?poll|p?read|readv|p?select
pthread_cond_(timed|clock)?wait|pthread_join|pthread_testcancel|putp?msg
pthread_rwlock_.*lock|p?write|writev|recv(from|msg)?|send(to|msg)?
sem_(timed|clock)?wait|semop|sigpause|sigsuspend|sig(timed)?wait(info)?
u?sleep|system|tcdrain|wait(3|4|id|pid)?|epoll_p?wait|getrandom
access|faccessat|l?stat|fstat(at)?|chmod|chdir|dlopen|ftw|nftw
f(close|flush|open|reopen|dopen|read|scanf|seeko?|setpos|tello?|getpos|sync)
fgetw?[cs]|getc|getchar|getdelim|getline|gets|scanf|v?f?scanf|ungetc|popen
pclose|perror|psignal|psiginfo|syslog|closelog|openlog|vsyslog|print|putenv_
glob|readdir(_r)?|opendir|fdopendir|rename|remove|unlink|mkdir|mkstemp
tmpfile|rewind(dir)?|seekdir|getaddrinfo|getnameinfo|get(pw|gr)(nam|uid|gid)_r
wordexp|tzset|localtime(_r)?|mktime|strftime|strerror_r|catopen|ioctl|link
END
}

# Where the library uses one, and why that is right.
known()
{
    cat <<'END'
code: msync: cancellation is off
debug-dump: print: to the caller's stream, with cancellation off
debug-explain: print: to the caller's stream, with cancellation off
event-see: print: to the caller's stream, with cancellation off
end: pause: the thread waits for the end of the process, without a lock
guard: print: cancellation is off, or the process aborts
last: fclose: on a thread that nobody knows, so nobody cancels it
last: fgets: the same
last: fopen: the same
last: nanosleep: the same
limit: poll: cancellation is off
limit: write: cancellation is off
on-signal: sem_wait: on a thread of ours, which has cancellation off
lock: pthread_cond_timedwait: under a lock that a cancelled thread gives back
lock: pthread_cond_wait: the same
map-see: print: to the caller's stream, with cancellation off
names: print: cancellation is off in who prints names with it
shutdown: write: cancellation is off
stack: access: cancellation is off
stack: fclose: cancellation is off
stack: fgets: cancellation is off
stack: fopen: cancellation is off
tell: print: cancellation is off
wait: poll: gcw_drain_wait is a cancellation point, and holds nothing
wakeup: close: cancellation is off
wakeup: read: cancellation is off
wakeup: write: cancellation is off
worker: sem_wait: on the worker, which has cancellation off
END
}

# What each object uses and does not define, as `object: function`; without
# what the compiler makes of the name.  It also chooses among those that print.
used()
{
    $NM -A -u "$builddir/.libs/libgcweak-internal.a" |
    awk '
        {
            n = split($0, part, ":")
            object = part[n - 1]
            sub(/^.*libgcweak_internal_la-/, "", object)
            sub(/\.o$/, "", object)
            name = $NF
            sub(/@.*/, "", name)
            sub(/^(__isoc[0-9]+_|__|_IO_)/, "", name)
            sub(/_chk$/, "", name)
            sub(/64(_2)?$/, "", name)
            if (name ~ /^(v?[fd]?printf|put[cs]|putchar|fput[cs]|fwrite)$/)
                name = "print"
            print object ": " name
        }' | sort -u
}

used_points()
{
    used > "$dir/used"
    points > "$dir/points"
    awk '{ print $2 }' "$dir/used" | sort -u |
        grep -xE -f "$dir/points" > "$dir/names"
    awk 'NR == FNR { point[$1]; next } $2 in point' \
        "$dir/names" "$dir/used" | sort -u
}

# Those of the collector's functions that the library uses and that do not take
# its lock, or that only the address is used of; or that are asked under it.
lockless()
{
    cat <<'END'
GC_(allow_register_threads|base|gc_no|get_debug_header_size|get_find_leak)
GC_get_(all_interior_pointers|kind_and_size|no_dls|parallel|prof_stats_unsafe|stack_base)
GC_get_(suspend|thr_restart)_signal|GC_(greatest|least)_plausible_heap_addr
GC_is_(disabled|heap_ptr|incremental_mode|init_called|marked)
GC_do_blocking|GC_enumerate_reachable_objects_inner|GC_is_tmp_root
GC_(clear_mark_bit|mark_and_push|size|new_(free_list|kind|proc)_inner)
END
}

asks_nothing_else()
{
    lockless > "$dir/lockless"
    awk '{ print $2 }' "$dir/used" | grep '^GC_' | sort -u |
        grep -vxE -f "$dir/lockless" > "$dir/asked"
    "$builddir/t/locks-held" list_collector | sort > "$dir/watched"
    is_within asked watched
}

calls_all()
{
    grep '^gcw_' "$srcdir/src/gcweak.sym" | sort > "$dir/list"
    cat "$srcdir/t/all-calls.h" "$srcdir/t/locks-held.c" |
        grep -oE 'gcw_[a-z_]+' | sort -u > "$dir/tried"
    is_within list tried
}

# Thousands of lines.
holds_when_it_tells()
{
    GCWEAK_DEBUG=exit,drain,leak,nonsense "$builddir/t/locks-held" \
        2> /dev/null
}

echo 1..5
used_points > "$dir/here"
known | awk -F': ' '{ print $1 ": " $2 }' | sort > "$dir/known"
passes 'the library can be cancelled only where that is known to be right' \
    is_within here known
passes 'all is watched that may take the lock of the collector' \
    asks_nothing_else
passes 'each function of the library is called then' calls_all
passes 'who holds one does not take that; fork takes all; nobody is cancelled' \
    "$builddir/t/locks-held"
passes 'the same while the library tells what it does' holds_when_it_tells
