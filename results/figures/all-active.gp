# all-active: echoes per second when every client is active
# gnuplot all-active.gp                          draws all-active-gnuplot.svg from all-active.dat
# gnuplot -e "format = 'png'" all-active.gp    draws all-active-gnuplot.png
reset
set encoding utf8
if (!exists('format')) { format = 'svg' }
if (!exists('file')) { file = 'all-active-gnuplot.'.format }
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
set xlabel 'clients, all of them active'
set multiplot layout 1,2 title 'echoes per second when every client is active'

set title 'As published'
set ylabel 'echoes per second'
plot 'all-active.dat' index 0 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'all-active.dat' index 1 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#008a65' title 'epoll_et'

set title 'Measured here'
set ylabel 'echoes per second'
plot 'all-active.dat' index 2 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'all-active.dat' index 3 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#008a65' title 'epoll_et'
unset multiplot
unset output
