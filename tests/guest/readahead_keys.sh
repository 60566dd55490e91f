#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The keys of files: each has its own, which stays while the core is loaded and is drawn
# anew with it, and only root may ask for one. That they are the keys of decisions:
# readahead_streams.sh, whose recommendations are for them.
#
# guest-test: timeout=500 modules=none skip-debug=each-decision-makes-a-key only-kernel=6.1

. "$(dirname "$0")/readahead_util.sh"

tool=$BUILDDIR/tests/guest/ra_key

keys()
{
	"$tool" "$mnt/a" "$mnt/b" | xargs
}

test_stay()
{
	local first

	proxy_load || exit 1
	first=$(keys)
	expect "number of keys" "$(echo "$first" | tr ' ' '\n' | sort -u | wc -l)" 2
	expect "keys asked for again" "$(keys)" "$first"
	proxy_load || exit 1
	expect "keys, with the proxy loaded again" "$(keys)" "$first"
	rmmod mlproxy_readahead && rmmod mlproxy && proxy_load || exit 1
	expect_fail test "$(keys)" = "$first"
}

# Each part of the identity counts.
test_parts()
{
	local id n=0

	proxy_load || exit 1
	for id in "8:1 12 7" "8:2 12 7" "9:1 12 7" "8:1 13 7" "8:1 12 8" \
		  "8:1 18446744073709551615 4294967295"; do
		echo "$id" > $params/key_of || exit 1
		expect "what was asked" "$(param key_of | cut -d ' ' -f -3)" "$id"
		param key_of | cut -d ' ' -f 4
		n=$((n + 1))
	done > "$tmp/keys"
	expect "different keys" "$(sort -u "$tmp/keys" | wc -l)" $n
	# What would be seen if nothing were secret in it.
	expect_fail grep -qx 0 "$tmp/keys"
}

test_nonsense()
{
	local text

	proxy_load || exit 1
	echo "8:1 12 7" > $params/key_of
	for text in "" 8 8:1 "8:1 12" "8 1 12 7" "4096:1 12 7" "8:1048576 12 7" "$mnt/none" "${mnt#/}/a"; do
		expect_fail sh -c "echo '$text' > $params/key_of"
	done
	expect "what was asked before" "$(param key_of | cut -d ' ' -f -3)" "8:1 12 7"
}

test_others()
{
	proxy_load || exit 1
	expect mode "$(stat -c '%U %a' $params/key_of)" "root 600"
	expect_fail su nobody -s /bin/sh -c "cat $params/key_of"
	expect_fail su nobody -s /bin/sh -c "echo '8:1 12 7' > $params/key_of"
}

ktap_test "keys stay while the core is loaded" test_stay
ktap_test "each part of the identity counts" test_parts
ktap_test "bad questions" test_nonsense
ktap_test "only root may ask" test_others
ktap_end
