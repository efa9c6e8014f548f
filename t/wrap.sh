#!/bin/sh
# wrap.sh: Meson builds the example with a gcweak that it makes of a release, by
# the wrap that the release has.
#
#   wrap.sh TARBALL DIRECTORY    DIRECTORY is made anew, and left

set -eu
unset MAKEFLAGS MFLAGS
: "${MESON:=meson}"
tarball=$1
name=$(basename "$tarball" .tar.gz)

rm -rf "$2"
mkdir "$2"
tar -xzf "$tarball" -C "$2" "$name/examples/meson"
cp "$tarball" "$2/$name/examples/meson/subprojects/packagefiles"
cd "$2"
$MESON setup --wrap-mode=forcefallback "$name/examples/meson" build
$MESON compile -C build
build/hello > said
printf 'Ann hears from Bob\nAnn is gone\n' | diff - said
