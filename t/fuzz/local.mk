# t/fuzz/local.mk: fuzzing.  Part of Makefile.am.
#
# make fuzz SECONDS=600; see HACKING.md.

# The targets in t/fuzz are run with libFuzzer for so long, and leave what they
# find in the directory fuzz.
FUZZ_CC = clang
FUZZ_FLAGS = -O1 -g -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer
fuzz_environment = \
	ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0

fuzz_c = sources='$(gcweak_sources)'; \
	test $$t = ops && sources="$$sources $(oracle)"; for f in $$sources; do \
	  case $$f in *.c) echo $(srcdir)/$$f;; esac; done
.PHONY: fuzz fuzz-build fuzz-corpus
fuzz-build:
	@for t in $(fuzz_targets); do $(MKDIR_P) fuzz/$$t && \
	  echo "  FUZZ_CC  fuzz/fuzz-$$t" && \
	  $(FUZZ_CC) $(DEFS) $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(CPPFLAGS) \
	    $(AM_CFLAGS) $(FUZZ_FLAGS) -DGCW_NO_UNLOAD -o fuzz/fuzz-$$t \
	    $$($(fuzz_c)) $(srcdir)/t/fuzz/$$t.c $(FFI_LIBS) $(GC_LIBS) || \
	  exit 1; done
fuzz: fuzz-build
	@for t in $(fuzz_targets); do echo "  FUZZ     $$t" && \
	  $(fuzz_environment) nice -n 19 fuzz/fuzz-$$t -max_len=1024 \
	    -len_control=0 -max_total_time=$(SECONDS) -print_final_stats=1 \
	    -artifact_prefix=fuzz/$$t- fuzz/$$t $(srcdir)/t/fuzz/corpus/$$t \
	    > fuzz/$$t.log 2>&1 || \
	    { tail -n 40 fuzz/$$t.log; exit 1; }; \
	  grep -E 'Done|number_of_executed' fuzz/$$t.log; done

# Adds to the inputs in the sources those that reach what they do not.
fuzz-corpus: fuzz-build
	@for t in $(fuzz_targets); do $(fuzz_environment) fuzz/fuzz-$$t \
	  -merge=1 -use_counters=0 $(srcdir)/t/fuzz/corpus/$$t fuzz/$$t || \
	  exit 1; done
