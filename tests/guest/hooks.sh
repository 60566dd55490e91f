#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Replacing functions of the kernel by name: what is refused, modules that come and go with
# their functions, and unloading while a task is in a replacement.
#
# guest-test: timeout=300 modules=none patching=yes

. "$(dirname "$0")/ktap.sh"

params=/sys/module/mlproxy_hooktest/parameters
ftrace=/proc/sys/kernel/ftrace_enabled

finish()
{
	echo 1 > $ftrace
	mod_unload_all
	modprobe -q -r tun
}
trap finish EXIT

# hooktest PARAM=VALUE...: load it afresh
hooktest()
{
	mod_loaded mlproxy_hooktest && rmmod mlproxy_hooktest
	mod_load mlproxy_hooktest "$@"
}

calls()
{
	echo "$(< $params/calls)"
}

# refused REASON PARAM=VALUE...: it can't attach, and the log says why
refused()
{
	local reason=$1

	shift
	hooktest "$@" || exit 1
	log_mark
	expect_fail write 1 $params/attach
	expect "functions replaced" "$(< $params/attach)" 0
	log_after | grep "$reason" || { log_after; exit 1; }
}

write()
{
	echo "$1" > "$2"
}

has_btf()
{
	[ -e /sys/kernel/btf/vmlinux ] || { echo "this kernel has no type information"; exit 4; }
}

test_no_btf()
{
	[ ! -e /sys/kernel/btf/vmlinux ] || exit 4
	refused "cannot tell what chrdev_open takes"
}

test_named()
{
	local before

	has_btf
	hooktest && echo 1 > $params/attach || exit 1
	expect "functions replaced" "$(< $params/attach)" 1
	before=$(calls)
	: < /dev/null
	[ "$(calls)" -gt "$before" ] || { echo "no call was seen"; exit 1; }
	expect "calls that returned" "$(< $params/returned)" "$(calls)"
	echo 0 > $params/attach
	before=$(calls)
	: < /dev/null
	expect "calls after it was detached" "$(calls)" "$before"
}

test_prototype()
{
	has_btf
	refused 'is "int(struct inode \*, struct file \*)" here' prototype='"int(struct file *)"'
	refused 'is "ssize_t(struct kiocb \*, struct iov_iter \*)" here' function=seq_read_iter
}

test_unknown()
{
	refused "there is no function chrdev_opened in the kernel" function=chrdev_opened
}

test_ftrace_enabled()
{
	has_btf
	hooktest && echo 1 > $params/attach || exit 1
	expect_fail write 0 $ftrace
	expect "ftrace_enabled" "$(< $ftrace)" 1
	echo 0 > $params/attach
	echo 0 > $ftrace || exit 1
	refused "cannot replace chrdev_open: error -16; .* kernel.ftrace_enabled"
	echo 1 > $ftrace
}

# tun_opened WANT: the device can be opened, and that is seen or not
tun_opened()
{
	local before i

	for i in $(seq 100); do
		[ -e /dev/net/tun ] && break
		sleep 0.1
	done
	before=$(calls)
	: <> /dev/net/tun || exit 1
	expect "calls seen" $(($(calls) - before)) "$1"
}

test_module()
{
	local i

	has_btf
	modprobe -q tun || { echo "there is no module tun"; exit 4; }
	[ -e /sys/kernel/btf/tun ] || { echo "no type information of tun"; exit 4; }
	rmmod tun
	hooktest module=tun function=tun_chr_open && echo 1 > $params/attach || exit 1
	expect "functions replaced" "$(< $params/attach)" 0
	for i in 1 2 3; do
		modprobe tun || exit 1
		expect "functions replaced" "$(< $params/attach)" 1
		tun_opened 1
		rmmod tun || exit 1
		expect "functions replaced" "$(< $params/attach)" 0
	done
	# and attached to a module that is there
	echo 0 > $params/attach
	modprobe tun
	tun_opened 0
	echo 1 > $params/attach || exit 1
	tun_opened 1
	rmmod mlproxy_hooktest || exit 1
	: <> /dev/net/tun || exit 1
	rmmod tun
}

test_module_refused()
{
	has_btf
	modprobe -q tun || exit 4
	rmmod tun
	hooktest module=tun function=tun_chr_opened && echo 1 > $params/attach || exit 1
	log_mark
	modprobe tun
	expect "functions replaced" "$(< $params/attach)" 0
	log_after | grep "there is no function tun_chr_opened in tun" || exit 1
	rmmod tun
}

# A task waits in the replacement; rmmod waits for it, and it finds its way back.
test_drain()
{
	local i opener unloader

	has_btf
	hooktest && echo 1 > $params/attach || exit 1
	echo 1 > $params/hold
	sh -c ': < /dev/zero' &
	opener=$!
	until [ "$(< $params/returned)" != "$(calls)" ]; do
		sleep 0.05
	done
	rmmod mlproxy_hooktest < /proc/version &
	unloader=$!
	# It has detached when calls are not seen any more.
	for i in $(seq 300); do
		[ "$(< $params/attach)" = 0 ] && break
		sleep 0.1
	done
	kill -0 "$unloader" || { echo "rmmod did not wait"; exit 1; }
	kill -0 "$opener" || { echo "the task was not held"; exit 1; }
	echo 0 > $params/hold
	wait "$opener" || { echo "the task failed"; exit 1; }
	wait "$unloader" || { echo "rmmod failed"; exit 1; }
	! mod_loaded mlproxy_hooktest
}

ktap_test "without type information a name is refused" test_no_btf
ktap_test "a function known by its name is replaced" test_named
ktap_test "another prototype is refused" test_prototype
ktap_test "a function that is not there is refused" test_unknown
ktap_test "ftrace can't be switched off meanwhile" test_ftrace_enabled
ktap_test "a module comes and goes" test_module
ktap_test "a module without the function" test_module_refused
ktap_test "unloading waits for a task in the replacement" test_drain
ktap_end
