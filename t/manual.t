#!/bin/sh
# manual.t: the manual pages say what the headers say, and their programs do
# what the pages say.
#
# A page doc/gcw_NAME.3 is that of the header gcweak/NAME.h.  Any page that is
# put there is tested.  A program is a literal display with a main function, in
# C++ if it includes a header of C++; what it must print is the literal display
# after a line that ends in "prints:".

# Variables of flags are split on purpose.
# shellcheck disable=SC2046,SC2086
: "${srcdir:=.}" "${builddir:=.}" "${CC:=cc}" "${CXX:=c++}"
: "${PKG_CONFIG:=pkg-config}"
: "${HAVE_LIBFFI:=yes}"
: "${GC_CFLAGS=$($PKG_CONFIG --cflags bdw-gc)}"
: "${GC_LIBS=$($PKG_CONFIG --libs bdw-gc)}"
strict='-Wall -Wextra -Werror'

. "$srcdir/t/tap.sh"

# Of the page that is looked at.
page_passes()
{
    what=$1
    shift
    passes "$name: $what" "$@"
}

# --- What the headers declare ------------------------------------------------

# The functions that a header itself declares: after preprocessing, what comes
# from it, one statement a line, the first name before a parenthesis of each
# that is no typedef and no function of the header's own.
declared_in()
{
    $CC -E -DGCW_NO_UNLOAD -I"$srcdir/include" -x c "$srcdir/include/$1" |
    awk -v file="/$1\"" '/^# *[0-9]/ { own = index($0, file); next } own' |
    tr '\n' ' ' | tr ';' '\n' | grep -vE '^[ }]*(typedef|static)' |
    awk 'match($0, /gcw_[a-z0-9_]+ *\(/) {
             name = substr($0, RSTART, RLENGTH)
             sub(/ *\(/, "", name)
             print name
         }' | sort -u
}

declared_anywhere()
{
    for one in "$srcdir"/include/gcweak/*.h
    do
        declared_in "gcweak/${one##*/}"
    done | sort -u
}

# The words gcw_... and GCW_... of standard input, one a line.
words()
{
    grep -oEi '\<gcw_[a-z0-9_]+' | sort -u
}

# The headers, comments left out.
without_comments()
{
    cat "$srcdir"/include/gcweak/*.h | sed 's|/\*|\n&|g; s|\*/|\n&\n|g' |
        awk '/^\/\*/ { inside = 1 } !inside; /^\*\// { inside = 0 }'
}

# Their words; and those of them that are a user's affair: functions, types,
# flags and macros, but no tag of a struct within another.
defined_anywhere()
{
    without_comments | words
}

public_anywhere()
{
    without_comments | grep -v '^ .*struct gcw_[a-z_]* {' |
        sed 's/[A-Za-z0-9_]*##[A-Za-z0-9_]*//g' | words |
        grep -v '^gcw__\|^GCW__'
}

# --- What a page names -------------------------------------------------------

# The lines of a section.
section()
{
    awk -v wanted="$1" '
        /^\.Sh / { inside = $0 == ".Sh " wanted; next }
        inside' "$page"
}

# named FILE: all names of a page, but for its own if the headers have no such.
named()
{
    own=${1##*/}
    own=${own%.*}
    sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([^ ]*\).*/\1/p' "$1" > "$dir/names"
    if grep -Fqx "$own" "$dir/public"; then
        sort "$dir/names"
    else
        grep -Fvx "$own" "$dir/names" | sort
    fi
}

# What it speaks of, as NAME.SECTION.
referred_to()
{
    grep -oE '\<Xr gcw[a-z_]* [0-9]' "$page" | sed 's/^Xr //; s/ /./' | sort -u
}

pages()
{
    for one in "$srcdir"/doc/*.[37]
    do
        echo "${one##*/}"
    done | sort
}

