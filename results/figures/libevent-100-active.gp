# libevent-100-active: time until 100 bytes, passed on 100 times in all, have arrived
# Draws libevent-100-active.svg and libevent-100-active.png from libevent-100-active.dat; to be run in their directory: gnuplot libevent-100-active.gp
reset
if (!exists('format')) { format = 'svg' }
set encoding utf8

# Places in the picture are given in pixels from its upper left corner.
width = 1120
height = 708
sx(x) = x / (1.0 * width)
sy(y) = 1 - y / (1.0 * height)

if (format eq 'svg') {
  set terminal svg noenhanced size width,height font 'sans-serif,12' background '#ffffff'
  set output 'libevent-100-active.svg'
  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text
} else {
  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \
    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'
  set output 'libevent-100-active.png'
  bold = 'sans-serif:Bold'
}

place(x) = x

# How each line looks.
colour1 = '#d55e00'  # select
set style line 1 linecolor rgb colour1 linewidth 1.8 dashtype solid pointtype 5 pointsize 0.75
colour2 = '#00609c'  # epoll
set style line 2 linecolor rgb colour2 linewidth 1.8 dashtype solid pointtype 7 pointsize 0.75
colour3 = '#b8508c'  # poll
set style line 3 linecolor rgb colour3 linewidth 1.8 dashtype solid pointtype 9 pointsize 0.75

set multiplot

# --- As published ---
set lmargin at screen sx(78)
set rmargin at screen sx(493)
set tmargin at screen sy(132)
set bmargin at screen sy(570)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
# Title, verdict and small print.
set label 'Time until 100 bytes, passed on 100 times in all, have arrived' at screen sx(24), screen sy(30) left font bold.',18' textcolor rgb '#111111'
set label '3 of 5 shapes reproduced, 1 differs, 1 not possible here' at screen sx(24), screen sy(52) left font 'sans-serif,13' textcolor rgb '#333333'
set label 'Points: medians of 7 rounds; bands: their 95 % intervals. Both panels span the same number of decades on either axis, so slopes can be compared by eye.' at screen sx(24), screen sy(638) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Source: libevent''s test/bench.c, as published by coroio (i7-12800H). Method: n socket pairs in one process, 100 active; median of 25 runs.' at screen sx(24), screen sy(654) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Here: seven rounds of these; how often bytes are passed on is not published, 100 here.' at screen sx(24), screen sy(670) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0; echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(686) left font 'sans-serif,10.5' textcolor rgb '#666666'
set xrange [95.6704:21920.6]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('128' 128, '256' 256, '512' 512, '1,024' 1024, '2,048' 2048, '8,192' 8192, '16,384' 16384)
set yrange [347.272:6486.68]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('500' 500, '1,000' 1000, '2,000' 2000, '5,000' 5000)
set label 'As published' at screen sx(24), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'µs' at screen sx(24), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'socket pairs watched' at screen sx(286), screen sy(610) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Where looking at every descriptor does better than epoll.
set label 'select costs less than epoll: 0.936 times' at graph 0.3503, graph 0.0479 center font 'sans-serif,11.5' textcolor rgb colour1 front
set label '' at first place(256), graph 0.0183 point pointtype 8 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(512), graph 0.0183 point pointtype 8 pointsize 0.6 linecolor rgb colour1 front
# Each line's name at its right end.
set label 'select' at graph 1.025, first 4834 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set label 'epoll' at graph 1.025, first 1551 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
plot 'libevent-100-active.dat' index 0 using (place($1)):2 with linespoints linestyle 1 title 'select', \
     'libevent-100-active.dat' index 1 using (place($1)):2 with linespoints linestyle 2 title 'epoll'

# --- Measured here ---
set lmargin at screen sx(620)
set rmargin at screen sx(1035)
set tmargin at screen sy(132)
set bmargin at screen sy(570)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
set xrange [95.6704:21920.6]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('128' 128, '256' 256, '512' 512, '1,024' 1024, '2,048' 2048, '8,192' 8192, '16,384' 16384)
set yrange [395.457:7386.71]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('500' 500, '1,000' 1000, '2,000' 2000, '5,000' 5000)
set label 'Measured here' at screen sx(566), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'µs' at screen sx(566), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'socket pairs watched' at screen sx(828), screen sy(610) center font 'sans-serif,11.5' textcolor rgb '#333333'
# What could not be measured, and where.
set label 'select, epoll, poll: not possible here' at graph 0.6842, graph 0.9817 center font 'sans-serif,11.5' textcolor rgb '#555555' front
set label '' at first place(16384), graph 0.9521 point pointtype 2 pointsize 0.6 linecolor rgb '#555555' front
# Each line's name at its right end.
set label 'select' at first 10368.2, first 2965.81 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set arrow from first place(8192), first 2817.34 to first 10368.2, first 2965.81 nohead linecolor rgb colour1 linewidth 0.6
set label 'poll' at first 10368.2, first 2647.27 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour3 front
set arrow from first place(8192), first 2786.78 to first 10368.2, first 2647.27 nohead linecolor rgb colour3 linewidth 0.6
set label 'epoll' at first 9337.53, first 788.511 left font 'sans-serif,13' textcolor rgb colour2 front
plot 'libevent-100-active.dat' index 2 using (place($1)):3:4 with filledcurves fillcolor rgb colour1 fillstyle transparent solid 0.15 noborder title 'select, 95 % interval', \
     'libevent-100-active.dat' index 3 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.15 noborder title 'epoll, 95 % interval', \
     'libevent-100-active.dat' index 4 using (place($1)):3:4 with filledcurves fillcolor rgb colour3 fillstyle transparent solid 0.15 noborder title 'poll, 95 % interval', \
     'libevent-100-active.dat' index 2 using (place($1)):2 with linespoints linestyle 1 title 'select', \
     'libevent-100-active.dat' index 3 using (place($1)):2 with linespoints linestyle 2 title 'epoll', \
     'libevent-100-active.dat' index 4 using (place($1)):2 with linespoints linestyle 3 title 'poll'
unset multiplot
unset output

# Now the same once more, as a PNG.
if (format eq 'svg') {
  format = 'png'
  load 'libevent-100-active.gp'
}
