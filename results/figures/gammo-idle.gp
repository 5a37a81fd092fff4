# gammo-idle: throughput of a saturated server without and with 10,000 idle connections
# gnuplot gammo-idle.gp                          draws gammo-idle-gnuplot.svg from gammo-idle.dat
# gnuplot -e "format = 'png'" gammo-idle.gp    draws gammo-idle-gnuplot.png
reset
set encoding utf8
if (!exists('format')) { format = 'svg' }
if (!exists('file')) { file = 'gammo-idle-gnuplot.'.format }
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
set xlabel 'idle connections'
set multiplot layout 1,1 title 'throughput of a saturated server without and with 10,000 idle connections'

set title 'Measured here'
set ylabel 'requests per second'
plot 'gammo-idle.dat' index 0 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll_lt', \
     'gammo-idle.dat' index 1 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#008a65' title 'epoll_et', \
     'gammo-idle.dat' index 2 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'gammo-idle.dat' index 3 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select (no limit)'
unset multiplot
unset output