# The declarations in the synopsis, one a line, as in C.
synopsis()
{
    section SYNOPSIS | awk '
        function read_words(line)
        {
            n = 0
            while (match(line, /"[^"]*"|[^ ]+/)) {
                words[++n] = substr(line, RSTART, RLENGTH)
                gsub(/"/, "", words[n])
                line = substr(line, RSTART + RLENGTH)
            }
        }
        function add_arguments(first)
        {
            for (i = first; i <= n; i++)
                arguments = arguments (arguments == "" ? "" : ", ") words[i]
        }
        function declare()
        {
            if (function_name ~ /^gcw_/)
                print type " " function_name "(" arguments ");"
        }
        { read_words($0) }
        $1 == ".Ft" { sub(/^\.Ft */, ""); gsub(/"/, ""); type = $0 }
        $1 == ".Fn" || $1 == ".Fo" { function_name = words[2]; arguments = "" }
        $1 == ".Fn" { add_arguments(3); declare() }
        $1 == ".Fa" { add_arguments(2) }
        $1 == ".Fc" { declare() }'
}

declared_by_synopsis()
{
    synopsis | sed 's/^[^(]*[ *]\(gcw_[a-z0-9_]*\)(.*/\1/' | sort -u
}

# --- The tests of a page -----------------------------------------------------

titled()
{
    grep -x "\.Dt $(echo "$name" | tr '[:lower:]' '[:upper:]') $number" "$page"
}

# In this order, others between them.
has_sections()
{
    for one in NAME SYNOPSIS DESCRIPTION 'RETURN VALUES' THREADS EXAMPLES \
        ERRORS 'SEE ALSO'
    do
        echo ".Sh $one"
    done > "$dir/wanted"
    grep '^\.Sh ' "$page" | grep -Fx -f "$dir/wanted" | diff "$dir/wanted" -
}

includes_header()
{
    section SYNOPSIS | grep -Fx ".In $header"
}

# The compiler refuses what is declared in two ways.
agrees_with_header()
{
    {
        echo "#include <$header>"
        synopsis
    } > "$dir/synopsis.c"
    cat "$dir/synopsis.c"
    $CC -std=c11 $strict -I"$srcdir/include" -fsyntax-only "$dir/synopsis.c"
}

# Which other pages there are differs from machine to machine.
lints()
{
    mandoc -Tlint "$page" 2> /dev/null |
        grep -v 'referenced manual not found' > "$dir/lint"
    cat "$dir/lint"
    [ ! -s "$dir/lint" ]
}

# Writes the programs to 1.c, 2.c, or 2.cc, ..., and what they print to 1.out, ...
extract_programs()
{
    rm -f "$dir"/[0-9]*
    awk -v dir="$dir" '
        function finish()
        {
            inside = 0
            if (text ~ /(^|\n)(int )?main\(/)
                printf "%s", text > (dir "/" ++programs \
                    (text ~ /\n#include <gcweak\/gcweak\.hpp>/ ? ".cc" : ".c"))
            else if (output && programs > 0)
                printf "%s", text > (dir "/" programs ".out")
        }
        /^\.Bd .*-(literal|unfilled)/ {
            inside = 1
            text = ""
            output = before ~ /prints:$/
            next
        }
        /^\.Ed/ { finish() }
        { before = $0 }
        inside {
            gsub(/\\&/, "")
            gsub(/\\-/, "-")
            gsub(/\\\(dq/, "\"")
            gsub(/\\e/, "\\\\")
            text = text $0 "\n"
        }' "$page"
}

# How the program of that number is compiled, and linked.
compiler_of()
{
    if [ -e "$dir/$1.cc" ]; then
        echo "$CXX -std=c++17"
    else
        echo "$CC"
    fi
}

compiles()
{
    source=$(echo "$dir/$1".c*)
    $(compiler_of "$1") $CFLAGS $strict -I"$srcdir/include" $GC_CFLAGS \
        -c "$source" -o "$dir/$1.o" &&
        "$builddir/libtool" --silent --tag=CC --mode=link \
            $CC $CFLAGS $LDFLAGS -no-install "$dir/$1.o" -o "$dir/$1" \
            "$builddir/libgcweak.la" $GC_LIBS \
            $([ ! -e "$dir/$1.cc" ] || echo -lstdc++)
}

has_cxx()
{
    echo '#include <optional>' > "$dir/try.cc" &&
        $CXX -std=c++17 -c -o "$dir/try.o" "$dir/try.cc" 2> "$dir/log"
}

runs()
{
    "$dir/$1" < /dev/null > "$dir/$1.printed"
}

prints_what_it_says()
{
    diff "$dir/$1.out" "$dir/$1.printed"
}

# Without libffi there are no proxies to run.
test_program()
{
    if [ "$name" = gcw_proxy ] && [ "$HAVE_LIBFFI" = no ]; then
        skip 1 'built without libffi'
        return
    fi
    if [ -e "$dir/$1.cc" ] && ! has_cxx; then
        skip 1 'no compiler for C++17'
        return
    fi
    page_passes "program $1 compiles without a warning" compiles "$1"
    page_passes "program $1 runs" runs "$1"
    page_passes "program $1 prints what the page says" prints_what_it_says "$1"
}

has_program()
{
    [ -e "$dir/$1.c" ] || [ -e "$dir/$1.cc" ]
}

test_programs()
{
    extract_programs
    page_passes 'it has a program' has_program 1
    program=1
    while has_program $program
    do
        test_program $program
        program=$((program + 1))
    done
}

# Those that a page of section 3 has to do with its header.
test_header()
{
    header=gcweak/${name#gcw_}.h
    declared_in "$header" > "$dir/header"
    named "$page" > "$dir/named"
    declared_by_synopsis > "$dir/synopsis"
    page_passes 'it has the usual sections' has_sections
    page_passes 'the synopsis includes its header' includes_header
    page_passes 'the name section has all of the header' is_within header named
    page_passes 'the synopsis has all of the header' is_within header synopsis
    page_passes 'what has a name is declared' is_within named public
    page_passes 'what the synopsis has is declared' is_within synopsis anywhere
    page_passes 'the synopsis agrees with the header' agrees_with_header
}

# --- The page of C++ ---------------------------------------------------------

# What a user may name: classes and functions of the namespace gcw, but not of
# others in it, and flags.
declared_in_cxx()
{
    awk '/^namespace gcw / { public = 1 }
         /^namespace detail / { public = 0 }
         /^} \/\/ namespace detail/ { public = 1 }
         /^} \/\/ namespace gcw/ { public = 0 }
         !public { next }
         /^(class|struct|enum class) [a-z_]+( :.*)?( \{)?$/ {
             sub(/^enum /, "")
             print $2
         }
         /^constexpr connect_flags [a-z]+\{/ {
             split($3, name, "{")
             print name[1]
         }
         /^[a-z_]+\(/ && !/^operator/ {
             split($0, name, "(")
             print name[1]
         }' "$srcdir"/include/gcweak/cpp/*.hpp | sort -u
}

test_cxx()
{
    declared_in_cxx > "$dir/cxx"
    grep -oE 'gcw::[a-z_]+' "$page" | sed 's/^gcw:://' | sort -u \
        > "$dir/named-cxx"
    page_passes 'it names all of the C++ headers' is_within cxx named-cxx
    page_passes 'what it names of C++ is declared' is_within named-cxx cxx
}

test_words()
{
    grep -v '^\.Dt' "$page" | words > "$dir/words"
    referred_to > "$dir/referred"
    page_passes 'it has the title of its file' titled
    page_passes 'it speaks only of what there is' is_within words known
    page_passes 'it refers only to pages that there are' is_within referred pages
}

test_lint()
{
    what='mandoc finds nothing to complain about'
    if command -v mandoc > /dev/null; then
        page_passes "$what" lints
    else
        skip 1 'no mandoc here'
    fi
}

# test_page FILE
test_page()
{
    page=$1
    name=${1##*/}
    number=${name##*.}
    name=${name%.*}
    test_words
    if [ "$number" = 3 ]; then
        test_header
    elif [ "$name" = gcweak_cpp ]; then
        test_cxx
    fi
    test_lint
    test_programs
}

# --- The tests of all together -----------------------------------------------

# Every name of every page, as often as it is there.
named_by_all()
{
    for one in "$srcdir"/doc/*.3
    do
        named "$one"
    done | sort
}

# comm shows what only one of them has.
all_have_one_page()
{
    comm -3 "$dir/public" "$dir/named-by-all" > "$dir/odd"
    cat "$dir/odd"
    [ ! -s "$dir/odd" ]
}

# What gcweak(7) leads to: the functions of its index, and pages.
indexed()
{
    sed -n '/^\.Sh FUNCTIONS BY TASK/,/^\.Sh SEE/s/^\.Fn \(gcw_[a-z_]*\).*/\1/p' \
        "$srcdir/doc/gcweak.7" | sort
}

indexes_each_once()
{
    indexed | comm -3 "$dir/exported" - > "$dir/odd"
    cat "$dir/odd"
    [ ! -s "$dir/odd" ]
}

# In the list at its beginning, and under SEE ALSO.
leads_to_pages()
{
    page=$srcdir/doc/gcweak.7
    for section in DESCRIPTION 'SEE ALSO'
    do
        section "$section" | grep -oE 'Xr gcw_[a-z]+ 3' |
            sed 's/^Xr //; s/ /./' | sort -u > "$dir/led-to"
        grep -F .3 "$dir/pages" | comm -3 "$dir/led-to" - > "$dir/odd"
        cat "$dir/odd"
        [ ! -s "$dir/odd" ] || return 1
    done
}

declared_anywhere > "$dir/anywhere"
public_anywhere > "$dir/public"
pages > "$dir/pages"
{
    defined_anywhere
    sed -n 's/\.[0-9]$//p' "$dir/pages"
} | sort -u > "$dir/known"
for file in "$srcdir"/doc/*.[37]
do
    test_page "$file"
done
named_by_all > "$dir/named-by-all"
name='all pages'
page_passes 'each function, type, flag and macro has one page, and one only' \
    all_have_one_page
grep '^gcw_' "$srcdir/src/gcweak.sym" | sort > "$dir/exported"
page_passes 'all exported functions are among them' is_within exported public
name=gcweak
page_passes 'each function has its place in the index' indexes_each_once
page_passes 'it leads to each page' leads_to_pages
echo "1..$count"
