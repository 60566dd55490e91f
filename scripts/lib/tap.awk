# SPDX-License-Identifier: GPL-2.0-only
#
# Count the results in a TAP or KTAP stream: "passed failed skipped" on one
# line, then the names of what failed. A line that sums up nested results is
# not counted again, unless it failed and none of them did. A plan that does
# not match the number of results is a failure, and so is no result at all.

function plan_check(d)
{
	if (d in plan && plan[d] != results[d]) {
		failed++
		names[++n] = sprintf("planned %d tests, %d results", plan[d], results[d])
	}
	delete plan[d]
	results[d] = 0
}

# Results deeper than d belong to the line that sums them up, at d.
function close_deeper(d,    i)
{
	for (i = deepest; i > d; i--) {
		plan_check(i)
		inner[d] += inner[i] + 0
		inner_failed[d] += inner_failed[i] + 0
		inner[i] = inner_failed[i] = 0
	}
}

{
	sub(/\r$/, "")
	match($0, /^ */)
	depth = RLENGTH
	line = substr($0, depth + 1)
	if (depth > deepest && line ~ /^(1\.\.[0-9]|(not )?ok [0-9])/)
		deepest = depth
}

# The next program's stream begins.
line ~ /^K?TAP version/ {
	if (depth in plan)
		plan_check(depth)
}

line ~ /^1\.\.[0-9]+/ {
	p = line
	sub(/^1\.\./, "", p)
	# A plan stands before its results, or after them; and streams of
	# several programs may follow each other.
	if (depth in plan)
		plan_check(depth)
	trailing = results[depth] > 0
	plan[depth] = p + 0
	if (trailing)
		plan_check(depth)
	next
}

line ~ /^(not )?ok [0-9]+/ {
	bad = line ~ /^not /
	before_failed = failed
	before = inner[depth]
	before_bad = inner_failed[depth]
	close_deeper(depth)
	nested = inner[depth] - before
	nested_bad = inner_failed[depth] - before_bad + failed - before_failed
	results[depth]++
	if (nested > 0 && (!bad || nested_bad > 0)) {
		next
	}
	inner[depth]++
	if (line ~ /# *[Ss][Kk][Ii][Pp]/ && !bad) {
		skipped++
	} else if (bad) {
		failed++
		inner_failed[depth]++
		names[++n] = line
	} else {
		passed++
	}
}

line ~ /^Bail out!/ {
	failed++
	names[++n] = line
}

END {
	close_deeper(-1)
	if (passed + failed + skipped == 0) {
		failed++
		names[++n] = "no test result at all"
	}
	printf "%d %d %d\n", passed, failed, skipped
	for (i = 1; i <= n; i++)
		print names[i]
}
