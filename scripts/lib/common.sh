# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Shared by every script here: where the tree and the cache are, how messages
# look, and a lock for work that two runs must not do at the same time.
# Source it; it runs nothing.

MLPROXY_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
MLPROXY_SCRIPTS=$MLPROXY_TOP/scripts
MLPROXY_CACHE=${MLPROXY_CACHE:-$HOME/.cache/mlproxy}
export MLPROXY_TOP MLPROXY_SCRIPTS MLPROXY_CACHE

# depmod, modinfo and friends live in sbin, which a plain user's PATH lacks.
PATH=$PATH:/usr/sbin:/sbin
export PATH

say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	say "error: $*"
	exit "${MLPROXY_DIE_STATUS:-1}"
}

# as_root CMD...: run as root, through sudo where needed.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -n "$@" ||
			die "\"$*\" failed through sudo; run it as root, or allow sudo without a password"
	else
		die "\"$*\" needs root, and sudo is not installed; run it as root first"
	fi
}

# need_tool TOOL PACKAGE: stop with the remedy when a program is missing.
need_tool()
{
	command -v "$1" >/dev/null ||
		die "$1 is not installed; run scripts/deps check, or apt-get install $2"
}

# with_lock FILE CMD...: one at a time; the lock goes when the process does.
with_lock()
{
	local lock=$1
	shift
	mkdir -p "$(dirname "$lock")"
	(
		flock 9
		"$@" 9>&-
	) 9>"$lock"
}
