# gcweak-map.awk: makes of gcweak.sym the script that gives the linker the
# exported symbols and their versions.
#
# A line with a version opens it, and the names that follow are its own.  Each
# version builds on the one before.

/^GCWEAK_/ {
    end_version()
    previous = version
    version = $1
    print version " {\nglobal:"
    next
}

{ print "    " $1 ";" }

END { end_version() }

# What no version names is hidden: to be said once.
function end_version()
{
    if (version == "")
        return
    if (previous == "")
        print "local:\n    *;"
    print "}" (previous == "" ? "" : " " previous) ";"
}
