#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Inside of the root that lib/newest.sh makes: download packages and unpack them
# into DIR, installing nothing: newest-unpack.sh DIR PACKAGE=VERSION...

set -e
dir=$1
shift
rm -rf "$dir"
mkdir -p "$dir/debs"
cd "$dir/debs"
apt-get -qq -o APT::Sandbox::User= download "$@"
for deb in *.deb; do
	dpkg-deb -x "$deb" "$dir"
done
rm -rf "$dir/debs"
