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

# ok NAME COMMAND...: one TAP line; the first failure ends it all. What a command said
# lies in $step until the next one.
step=/tmp/dkms-step.$$
ok()
{
	local name=$1
	shift
	n=$((n + 1))
	if "$@" > "$step.new" 2>&1; then
		mv "$step.new" "$step"
		echo "ok $n $name"
		return 0
	fi
	sed 's/^/# /' "$step.new"
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
	ok "dkms autoinstall" dkms autoinstall -k "$release"
	ok "dkms says installed" sh -c "dkms status $NAME -k $release | grep -q installed"
}

# As after a kernel's upgrade: the module is there for another kernel, and this one is
# out of its range, or lacks what it needs.
dkms_excluded()
{
	local new=$1 modules=/lib/modules/$1

	ok "dkms autoinstall passes over $new" dkms autoinstall -k "$new"
	ok "it says so" grep -q "^mlproxy is not for kernel $new .*skipped" "$step"
	ok "what kernel packages call passes over $new" \
		/usr/lib/dkms/dkms_autoinstaller start "$new"
	ok "dkms build refuses $new" sh -c "! dkms build $NAME -k $new"
	ok "it says why" grep -q BUILD_EXCLUSIVE "$step"
	ok "$new has no module" sh -c "! dkms status $NAME | grep -q $new && ! test -e $modules/updates"
	rm -rf "$modules"
}

dkms_elsewhere()
{
	local new=99.1.0-mlproxy-test

	mkdir -p /lib/modules/$new
	ln -s "$(readlink -f "/lib/modules/$release/build")" /lib/modules/$new/build
	dkms_excluded $new
	new=6.1.999-mlproxy-test
	mkdir -p /lib/modules/$new/build/include
	sed 's/^CONFIG_DYNAMIC_FTRACE=y/# & is not set/' "/lib/modules/$release/build/.config" \
		> /lib/modules/$new/build/.config
	dkms_excluded $new
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
	dkms_elsewhere
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
		dkms_elsewhere
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
