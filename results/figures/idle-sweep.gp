# idle-sweep: service demand of all seven servers beside idle connections
# gnuplot idle-sweep.gp                          draws idle-sweep-gnuplot.svg from idle-sweep.dat
# gnuplot -e "format = 'png'" idle-sweep.gp    draws idle-sweep-gnuplot.png
reset
set encoding utf8
if (!exists('format')) { format = 'svg' }
if (!exists('file')) { file = 'idle-sweep-gnuplot.'.format }
if (format eq 'svg') {
  set terminal svg noenhanced size 1120,480 background '#ffffff'
} else {
  set terminal pngcairo noenhanced size 2*1120,960 fontscale 2 linewidth 2 pointscale 2
}
set output file
set logscale xy
at(x) = x > 0 ? x : 0.1  # 0 has no place on a logarithmic axis
set key top left
set grid
set xlabel 'idle connections'
set multiplot layout 1,2 title 'service demand of all seven servers beside idle connections'

set title 'Measured here'
set ylabel 'µs of CPU per request'
plot 'idle-sweep.dat' index 0 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b07a00' title 'threaded', \
     'idle-sweep.dat' index 1 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#766c00' title 'busy_poll', \
     'idle-sweep.dat' index 2 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select', \
     'idle-sweep.dat' index 3 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'idle-sweep.dat' index 4 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll_lt', \
     'idle-sweep.dat' index 5 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#008a65' title 'epoll_et'

set title 'Measured here: 99th percentile of the latency'
set ylabel 'µs from when a message was due'
plot 'idle-sweep.dat' index 6 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b07a00' title 'threaded', \
     'idle-sweep.dat' index 7 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#766c00' title 'busy_poll', \
     'idle-sweep.dat' index 8 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select', \
     'idle-sweep.dat' index 9 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'idle-sweep.dat' index 10 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll_lt', \
     'idle-sweep.dat' index 11 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#008a65' title 'epoll_et'
unset multiplot
unset output
