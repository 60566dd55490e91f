# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154
#
# RocksDB's db_bench as a load of run.sh: load="rocksdb VALUE-BYTES BENCHMARK...". Compaction runs
# in threads of its own, so unlike writeload's jobs this does not make the same calls in every run.

# of the keys' and values' bytes; what is overwritten waits in the upper levels
ROCKSDB_SPACE=92
# blocks written for each of them, about: the log, a flush, and merges
ROCKSDB_AMPLIFICATION=5

# rocksdb_bench BENCHMARK WRITES
rocksdb_bench()
{
	db_bench --db=/run/f2fs/db --num="$keys" --writes="$2" --seed="$seed" --histogram \
		--key_size=16 --value_size="$value" --compression_type=none --benchmarks="$1" \
		--readwritepercent=30 --max_background_jobs=1 --write_buffer_size=2097152 \
		--target_file_size_base=2097152 --max_bytes_for_level_base=8388608 \
		--cache_size=8388608 --open_files=200 --threads=1 --statistics=0 \
		--benchmark_write_rate_limit=8000000 \
		--use_existing_db="$existing" > /run/db_bench.log 2>&1 || {
		tail -n 20 /run/db_bench.log
		exit 1
	}
	existing=1
}

rocksdb_load()
{
	space=$(($(stat -f -c '%a * %S' /run/f2fs)))
	value=$1 benchmark=$2 existing=0
	keys=$((space * level / 100 * ROCKSDB_SPACE / 100 / (value + 16)))
	overwrites=$((space / (value + 16) / ROCKSDB_AMPLIFICATION))
	rocksdb_bench fillrandom "$keys"
	policy
	rocksdb_bench "$benchmark" $((overwrites * warm / 100))
	sync
	counters begin
	rocksdb_bench "$benchmark" $((overwrites * measure / 100))
	sync
	counters end
	# microseconds; no fsync is timed by itself
	awk -v bytes=$((space * measure / 100)) '
		/^Percentiles:/ { sub(/.*P99: /, ""); p99 = $1 }
		END { printf "WRITELOAD,%.0f,0,%.0f,0,0\n", bytes, p99 * 1000 }' /run/db_bench.log
}
