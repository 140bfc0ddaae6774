#!/bin/sh
# build.sh VERSION: dist/shop-VERSION.tar.gz, with the launcher and the jar. Needs a JDK. Your own build does the same
# with your own jar: an archive of bin/launcher.sh and shop.jar is all that is wanted.
set -eu
version=${1:?VERSION is missing: build.sh 1.0.0}
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/classes" "$work/release/bin" ../dist
javac --release 11 -d "$work/classes" src/Shop.java
jar --create --file "$work/release/shop.jar" --main-class Shop -C "$work/classes" .
cp bin/launcher.sh "$work/release/bin/"
echo "$version" >"$work/release/version"
tar -czf "../dist/shop-$version.tar.gz" -C "$work/release" .
echo "dist/shop-$version.tar.gz"
