#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The agent as systemd's service, by the files that are installed: it starts before the
# device is there, says what it waits for, takes a proxy up that comes later, with the
# operator's settings, and has no privileges; what can't work fails loudly, once.
#
# guest-test: timeout=1200 modules=none only-kernel=6.1
#
# A systemd of its own, process 1 of a PID namespace, with no units but ours. Where the
# machine has no udev, the test does what the rule says.

. "$(dirname "$0")/ktap.sh"

systemd=/lib/systemd/systemd
units=/usr/local/lib/systemd/system
conf=/etc/mlproxy/mlproxyd.conf
log=/run/mlproxyd-test.log
mlproxy=$BUILDDIR/userspace/bin/mlproxy
tmp=$(mktemp -d)
init=

if [ ! -x $systemd ]; then
	ktap_plan 0
	ktap_end
fi

finish()
{
	[ -z "$init" ] || kill -9 "$init"
	rm -rf "$tmp"
	mod_unload_all
}
trap finish EXIT

# the last step of "make install"
place()
{
	"$TOP/scripts/lib/place.sh" install "$tmp/stage" '' /usr/local/share/mlproxy/installed
}

install_all()
{
	set -e
	install -m 755 "$BUILDDIR/userspace/bin/mlproxyd" /usr/local/sbin/
	install -m 755 "$BUILDDIR/userspace/bin/mlproxy" /usr/local/bin/
	make -s -C "$TOP" install-packaging DESTDIR="$tmp/stage/root"
	place
	"$TOP/packaging/activate"
	getent passwd mlproxy
	# what the operator wrote is kept
	sed -i -e 's/^share.recommendation = .*/share.recommendation = 15\/16/' \
		-e 's/^;start = no/start = yes/' $conf
	place
	grep '^share.recommendation = 15/16' $conf
	grep '^start = yes' $conf
	[ -e "$units/mlproxyd.service" ] && [ -e "$units/mlproxyd-setup@.service" ]
	# in this systemd there is nothing else to depend upon
	for unit in mlproxyd.service mlproxyd-setup@.service; do
		mkdir -p "/etc/systemd/system/$unit.d"
		printf '[Unit]\nDefaultDependencies=no\n[Service]\nStandardError=append:%s\n' \
			$log > "/etc/systemd/system/$unit.d/test.conf"
	done
}

verify()
{
	SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$units/mlproxyd.service" \
		"$units/mlproxyd-setup@.service" "$units/mlproxy-readahead.service" 2>&1 | grep mlproxy && return 1
	return 0
}

start_systemd()
{
	printf '[Unit]\nDefaultDependencies=no\n' > /run/mlproxy-test.target
	mkdir -p /run/systemd/system
	mv /run/mlproxy-test.target /run/systemd/system/
	# no generator has anything to say here
	mkdir -p /etc/systemd/system-generators
	for g in /lib/systemd/system-generators/*; do
		ln -sf /dev/null "/etc/systemd/system-generators/${g##*/}"
	done
	unshare --pid --fork --mount --mount-proc --kill-child \
		env -i container=mlproxy-test PATH="$PATH" \
		$systemd --system --unit=mlproxy-test.target --log-target=null > "$tmp/init" 2>&1 &
	for ((i = 0; i < 600; i++)); do
		init=$(pgrep -o -P $! 2> /dev/null)
		[ -z "$init" ] || ! sctl is-active -q mlproxy-test.target || return 0
		sleep 0.1
	done
	echo "# systemd did not start"
	sed 's/^/# /' "$tmp/init"
	return 1
}

sctl()
{
	nsenter -t "$init" -p -m systemctl --no-pager "$@"
} 2> /dev/null

show()
{
	sctl show -P "$1" mlproxyd.service
}

until_true()
{
	local i

	for ((i = 0; i < 600; i++)); do
		"$@" && return
		sleep 0.1
	done
	echo "did not come true: $*"
	show StatusText
	tail -n 20 $log
	return 1
}

status_has()
{
	[[ $(show StatusText) == *"$1"* ]]
}

log_has()
{
	grep -q "$1" $log
}

starts_without_device()
{
	set -e
	sctl start mlproxyd.service
	expect state "$(show ActiveState)" active
	until_true status_has 'waiting: cannot open /dev/mlproxy'
	until_true status_has 'modprobe'
	log_has 'nothing is set up: cannot open /dev/mlproxy'
}

# What udev's rule does with the device and with a proxy that came.
udev()
{
	[ -e /run/udev/control ] && return
	chown mlproxy:mlproxy /dev/mlproxy
	chmod 0640 /dev/mlproxy
	[ -z "${1:-}" ] || sctl start "mlproxyd-setup@$1.service"
}

