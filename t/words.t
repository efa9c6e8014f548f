#!/bin/sh
# words.t: what a header says of a function, its manual page says in the same
# words.
#
# A page doc/gcw_NAME.3 is that of the header gcweak/NAME.h.  The rule, which
# words.awk applies:
#
#   - The comment above a function says in sentences of their own what the
#     function returns ("Returns ...", whatever has errno in it, "Otherwise as
#     ..."), which threads may call it ("Any known thread; also from ...",
#     "Any thread ...", "Threads as ...", "To be called ...", "May be called
#     ..."), and what it costs ("Cost: ...", up to the end but for "After ...").
#     A comment above several functions is about each of them.  "As all that
#     follows" behind the threads is about all that follows in the header.
#   - Each of these sentences stands in the page, word for word: punctuation
#     within a sentence, capitals, lines and macros aside, "Cost:" too; base.h
#     is gcw_base there.  It is a sentence there, or stands behind the names of
#     functions.  It stands in a part that is about the function: an
#     item of a list for it (.It Fn), or a paragraph that names it (.Fn), or one
#     behind that which names none; or that of a section in which no function
#     has been named yet, which is about all.
#   - Each function has a sentence on threads, or is as another that has one.
#   - The page's list of errors (ERRORS) has those that the header gives its
#     functions, and no others.  A function that is named in an item there has
#     the error in the header; one that is named behind "but" has it not, unless
#     that sentence has "only" in it.  An error in RETURN VALUES is one of the
#     function's that the paragraph or the item is about, or of one that this is
#     as.
#
# What else a page says is its own affair.

: "${srcdir:=.}" "${AWK:=awk}"
. "$srcdir/t/tap.sh"

differences()
{
    $AWK -f "$srcdir/t/words.awk" "$@"
}

# --- The pages ---

# Of this page there are none.
says_the_same()
{
    grep "^$1: " "$dir/differences" > "$dir/these"
    sed "s/^$1: //" "$dir/these"
    [ ! -s "$dir/these" ]
}

# One that is not looked at would be held to agree.
has_found_them()
{
    $AWK -v show=1 -f "$srcdir/t/words.awk" "$srcdir"/include/gcweak/*.h |
        sed 's/ .*//' | sort -u > "$dir/found"
    grep '^gcw_' "$srcdir/src/gcweak.sym" | sort -u > "$dir/exported"
    is_within exported found
}

# --- A small header, and its page ---

write_sample()
{
    cat > "$dir/cup.h" <<'END'
/* cup.h: a sample. */
typedef struct gcw_cup gcw_cup;

/* Makes a cup.
 *
 *   size  in drops
 *
 * Any known thread; also from finalizers, as all that follows.
 * Returns the cup, or NULL with errno: EINVAL (size is 0), ENOMEM.
 * Cost: an allocation.  The first makes a shelf.  After the cup of tea. */
gcw_cup *gcw_cup_new(int size);

/* Fills it.
 * Returns 0, or -1 with errno EINVAL (`c` is NULL; see base.h). */
int gcw_cup_fill(gcw_cup *c);
int gcw_cup_drain(gcw_cup *c);

/* Whether it is full.  False with errno EINVAL if c is NULL.
 * Any thread. */
bool gcw_cup_full(const gcw_cup *c);
END
    cat > "$dir/gcw_cup.3" <<'END'
.Sh RETURN VALUES
.Bl -tag -width Ds
.It Fn gcw_cup_new
Returns the cup, or
.Dv NULL
with
.Va errno :
.Er EINVAL
.Fa ( size
is 0),
.Er ENOMEM .
.It Xo
.Fn gcw_cup_fill ,
.Fn gcw_cup_drain
.Xc
Returns 0, or \-1 with
.Va errno
.Er EINVAL
.Fa ( c
is
.Dv NULL ;
see
.Xr gcw_base 3 ) .
.El
.Pp
.Fn gcw_cup_full :
whether it is full.
False with
.Va errno
.Er EINVAL
if
.Fa c
is
.Dv NULL .
.Sh THREADS
Any known thread; also from finalizers.
.Pp
.Fn gcw_cup_full :
any thread.
.Sh COST
.Fn gcw_cup_new :
an allocation.
The first makes a shelf.
.Sh ERRORS
.Bl -tag -width Er
.It Bq Er EINVAL
There is no cup.
.It Bq Er ENOMEM
All functions here but
.Fn gcw_cup_fill
and
.Fn gcw_cup_drain .
.El
END
}

