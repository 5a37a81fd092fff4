# whatacold: time per call with one active TCP connection
# Draws whatacold.svg and whatacold.png from whatacold.dat; to be run in their directory: gnuplot whatacold.gp
reset
if (!exists('format')) { format = 'svg' }
set encoding utf8

# Places in the picture are given in pixels from its upper left corner.
width = 1120
height = 678
sx(x) = x / (1.0 * width)
sy(y) = 1 - y / (1.0 * height)

if (format eq 'svg') {
  set terminal svg noenhanced size width,height font 'sans-serif,12' background '#ffffff'
  set output 'whatacold.svg'
  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text
} else {
  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \
    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'
  set output 'whatacold.png'
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
set bmargin at screen sy(540)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
# Title, verdict and small print.
set label 'Time per call with one active TCP connection' at screen sx(24), screen sy(30) left font bold.',18' textcolor rgb '#111111'
set label '4 of 7 shapes reproduced, 1 differs, 2 not possible here' at screen sx(24), screen sy(52) left font 'sans-serif,13' textcolor rgb '#333333'
set label 'Points: medians of 7 rounds; bands: their 95 % intervals. Both panels span the same number of decades on either axis, so slopes can be compared by eye.' at screen sx(24), screen sy(608) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Source: whatacold, linux-multiplexing-comparison. Method: N TCP connections, one of them active.' at screen sx(24), screen sy(624) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Here: CPU time of write, wait and read together, both ends in one process.' at screen sx(24), screen sy(640) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0; echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(656) left font 'sans-serif,10.5' textcolor rgb '#666666'
set xrange [794.328:18883.9]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1,000' 1000, '9,000' 9000, '15,000' 15000)
set yrange [24.7512:15025.9]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('100' 100, '1,000' 1000)
set label 'As published' at screen sx(24), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'µs per call' at screen sx(24), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'TCP connections watched' at screen sx(286), screen sy(580) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Each line's name at its right end.
set label 'poll' at graph 1.025, first 7701.76 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set label 'select' at graph 1.025, first 5896.87 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set label 'epoll' at graph 1.025, first 336 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour3 front
plot 'whatacold.dat' index 0 using (place($1)):2 with linespoints linestyle 1 title 'select', \
     'whatacold.dat' index 1 using (place($1)):2 with linespoints linestyle 2 title 'poll', \
     'whatacold.dat' index 2 using (place($1)):2 with linespoints linestyle 3 title 'epoll'

# --- Measured here ---
set lmargin at screen sx(620)
set rmargin at screen sx(1035)
set tmargin at screen sy(132)
set bmargin at screen sy(540)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
set xrange [794.328:18883.9]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1,000' 1000, '9,000' 9000, '15,000' 15000)
set yrange [7.57428:4598.19]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('10' 10, '100' 100, '1,000' 1000)
set label 'Measured here' at screen sx(566), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'µs of CPU per operation' at screen sx(566), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'TCP connections watched' at screen sx(828), screen sy(580) center font 'sans-serif,11.5' textcolor rgb '#333333'
# What could not be measured, and where.
set label 'select, poll, epoll: not possible here' at graph 0.6842, graph 0.9804 center font 'sans-serif,11.5' textcolor rgb '#555555' front
set label '' at first place(15000), graph 0.9485 point pointtype 2 pointsize 0.6 linecolor rgb '#555555' front
# Each line's name at its right end.
set label 'select' at first 9713.72, first 2071.86 left font 'sans-serif,13' textcolor rgb colour1 front
set label 'poll' at first 9713.72, first 1586.33 left font 'sans-serif,13' textcolor rgb colour2 front
set label 'epoll' at first 9713.72, first 11.547 left font 'sans-serif,13' textcolor rgb colour3 front
plot 'whatacold.dat' index 3 using (place($1)):3:4 with filledcurves fillcolor rgb colour1 fillstyle transparent solid 0.15 noborder title 'select, 95 % interval', \
     'whatacold.dat' index 4 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.15 noborder title 'poll, 95 % interval', \
     'whatacold.dat' index 5 using (place($1)):3:4 with filledcurves fillcolor rgb colour3 fillstyle transparent solid 0.15 noborder title 'epoll, 95 % interval', \
     'whatacold.dat' index 3 using (place($1)):2 with linespoints linestyle 1 title 'select', \
     'whatacold.dat' index 4 using (place($1)):2 with linespoints linestyle 2 title 'poll', \
     'whatacold.dat' index 5 using (place($1)):2 with linespoints linestyle 3 title 'epoll'
unset multiplot
unset output

# Now the same once more, as a PNG.
if (format eq 'svg') {
  format = 'png'
  load 'whatacold.gp'
}