takes_up_what_comes()
{
	set -e
	mod_load mlproxy
	udev
	until_true status_has 'no proxy is loaded'
	mod_load mlproxy_synth
	udev synth
	until_true status_has '1 of 1 proxies'
	until_true eval '[ "$(cat $SYSFS/synth/state)" = running ]'
	expect "share" "$(cat $SYSFS/synth/share_recommendation)" 61440
	expect "exploration" "$(cat $SYSFS/synth/explore_recommendation)" 1024
	expect "restarts" "$(show NRestarts)" 0
}

has_no_privileges()
{
	local pid status

	set -e
	pid=$(pgrep -x mlproxyd)
	status=$(cat "/proc/$pid/status")
	[[ $(stat -c %U "/proc/$pid") == mlproxy ]]
	[[ $status == *"CapEff:	0000000000000000"* && $status == *"NoNewPrivs:	1"* ]]
	[ -d /var/lib/mlproxy/synth ]
}

reloads()
{
	local pid

	set -e
	pid=$(show MainPID)
	sed -i 's/^share.recommendation = .*/share.recommendation = 7\/8/' $conf
	sctl reload mlproxyd.service
	until_true log_has 'configuration read again'
	expect pid "$(show MainPID)" "$pid"
	expect "share" "$(cat $SYSFS/synth/share_recommendation)" 57344
	until_true status_has '1 of 1 proxies'
}

stops()
{
	set -e
	sctl stop mlproxyd.service
	expect state "$(show ActiveState)" inactive
	# nobody sets what a proxy comes with now
	"$mlproxy" stop synth
	sctl start mlproxyd-setup@synth.service || :
	expect state "$(cat $SYSFS/synth/state)" stopped
}

# fails_once TEXT: the start fails, the log says why, and it is not tried for ever
fails_once()
{
	set -e
	: > $log
	sctl reset-failed mlproxyd.service || :
	expect_fail sctl start mlproxyd.service
	[ -z "$1" ] || log_has "$1"
	until_true eval '[ "$(show ActiveState)" = failed ]'
	expect "restarts" "$(show NRestarts)" 0
	sctl reset-failed mlproxyd.service
}

wrong_configuration()
{
	set -e
	cp $conf "$tmp/conf"
	echo 'no_key = 1' >> $conf
	fails_once 'has no key "no_key"'
	cp "$tmp/conf" $conf
	sed -i 's/^share.recommendation = .*/share.recommendation = 63\/64/' $conf
	fails_once 'leave no control group'
	cp "$tmp/conf" $conf
}

no_configuration()
{
	set -e
	rm $conf
	"$mlproxy" start synth
	sctl start mlproxyd.service
	until_true status_has '1 of 1 proxies'
	sctl stop mlproxyd.service
	cp "$tmp/conf" $conf
}

# What was installed again is as it was.
uninstall_stops()
{
	set -e
	"$mlproxy" start synth || :
	sctl enable -q mlproxyd.service
	sctl start mlproxyd.service
	until_true status_has '1 of 1 proxies'
	nsenter -t "$init" -p -m "$TOP/scripts/lib/place.sh" remove '' \
		/usr/local/share/mlproxy/installed
	expect "state" "$(show ActiveState)" inactive
	expect "unit" "$(show LoadState)" not-found
	[ ! -e "$units/mlproxyd.service" ]
	[ -z "$(find /etc/systemd -name mlproxyd.service)" ]
	[ -e $conf ]
	place
	sctl daemon-reload
}

no_user()
{
	set -e
	sed -i '/^mlproxy:/d' /etc/passwd
	fails_once ''
}

ktap_plan 12
ktap_test "make install: user, units, a configuration that is kept" install_all
ktap_test "systemd-analyze verify has nothing to say" verify
start_systemd
ktap_test "systemd runs" sctl is-active mlproxy-test.target
ktap_test "it starts before the device is there, and says so" starts_without_device
ktap_test "device and proxy come later, with the operator's settings" takes_up_what_comes
ktap_test "it is user mlproxy, without capabilities" has_no_privileges
ktap_test "reload puts a changed configuration in force" reloads
ktap_test "it stops, and nothing is set after it" stops
ktap_test "a wrong configuration fails loudly, once" wrong_configuration
ktap_test "without a configuration it learns from what runs" no_configuration
ktap_test "make uninstall stops it" uninstall_stops
ktap_test "without its user it fails once" no_user
ktap_end
