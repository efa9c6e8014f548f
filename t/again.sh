#!/bin/sh
# again.sh: a release that is made from a release, in another directory, later,
# with other permissions and another way to build, has the same bytes.
#
#   again.sh TARBALL DIRECTORY    DIRECTORY is made anew, and left

set -eu
umask 077
unset MAKEFLAGS MFLAGS
: "${MAKE:=make}"
tarball=$1
name=$(basename "$tarball" .tar.gz)

rm -rf "$2"
mkdir "$2" "$2/elsewhere"
tar -xzf "$tarball" -C "$2"
cd "$2/elsewhere"
../"$name"/configure --quiet --disable-tests --without-guile --without-ecl \
    --without-libffi
$MAKE -s dist-gzip
cmp "$name.tar.gz" "$OLDPWD/$tarball"
