# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A small bench: one file on the test device, read by readload, with the proxy loaded and
# stopped. Sourced by guard and govern, which set top; guest_bench.py is what runs in it.
# shellcheck disable=SC2154

# small_build: on the host. What the guest takes from build/bench.
small_build()
{
	local bench=$top/bench/programs lib=$top/build/userspace/lib

	mkdir -p "$top/build/bench"
	${CC:-cc} -std=gnu11 -Wall -Wextra -O2 -static -I"$top/module" -I"$top/userspace/infer" \
		-o "$top/build/bench/readload" "$bench"/readload{,_pattern}.c -lpthread -lm
	${CC:-cc} -std=gnu11 -Wall -Wextra -O2 -static -I"$top/uapi" -I"$top/module/infer" \
		-I"$top/userspace/infer" -I"$top/userspace/lib/include" \
		-o "$top/build/bench/constant" "$bench/constant.c" \
		"$lib/libmlproxyinfer.a" "$lib/libmlproxy.a"
}

# small_setup DEVICE FILE_MB: in the guest. Leaves in tmp the directory of guest_bench.py.
small_setup()
{
	BENCH_MODULES=${MODDIR:-$top/build/$(uname -r)/module}
	tmp=$(mktemp -d)
	mount -t tmpfs tmpfs "$tmp"
	cp "$top"/build/bench/{readload,constant} "$top/build/userspace/bin/mlproxy" "$tmp"
	modprobe ext4
	. "$top/bench/harness/devices.sh"
	bench_device "$1" $(($2 + 40))
	mkfs.ext4 -q -O ^has_journal /dev/mlptest0
	mkdir "$tmp/mnt"
	mount -o noatime /dev/mlptest0 "$tmp/mnt"
	dd if=/dev/zero of="$tmp/mnt/file" bs=1M count="$2" conv=fsync status=none
	umount "$tmp/mnt"
	bench_device_begin
	insmod "$BENCH_MODULES/core/mlproxy.ko"
	insmod "$BENCH_MODULES/proxies/readahead/mlproxy_readahead.ko" target=mlptest0
}
