#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What scripts/check-deb does in a clean root. Called by it, in a mount namespace of its
# own, so that all that is mounted goes with it.
#
#   deb-cycle.sh overlay ROOT PART DIR	enter an overlay of ROOT, and do the part there
#   deb-cycle.sh build|cycle DIR	in it: the packages into DIR; what becomes of them

set -uo pipefail
. "$(dirname "$0")/common.sh"
cd "$MLPROXY_TOP" || exit 1

n=0 failed=0
log=/tmp/deb-step

# ok NAME COMMAND...: one TAP line; what a command said is shown when it fails
ok()
{
	local name=$1

	shift
	n=$((n + 1))
	if "$@" > $log 2>&1 < /dev/null; then
		echo "ok $n $name"
		return 0
	fi
	tail -n 30 $log | sed 's/^/# /'
	echo "not ok $n $name"
	failed=1
	return 1
}

apt()
{
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 "$@"
}

# This machine's /dev/mlproxy is nothing that a package installed there may touch.
own_devices()
{
	local name major minor

	mount -t tmpfs mlproxy-deb "$1" || return
	while read -r name major minor; do
		mknod -m 666 "$1/$name" c "$major" "$minor" || return
	done <<-LIST
		null 1 3
		zero 1 5
		full 1 7
		random 1 8
		urandom 1 9
		tty 5 0
	LIST
	ln -s /proc/self/fd "$1/fd"
	mkdir -m 1777 "$1/shm"
}

overlay()
{
	local root=$1 part=$2 dir=$3 top=/run/mlproxy-deb d

	mkdir -p $top && mount -t tmpfs -o size=80% mlproxy-deb $top &&
		mkdir $top/upper $top/work $top/root &&
		mount -t overlay -o "lowerdir=$root,upperdir=$top/upper,workdir=$top/work" \
			overlay $top/root || die "no overlay of $root"
	for d in /proc /sys "$MLPROXY_TOP" "$dir"; do
		mkdir -p "$top/root$d"
		mount --rbind "$d" "$top/root$d" || die "cannot mount $d"
	done
	own_devices $top/root/dev || die "no devices"
	export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
	exec chroot $top/root "$MLPROXY_SCRIPTS/lib/deb-cycle.sh" "$part" "$dir"
}

lint()
{
	apt install lintian && lintian --fail-on error,warning "$1"/*.changes
}

build()
{
	ok "package lists" apt update || return
	ok "what a build needs" apt build-dep ./ || return
	ok "dpkg-buildpackage" scripts/deb "$1" || return
	ok "lintian has nothing to say" lint "$1"
}

# Our packages, without those of debug information.
ours()
{
	find "$1" -maxdepth 1 -name '*.deb' ! -name '*-dbgsym_*' | sort
}

names()
{
	local deb

	for deb in $(ours "$1"); do
		dpkg -f "$deb" Package
	done
}

# What ours need beside each other, as apt-get satisfy takes it.
needs()
{
	local deb

	for deb in $(ours "$1"); do
		dpkg -f "$deb" Depends | tr ',' '\n'
	done | grep -vE '^ *(lib|python3-)?mlproxy' | sed '/^ *$/d' | sort -u | paste -sd,
}

# What must be as it was when our packages are gone: files, but for caches, logs and what
# depmod makes; users and groups.
state()
{
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run \
		-o -path /var/cache -o -path /var/log -o -path /var/lib/apt \
		-o -path /var/lib/dpkg -o -path "$MLPROXY_TOP" -o -path '/etc/*-' \
		-o -path '/usr/lib/modules/*/modules.*' -o -name __pycache__ \) -prune -o -print | sort
	cut -d: -f1 /etc/passwd /etc/group | sed 's/^/account /' | sort -u
}

# As what the next version would be, without building everything once more.
next_version()
{
	local dir=$1 new=$2 old deb work=/tmp/deb-next

	rm -rf "$new"
	mkdir -p "$new"
	for deb in $(ours "$dir"); do
		rm -rf $work
		dpkg-deb -R "$deb" $work || return
		old=$(dpkg -f "$deb" Version)
		sed -i "s/^Version: .*/Version: $old.1/; s/(= $old)/(= $old.1)/g" $work/DEBIAN/control
		if [ -d "$work/usr/src/mlproxy-$old" ]; then
			mv "$work/usr/src/mlproxy-$old" "$work/usr/src/mlproxy-$old.1"
			sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$old.1\"/" \
				"$work/usr/src/mlproxy-$old.1/dkms.conf"
			sed -i "s/^DKMS_VERSION=.*/DKMS_VERSION=$old.1/" $work/DEBIAN/p*
			sed -i "s|usr/src/mlproxy-$old/|usr/src/mlproxy-$old.1/|" $work/DEBIAN/md5sums
			sed -i "/dkms.conf$/d" $work/DEBIAN/md5sums
		fi
		dpkg-deb --root-owner-group -b $work "$new/${deb##*/}" > /dev/null || return
	done
}

