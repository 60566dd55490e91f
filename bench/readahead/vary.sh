# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# In what surroundings the training loads are recorded. Sourced by subject.sh.

# Programs find less memory than their data takes, about as much, or more: a file that is cached
# makes no decisions, but what was decided until then has been paid for. Less would not do for
# the programs.
record_memory_mb="32 24 160 80 480"

# Half as many misses as usual make an epoch in every other run: twice the decisions for
# the same reading, where one miss may read megabytes.
record_epoch_calls="16 8"

# record_vary N: for the Nth run; leaves what they are called in surroundings.
record_vary()
{
	# shellcheck disable=SC2086 # numbers without blanks
	megabytes=$(bench_pick "$1" $record_memory_mb)
	bench_memory "$megabytes"
	# shellcheck disable=SC2086
	parameter epoch_calls "$(bench_pick $(($1 / 5)) $record_epoch_calls)"
	# shellcheck disable=SC2034 # for the harness
	surroundings=memory$megabytes
}
