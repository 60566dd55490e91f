# SPDX-License-Identifier: GPL-2.0-only
#
# The demo's plot: speed against the kernel's default, per device model.
# gnuplot -e "dir='build/demo'; picture='build/demo/speed.png'; static='best static window'" table.gp

set terminal pngcairo size 1100,720 font "sans,10"
set output picture
set multiplot layout 2,1
set style data histogram
set style histogram errorbars gap 1 lw 1
set style fill solid 0.85 border -1
set boxwidth 0.9
set grid ytics lc rgb "#dddddd"
set key outside top right horizontal
set yrange [0:*]
set ylabel "speed, kernel default = 1"
set arrow from graph 0,first 1 to graph 1,first 1 nohead lw 1.5 lc rgb "#555555" front
do for [d in "nvme cloud"] {
	set title (d eq "nvme" ? "nvme: 80 us, 2 GB/s" : "cloud volume: 800 us, 250 MB/s, 16,000 a second")
	plot dir."/plot-".d.".dat" using 2:2:2:xtic(1) title static lc rgb "#9aa5b1", \
	     "" using 3:4:5 title "mlproxy (95 % interval)" lc rgb "#2f6fb3"
}
unset multiplot
