# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
#
# Policies: settings of the kernel's own, and what the evaluator has beside them.

# What a stock kernel can be told, by its version.
F2FS_HUMAN="greedy greedy-hot0 cb cb-hot0"
F2FS_HUMAN_612="$F2FS_HUMAN cb-noboost"
F2FS_EVALUATED="$F2FS_HUMAN sepbit place victims both expected exact"
# What the predictor is without one of its features (bits of policy.c), with one that it does not
# use, and without any.
F2FS_FEATURES="used=53 no-creator=52 no-ext=49 no-block=37 no-depth=21 none=0 with-dir=55
with-sync=61 with-read=117 with-position=181 with-all=255"
# How much more a block that dies soon counts in a victim's score.
F2FS_WEIGHTS="0 1 3 20"

# policy_settings NAME: lines for a run's settings; "kernel" are the evaluator's own parameters
policy_settings()
{
	local knobs="gc_idle=1" eval='' kernel=''

	case $1 in
	greedy*) knobs="gc_idle=2" ;;
	cb | cb-*) ;;
	note) kernel="f2fs.truth=1" ;;
	sepbit) eval="place=1" ;;
	place) eval="place=2" ;;
	victims) eval="victims=1" ;;
	both | both-*) eval="place=2 victims=1" ;;
	weight-*) eval="place=2 victims=1 soon_weight=${1#weight-}" ;;
	expected) eval="place=3 victims=2" kernel="f2fs.truth=3" ;;
	exact) eval="place=3 victims=2" kernel="f2fs.truth=2" ;;
	*) die "no policy \"$1\"; there are: $F2FS_EVALUATED $F2FS_HUMAN_612" ;;
	esac
	case $1 in
	*-hot0) knobs+=" min_hot_blocks=0" ;;
	*-noboost) knobs+=" gc_boost_gc_greedy=0" ;;
	both-*=*) eval+=" features=${1##*=}" ;;
	esac
	printf 'knobs="%s" eval="%s"\n' "$knobs" "$eval"
	echo "# kernel $kernel"
}
