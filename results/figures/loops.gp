# loops: CPU per request against the number of workers, all on one CPU
# Draws loops.svg and loops.png from loops.dat; to be run in their directory: gnuplot loops.gp
reset
if (!exists('format')) { format = 'svg' }
set encoding utf8

# Places in the picture are given in pixels from its upper left corner.
width = 1120
height = 648
sx(x) = x / (1.0 * width)
sy(y) = 1 - y / (1.0 * height)

if (format eq 'svg') {
  set terminal svg noenhanced size width,height font 'sans-serif,12' background '#ffffff'
  set output 'loops.svg'
  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text
} else {
  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \
    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'
  set output 'loops.png'
  bold = 'sans-serif:Bold'
}

place(x) = x

# How each line looks.
colour1 = '#a03c3c'  # reuseport
set style line 1 linecolor rgb colour1 linewidth 1.8 dashtype (4,2) pointtype 7 pointsize 0.75
colour2 = '#7d4a9e'  # reactor_workers
set style line 2 linecolor rgb colour2 linewidth 1.8 dashtype (4,2) pointtype 5 pointsize 0.75

set multiplot

# --- Measured here ---
set lmargin at screen sx(78)
set rmargin at screen sx(423)
set tmargin at screen sy(132)
set bmargin at screen sy(510)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
# Title, verdict and small print.
set label 'CPU per request against the number of workers, all on one CPU' at screen sx(24), screen sy(30) left font bold.',18' textcolor rgb '#111111'
set label 'measured here; nothing was published as numbers' at screen sx(24), screen sy(52) left font 'sans-serif,13' textcolor rgb '#333333'
set label 'Points: medians of 7 rounds; bands: their 95 % intervals.' at screen sx(24), screen sy(578) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Source: this suite''s own. Method: 50 connections that ask again as soon as they are answered; the server is pinned to one CPU, so that more workers bring nothing, and' at screen sx(24), screen sy(594) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'what they cost is seen.' at screen sx(24), screen sy(610) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0; echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(626) left font 'sans-serif,10.5' textcolor rgb '#666666'
set xrange [0.794328:10.0714]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '2' 2, '4' 4, '8' 8)
set yrange [4.35186:52.3208]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('5' 5, '10' 10, '20' 20, '50' 50)
set label 'Measured here' at screen sx(24), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'µs of CPU per request' at screen sx(24), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'workers: loops of reuseport, threads behind the reactor' at screen sx(250), screen sy(550) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Each line's name at its right end.
set label 'reactor_workers' at graph 1.025, first 17.4309 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set label 'reuseport' at graph 1.025, first 14.9248 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
plot 'loops.dat' index 0 using (place($1)):3:4 with filledcurves fillcolor rgb colour1 fillstyle transparent solid 0.15 noborder title 'reuseport, 95 % interval', \
     'loops.dat' index 1 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.15 noborder title 'reactor_workers, 95 % interval', \
     'loops.dat' index 0 using (place($1)):2 with linespoints linestyle 1 title 'reuseport', \
     'loops.dat' index 1 using (place($1)):2 with linespoints linestyle 2 title 'reactor_workers'

# --- Measured here: requests of the busiest worker over the mean ---
set lmargin at screen sx(620)
set rmargin at screen sx(965)
set tmargin at screen sy(132)
set bmargin at screen sy(510)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
set xrange [0.794328:10.0714]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '2' 2, '4' 4, '8' 8)
set yrange [0.399785:4.80647]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('0.5' 0.5, '1' 1, '2' 2)
set label 'Measured here: requests of the busiest worker over the mean' at screen sx(566), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'times' at screen sx(566), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'workers: loops of reuseport, threads behind the reactor' at screen sx(792), screen sy(550) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Each line's name at its right end.
set label 'reuseport' at graph 1.025, first 1.60776 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set label 'reactor_workers' at graph 1.025, first 1.07911 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
plot 'loops.dat' index 2 using (place($1)):3:4 with filledcurves fillcolor rgb colour1 fillstyle transparent solid 0.15 noborder title 'reuseport, 95 % interval', \
     'loops.dat' index 3 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.15 noborder title 'reactor_workers, 95 % interval', \
     'loops.dat' index 2 using (place($1)):2 with linespoints linestyle 1 title 'reuseport', \
     'loops.dat' index 3 using (place($1)):2 with linespoints linestyle 2 title 'reactor_workers'
unset multiplot
unset output

# Now the same once more, as a PNG.
if (format eq 'svg') {
  format = 'png'
  load 'loops.gp'
}
