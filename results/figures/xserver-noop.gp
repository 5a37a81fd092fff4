# xserver-noop: operations per second of one synchronous client beside idle ones
# gnuplot xserver-noop.gp                          draws xserver-noop-gnuplot.svg from xserver-noop.dat
# gnuplot -e "format = 'png'" xserver-noop.gp    draws xserver-noop-gnuplot.png
reset
set encoding utf8
if (!exists('format')) { format = 'svg' }
if (!exists('file')) { file = 'xserver-noop-gnuplot.'.format }
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
set xlabel 'idle clients'
set multiplot layout 1,2 title 'operations per second of one synchronous client beside idle ones'

set title 'As published'
set ylabel 'operations per second'
plot 'xserver-noop.dat' index 0 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll_lt', \
     'xserver-noop.dat' index 1 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'xserver-noop.dat' index 2 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select'

set title 'Measured here'
set ylabel 'operations per second'
plot 'xserver-noop.dat' index 3 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll_lt', \
     'xserver-noop.dat' index 4 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'xserver-noop.dat' index 5 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select'
unset multiplot
unset output
