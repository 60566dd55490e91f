#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DKMS from add to remove, in TAP lines. "chroot" compiles on the host, in an
# overlay of its root that is kept in memory, and packs what was installed;
# "guest" unpacks that (or compiles itself), loads the module from where DKMS
# put it, and removes it all. Called by scripts/check.
#
#   dkms-cycle.sh chroot|guest KERNEL DIR

set -uo pipefail
. "$(dirname "$0")/common.sh"
cd "$MLPROXY_TOP" || exit 1

part=$1 kernel=$2 dir=$3
VERSION=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
NAME=mlproxy/$VERSION
n=0

# ok NAME COMMAND...: one TAP line; the first failure ends it all.
ok()
{
	local name=$1
	shift
	n=$((n + 1))
	if "$@" > "/tmp/dkms-step.$$" 2>&1; then
		echo "ok $n $name"
		return 0
	fi
	sed 's/^/# /' "/tmp/dkms-step.$$"
	[ ! -f "/var/lib/dkms/$NAME/build/make.log" ] ||
		tail -n 20 "/var/lib/dkms/$NAME/build/make.log" | sed 's/^/# /'
	echo "not ok $n $name"
	exit 1
}

dkms_build()
{
	ok "source is in place" make -s dkms-source
	ok "dkms add" dkms add "$NAME"
	ok "dkms build" dkms build "$NAME" -k "$release" -j "$(nproc)"
	ok "dkms install" dkms install "$NAME" -k "$release"
	ok "dkms says installed" sh -c "dkms status $NAME -k $release | grep -q installed"
}

dkms_use()
{
	local m

	ok "dkms says installed in the guest" \
		sh -c "dkms status $NAME -k $release | grep -q installed"
	ok "modprobe takes the installed module" \
		sh -c "modinfo -F filename mlproxy | grep -q /updates/dkms/"
	ok "modprobe mlproxy" modprobe mlproxy
	ok "/dev/mlproxy is a device" test -c /dev/mlproxy
	for m in $(sed -n 's/^BUILT_MODULE_NAME.*="\(mlproxy_.*\)"/\1/p' dkms.conf); do
		ok "modprobe $m" modprobe "$m"
		ok "modprobe -r $m" rmmod "$m"
	done
	ok "modprobe -r mlproxy" sh -c "! test -d /sys/module/mlproxy || rmmod mlproxy"
	ok "dkms remove" dkms remove "$NAME" --all
	ok "nothing is left" sh -c "! modprobe mlproxy && ! test -e /var/lib/dkms/$NAME"
}

# In the overlay: the kernel's modules and headers where DKMS looks for them.
inside()
{
	dkms_build
	tar -C / -cf "$dir/dkms.tar" "usr/src/mlproxy-$VERSION" var/lib/dkms/mlproxy
	tar -C "/lib/modules/$release" -cf "$dir/updates.tar" updates \
		$(cd "/lib/modules/$release" && echo modules.*)
}

# A new mount namespace: all of this is gone when it ends.
chroot_overlay()
{
	local root=/run/mlproxy-dkms d mods

	mods=$(scripts/kernels path "$kernel" modules)
	mkdir -p $root && mount -t tmpfs -o size=50% mlproxy-dkms $root &&
		mkdir $root/upper $root/work $root/root $root/mupper $root/mwork &&
		mount -t overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" \
			overlay $root/root || return 77
	for d in /proc /sys /dev "$MLPROXY_TOP" "$MLPROXY_CACHE" "$dir"; do
		mkdir -p "$root/root$d"
		mount --rbind "$d" "$root/root$d" || return 77
	done
	mkdir -p "$root/root/lib/modules/$release"
	mount -t overlay -o "lowerdir=$mods,upperdir=$root/mupper,workdir=$root/mwork" \
		overlay "$root/root/lib/modules/$release" || return 77
	chroot $root/root "$MLPROXY_SCRIPTS/lib/dkms-cycle.sh" inside "$kernel" "$dir"
}

release=$(scripts/kernels path "$kernel" version) || exit 1
case $part in
chroot)
	unshare --mount --propagation private "$0" overlay "$kernel" "$dir"
	status=$?
	[ "$status" -ne 77 ] || echo "no chroot"
	exit "$status"
	;;
overlay)
	chroot_overlay
	;;
inside)
	inside
	;;
guest)
	case " ${PARTS:-use} " in
	*" build "*)
		dkms_build
		;;
	*)
		tar -C / -xf "$dir/dkms.tar"
		tar -C "/lib/modules/$release" -xf "$dir/updates.tar"
		;;
	esac
	dkms_use
	;;
*)
	die "unknown part \"$part\""
	;;
esac
