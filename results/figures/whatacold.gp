# whatacold: time per call with one active TCP connection
# gnuplot whatacold.gp                          draws whatacold-gnuplot.svg from whatacold.dat
# gnuplot -e "format = 'png'" whatacold.gp    draws whatacold-gnuplot.png
reset
set encoding utf8
if (!exists('format')) { format = 'svg' }
if (!exists('file')) { file = 'whatacold-gnuplot.'.format }
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
set xlabel 'TCP connections watched'
set multiplot layout 1,2 title 'time per call with one active TCP connection'

set title 'As published'
set ylabel 'µs per call'
plot 'whatacold.dat' index 0 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select', \
     'whatacold.dat' index 1 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'whatacold.dat' index 2 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll'

set title 'Measured here'
set ylabel 'µs of CPU per operation'
plot 'whatacold.dat' index 3 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select', \
     'whatacold.dat' index 4 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'whatacold.dat' index 5 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll'
unset multiplot
unset output
