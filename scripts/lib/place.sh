#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The last step of "make install", and all of "make uninstall": a staged tree is
# copied to where it belongs, and a list is kept of what that was, by which it is
# removed again. Called by the Makefile.
#
#   place.sh install STAGE DESTDIR LIST
#   place.sh remove DESTDIR LIST
#
# LIST is a path within DESTDIR. Its lines: "dir PATH", a directory that was not
# there before; "file PATH"; "conf CHECKSUM PATH", a file in /etc as it was placed. A
# configuration that exists stays the operator's, and is removed only when it is
# what was placed. Without DESTDIR, the agent is stopped before it is removed.

set -euo pipefail
. "$(dirname "$0")/common.sh"

checksum()
{
	sha256sum < "$1" | cut -d ' ' -f 1
}

place_file()
{
	local from=$1 to=$2

	mkdir -p "${to%/*}"
	cp -P --preserve=mode "$from" "$to.new"
	mv -f "$to.new" "$to"
}

place()
{
	local stage=$1 dest=$2 list=$2$3 path

	: > "$stage/list"
	[ ! -f "$list" ] || cat "$list" > "$stage/list"
	while read -r path; do
		[ -d "$dest$path" ] || echo "dir $path" >> "$stage/list"
		mkdir -p "$dest$path"
	done < <(cd "$stage/root" && find . -mindepth 1 -type d | sed 's/^\.//' | sort)
	while read -r path; do
		case $path in
		/etc/*)
			if [ -e "$dest$path" ]; then
				say "$dest$path is there already: left as it is"
				continue
			fi
			place_file "$stage/root$path" "$dest$path"
			echo "conf $(checksum "$dest$path") $path" >> "$stage/list"
			;;
		*)
			place_file "$stage/root$path" "$dest$path"
			echo "file $path" >> "$stage/list"
			;;
		esac
	done < <(cd "$stage/root" && find . ! -type d | sed 's/^\.//' | sort)
	sort -u "$stage/list" > "$stage/sorted"
	place_file "$stage/sorted" "$list"
}

remove()
{
	local dest=$1 list=$1$2 work kind path sum releases
	local deactivate=${BASH_SOURCE%/*}/../../packaging/deactivate

	[ -f "$list" ] ||
		die "no $list: nothing was installed there; say the DESTDIR and PREFIX that \"make install\" was given"
	[ -n "$dest" ] || "$deactivate" stop
	work=$(mktemp)
	cp "$list" "$work"
	releases=$(sed -n 's|^file /lib/modules/\([^/]*\)/.*|\1|p' "$work" | sort -u)
	while read -r kind path; do
		case $kind in
		file) rm -f "$dest$path" ;;
		conf)
			sum=${path%% *} path=${path#* }
			if [ -f "$dest$path" ] && ! grep -qxF \
				"conf $(checksum "$dest$path") $path" "$work"; then
				say "$dest$path was changed: left as it is"
			else
				rm -f "$dest$path"
			fi
			;;
		esac
	done < "$work"
	rm -f "$list"
	# The deepest first. Whatever else lies in one keeps it.
	sed -n 's/^dir //p' "$work" | sort -r | while read -r path; do
		[ ! -d "$dest$path" ] || rmdir --ignore-fail-on-non-empty "$dest$path"
	done
	rm -f "$work"
	if [ -z "$dest" ]; then
		for path in $releases; do
			[ ! -d "/lib/modules/$path" ] || depmod "$path"
		done
		"$deactivate" forget
	fi
}

case ${1:-}:$# in
install:4) place "$2" "$3" "$4" ;;
remove:3) remove "$2" "$3" ;;
*) die "usage: place.sh install STAGE DESTDIR LIST | remove DESTDIR LIST" ;;
esac