# What a program in C sees: pkg-config, headers, the library, pages of the manual.
usable_library()
{
	cat > /tmp/deb.c <<-'C' || return
	#include <stdio.h>
	#include <string.h>
	#include <mlproxy/mlproxy.h>
	int main(void)
	{
		struct mlproxy_session *s;

		puts(mlproxy_version());
		return mlproxy_open(&s, "/nonexistent", 0) >= 0 || !strlen(mlproxy_errmsg(NULL));
	}
	C
	# shellcheck disable=SC2046 # one word a flag
	cc -Wall -Werror -o /tmp/deb-program /tmp/deb.c $(pkg-config --cflags --libs libmlproxy) &&
		ldd /tmp/deb-program | grep 'libmlproxy.so.0 => /' && /tmp/deb-program &&
		[ -f /usr/share/man/man3/mlproxy_open.3.gz ]
}

usable_tool()
{
	mlproxy --version && mlproxy --help > /dev/null && mlproxy report --help > /dev/null &&
		mlproxy record --help > /dev/null && mlproxyd --check-config &&
		[ -f /usr/share/mlproxy/models/readahead.mlp ] &&
		bash -n /usr/share/bash-completion/completions/mlproxy
}

# Where numpy is, a data set that somebody recorded long ago.
usable_python()
{
	python3 - "$MLPROXY_TOP/tests/unit/learn/data/format2.h5" <<-'PYTHON'
	import sys
	import mlproxy
	data = mlproxy.Dataset(sys.argv[1])
	assert mlproxy.__file__.startswith("/usr/lib/python3")
	assert len(data.frame()) == len(data) > 0
	PYTHON
}

# Nobody is let in or started by an installation.
nothing_applied()
{
	local unit

	for unit in mlproxyd.service mlproxy-readahead.service; do
		if find /etc/systemd/system -name "$unit" | grep .; then
			echo "$unit is enabled"
			return 1
		fi
	done
	getent passwd mlproxy | grep -E '/(usr/)?s?bin/(nologin|false)$' || return
	[ -z "$(getent group mlproxy | cut -d: -f4)" ] || return
	[ "$(stat -c '%U %a' /etc/mlproxy/mlproxyd.conf)" = "root 644" ] || return
	! grep -rE '^(start|mode) *= *(yes|auto)' /etc/mlproxy &&
		! grep -rs mlproxy /etc/modules /etc/modules-load.d /usr/lib/modules-load.d
}

# Where a kernel's headers are, the modules are built.
dkms_has()
{
	local status

	status=$(dkms status)
	echo "$status"
	grep -q "^mlproxy/$1, .*installed" <<< "$status" &&
		[ "$(grep -c ^mlproxy <<< "$status")" -eq 1 ]
}

cycle()
{
	local dir=$1 version

	version=$(dpkg -f "$(ours "$dir" | grep mlproxy-dkms)" Version)
	ok "package lists" apt update || return
	ok "what the packages need" apt satisfy "$(needs "$dir"), linux-headers-amd64, gcc, pkgconf, python3-pandas" ||
		return
	state > /tmp/deb-before
	# shellcheck disable=SC2046 # one word a package
	ok "install" apt install $(ours "$dir") || return
	ok "the module is built" dkms_has "$version"
	ok "programs in C find the library" usable_library
	ok "the tool and the agent run" usable_tool
	ok "Python finds the package" usable_python
	ok "nothing is applied" nothing_applied
	# shellcheck disable=SC2046
	ok "install once more" apt install --reinstall $(ours "$dir")
	ok "the module is there still" dkms_has "$version"
	ok "the next version is made" next_version "$dir" /tmp/deb-new
	echo '; the operator was here' >> /etc/mlproxy/mlproxyd.conf
	install -d -o mlproxy -g mlproxy /var/lib/mlproxy/synth
	# shellcheck disable=SC2046
	ok "upgrade" apt install $(ours /tmp/deb-new)
	ok "the new module takes the place of the old" dkms_has "$version.1"
	ok "the configuration is the operator's" grep -q 'the operator was here' /etc/mlproxy/mlproxyd.conf
	# shellcheck disable=SC2046
	ok "remove" apt remove $(names "$dir")
	ok "configuration and state stay" test -f /etc/mlproxy/mlproxyd.conf -a -d /var/lib/mlproxy/synth
	# shellcheck disable=SC2046
	ok "purge" dpkg --purge $(names "$dir")
	state > /tmp/deb-after
	ok "nothing is left" diff /tmp/deb-before /tmp/deb-after
}

case ${1:-}:$# in
overlay:4) overlay "$2" "$3" "$4" ;;
build:2) build "$2"; exit $failed ;;
cycle:2) cycle "$2"; exit $failed ;;
*) die "usage: deb-cycle.sh overlay ROOT PART DIR | build|cycle DIR" ;;
esac
