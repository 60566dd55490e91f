#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Loading and unloading: over and over, while the device is opened and closed, and
# while it is in use, which is refused.
#
# guest-test: timeout=300 modules=none

. "$(dirname "$0")/ktap.sh"

loops=20
[ -z "$GUEST_DEBUG" ] || loops=5
core=$(mod_file mlproxy) && synth=$(mod_file mlproxy_synth) || exit 1
# Modules are read many times: not through the network filesystem.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp "$core" "$synth" "$tmp" && strip -g "$tmp"/*.ko
core=$tmp/mlproxy.ko synth=$tmp/mlproxy_synth.ko

load()
{
	insmod "$core" && insmod "$synth"
}

unload()
{
	rmmod mlproxy_synth && rmmod mlproxy
}

load_unload()
{
	local i

	for ((i = 0; i < loops; i++)); do
		load || return
		[ -c /dev/mlproxy ] || return
		[ "$(< $SYSFS/synth/state)" = initialized ] || return
		unload || return
		[ ! -e /dev/mlproxy ] || return
	done
	echo "$loops times"
}

reload_proxy()
{
	local i

	insmod "$core" || return
	for ((i = 0; i < loops; i++)); do
		insmod "$synth" && rmmod mlproxy_synth || return
	done
	rmmod mlproxy
}

twice()
{
	load || return
	expect_fail insmod "$core"
	expect_fail insmod "$synth"
	unload
}

wrong_order()
{
	expect_fail insmod "$synth"
	load || return
	expect_fail rmmod mlproxy
	[ -c /dev/mlproxy ] || return
	unload
}

# unload_busy MODULE: refused while it is in use just now; then again.
unload_busy()
{
	local i

	for ((i = 0; i < 1000; i++)); do
		rmmod "$1" 2> /dev/null && return
	done
	echo "$1 was never free to go"
	return 1
}

# hold: somebody binds to the proxy, starts it and stays: process $holder
hold()
{
	# it must not be read before it is written anew
	rm -f "$tmp/held"
	"$GUESTBIN/holder" synth > "$tmp/held" &
	holder=$!
	until [ -s "$tmp/held" ]; do
		kill -0 $holder || return
		sleep 0.1
	done
}

# Somebody opens and closes the device all the time, and finds it or not.
with_opens()
{
	local i opener n

	(
		n=0
		while [ ! -e "$tmp/stop" ]; do
			{ n=$((n + 1)); } 2> /dev/null < /dev/mlproxy
			# or it would hardly ever be free to go
			[ $((n % 8)) -ne 0 ] || sleep 0.05
		done
		echo $n > "$tmp/opens"
	) 2> /dev/null &
	opener=$!
	for ((i = 0; i < loops; i++)); do
		insmod "$core" || break
		unload_busy mlproxy || break
	done
	touch "$tmp/stop"
	wait $opener
	rm -f "$tmp/stop"
	echo "opened $(< "$tmp/opens") times during $i loads"
	[ $i -eq $loops ] && [ "$(< "$tmp/opens")" -gt 0 ]
}

in_use()
{
	load || return
	exec 9<> /dev/mlproxy || return
	expect_fail rmmod mlproxy
	expect "uses" "$(< /sys/module/mlproxy/refcnt)" 2
	# The proxy's module is free to go while nobody is bound to it.
	rmmod mlproxy_synth || return
	expect_fail rmmod mlproxy
	exec 9>&-
	rmmod mlproxy
}

bound()
{
	load || return
	hold || return
	expect_fail rmmod mlproxy_synth
	expect_fail rmmod mlproxy
	[ "$(< $SYSFS/synth/state)" = running ] || return
	kill -KILL $holder
	wait $holder 2> /dev/null
	unload
}

# The sysfs files are read by somebody while their proxy goes.
with_sysfs()
{
	local i reader

	insmod "$core" || return
	while [ ! -e "$tmp/stop" ]; do
		cat $SYSFS/synth/* > /dev/null 2>&1
		echo learning 2> /dev/null > $SYSFS/synth/mode
	done 2> /dev/null &
	reader=$!
	for ((i = 0; i < loops / 5; i++)); do
		insmod "$synth" || break
		unload_busy mlproxy_synth || break
	done
	touch "$tmp/stop"
	wait $reader
	rm -f "$tmp/stop"
	rmmod mlproxy && [ $i -eq $((loops / 5)) ]
}

# A parameter that makes decisions is being written while the module should go.
while_deciding()
{
	local i

	load || return
	hold || return
	kill -KILL $holder
	wait $holder 2> /dev/null
	# The proxy still runs, and is stopped by the unloading.
	[ "$(< $SYSFS/synth/state)" = running ] || return
	echo 20000 > /sys/module/mlproxy_synth/parameters/run &
	for ((i = 0; i < 100; i++)); do
		rmmod mlproxy_synth 2> /dev/null && break
		sleep 0.1
	done
	wait $!
	mod_loaded mlproxy_synth && { rmmod mlproxy_synth || return; }
	rmmod mlproxy
}

ktap_plan 9
ktap_test load_unload load_unload
ktap_test reload_proxy reload_proxy
ktap_test twice twice
ktap_test wrong_order wrong_order
ktap_test with_opens with_opens
ktap_test in_use in_use
ktap_test bound bound
ktap_test with_sysfs with_sysfs
ktap_test while_deciding while_deciding
ktap_end
