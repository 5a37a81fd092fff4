# libevent-1-active: time until a byte that is passed on 100 times has arrived, one active
# Draws libevent-1-active.svg and libevent-1-active.png from libevent-1-active.dat; to be run in their directory: gnuplot libevent-1-active.gp
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
  set output 'libevent-1-active.svg'
  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text
} else {
  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \
    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'
  set output 'libevent-1-active.png'
  bold = 'sans-serif:Bold'
}

place(x) = x

# How each line looks.
colour1 = '#d55e00'  # select
set style line 1 linecolor rgb colour1 linewidth 1.8 dashtype solid pointtype 5 pointsize 0.75
colour2 = '#b8508c'  # poll
set style line 2 linecolor rgb colour2 linewidth 1.8 dashtype solid pointtype 9 pointsize 0.75
colour3 = '#00609c'  # epoll
set style line 3 linecolor rgb colour3 linewidth 1.8 dashtype solid pointtype 7 pointsize 0.75

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
set label 'Time until a byte that is passed on 100 times has arrived, one active' at screen sx(24), screen sy(30) left font bold.',18' textcolor rgb '#111111'
set label '7 of 11 shapes reproduced, 4 not possible here' at screen sx(24), screen sy(52) left font 'sans-serif,13' textcolor rgb '#333333'
set label 'Points: medians of 7 rounds; bands: their 95 % intervals. Both panels span the same number of decades on either axis, so slopes can be compared by eye.' at screen sx(24), screen sy(638) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Source: libevent''s test/bench.c, as published by coroio (i7-12800H). Method: n socket pairs in one process; median of 25 runs.' at screen sx(24), screen sy(654) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Here: seven rounds of these; io_uring and libevent itself are not part of this suite.' at screen sx(24), screen sy(670) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0; echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(686) left font 'sans-serif,10.5' textcolor rgb '#666666'
set xrange [0.493116:265803]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '1,024' 1024, '16,384' 16384, '131,072' 131072)
set yrange [19.6268:1.56768e+06]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('100' 100, '1,000' 1000, '10,000' 10000, '100,000' 100000)
set label 'As published' at screen sx(24), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'µs' at screen sx(24), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'socket pairs watched' at screen sx(286), screen sy(610) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Where looking at every descriptor does better than epoll.
set label 'poll costs less than epoll: 0.953 times' at graph 0.3337, graph 0.0479 center font 'sans-serif,11.5' textcolor rgb colour2 front
set label '' at first place(1), graph 0.0183 point pointtype 8 pointsize 0.6 linecolor rgb colour2 front
# Each line's name at its right end.
set label 'select' at graph 1.025, first 618384 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set arrow from first place(131072), first 504405 to graph 1.02, first 618384 nohead linecolor rgb colour1 linewidth 0.6
set label 'poll' at graph 1.025, first 399008 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set arrow from first place(131072), first 489171 to graph 1.02, first 399008 nohead linecolor rgb colour2 linewidth 0.6
set label 'epoll' at graph 1.025, first 124 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour3 front
plot 'libevent-1-active.dat' index 0 using (place($1)):2 with linespoints linestyle 1 title 'select', \
     'libevent-1-active.dat' index 1 using (place($1)):2 with linespoints linestyle 2 title 'poll', \
     'libevent-1-active.dat' index 2 using (place($1)):2 with linespoints linestyle 3 title 'epoll'

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
set xrange [0.493116:265803]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '1,024' 1024, '16,384' 16384, '131,072' 131072)
set yrange [24.4082:1.9496e+06]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('100' 100, '1,000' 1000, '10,000' 10000, '100,000' 100000)
set label 'Measured here' at screen sx(566), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'µs' at screen sx(566), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'socket pairs watched' at screen sx(828), screen sy(610) center font 'sans-serif,11.5' textcolor rgb '#333333'
# What could not be measured, and where.
set label 'select, poll, epoll: not possible here' at graph 0.6842, graph 0.9817 center font 'sans-serif,11.5' textcolor rgb '#555555' front
set label '' at first place(16384), graph 0.9521 point pointtype 2 pointsize 0.6 linecolor rgb '#555555' front
set label '' at first place(131072), graph 0.9521 point pointtype 2 pointsize 0.6 linecolor rgb '#555555' front
# Each line's name at its right end.
set label 'select' at first 14516.8, first 108903 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set arrow from first place(8192), first 88577.5 to first 14516.8, first 108903 nohead linecolor rgb colour1 linewidth 0.6
set label 'poll' at first 14516.8, first 70268.8 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set arrow from first place(8192), first 86392.8 to first 14516.8, first 70268.8 nohead linecolor rgb colour2 linewidth 0.6
set label 'epoll' at first 11257.3, first 517.719 left font 'sans-serif,13' textcolor rgb colour3 front
plot 'libevent-1-active.dat' index 3 using (place($1)):3:4 with filledcurves fillcolor rgb colour1 fillstyle transparent solid 0.15 noborder title 'select, 95 % interval', \
     'libevent-1-active.dat' index 4 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.15 noborder title 'poll, 95 % interval', \
     'libevent-1-active.dat' index 5 using (place($1)):3:4 with filledcurves fillcolor rgb colour3 fillstyle transparent solid 0.15 noborder title 'epoll, 95 % interval', \
     'libevent-1-active.dat' index 3 using (place($1)):2 with linespoints linestyle 1 title 'select', \
     'libevent-1-active.dat' index 4 using (place($1)):2 with linespoints linestyle 2 title 'poll', \
     'libevent-1-active.dat' index 5 using (place($1)):2 with linespoints linestyle 3 title 'epoll'
unset multiplot
unset output

# Now the same once more, as a PNG.
if (format eq 'svg') {
  format = 'png'
  load 'libevent-1-active.gp'
}
