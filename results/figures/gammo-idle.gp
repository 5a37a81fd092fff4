# gammo-idle: throughput of a saturated server without and with 10,000 idle connections
# Draws gammo-idle.svg and gammo-idle.png from gammo-idle.dat; to be run in their directory: gnuplot gammo-idle.gp
reset
if (!exists('format')) { format = 'svg' }
set encoding utf8

# Places in the picture are given in pixels from its upper left corner.
width = 900
height = 710
sx(x) = x / (1.0 * width)
sy(y) = 1 - y / (1.0 * height)

if (format eq 'svg') {
  set terminal svg noenhanced size width,height font 'sans-serif,12' background '#ffffff'
  set output 'gammo-idle.svg'
  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text
} else {
  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \
    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'
  set output 'gammo-idle.png'
  bold = 'sans-serif:Bold'
}

# A logarithmic axis has no 0: it is shown here.
place(x) = x == 0 ? 1000 : x

# How each line looks.
colour1 = '#00609c'  # epoll_lt
set style line 1 linecolor rgb colour1 linewidth 1.8 dashtype solid pointtype 7 pointsize 0.75
colour2 = '#008a65'  # epoll_et
set style line 2 linecolor rgb colour2 linewidth 1.8 dashtype solid pointtype 13 pointsize 0.75
colour3 = '#b8508c'  # poll
set style line 3 linecolor rgb colour3 linewidth 1.8 dashtype solid pointtype 9 pointsize 0.75
colour4 = '#d55e00'  # select (no limit)
set style line 4 linecolor rgb colour4 linewidth 1.8 dashtype (8,3) pointtype 5 pointsize 0.75

set multiplot

# --- Measured here ---
set lmargin at screen sx(78)
set rmargin at screen sx(729)
set tmargin at screen sy(132)
set bmargin at screen sy(540)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
# Title, verdict and small print.
set label 'Throughput of a saturated server without and with 10,000 idle connections' at screen sx(24), screen sy(30) left font bold.',18' textcolor rgb '#111111'
set label '5 of 5 shapes reproduced' at screen sx(24), screen sy(52) left font 'sans-serif,13' textcolor rgb '#333333'
set label 'Points: medians of 7 rounds; bands: their 95 % intervals.' at screen sx(24), screen sy(608) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Source: Gammo, Brecht, Shukla, Pariag, Comparing and Evaluating epoll, select, and poll (OLS 2004), figures 3 and 5. Method: a web' at screen sx(24), screen sy(624) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'server under more and more requests; its reply rate.' at screen sx(24), screen sy(640) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Here: an echo server, 50 connections that ask again as soon as they are answered; select without its limit, as theirs was; the source''s' at screen sx(24), screen sy(656) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'curves are compared by what it says of them.' at screen sx(24), screen sy(672) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0; echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(688) left font 'sans-serif,10.5' textcolor rgb '#666666'
set xrange [794.328:12589.3]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('0' 1000, '10,000' 10000)
set yrange [5048.1:144843]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('10,000' 10000, '20,000' 20000, '50,000' 50000, '100,000' 100000)
set label 'Measured here' at screen sx(24), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'requests per second' at screen sx(24), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'idle connections' at screen sx(404), screen sy(580) center font 'sans-serif,11.5' textcolor rgb '#333333'
# The axis is broken between 0 and the first number.
set arrow from graph 0.4880, graph -0.016 to graph 0.5000, graph 0.016 nohead front linecolor rgb '#555555' linewidth 1
set arrow from graph 0.5000, graph -0.016 to graph 0.5120, graph 0.016 nohead front linecolor rgb '#555555' linewidth 1
# Where looking at every descriptor does better than epoll.
set label 'poll does more than epoll_lt: 1.08 [1.01, 1.34] times' at graph 0.2868, graph 0.0515 center font 'sans-serif,11.5' textcolor rgb colour3 front
set label '' at first place(0), graph 0.0196 point pointtype 8 pointsize 0.6 linecolor rgb colour3 front
# Each line's name at its right end.
set label 'epoll_et' at graph 1.025, first 125061 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set label 'epoll_lt' at graph 1.025, first 108738 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set label 'select (no limit)' at graph 1.025, first 21710.2 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour4 front
set label 'poll' at graph 1.025, first 18876.5 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour3 front
plot 'gammo-idle.dat' index 0 using (place($1)):3:4 with filledcurves fillcolor rgb colour1 fillstyle transparent solid 0.15 noborder title 'epoll_lt, 95 % interval', \
     'gammo-idle.dat' index 1 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.15 noborder title 'epoll_et, 95 % interval', \
     'gammo-idle.dat' index 2 using (place($1)):3:4 with filledcurves fillcolor rgb colour3 fillstyle transparent solid 0.15 noborder title 'poll, 95 % interval', \
     'gammo-idle.dat' index 3 using (place($1)):3:4 with filledcurves fillcolor rgb colour4 fillstyle transparent solid 0.15 noborder title 'select (no limit), 95 % interval', \
     'gammo-idle.dat' index 0 using (place($1)):2 with linespoints linestyle 1 title 'epoll_lt', \
     'gammo-idle.dat' index 1 using (place($1)):2 with linespoints linestyle 2 title 'epoll_et', \
     'gammo-idle.dat' index 2 using (place($1)):2 with linespoints linestyle 3 title 'poll', \
     'gammo-idle.dat' index 3 using (place($1)):2 with linespoints linestyle 4 title 'select (no limit)'
unset multiplot
unset output

# Now the same once more, as a PNG.
if (format eq 'svg') {
  format = 'png'
  load 'gammo-idle.gp'
}
