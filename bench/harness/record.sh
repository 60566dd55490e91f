# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Recording of what actions bring about: drawn at random, or in part chosen by a model,
# whose decisions lead to contexts of their own. Sourced by guest.sh.

record_decisions()
{
	cat "$BENCH_PARAMETERS/nr_decisions"
}

# The shares of the model, if there is one, and of actions drawn at random; both are in
# the records as the probability of each decision. Beside a model, some decisions have to
# be the kernel's own.
record_policy()
{
	share=0
	explore=100
	if [ -n "$model" ]; then
		use_model "$model"
		share=60
		explore=39
	fi
	proxy_mode learning
	"$MLPROXY" param "$BENCH_SUBJECT" explore.learning 0 > /dev/null
	"$MLPROXY" param "$BENCH_SUBJECT" share.learning $share% > /dev/null
	"$MLPROXY" param "$BENCH_SUBJECT" explore.learning $explore% > /dev/null
	# nothing is held to an arm
	"$MLPROXY" param "$BENCH_SUBJECT" outer.learning 0 > /dev/null
}

# record_run N LOAD SEED: the subject says in what surroundings the Nth run is made. What
# each was worth is printed beside its line.
record_run()
{
	record_vary "$1"
	before=$(record_decisions)
	proxy_run TRAIN "$2" "$3" "$surroundings" "$subject_default"
	echo "DECISIONS,$2,$3,$(($(record_decisions) - before))"
}

record()
{
	record_policy
	"$MLPROXY" record "$BENCH_SUBJECT" -f -r 16M -o /run/bench/data.h5 2> /run/bench/record.log &
	recorder=$!
	sleep 1
	run=0
	for seed in $seeds; do
		for w in $BENCH_TRAINING; do
			record_run $run "$w" "$seed"
			run=$((run + 1))
		done
	done
	sleep 1
	kill -INT $recorder
	wait $recorder || { cat /run/bench/record.log; return 1; }
	tail -n 3 /run/bench/record.log
	cp /run/bench/data.h5 "$file"
}