found()
{
    differences "$dir/cup.h" "$dir/gcw_cup.3" > "$dir/found"
    cat "$dir/found"
}

agrees()
{
    write_sample
    found
    [ ! -s "$dir/found" ]
}

# finds FILE EDIT COUNT WHAT: with this edit of the sample there are so many
# differences, and this is one.
finds()
{
    write_sample
    sed "$2" "$dir/$1" > "$dir/edited"
    ! cmp "$dir/edited" "$dir/$1" || return 1
    mv "$dir/edited" "$dir/$1"
    found
    [ "$(wc -l < "$dir/found")" -eq "$3" ] && grep -q "$4" "$dir/found"
}

passes 'a sample agrees with its page' agrees
passes 'it finds a cost that is missing' finds gcw_cup.3 \
    '/^an allocation/d' 1 'gcw_cup_new: not so in the page: Cost: an alloc'
passes 'and the second sentence of a cost' finds gcw_cup.3 \
    's/makes a shelf/makes two/' 1 'not so in the page: The first makes a shelf'
passes 'it finds a thread rule that has changed' finds cup.h \
    's/^ \* Any thread\./ * Any known thread./' 1 \
    'gcw_cup_full: not so in the page: Any known thread'
passes 'it finds a function of which no threads are said' finds cup.h \
    's/^ \* Any known thread.*/ */' 3 \
    'gcw_cup_new: the header does not say which threads'
passes 'it finds an error that the page does not give' finds cup.h \
    's/(size is 0), ENOMEM/(size is 0), EPERM, ENOMEM/' 2 \
    'EPERM is not in its list'
passes 'it finds another error in the page' finds gcw_cup.3 \
    's/^\.Er ENOMEM/.Er EPERM/' 2 'no EPERM in the header: gcw_cup_new'
passes 'it finds an error in the list that no function has' finds gcw_cup.3 \
    's/^There is no cup\./&\n.It Bq Er EAGAIN\nLater./' 1 \
    'EAGAIN is in its list'
passes 'it finds one that the list gives to a function' finds gcw_cup.3 \
    's/^There is no cup\./&\n.It Bq Er ENOMEM\n.Fn gcw_cup_fill ./' 1 \
    'the header gives gcw_cup_fill no ENOMEM'
passes 'it finds one that the list takes from a function' finds gcw_cup.3 \
    's/^There is no cup\./All but\n.Fn gcw_cup_full ./' 1 \
    'the header gives gcw_cup_full an EINVAL'
passes 'it finds a sentence that is about another function' finds gcw_cup.3 \
    's/^\.It Fn gcw_cup_new/.It Fn gcw_cup_full/' 2 \
    'gcw_cup_new: not so in the page: Returns the cup'
passes 'it finds one that is the end of another' finds gcw_cup.3 \
    's/^an allocation\./less than an allocation./' 1 \
    'gcw_cup_new: not so in the page: Cost: an alloc'
passes 'it finds one that is not said of all' finds gcw_cup.3 \
    '/^\.Fn gcw_cup_drain$/d' 1 'gcw_cup_drain: not so in the page: Returns 0'

differences "$srcdir"/include/gcweak/*.h "$srcdir"/doc/*.3 > "$dir/differences"
passes 'no exported function goes without' has_found_them
for page in "$srcdir"/doc/*.3
do
    passes "${page##*/} says what its header says" says_the_same "${page##*/}"
done
echo "1..$count"
