# SPDX-License-Identifier: GPL-2.0-only
#
# One device model's plot: speed against the kernel's default.
# gnuplot -e "data='plot-nvme.dat'; name='nvme'; picture='nvme.png'" \
#	-e "static='best static window'" results.gp

stats data using 1 nooutput
set terminal pngcairo size 760,170 + 17 * (STATS_max + 1) font "sans,9"
set output picture
set title name." model: speed, kernel default = 1"
set logscale x 2
set grid xtics ytics lc rgb "#e4e4e4"
set key outside bottom center horizontal
set yrange [-0.7:STATS_max + 0.7]
set arrow from 1, graph 0 to 1, graph 1 nohead lw 1.5 lc rgb "#555555"
set datafile missing "nan"
plot data using 3:1:ytic(2) with points pt 7 ps 1 lc rgb "#9aa5b1" title static, \
     "" using 4:1 with points pt 2 ps 0.9 lc rgb "#d08a2e" title "rule", \
     "" using 5:1 with points pt 6 ps 1.4 lc rgb "#3f9b52" title "oracle", \
     "" using 6:1:7:8 with xerrorbars pt 7 ps 0.7 lw 1.5 lc rgb "#2f6fb3" title "mlproxy (95 %)"
