# idle-sweep: service demand of all seven servers beside idle connections
# Draws idle-sweep.svg and idle-sweep.png from idle-sweep.dat; to be run in their directory: gnuplot idle-sweep.gp
reset
if (!exists('format')) { format = 'svg' }
set encoding utf8

# Places in the picture are given in pixels from its upper left corner.
width = 1120
height = 692
sx(x) = x / (1.0 * width)
sy(y) = 1 - y / (1.0 * height)

if (format eq 'svg') {
  set terminal svg noenhanced size width,height font 'sans-serif,12' background '#ffffff'
  set output 'idle-sweep.svg'
  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text
} else {
  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \
    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'
  set output 'idle-sweep.png'
  bold = 'sans-serif:Bold'
}

place(x) = x

# How each line looks.
colour1 = '#3596cf'  # blocking
set style line 1 linecolor rgb colour1 linewidth 1.8 dashtype solid pointtype 11 pointsize 0.75
colour2 = '#b07a00'  # threaded
set style line 2 linecolor rgb colour2 linewidth 1.8 dashtype solid pointtype 2 pointsize 0.75
colour3 = '#766c00'  # busy_poll
set style line 3 linecolor rgb colour3 linewidth 1.8 dashtype solid pointtype 3 pointsize 0.75
colour4 = '#d55e00'  # select
set style line 4 linecolor rgb colour4 linewidth 1.8 dashtype solid pointtype 5 pointsize 0.75
colour5 = '#b8508c'  # poll
set style line 5 linecolor rgb colour5 linewidth 1.8 dashtype solid pointtype 9 pointsize 0.75
colour6 = '#00609c'  # epoll_lt
set style line 6 linecolor rgb colour6 linewidth 1.8 dashtype solid pointtype 7 pointsize 0.75
colour7 = '#008a65'  # epoll_et
set style line 7 linecolor rgb colour7 linewidth 1.8 dashtype solid pointtype 13 pointsize 0.75

set multiplot

# --- Measured here ---
set lmargin at screen sx(78)
set rmargin at screen sx(470)
set tmargin at screen sy(132)
set bmargin at screen sy(570)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
# Title, verdict and small print.
set label 'Service demand of all seven servers beside idle connections' at screen sx(24), screen sy(30) left font bold.',18' textcolor rgb '#111111'
set label 'measured here; nothing was published as numbers' at screen sx(24), screen sy(52) left font 'sans-serif,13' textcolor rgb '#333333'
set label 'Points: medians of 7 rounds; bands: their 95 % intervals.' at screen sx(24), screen sy(638) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Source: this suite''s own. Method: 10 active connections, 1,000 requests per second in all, open loop.' at screen sx(24), screen sy(654) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0; echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(670) left font 'sans-serif,10.5' textcolor rgb '#666666'
set xrange [0.57544:17378]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '10' 10, '100' 100, '1,000' 1000, '10,000' 10000)
set yrange [4.40488:203548]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('10' 10, '100' 100, '1,000' 1000, '10,000' 10000)
set label 'Measured here' at screen sx(24), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'µs of CPU per request' at screen sx(24), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'idle connections' at screen sx(274), screen sy(610) center font 'sans-serif,11.5' textcolor rgb '#333333'
# What could not be measured, and where.
set label 'select: limit 1024' at graph 0.8415, graph 0.9817 center font 'sans-serif,11.5' textcolor rgb colour4 front
set label '' at first place(10000), graph 0.9521 point pointtype 2 pointsize 0.6 linecolor rgb colour4 front
set label 'blocking: starved' at graph 0.5000, graph 0.9132 center font 'sans-serif,11.5' textcolor rgb colour1 front
set label '' at first place(1), graph 0.8836 point pointtype 2 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(10), graph 0.8836 point pointtype 2 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(100), graph 0.8836 point pointtype 2 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(1000), graph 0.8836 point pointtype 2 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(10000), graph 0.8836 point pointtype 2 pointsize 0.6 linecolor rgb colour1 front
# Each line's name at its right end.
set label 'select' at first 1234.45, first 288.067 left font 'sans-serif,13' textcolor rgb colour4 front
set label 'busy_poll' at graph 1.025, first 2231.99 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour3 front
set label 'poll' at graph 1.025, first 979.495 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour5 front
set label 'epoll_et' at graph 1.025, first 159.915 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour7 front
set arrow from first place(10000), first 125.403 to graph 1.02, first 159.915 nohead linecolor rgb colour7 linewidth 0.6
set label 'threaded' at graph 1.025, first 105.4 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set label 'epoll_lt' at graph 1.025, first 69.4684 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour6 front
set arrow from first place(10000), first 94.7067 to graph 1.02, first 69.4684 nohead linecolor rgb colour6 linewidth 0.6
plot 'idle-sweep.dat' index 0 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.08 noborder title 'threaded, 95 % interval', \
     'idle-sweep.dat' index 1 using (place($1)):3:4 with filledcurves fillcolor rgb colour3 fillstyle transparent solid 0.08 noborder title 'busy_poll, 95 % interval', \
     'idle-sweep.dat' index 2 using (place($1)):3:4 with filledcurves fillcolor rgb colour4 fillstyle transparent solid 0.08 noborder title 'select, 95 % interval', \
     'idle-sweep.dat' index 3 using (place($1)):3:4 with filledcurves fillcolor rgb colour5 fillstyle transparent solid 0.08 noborder title 'poll, 95 % interval', \
     'idle-sweep.dat' index 4 using (place($1)):3:4 with filledcurves fillcolor rgb colour6 fillstyle transparent solid 0.08 noborder title 'epoll_lt, 95 % interval', \
     'idle-sweep.dat' index 5 using (place($1)):3:4 with filledcurves fillcolor rgb colour7 fillstyle transparent solid 0.08 noborder title 'epoll_et, 95 % interval', \
     'idle-sweep.dat' index 0 using (place($1)):2 with linespoints linestyle 2 title 'threaded', \
     'idle-sweep.dat' index 1 using (place($1)):2 with linespoints linestyle 3 title 'busy_poll', \
     'idle-sweep.dat' index 2 using (place($1)):2 with linespoints linestyle 4 title 'select', \
     'idle-sweep.dat' index 3 using (place($1)):2 with linespoints linestyle 5 title 'poll', \
     'idle-sweep.dat' index 4 using (place($1)):2 with linespoints linestyle 6 title 'epoll_lt', \
     'idle-sweep.dat' index 5 using (place($1)):2 with linespoints linestyle 7 title 'epoll_et'

