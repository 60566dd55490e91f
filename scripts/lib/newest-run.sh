#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run a command in the root that lib/newest.sh makes: newest-run.sh ROOT COMMAND...
# Called in a mount namespace of its own, so all that is mounted goes with it.
# objtool wants /proc.

set -eu
. "$(dirname "$0")/common.sh"

root=$1
shift
for d in /proc /sys /dev "$MLPROXY_TOP"; do
	mkdir -p "$root$d"
	mount --rbind "$d" "$root$d"
done
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C.UTF-8
exec chroot "$root" sh -c 'cd "$1" && shift && exec "$@"' sh "$MLPROXY_TOP" "$@"
