#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# eBPF programs at the decision: the loader, what a program may do and what not,
# and programs made of models against the kernel's own evaluation, bit for bit.
# Attaching patches a jump. The programs are compiled on the host.
#
# guest-test: timeout=600 modules=mlproxy_synth patching=yes

. "$(dirname "$0")/ktap.sh"

mlproxy=$BUILDDIR/userspace/bin/mlproxy
example=$BUILDDIR/examples/bpf/synth.bpf.o
progs=$GUESTBIN/bpf
P=$SYSFS/synth
synth=/sys/module/mlproxy_synth/parameters
n=2000
[ -z "$GUEST_DEBUG" ] || n=200

mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf || exit 1

finish()
{
	rm -f /sys/fs/bpf/mlproxy/* 2> /dev/null
}
trap finish EXIT

# All decisions to what is attached, and the mode as it is set here.
pin_mode()
{
	[ "$(cat "$P/state")" = running ] || "$mlproxy" start synth > /dev/null || return
	"$mlproxy" mode synth recommendation > /dev/null || return
	echo 0 > "$P/explore_recommendation"
	echo 65536 > "$P/share_recommendation"
}

decide()
{
	echo "$1" > "$synth/run"
}

attach()
{
	"$mlproxy" bpf attach "$@" || return 1	# 4 would skip the test
}

detach()
{
	"$mlproxy" bpf detach "$@"
}

count()
{
	cat "$P/$1"
}

# exits CODE REGEX COMMAND...
exits()
{
	local want=$1 regex=$2 out code

	shift 2
	out=$("$@" 2>&1)
	code=$?
	echo "$*: $code: $out"
	[ $code -eq "$want" ] || { echo "expected exit code $want"; exit 1; }
	grep -Eq -e "$regex" <<< "$out" || { echo "expected: $regex"; exit 1; }
}

example_decides()
{
	local before after

	attach "$example" || return
	before=$(count decisions_bpf)
	decide $n
	echo "attached: best_percent $(cat $synth/best_percent)"
	[ "$(cat $synth/best_percent)" -ge 95 ] || return
	after=$(count decisions_bpf)
	expect "decisions by the program" $((after - before)) $n
	"$mlproxy" -j bpf list | grep -q '"name": "synth"' || return
	detach synth || return
	decide $n
	echo "detached: best_percent $(cat $synth/best_percent)"
	[ "$(cat $synth/best_percent)" -lt 50 ] || return
	expect "decisions by the program" "$(count decisions_bpf)" "$after"
}

illegal_is_refused()
{
	local refused bpf baseline

	refused=$(count refused) bpf=$(count decisions_bpf) baseline=$(count decisions_baseline)
	attach "$progs/illegal.bpf.o" || return
	decide 100
	detach illegal || return
	expect "refused" $(($(count refused) - refused)) 100
	expect "decisions by the program" $(($(count decisions_bpf) - bpf)) 0
	expect "decisions by the baseline" $(($(count decisions_baseline) - baseline)) 100
	pin_mode
}

other_fields_are_a_copy()
{
	attach "$progs/wild.bpf.o" || return
	"$GUESTBIN/bpf_exact" wild 200 || return
	detach wild
}

emergency_asks_nobody()
{
	local bpf

	attach "$example" || return
	"$mlproxy" mode synth emergency > /dev/null
	bpf=$(count decisions_bpf)
	decide 100
	expect "decisions by the program" "$(count decisions_bpf)" "$bpf"
	pin_mode
	detach synth
}

refusals()
{
	exits 1 'no [^ ]*nothing' "$mlproxy" bpf detach nothing
	exits 2 'no name' "$mlproxy" bpf attach "$example" --name a.b
	exits 1 'No such file' "$mlproxy" bpf attach /nonexistent.o
	exits 1 'eBPF object|programs' "$mlproxy" bpf attach "$0"
	exits 4 'behind the end' "$mlproxy" bpf attach "$progs/behind.bpf.o"
	exits 4 "verifier refused it" "$mlproxy" bpf attach "$progs/unbounded.bpf.o"
	exits 0 attached "$mlproxy" bpf attach "$example"
	exits 1 'exists: detach it' "$mlproxy" bpf attach "$example"
	exits 0 attached "$mlproxy" bpf attach "$example" --name twice
	exits 0 twice "$mlproxy" bpf list
	exits 0 detached "$mlproxy" bpf detach twice
	exits 0 detached "$mlproxy" bpf detach synth
	exits 0 'no program' "$mlproxy" bpf list
}

# Another user, with CAP_BPF and CAP_PERFMON or without: what the verifier refuses is
# told as that, what the kernel does not let us try as that.
other_users()
{
	local copy=/run/mlproxy-bpf-test

	mkdir -p $copy /sys/fs/bpf/mlproxy
	# the checkout may lie where only root can look, as root's home
	cp "$mlproxy" "$mlproxy-bpf" "$progs/unbounded.bpf.o" $copy/
	chmod 755 $copy $copy/mlproxy*
	chmod 644 $copy/*.o
	chmod 1777 /sys/fs/bpf /sys/fs/bpf/mlproxy
	exits 4 "verifier refused it" setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=+bpf,+perfmon --ambient-caps=+bpf,+perfmon \
		$copy/mlproxy bpf attach $copy/unbounded.bpf.o
	exits 5 "no permission" setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all --bounding-set=-all $copy/mlproxy bpf attach $copy/unbounded.bpf.o
	rm -rf $copy
	chmod 700 /sys/fs/bpf/mlproxy
}

# In a namespace of its own, where the filesystem is gone.
without_filesystem()
{
	exits 1 'mount -t bpf bpf /sys/fs/bpf' unshare -m sh -c \
		"umount /sys/fs/bpf; '$mlproxy' bpf attach '$example'"
}

same_bits()
{
	local ok=0

	attach "$progs/$1.bpf.o" || return
	"$GUESTBIN/bpf_exact" exact $n "$progs/$1.mlp" || ok=1
	detach "$1" || return
	return $ok
}

# by_program PROXY: decisions by the program, so far
by_program()
{
	cat "$SYSFS/$1/decisions_bpf"
}

instances_decide()
{
	local a b

	a=$(by_program synth:a) b=$(by_program synth:b)
	decide 100
	expect "decisions of a by the program" $(($(by_program synth:a) - a)) "$1" || return
	expect "decisions of b by the program" $(($(by_program synth:b) - b)) "$2"
}

# For one proxy, with its instances, or for one of these; a proxy that comes again is
# another one.
bound_to_a_proxy()
{
	rmmod mlproxy_synth && mod_load mlproxy_synth instances=a,b || return
	pin_mode
	attach "$example" || return
	instances_decide 50 50 && detach synth || return
	attach "$example" --proxy synth || return
	instances_decide 50 50 && detach synth || return
	attach "$example" --proxy synth:b || return
	instances_decide 0 50 && detach synth || return
	attach "$example" --proxy synth || return
	rmmod mlproxy_synth && mod_load mlproxy_synth instances=a,b || return
	pin_mode
	instances_decide 0 0 && detach synth || return
	exits 3 "no proxy 'nothing'" "$mlproxy" bpf attach "$example" --proxy nothing
	exits 4 'MLPROXY_BPF_DECLARE_BOUND' "$mlproxy" bpf attach "$progs/wild.bpf.o" --proxy synth
	rmmod mlproxy_synth && mod_load mlproxy_synth && pin_mode
}

# A link is dropped after a grace period.
unload_core()
{
	local i

	for ((i = 0; i < 300; i++)); do
		rmmod mlproxy 2> /dev/null && return
		sleep 0.1
	done
	rmmod mlproxy
}

modules_unload()
{
	attach "$example" || return
	rmmod mlproxy_synth || return
	expect_fail rmmod mlproxy
	detach synth || return
	unload_core || return
	exits 3 'is the module loaded' "$mlproxy" bpf attach "$example"
	[ ! -e /sys/fs/bpf/mlproxy/synth ] || return
	mod_load mlproxy_synth
}

pin_mode
ktap_test example_decides example_decides
ktap_test illegal_is_refused illegal_is_refused
ktap_test other_fields_are_a_copy other_fields_are_a_copy
ktap_test emergency_asks_nobody emergency_asks_nobody
ktap_stock refusals refusals
ktap_stock other_users other_users
ktap_stock without_filesystem without_filesystem
for model in "$progs"/*.mlp; do
	model=$(basename "$model" .mlp)
	case $model in
	small) ktap_test "same_bits_$model" same_bits "$model" ;;
	*) ktap_stock "same_bits_$model" same_bits "$model" ;;
	esac
done
ktap_stock bound_to_a_proxy bound_to_a_proxy
ktap_test modules_unload modules_unload
ktap_end
