# tlpi-63-9: CPU seconds for 100,000 monitoring operations, one descriptor ready in each
# gnuplot tlpi-63-9.gp                          draws tlpi-63-9-gnuplot.svg from tlpi-63-9.dat
# gnuplot -e "format = 'png'" tlpi-63-9.gp    draws tlpi-63-9-gnuplot.png
reset
set encoding utf8
if (!exists('format')) { format = 'svg' }
if (!exists('file')) { file = 'tlpi-63-9-gnuplot.'.format }
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
set xlabel 'pipes watched'
set multiplot layout 1,2 title 'CPU seconds for 100,000 monitoring operations, one descriptor ready in each'

set title 'As published'
set ylabel 'CPU seconds per 100,000 operations'
plot 'tlpi-63-9.dat' index 0 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'tlpi-63-9.dat' index 1 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select', \
     'tlpi-63-9.dat' index 2 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll'

set title 'Measured here'
set ylabel 'CPU seconds per 100,000 operations'
plot 'tlpi-63-9.dat' index 3 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#b8508c' title 'poll', \
     'tlpi-63-9.dat' index 4 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#d55e00' title 'select', \
     'tlpi-63-9.dat' index 5 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#00609c' title 'epoll'
unset multiplot
unset output
