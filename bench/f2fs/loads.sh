# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
#
# Loads: what writeload is told for each. The sets have no variant of a job, and no seed, in
# common: predictors are trained and features chosen on the first, settings on the second,
# and the third is what is reported in the end.

F2FS_TRAINING="mail0 logs0 vm0 trees0 lsm0 sqlite0 mix0 rocksdb0"
F2FS_VALIDATION="mail3 logs3 vm3 trees3 lsm3 sqlite3 mix3 rocksdb3"
F2FS_TEST="mail1 logs1 vm1 trees1 lsm1 sqlite1 mix1 phases1 mail2 logs2 vm2 trees2 lsm2 sqlite2 mix2"
F2FS_TEST+=" phases2 rocksdb1 rocksdb2"

F2FS_TRAINING_SEEDS="1 2 3 4 5"
F2FS_VALIDATION_SEEDS="21 22 23"
F2FS_TEST_SEEDS="11 12 13 14 15"

# load_words LOAD: writeload's words, or rocksdb.sh's
load_words()
{
	local v=${1: -1}

	case $1 in
	mix?) echo "lsm:3:$v mail:2:$v logs:2:$v sqlite:2:$v vm:1:$v" ;;
	phases?) echo "--phases 40 lsm:1:$v mail:1:$v trees:1:$v vm:1:$v" ;;
	mail? | logs? | vm? | trees? | lsm? | sqlite?) echo "${1%?}:1:$v" ;;
	rocksdb0) echo "rocksdb 200 overwrite" ;;
	rocksdb1) echo "rocksdb 400 overwrite" ;;
	rocksdb2) echo "rocksdb 1000 readrandomwriterandom" ;;
	rocksdb3) echo "rocksdb 600 overwrite" ;;
	*) die "no load \"$1\"; there are: $F2FS_TRAINING $F2FS_VALIDATION $F2FS_TEST" ;;
	esac
}
