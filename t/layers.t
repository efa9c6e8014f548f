#!/bin/sh
# layers.t: the rooms of src/ stand on each other, and nothing runs upwards.
#
# A room is a folder with a page, README.md, that says which rooms it uses.  The
# pages are held against what the files include and what the objects call.

: "${srcdir:=.}" "${builddir:=.}" "${NM:=nm}"
. "$srcdir/t/tap.sh"

# From the ground up.
rooms='ground collector marks weak deliver event exit proxy map debug process'

# FROM TO: what a call of gcw__enter_first may do, though it runs upwards.
upwards='enter start'

src=$srcdir/src

# ROOM FILE of each source, without its ending.
sources()
{
    for room in $rooms
    do
        for file in "$src/$room"/*.[ch]
        do
            file=${file##*/}
            echo "$room ${file%.[ch]}"
        done
    done | sort -u
}

# --- What includes what ---

# ROOM/FILE ROOM/FILE.
includes()
{
    for room in $rooms
    do
        for file in "$src/$room"/*.[ch]
        do
            sed -n 's/^# *include "\([a-z]*\/[a-z-]*\.h\)".*/\1/p' "$file" |
                sed "s|^|$room/${file##*/} |"
        done
    done
}

# ROOM ROOM, of different ones.
used()
{
    sed 's|/[^ ]*||g' "$dir/includes" | awk '$1 != $2' | sort -u
}

# The same, as the pages say.
said()
{
    for room in $rooms
    do
        sed -n 's/^Uses: \(.*\)\.$/\1/p' "$src/$room/README.md" |
            tr -d ' ' | tr ',' '\n' | sed "/^nothing$/d; s/^/$room /"
    done | sort -u
}

pages_are_true()
{
    [ -s "$dir/used" ] && diff "$dir/said" "$dir/used"
}

# ROOM ROOM: each pair that goes down.
downwards()
{
    below=
    for room in $rooms
    do
        for other in $below
        do
            echo "$room $other"
        done
        below="$below $room"
    done | sort
}

uses_go_down()
{
    is_within used down
}

# tsort says which files stand in a circle.
has_no_circle()
{
    [ -s "$1" ] && tsort "$1" > "$dir/sorted" 2> "$dir/circle" &&
        [ ! -s "$dir/circle" ]
}

no_header_includes_itself()
{
    has_no_circle "$dir/includes" || { cat "$dir/circle"; false; }
}

# --- Who calls whom ---

# OBJECT OBJECT NAME: the first uses what the second defines.
calls()
{
    $NM -A "$builddir/.libs/libgcweak-internal.a" |
    awk '
        {
            n = split($0, part, ":")
            object = part[n - 1]
            sub(/^.*libgcweak_internal_la-/, "", object)
            sub(/\.o$/, "", object)
            sort = $(NF - 1)
            if (sort == "U")
                uses[object " " $NF]
            else if (sort ~ /[A-Z]/)
                defines[$NF] = object
        }
        END {
            for (use in uses) {
                split(use, part, " ")
                if (part[2] in defines && defines[part[2]] != part[1])
                    print part[1], defines[part[2]], part[2]
            }
        }' | sort
}

# Two files of one name could not be told apart in the library.
names_are_unique()
{
    awk '{ print $2 }' "$dir/sources" | sort | uniq -d > "$dir/twice"
    cat "$dir/twice"
    [ ! -s "$dir/twice" ]
}

# FILE NAME: each static function and variable.
statics()
{
    for room in $rooms
    do
        for file in "$src/$room"/*.c
        do
            awk -v file="${file##*/}" '
                /^static [^(]*(;| =|\[)/ {
                    sub(/( =|;|\[).*/, ""); sub(/.*[ *]/, ""); print file, $0
                }
                /^[^ ].*static/ || /^static/ { is_static = 1; next }
                is_static && /^[a-z_0-9]+\(/ {
                    sub(/\(.*/, ""); print file, $0
                }
                /^[a-z_0-9]+\(|^$/ { is_static = 0 }' "$file"
        done
    done | sort -u
}

# A debugger, or who reads, could not tell them apart either.
statics_are_unique()
{
    statics > "$dir/statics"
    awk '{ print $2 }' "$dir/statics" | sort | uniq -d > "$dir/twice"
    grep -w -f "$dir/twice" "$dir/statics"
    [ -s "$dir/statics" ] && [ ! -s "$dir/twice" ]
}

calls_go_down()
{
    awk '
        FILENAME == ARGV[1] { room[$2] = $1; next }
        FILENAME == ARGV[2] { down[$1, $2]; next }
        {
            from = room[$1]; to = room[$2]; n++
            if (from != to && !((from, to) in down)) {
                print $1 " (" from ") calls " $3 " of " $2 " (" to ")"
                bad = 1
            }
        }
        END { exit bad || n == 0 }' "$dir/sources" "$dir/down" "$dir/calls"
}

# Those of the middle stand beside each other.
neighbours_do_not_call()
{
    awk -v beside='^(deliver|event|exit|proxy|map)$' '
        NR == FNR { room[$2] = $1; next }
        {
            from = room[$1]; to = room[$2]; n++
            if (from != to && from ~ beside && to ~ beside) {
                print $1 " calls " $3 " of " $2
                bad = 1
            }
        }
        END { exit bad || n == 0 }' "$dir/sources" "$dir/calls"
}

no_object_calls_itself_round_about()
{
    awk '{ print $1, $2 }' "$dir/calls" | sort -u > "$dir/pairs"
    has_no_circle "$dir/pairs" || { cat "$dir/circle"; false; }
}

# The exception is one.
only_the_start_is_upwards()
{
    [ "$(sed -n "s/^$upwards //p" "$dir/all-calls")" = gcw__init_for ]
}

sources > "$dir/sources"
includes > "$dir/includes"
used > "$dir/used"
said > "$dir/said"
downwards > "$dir/down"
calls > "$dir/all-calls"
grep -v "^$upwards " "$dir/all-calls" > "$dir/calls"

echo 1..9
passes 'each page says which rooms its room uses' pages_are_true
passes 'they are below it' uses_go_down
passes 'no header includes itself by way of others' no_header_includes_itself
passes 'no two files have the same name' names_are_unique
passes 'no two files have a static function or variable of the same name' \
    statics_are_unique
passes 'calls go to the same room or down' calls_go_down
passes 'rooms beside each other do not call each other' neighbours_do_not_call
passes 'no object calls itself by way of others' \
    no_object_calls_itself_round_about
passes 'but for the one call that starts the library' \
    only_the_start_is_upwards
