#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sysfs: every attribute has one value, the knobs take what is in their range and
# nothing else, and show it.
#
# guest-test: timeout=300

. "$(dirname "$0")/ktap.sh"

P=$SYSFS/synth
run=/sys/module/mlproxy_synth/parameters/run

set_to()
{
	local now

	echo "$2" > "$P/$1" || return
	read -r now < "$P/$1"
	expect "$1" "$now" "${3:-$2}"
}

refused()
{
	local before now

	read -r before < "$P/$1"
	if echo "$2" 2> /dev/null > "$P/$1"; then
		echo "$1 took \"$2\""
		exit 1
	fi
	read -r now < "$P/$1"
	expect "$1" "$now" "$before"
}

one_value_each()
{
	local f n=0 lines

	for f in "$P"/*; do
		mapfile lines < "$f"
		[[ ${#lines[@]} -eq 1 && ${lines[0]} =~ ^-?[a-z0-9_]+$'\n'$ ]] || {
			echo "$f: not one value: ${lines[*]}"
			return 1
		}
		n=$((n + 1))
	done
	echo "$n attributes"
	[ $n -ge 20 ]
}

permissions()
{
	local f

	for f in "$P"/*; do
		case ${f##*/} in
		mode | share_* | explore_* | window_ns | washout_ns | pending_ns | state_period_ns | \
		min_samples | alpha_ppm | margin_q16 | block | drop_q16 | drop_samples | \
		error_share | latency_ns | hold_ns | ramp_* | ledger_margin_q16 | \
		outer_share_* | outer_hold_ns | outer_washout_ns | outer_margin_q16)
			expect "${f##*/}'s permission" "$(stat -c %a "$f")" 644
			;;
		*)
			expect "${f##*/}'s permission" "$(stat -c %a "$f")" 444
			if echo 1 2> /dev/null > "$f"; then
				echo "$f took a write"
				return 1
			fi
			;;
		esac
	done
}

mode()
{
	local m

	expect automatic "$(< "$P/automatic")" 1
	expect reason "$(< "$P/mode_reason")" start
	for m in emergency learning collaboration recommendation; do
		set_to mode $m
		expect automatic "$(< "$P/automatic")" 0
		expect reason "$(< "$P/mode_reason")" operator
	done
	set_to mode auto recommendation
	expect automatic "$(< "$P/automatic")" 1
	expect reason "$(< "$P/mode_reason")" auto
	set_to mode emergency
	set_to mode auto learning
	expect "gain" "$(< "$P/gain")" 0
	expect "its lower end, of no outcomes" "$(< "$P/gain_low")" -9223372036854775808
	expect "its upper end, of no outcomes" "$(< "$P/gain_high")" 9223372036854775807
	refused mode none
	refused mode ""
	refused mode learning2
	refused mode 1
	set_to mode learning
}

shares()
{
	local m

	for m in learning collaboration recommendation; do
		set_to explore_$m 0
		set_to share_$m 65536
		refused share_$m 65537
		refused share_$m -1
		refused share_$m x
		refused share_$m 99999999999999999999
		refused explore_$m 1
		set_to share_$m 0x100 256
		set_to explore_$m $((65536 - 257))
		refused explore_$m $((65536 - 256))
		refused explore_$m $((65536 - 255))
		set_to explore_$m 0
	done
	[ ! -e "$P/share_emergency" ]
}

window()
{
	set_to window_ns 1000000
	set_to window_ns 3600000000000
	refused window_ns 999999
	refused window_ns 3600000000001
	refused window_ns 0
	set_to pending_ns 1000000
	set_to pending_ns 86400000000000
	refused pending_ns 0
	refused pending_ns 86400000000001
	set_to state_period_ns 1000000
	set_to state_period_ns 0
	refused state_period_ns 999999
	refused state_period_ns 3600000000001
}

# What the files say is what the ioctl says; here against known decisions.
counters()
{
	"$GUESTBIN/holder" synth > /tmp/held.$$ &
	until [ -s /tmp/held.$$ ]; do
		kill -0 $! || return
		sleep 0.1
	done
	rm -f /tmp/held.$$
	expect state "$(< "$P/state")" running
	expect decisions "$(< "$P/decisions")" 0
	echo 1000 > $run
	expect decisions "$(< "$P/decisions")" 1000
	expect feedbacks "$(< "$P/feedbacks")" 1000
	expect sum $(($(< "$P/decisions_baseline") + $(< "$P/decisions_explore") +
		$(< "$P/decisions_model") + $(< "$P/decisions_recommendation"))) 1000
	# Rings of 4096 bytes hold few of them, and the holder reads none.
	[ "$(< "$P/records_lost")" -gt 0 ] || return
	kill -KILL $!
	wait $! 2> /dev/null
	expect "records lost with no reader" "$(< "$P/records_lost")" 0
}

all_proxies()
{
	local p

	for p in synth ctx-decision ctx-entity ctx-window; do
		expect "$p's mode" "$(< "$SYSFS/$p/mode")" learning
	done
	expect "device" "$(stat -c '%F' /dev/mlproxy)" "character special file"
}

ktap_plan 7
ktap_test all_proxies all_proxies
ktap_test one_value_each one_value_each
ktap_stock permissions permissions
ktap_test mode mode
ktap_stock shares shares
ktap_stock window window
ktap_test counters counters
ktap_end
