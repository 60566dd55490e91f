# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Which accelerator a timing-free guest gets. /dev/kvm may exist and yet hang
# a stock kernel, so KVM is used only where the processor has the feature and
# a probe has booted; the probe's answer holds until the host reboots.

# accel_arguments VMLINUZ INITRAMFS multi|single: QEMU arguments, one a line.
accel_arguments()
{
	if kvm_works "$1" "$2"; then
		printf '%s\n' -accel kvm -cpu host
	else
		printf '%s\n' -accel "tcg,thread=$3" -cpu max
	fi
}

kvm_works()
{
	local answer boot

	grep -Eqw 'vmx|svm' /proc/cpuinfo || return 1
	[ -w /dev/kvm ] || return 1
	boot=$(cat /proc/sys/kernel/random/boot_id)
	answer=$MLPROXY_CACHE/kvm-probe.$boot
	if [ ! -f "$answer" ]; then
		mkdir -p "$MLPROXY_CACHE"
		rm -f "$MLPROXY_CACHE"/kvm-probe.*
		if kvm_probe "$1" "$2"; then
			echo yes > "$answer"
		else
			echo no > "$answer"
		fi
	fi
	[ "$(cat "$answer")" = yes ]
}

# The kernel is told to panic for want of a root and reboot at once: QEMU ends
# by itself if, and only if, the kernel got through its boot.
kvm_probe()
{
	timeout -k 1 15 qemu-system-x86_64 -nodefaults -no-user-config \
		-display none -no-reboot -machine pc -m 512 -accel kvm -cpu host \
		-kernel "$1" -append "panic=-1 quiet root=/dev/none" \
		< /dev/null >/dev/null 2>&1
}
