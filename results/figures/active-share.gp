# active-share: CPU per request against the share of 1,000 connections that are active
# gnuplot active-share.gp                          draws active-share-gnuplot.svg from active-share.dat
# gnuplot -e "format = 'png'" active-share.gp    draws active-share-gnuplot.png
reset
set encoding utf8
if (!exists('format')) { format = 'svg' }
if (!exists('file')) { file = 'active-share-gnuplot.'.format }
if (format eq 'svg') {
  set terminal svg noenhanced size 560,480 background '#ffffff'
} else {
  set terminal pngcairo noenhanced size 2*560,960 fontscale 2 linewidth 2 pointscale 2
}
set output file
set logscale xy
at(x) = x > 0 ? x : 0.1  # 0 has no place on a logarithmic axis
set key top left
set grid
set xlabel 'active connections, of 1,000'
set multiplot layout 1,1 title 'CPU per request against the share of 1,000 connections that are active'

set title 'Measured here'
set ylabel 'µs of CPU per request'
plot 'active-share.dat' index 0 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select (no limit)', \
     'active-share.dat' index 1 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'active-share.dat' index 2 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll_lt', \
     'active-share.dat' index 3 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#008a65' title 'epoll_et'
unset multiplot
unset output
