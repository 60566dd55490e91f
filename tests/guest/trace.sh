#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Trace events: each step of the loop leaves one, with the fields of its format.
#
# guest-test: patching=yes timeout=300 debug=thorough

. "$(dirname "$0")/ktap.sh"

T=/sys/kernel/tracing
E=$T/events/mlproxy

tmp=$(mktemp)

finish()
{
	echo 0 > $E/enable
	echo > $T/trace
	rm -f "$tmp" "$tmp.trace"
}
trap finish EXIT
echo 8192 > $T/buffer_size_kb

# Formatting the trace takes long: once.
finish_trace()
{
	echo 0 > $T/tracing_on
	cat $T/trace > "$tmp.trace"
}

begin()
{
	echo 0 > $T/tracing_on
	echo > $T/trace
	echo 1 > $E/enable
	echo 1 > $T/tracing_on
}

# count EVENT REGEX: how many lines of this event match
count()
{
	grep -c " $1: $2\$" "$tmp.trace"
}

at_least()
{
	local n

	n=$(count "$2" "$3")
	echo "$n events $2"
	[ "$n" -ge "$1" ] || {
		echo "expected $1 of: $2: $3"
		grep " $2: " "$tmp.trace" | head -n 3
		exit 1
	}
}

events_exist()
{
	local e

	for e in decision feedback mode state model recommendation loss; do
		[ -f $E/mlproxy_$e/format ] || { echo "no event mlproxy_$e"; return 1; }
	done
}

# hold: a running ctx-decision with a reader that does not read
hold()
{
	"$GUESTBIN/holder" ctx-decision > "$tmp" &
	until [ -s "$tmp" ]; do
		kill -0 $! || return
		sleep 0.1
	done
	: > "$tmp"
}

decide()
{
	echo "decision $1 $2 0x1" > /sys/module/mlproxy_ctxtest/parameters/run
}

recommendations()
{
	begin
	"$GUESTBIN/recommend" fresh_applies refused > /dev/null || return
	finish_trace
	at_least 100 mlproxy_decision 'proxy=ctx-decision id=[0-9]* key=[0-9a-f]* baseline=0 action=[0-3] source=[014] mode=[13] prob_q31=[0-9]* version=[0-9]*'
	at_least 1 mlproxy_decision '.* action=1 source=1 mode=3 prob_q31=2147483648 version=7'
	at_least 100 mlproxy_feedback 'proxy=ctx-decision id=[0-9]* action=[0-3] source=[0-4] reward=[0-3]*00*'
	at_least 1 mlproxy_mode 'proxy=ctx-decision from=1 to=3 reason=2 version=0 n=0/0 gain_q16=0 low_q16=-\?[0-9]* high_q16=[0-9]* value=0 limit=0 verdict=0'
	at_least 1 mlproxy_state 'proxy=ctx-decision from=[24] to=3 reason=0'
	at_least 2 mlproxy_recommendation 'proxy=ctx-decision key=[0-9a-f]* action=[0-3] confidence=65535 ttl_ms=3600000 result=0'
	at_least 1 mlproxy_recommendation '.* result=-22'
	at_least 1 mlproxy_recommendation '.* result=-33'
	at_least 1 mlproxy_recommendation '.* result=-34'
}

models()
{
	begin
	"$GUESTBIN/model" sequences > /dev/null || return
	finish_trace
	at_least 1 mlproxy_model 'proxy=ctx-decision from=0 to=[0-9]* reason=1'
	at_least 1 mlproxy_model 'proxy=ctx-decision from=[0-9]* to=[0-9]* reason=2'
	at_least 1 mlproxy_model 'proxy=ctx-decision from=[0-9]* to=0 reason=3'
}

# Each loss of a full ring, with the number of the record that is missing.
losses()
{
	begin
	hold || return
	decide task 200
	finish_trace
	kill -KILL $!
	wait $! 2> /dev/null
	at_least 300 mlproxy_loss 'cpu=0 seq=[0-9]* len=[0-9]*'
	expect "last lost number" "$(sed -n 's/.* mlproxy_loss: cpu=0 seq=\([0-9]*\) .*/\1/p' \
		"$tmp.trace" | tail -n 1)" 400
}

# Ids of feedback are ids of decisions.
linked()
{
	begin
	hold || return
	decide task 10
	finish_trace
	kill -KILL $!
	wait $! 2> /dev/null
	expect "ids" "$(sed -n 's/.* mlproxy_feedback: .* id=\([0-9]*\) .*/\1/p' "$tmp.trace")" \
		"$(sed -n 's/.* mlproxy_decision: .* id=\([0-9]*\) .*/\1/p' "$tmp.trace")"
	expect "decisions" "$(count mlproxy_decision '.*')" 10
}

# From every context, and while the events are switched on and off.
in_interrupts()
{
	local i load context holder

	hold || return
	holder=$!
	for context in irqoff softirq hardirq mixed; do
		begin
		decide $context 100 || return
		finish_trace
		at_least 100 mlproxy_decision '.*'
	done
	echo 1 > $T/tracing_on
	decide mixed 20000 &
	load=$!
	for ((i = 0; i < 10; i++)); do
		echo 0 > $E/enable
		echo 1 > $E/enable
	done
	wait $load || return
	kill -KILL $holder
	wait $holder 2> /dev/null
	return 0
}

filter()
{
	hold || return
	begin
	echo 'action == 2' > $E/mlproxy_decision/filter || return
	decide task 2000
	finish_trace
	echo 0 > $E/mlproxy_decision/filter
	kill -KILL $!
	wait $! 2> /dev/null
	at_least 1 mlproxy_decision '.* action=2 .*'
	expect "others" "$(count mlproxy_decision '.* action=[013] .*')" 0
}

ktap_plan 7
ktap_test events_exist events_exist
ktap_test recommendations recommendations
ktap_test models models
ktap_test losses losses
ktap_test linked linked
ktap_test in_interrupts in_interrupts
ktap_test filter filter
ktap_end