# --- Measured here: 99th percentile of the latency ---
set lmargin at screen sx(620)
set rmargin at screen sx(1012)
set tmargin at screen sy(132)
set bmargin at screen sy(570)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
set xrange [0.57544:17378]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '10' 10, '100' 100, '1,000' 1000, '10,000' 10000)
set yrange [114.232:5.27861e+06]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1,000' 1000, '10,000' 10000, '100,000' 100000, '1,000,000' 1000000)
set label 'Measured here: 99th percentile of the latency' at screen sx(566), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'µs from when a message was due' at screen sx(566), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'idle connections' at screen sx(816), screen sy(610) center font 'sans-serif,11.5' textcolor rgb '#333333'
# What could not be measured, and where.
set label 'select: limit 1024' at graph 0.8415, graph 0.9817 center font 'sans-serif,11.5' textcolor rgb colour4 front
set label '' at first place(10000), graph 0.9521 point pointtype 2 pointsize 0.6 linecolor rgb colour4 front
set label 'blocking: starved' at graph 0.5000, graph 0.9132 center font 'sans-serif,11.5' textcolor rgb colour1 front
set label '' at first place(1), graph 0.8836 point pointtype 2 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(10), graph 0.8836 point pointtype 2 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(100), graph 0.8836 point pointtype 2 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(1000), graph 0.8836 point pointtype 2 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(10000), graph 0.8836 point pointtype 2 pointsize 0.6 linecolor rgb colour1 front
# Each line's name at its right end.
set label 'select' at first 656.22, first 5009.51 right font 'sans-serif,13' textcolor rgb colour4 front
set arrow from first place(1000), first 1702.91 to first 656.22, first 5009.51 nohead linecolor rgb colour4 linewidth 0.6
set label 'busy_poll' at graph 1.025, first 844104 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour3 front
set label 'poll' at graph 1.025, first 16744.4 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour5 front
set label 'epoll_et' at graph 1.025, first 9740.29 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour7 front
set label 'epoll_lt' at graph 1.025, first 5334.14 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour6 front
set label 'threaded' at graph 1.025, first 3515.71 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
plot 'idle-sweep.dat' index 6 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.08 noborder title 'threaded, 95 % interval', \
     'idle-sweep.dat' index 7 using (place($1)):3:4 with filledcurves fillcolor rgb colour3 fillstyle transparent solid 0.08 noborder title 'busy_poll, 95 % interval', \
     'idle-sweep.dat' index 8 using (place($1)):3:4 with filledcurves fillcolor rgb colour4 fillstyle transparent solid 0.08 noborder title 'select, 95 % interval', \
     'idle-sweep.dat' index 9 using (place($1)):3:4 with filledcurves fillcolor rgb colour5 fillstyle transparent solid 0.08 noborder title 'poll, 95 % interval', \
     'idle-sweep.dat' index 10 using (place($1)):3:4 with filledcurves fillcolor rgb colour6 fillstyle transparent solid 0.08 noborder title 'epoll_lt, 95 % interval', \
     'idle-sweep.dat' index 11 using (place($1)):3:4 with filledcurves fillcolor rgb colour7 fillstyle transparent solid 0.08 noborder title 'epoll_et, 95 % interval', \
     'idle-sweep.dat' index 6 using (place($1)):2 with linespoints linestyle 2 title 'threaded', \
     'idle-sweep.dat' index 7 using (place($1)):2 with linespoints linestyle 3 title 'busy_poll', \
     'idle-sweep.dat' index 8 using (place($1)):2 with linespoints linestyle 4 title 'select', \
     'idle-sweep.dat' index 9 using (place($1)):2 with linespoints linestyle 5 title 'poll', \
     'idle-sweep.dat' index 10 using (place($1)):2 with linespoints linestyle 6 title 'epoll_lt', \
     'idle-sweep.dat' index 11 using (place($1)):2 with linespoints linestyle 7 title 'epoll_et'
unset multiplot
unset output

# Now the same once more, as a PNG.
if (format eq 'svg') {
  format = 'png'
  load 'idle-sweep.gp'
}
