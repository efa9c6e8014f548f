#!/bin/sh
# again.sh: a release that is made from a release, in another directory, later,
# with other permissions and another way to build, has the same bytes.
#
#   again.sh TARBALL DIRECTORY SOURCES    DIRECTORY is made anew, and left
#
# If the SOURCES that it was made from are a checkout, all their files are in it,
# but for what is of use there only.

set -eu
umask 077
unset MAKEFLAGS MFLAGS
: "${MAKE:=make}"
tarball=$1
name=$(basename "$tarball" .tar.gz)

rm -rf "$2"
mkdir "$2" "$2/elsewhere"
tar -xzf "$tarball" -C "$2"

if [ -e "$3/.git" ]; then
    git -C "$3" ls-files | grep -vE '^(debian/|\.gitignore$)' |
        while read -r file
        do
            [ -e "$2/$name/$file" ] || echo "$file"
        done > "$2/missing"
    if [ -s "$2/missing" ]; then
        echo 'these files are not in the release:' >&2
        cat "$2/missing" >&2
        exit 1
    fi
fi

cd "$2/elsewhere"
../"$name"/configure --quiet --disable-tests --without-guile --without-ecl \
    --without-libffi
$MAKE -s dist-gzip
cmp "$name.tar.gz" "$OLDPWD/$tarball"
