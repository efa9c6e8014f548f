# doc/local.mk: the manual pages.  Part of Makefile.am.

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
	doc/gcweak.7

# So that man finds a page by the name of each function in it, there is a page
# of one line for each.
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
	@for page in $(notrans_dist_man_MANS); do \
	  for name in `$(manual_names) $(srcdir)/$$page`; do \
	    rm -f "$(DESTDIR)$(man3dir)/$$name.3"; \
	  done; \
	done

# make html: the manual pages as HTML, in doc/html.  Needs mandoc.
html-local:
	$(AM_V_GEN)$(SHELL) $(srcdir)/doc/html.sh $(srcdir)/doc doc/html
EXTRA_DIST += doc/html.sh doc/names.awk doc/style.css
