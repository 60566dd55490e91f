# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Measurements in guests whose time counts instructions, the host's half: what scripts/demo,
# scripts/pretrain and the benches have in common. The guest's half is guest.sh.
#
# Who sources it sets: subject, whose folder is beside this one; dir, where results go;
# kernel; presets, the device models; and may set outside, a file with loads of its own, and
# resume: what an earlier run left in dir is not measured again.

# bench_begin: before anything else.
bench_begin()
{
	here=$MLPROXY_TOP/bench/harness
	mlproxy=$MLPROXY_TOP/build/userspace/bin/mlproxy
	. "$MLPROXY_TOP/bench/$subject/stage.sh"
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd -P)
	modules='' pids=()
	# Its guests end with it.
	trap 'kill "${pids[@]}" 2>/dev/null || :' EXIT
	trap 'exit 130' INT TERM
}

# bench_names: what the guest's half knows, in a shell of its own: names of devices, loads
bench_names()
{
	# shellcheck disable=SC2034 # for those who are sourced
	(BENCH_LIB=$MLPROXY_TOP/bench BENCH_SUBJECT=$subject
	 . "$MLPROXY_TOP/bench/harness/run.sh"
	 [ -z "${outside:-}" ] || . "$outside"
	 "$@")
}

clock()
{
	printf '%2d:%02d' $((SECONDS / 60)) $((SECONDS % 60))
}

step()
{
	printf '\n[%s] %s\n' "$(clock)" "$*"
}

# bench_build: kernel, modules, user space, the image and what the guest copies.
bench_build()
{
	step "kernel $kernel, modules, user space, data"
	"$MLPROXY_SCRIPTS/kernels" get "$kernel"
	modules=$MLPROXY_TOP/build/$("$MLPROXY_SCRIPTS/kernels" path "$kernel" version)/module
	if ! make -C "$MLPROXY_TOP" modules userspace \
	     KDIR="$("$MLPROXY_SCRIPTS/kernels" path "$kernel" headers)" > "$dir/build.log" 2>&1; then
		tail -n 30 "$dir/build.log" >&2
		die "the build failed; all of it is in $dir/build.log"
	fi
	subject_image "$dir/image"
	stage
}

# stage_programs NAME...: with their libraries
stage_programs()
{
	local lib name

	for name; do
		command -v "$name" > /dev/null || die "no program $name here, which the loads need"
		cp "$(command -v "$name")" "$dir/stage/bin/"
		while read -r lib; do
			cp -L "$lib" "$dir/stage/lib/"
		done < <(ldd "$(command -v "$name")" 2>/dev/null | awk '$3 ~ /^\// { print $3 }')
	done
}

