# libevent-100-active: time until 100 bytes, passed on 100 times in all, have arrived
# gnuplot libevent-100-active.gp                          draws libevent-100-active-gnuplot.svg from libevent-100-active.dat
# gnuplot -e "format = 'png'" libevent-100-active.gp    draws libevent-100-active-gnuplot.png
reset
set encoding utf8
if (!exists('format')) { format = 'svg' }
if (!exists('file')) { file = 'libevent-100-active-gnuplot.'.format }
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
set multiplot layout 1,2 title 'time until 100 bytes, passed on 100 times in all, have arrived'

set title 'As published'
set ylabel 'µs'
plot 'libevent-100-active.dat' index 0 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select', \
     'libevent-100-active.dat' index 1 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll'

set title 'Measured here'
set ylabel 'µs'
plot 'libevent-100-active.dat' index 2 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select', \
     'libevent-100-active.dat' index 3 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll', \
     'libevent-100-active.dat' index 4 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll'
unset multiplot
unset output
