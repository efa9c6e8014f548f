# doc/local.mk: the manual pages, the cookbook, the site.  Part of Makefile.am.

# The manual pages.  Add one here.  Their names are those of functions, which
# configure's --program-prefix does not change.
notrans_dist_man_MANS = \
	doc/gcw_base.3 \
	doc/gcw_call.3 \
	doc/gcw_cleanup.3 \
	doc/gcw_drain.3 \
	doc/gcw_debug.3 \
	doc/gcw_ephemeron.3 \
	doc/gcw_event.3 \
	doc/gcw_exit.3 \
	doc/gcw_guardian.3 \
	doc/gcw_hub.3 \
	doc/gcw_intern.3 \
	doc/gcw_map.3 \
	doc/gcw_method.3 \
	doc/gcw_proxy.3 \
	doc/gcw_queue.3 \
	doc/gcw_ref.3 \
	doc/gcw_set.3 \
	doc/gcw_signal.3 \
	doc/gcw_tell.3 \
	doc/gcweak.7 \
	doc/gcweak_cpp.7

# So that man finds a page by each name in it, of functions, types and flags,
# there is a page of one line for each.
manual_names = $(AWK) -f $(srcdir)/doc/names.awk
install-data-hook:
	@for page in $(notrans_dist_man_MANS); do \
	  own=`basename $$page`; \
	  for name in `$(manual_names) $(srcdir)/$$page`; do \
	    to="$(DESTDIR)$(man3dir)/$$name.3"; \
	    test $$name.3 = $$own || \
	      { rm -f "$$to" && echo ".so man3/$$own" > "$$to" && \
	        chmod 644 "$$to"; } || exit 1; \
	  done; \
	done
uninstall-hook:
	@if test -d doc/html; then cd doc/html && find . -type f | \
	  while read -r name; do \
	    rm -f "$(DESTDIR)$(htmldir)/$$name"; done; fi
	@for page in $(notrans_dist_man_MANS); do \
	  for name in `$(manual_names) $(srcdir)/$$page`; do \
	    rm -f "$(DESTDIR)$(man3dir)/$$name.3"; \
	  done; \
	done

# make html: the documentation as a site, in doc/html.  Needs mandoc; and
# lowdown for all but the manual.
html-local:
	$(AM_V_GEN)LOWDOWN='$(LOWDOWN)' $(SHELL) $(srcdir)/doc/html.sh \
	  $(srcdir) doc/html $(VERSION)
install-html-local: html-local
	@cd doc/html && find . -type d | while read -r name; do \
	  $(MKDIR_P) "$(DESTDIR)$(htmldir)/$$name"; done
	@cd doc/html && find . -type f | while read -r name; do \
	  cp "$$name" "$(DESTDIR)$(htmldir)/$$name" && \
	    chmod 644 "$(DESTDIR)$(htmldir)/$$name" || exit 1; done
EXTRA_DIST += doc/html.sh doc/html-dress.awk doc/html-index.awk doc/mark.svg \
	doc/names.awk doc/search.js doc/style.css

# The cookbook, whose programs t/cookbook.t builds and runs.  Add one here, and
# to the text a line <!-- program NAME -->.  make cookbook puts the programs into
# the text as they are.
cookbook_programs = \
	doc/cookbook/alive.c \
	doc/cookbook/bus.c \
	doc/cookbook/cache.c \
	doc/cookbook/files.c \
	doc/cookbook/fork.c \
	doc/cookbook/grows.c \
	doc/cookbook/loop.c \
	doc/cookbook/plugin.c \
	doc/cookbook/plugin-part.c \
	doc/cookbook/silent.c \
	doc/cookbook/term.c \
	doc/cookbook/threads.c
cookbookdir = $(docdir)
dist_cookbook_DATA = doc/cookbook.md
cookbookprogramsdir = $(docdir)/cookbook
dist_cookbookprograms_DATA = $(cookbook_programs)
EXTRA_DIST += doc/cookbook.sh
.PHONY: cookbook
cookbook:
	$(SHELL) $(srcdir)/doc/cookbook.sh $(srcdir)/doc/cookbook.md > cookbook.tmp
	mv cookbook.tmp $(srcdir)/doc/cookbook.md
