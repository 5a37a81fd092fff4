# libevent-1-active: time until a byte that is passed on 100 times has arrived, one active
# gnuplot libevent-1-active.gp                          draws libevent-1-active-gnuplot.svg from libevent-1-active.dat
# gnuplot -e "format = 'png'" libevent-1-active.gp    draws libevent-1-active-gnuplot.png
reset
set encoding utf8
if (!exists('format')) { format = 'svg' }
if (!exists('file')) { file = 'libevent-1-active-gnuplot.'.format }
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
set xlabel 'socket pairs watched'
set multiplot layout 1,2 title 'time until a byte that is passed on 100 times has arrived, one active'

set title 'As published'
set ylabel 'µs'
plot 'libevent-1-active.dat' index 0 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select', \
     'libevent-1-active.dat' index 1 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'libevent-1-active.dat' index 2 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll'

set title 'Measured here'
set ylabel 'µs'
plot 'libevent-1-active.dat' index 3 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select', \
     'libevent-1-active.dat' index 4 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'libevent-1-active.dat' index 5 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll'
unset multiplot
unset output
