# xserver-noop: operations per second of one synchronous client beside idle ones
# Draws xserver-noop.svg and xserver-noop.png from xserver-noop.dat; to be run in their directory: gnuplot xserver-noop.gp
reset
if (!exists('format')) { format = 'svg' }
set encoding utf8

# Places in the picture are given in pixels from its upper left corner.
width = 1120
height = 738
sx(x) = x / (1.0 * width)
sy(y) = 1 - y / (1.0 * height)

if (format eq 'svg') {
  set terminal svg noenhanced size width,height font 'sans-serif,12' background '#ffffff'
  set output 'xserver-noop.svg'
  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text
} else {
  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \
    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'
  set output 'xserver-noop.png'
  bold = 'sans-serif:Bold'
}

place(x) = x

# How each line looks.
colour1 = '#00609c'  # epoll_lt
set style line 1 linecolor rgb colour1 linewidth 1.8 dashtype solid pointtype 7 pointsize 0.75
colour2 = '#b8508c'  # poll
set style line 2 linecolor rgb colour2 linewidth 1.8 dashtype solid pointtype 9 pointsize 0.75
colour3 = '#d55e00'  # select
set style line 3 linecolor rgb colour3 linewidth 1.8 dashtype solid pointtype 5 pointsize 0.75

set multiplot

# --- As published ---
set lmargin at screen sx(78)
set rmargin at screen sx(478)
set tmargin at screen sy(132)
set bmargin at screen sy(600)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
# Title, verdict and small print.
set label 'Operations per second of one synchronous client beside idle ones' at screen sx(24), screen sy(30) left font bold.',18' textcolor rgb '#111111'
set label '3 of 9 shapes reproduced, 5 differ, 1 not possible here' at screen sx(24), screen sy(52) left font 'sans-serif,13' textcolor rgb '#333333'
set label 'Points: medians of 7 rounds; bands: their 95 % intervals. Both panels span the same number of decades on either axis, so slopes can be compared by eye.' at screen sx(24), screen sy(668) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Source: x11perf -noop -sync, xorg-devel (2016). Method: one client waits for each answer before it asks again.' at screen sx(24), screen sy(684) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Here: an echo of 32 bytes instead of an X request and its reply.' at screen sx(24), screen sy(700) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0; echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(716) left font 'sans-serif,10.5' textcolor rgb '#666666'
set xrange [0.632897:3234.33]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '505' 505, '2,047' 2047)
set yrange [814.561:238827]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('2,000' 2000, '5,000' 5000, '10,000' 10000, '20,000' 20000, '50,000' 50000, '100,000' 100000)
set label 'As published' at screen sx(24), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'operations per second' at screen sx(24), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'idle clients' at screen sx(278), screen sy(640) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Each line's name at its right end.
set label 'select' at first 625.31, first 12000 left font 'sans-serif,13' textcolor rgb colour3 front
set label 'epoll_lt' at graph 1.025, first 140000 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set label 'poll' at graph 1.025, first 2000 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
plot 'xserver-noop.dat' index 0 using (place($1)):2 with linespoints linestyle 1 title 'epoll_lt', \
     'xserver-noop.dat' index 1 using (place($1)):2 with linespoints linestyle 2 title 'poll', \
     'xserver-noop.dat' index 2 using (place($1)):2 with linespoints linestyle 3 title 'select'

# --- Measured here ---
set lmargin at screen sx(620)
set rmargin at screen sx(1020)
set tmargin at screen sy(132)
set bmargin at screen sy(600)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
set xrange [0.632897:3234.33]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '505' 505, '2,047' 2047)
set yrange [247.163:72467.3]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1,000' 1000, '2,000' 2000, '5,000' 5000, '10,000' 10000, '20,000' 20000, '50,000' 50000)
set label 'Measured here' at screen sx(566), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'operations per second' at screen sx(566), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'idle clients' at screen sx(820), screen sy(640) center font 'sans-serif,11.5' textcolor rgb '#333333'
# What could not be measured, and where.
set label 'select: limit 1024' at graph 0.8446, graph 0.9829 center font 'sans-serif,11.5' textcolor rgb colour3 front
set label '' at first place(2047), graph 0.9551 point pointtype 2 pointsize 0.6 linecolor rgb colour3 front
# Where looking at every descriptor does better than epoll.
set label 'poll does more than epoll_lt: 1.28 [1.09, 1.33] times' at graph 0.5424, graph 0.0449 center font 'sans-serif,11.5' textcolor rgb colour2 front
set label '' at first place(505), graph 0.0171 point pointtype 8 pointsize 0.6 linecolor rgb colour2 front
set label 'select does more than epoll_lt: 1.27 [1.12, 1.31] times' at graph 0.5252, graph 0.1090 center font 'sans-serif,11.5' textcolor rgb colour3 front
set label '' at first place(505), graph 0.0812 point pointtype 8 pointsize 0.6 linecolor rgb colour3 front
# Each line's name at its right end.
set label 'select' at first 625.31, first 9360 left font 'sans-serif,13' textcolor rgb colour3 front
set label 'epoll_lt' at graph 1.025, first 7065 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set label 'poll' at graph 1.025, first 2785 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
plot 'xserver-noop.dat' index 3 using (place($1)):3:4 with filledcurves fillcolor rgb colour1 fillstyle transparent solid 0.15 noborder title 'epoll_lt, 95 % interval', \
     'xserver-noop.dat' index 4 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.15 noborder title 'poll, 95 % interval', \
     'xserver-noop.dat' index 5 using (place($1)):3:4 with filledcurves fillcolor rgb colour3 fillstyle transparent solid 0.15 noborder title 'select, 95 % interval', \
     'xserver-noop.dat' index 3 using (place($1)):2 with linespoints linestyle 1 title 'epoll_lt', \
     'xserver-noop.dat' index 4 using (place($1)):2 with linespoints linestyle 2 title 'poll', \
     'xserver-noop.dat' index 5 using (place($1)):2 with linespoints linestyle 3 title 'select'
unset multiplot
unset output

# Now the same once more, as a PNG.
if (format eq 'svg') {
  format = 'png'
  load 'xserver-noop.gp'
}