# What the guest copies into its memory, where its programs find nothing else. Commands
# of the shell's loop are busybox's, so that nothing waits for the host.
stage()
{
	local name

	rm -rf "$dir/stage"
	mkdir -p "$dir/stage/bin" "$dir/stage/lib" "$dir/stage/lib64"
	cp -L /lib64/ld-linux-x86-64.so.2 "$dir/stage/lib64/"
	cc -O2 -static -I"$MLPROXY_TOP/module" -I"$MLPROXY_TOP/userspace/infer" \
		-o "$dir/stage/bin/readload" "$MLPROXY_TOP/bench/programs"/readload{,_pattern}.c \
		-lpthread -lm
	cc -O2 -static -o "$dir/stage/bin/timed" "$MLPROXY_TOP/bench/programs/timed.c"
	stage_programs busybox mawk
	for name in sh cat awk mount umount insmod dd mkdir stat cp sleep sort tail grep tar \
		    rm cut sed tr head wc xargs yes chroot; do
		ln -s busybox "$dir/stage/bin/$name"
	done
	mkdir "$dir/stage/harness" "$dir/stage/$subject"
	cp "$here"/*.sh "$dir/stage/harness/"
	cp "$here/../$subject"/*.sh "$dir/stage/$subject/"
	subject_stage "$dir/stage"
	stage_outside
}

# Loads from outside: a shell file that sets OUTSIDE_LOADS, their names, and OUTSIDE_PROGRAMS,
# which they need, and defines outside_load LOAD SEED; and, where they read files of their own,
# outside_files DIR, which makes them, on the host. They are $BENCH_MNT/outside then.
stage_outside()
{
	[ -n "${outside:-}" ] || return 0
	cp "$outside" "$dir/stage/outside.sh"
	# shellcheck disable=SC2016 # words, in the shell that sourced the file
	stage_programs $(bench_names eval 'echo ${OUTSIDE_PROGRAMS:-}')
}

# seen_only DEVICE...: nothing is trained, tuned or validated on other devices
seen_only()
{
	local p unseen

	# shellcheck disable=SC2016 # for bench_names' shell
	unseen=$(bench_names eval 'echo $BENCH_UNSEEN')
	for p; do
		[[ " $unseen " != *" ${p%+*} "* ]] ||
			die "the device model $p is for tests only, as are: $unseen"
	done
}

# keep NAME: what a guest's log says of loads that it came to the end of, in NAME.done
keep()
{
	[ -f "$dir/$1.log" ] || return 0
	awk -F, 'NR == FNR {
			if ($1 == "SWEPT" || $1 == "FINISHED")
				is[$1, $2] = 1
			next
		}
		($1 == "SWEEP" || $1 == "SWEPT") && is["SWEPT", $2] { print }
		$1 ~ /^(RUN|WARM|TRY|ORACLE|MODE|FINISHED)$/ && is["FINISHED", $2] { print }' \
		"$dir/$1.log" "$dir/$1.log" > "$dir/$1.done"
}

# guest NAME VERB DEVICE ARGUMENT...: start one guest in the background.
guest()
{
	local name=$1

	shift
	[ "$1" != record ] || seen_only "$2"
	: > "$dir/$name.done"
	[ -z "${resume:-}" ] || keep "$name"
	cp "$dir/$name.done" "$dir/$name.log"
	"$MLPROXY_SCRIPTS/vm" --kernel "$kernel" --icount --mem "${mem:-1280}" \
		--timeout "${guest_timeout:-3000}" \
		--out "$dir/$name" --env BENCH_STAGE="$dir/stage" --env BENCH_IMAGE="$dir/image" \
		--env BENCH_MODULES="$modules" --env MLPROXY="$mlproxy" \
		--env BENCH_SUBJECT="$subject" --env BENCH_DONE="$dir/$name.done" \
		${BENCH_MEMORY_MB:+--env BENCH_MEMORY_MB="$BENCH_MEMORY_MB"} \
		${BENCH_WORKLOADS:+--env BENCH_WORKLOADS="$BENCH_WORKLOADS"} \
		${BENCH_TRAINING:+--env BENCH_TRAINING="$BENCH_TRAINING"} \
		${BENCH_RULE:+--env BENCH_RULE="$BENCH_RULE"} \
		${BENCH_TREE:+--env BENCH_TREE="$BENCH_TREE"} \
		${BENCH_SETTINGS:+--env BENCH_SETTINGS="$BENCH_SETTINGS"} \
		${BENCH_POLICIES:+--env BENCH_POLICIES="$BENCH_POLICIES"} \
		-- busybox sh "$here/guest.sh" "$@" >> "$dir/$name.log" 2>&1 &
	pids+=($!)
}

progress()
{
	local verb=$1 line='' p log

	for p in $presets; do
		log=$dir/$verb-$p.log
		line+=$(awk -F, -v p="$p" '
			/^(TRAIN|SWEEP|TRY|WARM|RUN),/ { n++; last = $2 " " $4 " " $6 " us/op" }
			/^READY/ { last = "device filled" }
			END { printf "  %s: %3d runs (%s)", p, n, last ? last : "boots" }' "$log")
	done
	if [ -t 1 ]; then
		printf '\r\033[K[%s]%s' "$(clock)" "$line"
	else
		printf '[%s]%s\n' "$(clock)" "$line"
	fi
}

# guests VERB: wait for the guests with a progress line, and check their results.
guests()
{
	local verb=$1 p pid failed='' running=1 wait_s=2

	[ -t 1 ] || wait_s=15
	while [ -n "$running" ]; do
		sleep "$wait_s"
		progress "$verb"
		running=
		for pid in "${pids[@]}"; do
			! kill -0 "$pid" 2>/dev/null || running=1
		done
	done
	echo
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=1
	done
	pids=()
	for p in $presets; do
		if [ -n "$failed" ] || ! grep -q '^DONE$' "$dir/$verb-$p.log"; then
			tail -n 25 "$dir/$verb-$p.log" >&2
			die "the guest for $p did not finish; all of its output is in $dir/$verb-$p.log"
		fi
	done
}

# device_log DEVICE NAME: a device model and its guest's log, as the reports take them.
device_log()
{
	echo "$1=$(bench_names bench_device_model "$1")=$dir/$2-$1.log"
}

# guests_on NAME DEVICES VERB ARGUMENT...: a guest for each device, as many at once as there
# are processors; leaves NAME-DEVICE.log.
guests_on()
{
	local name=$1 devices=$2 verb=$3 device n=0

	shift 3
	presets=
	for device in $devices; do
		presets="$presets $device"
		guest "$name-$device" "$verb" "$device" "$@"
		n=$((n + 1))
		[ $((n % $(nproc))) -eq 0 ] || continue
		guests "$name"
		presets=
	done
	[ -z "$presets" ] || guests "$name"
	presets=$devices
}

# bench_record SEEDS: explore on all device models; leaves record-DEVICE/data.h5 of each.
bench_record()
{
	local p

	for p in $presets; do
		guest "record-$p" record "$p" "$1" /out/data.h5
	done
	guests record
	for p in $presets; do
		grep -h "records in" "$dir/record-$p.log" || :
	done
}
