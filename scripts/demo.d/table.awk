# SPDX-License-Identifier: GPL-2.0-only
#
# One table of the demo: reads lines
#   RUN,workload,seed,policy,ops,us_per_op,reads,read_pages,link_busy_us
# of one device model and prints the table; with -v csv=FILE also a CSV line per
# workload, and with -v plot=FILE the data of its plot. -v device=NAME -v
# default=KB. Policies are read_ahead_kb values and "mlproxy".
#
# A comparison is made seed by seed: the mean of the log ratios of the times
# with Student's 95 % interval. The best static window is the one whose mean over
# the same runs is best, the default included.

BEGIN {
	FS = ","
	split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262", t975, " ")
}

$1 == "RUN" {
	w = $2
	p = $4
	if (!(w in order)) {
		order[w] = ++nr
		name[nr] = w
	}
	if (!((w, p) in known)) {
		known[w, p] = 1
		policies[w] = policies[w] " " p
	}
	if (p == "mlproxy")
		seeds[w, ++nr_seeds[w]] = $3
	us[w, p, $3] = $6
	log_us[w, p] += log($6)
	pages[w, p] += $8
	ops[w, p] += $5
	runs[w, p]++
}

function mean_us(w, p)
{
	return exp(log_us[w, p] / runs[w, p])
}

function best_static(w,    i, n, list, best)
{
	best = default
	n = split(policies[w], list, " ")
	for (i = 1; i <= n; i++)
		if (list[i] ~ /^[0-9]+$/ && mean_us(w, list[i]) < mean_us(w, best))
			best = list[i]
	return best
}

# How much faster mlproxy is than p: ratio, low, high.
function compare(w, p,    i, n, x, sum, squares, mean, var, half)
{
	n = nr_seeds[w]
	for (i = 1; i <= n; i++) {
		x = log(us[w, p, seeds[w, i]] / us[w, "mlproxy", seeds[w, i]])
		sum += x
		squares += x * x
	}
	mean = sum / n
	ratio = exp(mean)
	half = 0
	if (n > 1) {
		var = (squares - n * mean * mean) / (n - 1)
		half = t975[n > 10 ? 9 : n - 1] * sqrt((var > 0 ? var : 0) / n)
	}
	low = exp(mean - half)
	high = exp(mean + half)
}

function window(kb)
{
	return kb == 0 ? "none" : kb >= 1024 ? kb / 1024 "M" : kb "K"
}

function per_op(w, p)
{
	return pages[w, p] / ops[w, p]
}

function row(w,    best, r, l, h)
{
	best = best_static(w)
	compare(w, default)
	r = ratio
	l = low
	h = high
	compare(w, best)
	printf "%-16s %9.2f %9.2f %-5s %9.2f   %5.2fx [%.2f, %.2f]   %5.2fx [%.2f, %.2f]   %7.2f %7.2f %7.2f\n",
	       w, mean_us(w, default), mean_us(w, best), "(" window(best) ")", mean_us(w, "mlproxy"),
	       r, l, h, ratio, low, high,
	       per_op(w, default), per_op(w, best), per_op(w, "mlproxy")
	if (csv)
		printf "%s,%s,%d,%.4f,%s,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f,%.4f\n",
		       device, w, nr_seeds[w], mean_us(w, default), best, mean_us(w, best),
		       mean_us(w, "mlproxy"), r, l, h, ratio, low, high, per_op(w, default),
		       per_op(w, best), per_op(w, "mlproxy") >> csv
	if (plot)
		printf "%s %.4f %.4f %.4f %.4f\n", w, mean_us(w, default) / mean_us(w, best),
		       r, l, h > plot
}

END {
	if (!nr)
		exit 1
	printf "%-16s %9s %15s %9s   %-20s   %-20s   %s\n", "", "default", "best static",
	       "mlproxy", "mlproxy against", "mlproxy against", "pages read per operation"
	printf "%-16s %9s %9s %5s %9s   %-20s   %-20s   %7s %7s %7s\n", "workload", "us/op",
	       "us/op", "", "us/op", "default [95 %]", "best static [95 %]", "default", "static",
	       "mlproxy"
	for (i = 1; i <= nr; i++)
		row(name[i])
}
