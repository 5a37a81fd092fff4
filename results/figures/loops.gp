# loops: CPU per request against the number of workers, all on one CPU
# gnuplot loops.gp                          draws loops-gnuplot.svg from loops.dat
# gnuplot -e "format = 'png'" loops.gp    draws loops-gnuplot.png
reset
set encoding utf8
if (!exists('format')) { format = 'svg' }
if (!exists('file')) { file = 'loops-gnuplot.'.format }
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
set xlabel 'workers: loops of reuseport, threads behind the reactor'
set multiplot layout 1,2 title 'CPU per request against the number of workers, all on one CPU'

set title 'Measured here'
set ylabel 'µs of CPU per request'
plot 'loops.dat' index 0 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#a03c3c' title 'reuseport', \
     'loops.dat' index 1 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#7d4a9e' title 'reactor_workers'

set title 'Measured here: requests of the busiest worker over the mean'
set ylabel 'times'
plot 'loops.dat' index 2 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#a03c3c' title 'reuseport', \
     'loops.dat' index 3 using (at($1)):2:3:4 with yerrorlines linecolor rgb '#7d4a9e' title 'reactor_workers'
unset multiplot
unset output
