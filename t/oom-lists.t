#!/bin/sh
# oom-lists.t: t/oom.t tries every public function, and lets everything fail by
# which the library gets memory.

: "${srcdir:=.}" "${builddir:=.}" "${NM:=nm}"
. "$srcdir/t/tap.sh"

# What the library uses and what takes no memory that could run out, or what it
# does without when that fails (the line that begins with access), one in a line: an extended
# regular expression.  What the compiler puts in, for sanitizers and coverage
# too, stands at the end.
harmless()
{
    cat <<'END'
GC_(base|call_with_alloc_lock|enumerate_reachable_objects_inner|free|gc_no)
GC_(gcollect|init|is_disabled|is_incremental_mode|is_marked)
GC_(greatest|least)_plausible_heap_addr
GC_(get|set)_[a-z_]+
GC_(allow_register_threads|call_with_gc_active|do_blocking|is_init_called)
GC_(is_tmp_root|register_displacement)
GC_(start|stop)_world_external
access|dlsym|fclose|fgets|fopen|nanosleep|pthread_create|sched_yield|syscall
GC_(thread_is_registered|(un)?register_my_thread)
GC_unregister_(disappearing|long)_link
ffi_(call|closure_free|prep_cif|prep_closure_loc|type_[a-z0-9]+)
(__)?pthread_(attr|cond|condattr|mutex|register_cancel|setcancelstate|sigmask)(_[a-z]+)?
__pthread_un(register_cancel|wind_next)
sem_(init|post|wait)
pthread_(getattr_np|key_create|once|self|setspecific)
_?exit|fcloseall|getauxval|kill|raise|sig(action|addset|delset|emptyset|fillset)
(_|__sig)?(set|long)jmp
abort|clock_gettime|close|dup3|free|getpid|pause|poll|read|sysconf|write
dl_iterate_phdr|dladdr1?
madvise|mremap|msync|munmap
GC_(clear_mark_bit|is_heap_ptr|mark_and_push|size|new_(free_list|kind|proc)_inner)
bcmp|mem(chr|cmp|cpy|move|set)|str(chr|cmp|cspn|len|ncmp|rchr|spn|tol|toull)|getenv
v?fprintf|v?snprintf|stderr|putc|f(putc|puts|write)|f(un)?lockfile
_Unwind_[A-Za-z]+|__cxa_thread_atexit_impl|__dso_handle|__gcc_personality_v0
__isoc23_strto(l|ul|ull)|_GLOBAL_OFFSET_TABLE_|_end|__errno_location|___?tls_get_addr|__stack_chk_fail(_local)?
__u?(div|mod|divmod)di[34]|__atomic_[a-z_]+_[1248]
__(v?fprintf|v?snprintf|longjmp|memcpy|memmove|memset|read)_chk
__(asan|gcov|llvm|sancov|sanitizer|start|stop|ubsan)_.*|mangled_path
__sdt_unsp
END
}

# What the internal objects use and do not define.
used()
{
    $NM -u "$builddir/.libs/libgcweak-internal.a" |
    awk 'NF == 2 { print $2 }' | grep -v '^gcw_' | sort -u
}

echo 1..3
"$builddir/t/oom.t" list_functions | sort -u > "$dir/tried"
"$builddir/t/oom.t" list_allocators | sort > "$dir/failing"
grep "^gcw_" "$srcdir/src/gcweak.sym" | sort > "$dir/list"
used > "$dir/used"
harmless > "$dir/patterns"
grep -vxE -f "$dir/patterns" "$dir/used" > "$dir/memory"

passes 'what is exported is tried' is_within list tried
passes 'what is tried is exported' is_within tried list
passes 'what may take memory can be made to fail' is_within memory failing
