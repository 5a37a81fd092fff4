# all-active: echoes per second when every client is active
# Draws all-active.svg and all-active.png from all-active.dat; to be run in their directory: gnuplot all-active.gp
reset
if (!exists('format')) { format = 'svg' }
set encoding utf8

# Places in the picture are given in pixels from its upper left corner.
width = 1120
height = 662
sx(x) = x / (1.0 * width)
sy(y) = 1 - y / (1.0 * height)

if (format eq 'svg') {
  set terminal svg noenhanced size width,height font 'sans-serif,12' background '#ffffff'
  set output 'all-active.svg'
  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text
} else {
  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \
    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'
  set output 'all-active.png'
  bold = 'sans-serif:Bold'
}

place(x) = x

# How each line looks.
colour1 = '#b8508c'  # poll
set style line 1 linecolor rgb colour1 linewidth 1.8 dashtype solid pointtype 9 pointsize 0.75
colour2 = '#008a65'  # epoll_et
set style line 2 linecolor rgb colour2 linewidth 1.8 dashtype solid pointtype 13 pointsize 0.75

set multiplot

# --- As published ---
set lmargin at screen sx(78)
set rmargin at screen sx(478)
set tmargin at screen sy(132)
set bmargin at screen sy(540)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
# Title, verdict and small print.
set label 'Echoes per second when every client is active' at screen sx(24), screen sy(30) left font bold.',18' textcolor rgb '#111111'
set label '3 of 3 shapes reproduced' at screen sx(24), screen sy(52) left font 'sans-serif,13' textcolor rgb '#333333'
set label 'Points: medians of 7 rounds; bands: their 95 % intervals. Both panels span the same number of decades on either axis, so slopes can be compared by eye.' at screen sx(24), screen sy(608) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Source: Robert-ML, linux-modern-io-multiplexing. Method: 128-byte echoes, every client asks again as soon as it is answered.' at screen sx(24), screen sy(624) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0; echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(640) left font 'sans-serif,10.5' textcolor rgb '#666666'
set xrange [0.57544:17378]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '100' 100, '10,000' 10000)
set yrange [16623:356918]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('50,000' 50000, '100,000' 100000, '200,000' 200000)
set label 'As published' at screen sx(24), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'echoes per second' at screen sx(24), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'clients, all of them active' at screen sx(278), screen sy(580) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Where looking at every descriptor does better than epoll.
set label 'poll does more than epoll_et: 1.01 to 1.03 times' at graph 0.5000, graph 0.0515 center font 'sans-serif,11.5' textcolor rgb colour1 front
set label '' at first place(1), graph 0.0196 point pointtype 8 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(100), graph 0.0196 point pointtype 8 pointsize 0.6 linecolor rgb colour1 front
set label '' at first place(10000), graph 0.0196 point pointtype 8 pointsize 0.6 linecolor rgb colour1 front
# Each line's name at its right end.
set label 'poll' at graph 1.025, first 110614 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set arrow from first place(10000), first 105368 to graph 1.02, first 110614 nohead linecolor rgb colour1 linewidth 0.6
set label 'epoll_et' at graph 1.025, first 97345.5 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set arrow from first place(10000), first 102192 to graph 1.02, first 97345.5 nohead linecolor rgb colour2 linewidth 0.6
plot 'all-active.dat' index 0 using (place($1)):2 with linespoints linestyle 1 title 'poll', \
     'all-active.dat' index 1 using (place($1)):2 with linespoints linestyle 2 title 'epoll_et'

# --- Measured here ---
set lmargin at screen sx(620)
set rmargin at screen sx(1020)
set tmargin at screen sy(132)
set bmargin at screen sy(540)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
set xrange [0.57544:17378]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '100' 100, '10,000' 10000)
set yrange [4597.78:98720.5]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('10,000' 10000, '20,000' 20000, '50,000' 50000)
set label 'Measured here' at screen sx(566), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'echoes per second' at screen sx(566), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'clients, all of them active' at screen sx(820), screen sy(580) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Where looking at every descriptor does better than epoll.
set label 'poll does more than epoll_et: 1.02 [1, 1.08] times' at graph 0.5683, graph 0.0515 center font 'sans-serif,11.5' textcolor rgb colour1 front
set label '' at first place(10000), graph 0.0196 point pointtype 8 pointsize 0.6 linecolor rgb colour1 front
# Each line's name at its right end.
set label 'poll' at graph 1.025, first 67509.6 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set arrow from first place(10000), first 64015 to graph 1.02, first 67509.6 nohead linecolor rgb colour1 linewidth 0.6
set label 'epoll_et' at graph 1.025, first 59411.7 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set arrow from first place(10000), first 62655 to graph 1.02, first 59411.7 nohead linecolor rgb colour2 linewidth 0.6
plot 'all-active.dat' index 2 using (place($1)):3:4 with filledcurves fillcolor rgb colour1 fillstyle transparent solid 0.15 noborder title 'poll, 95 % interval', \
     'all-active.dat' index 3 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.15 noborder title 'epoll_et, 95 % interval', \
     'all-active.dat' index 2 using (place($1)):2 with linespoints linestyle 1 title 'poll', \
     'all-active.dat' index 3 using (place($1)):2 with linespoints linestyle 2 title 'epoll_et'
unset multiplot
unset output

# Now the same once more, as a PNG.
if (format eq 'svg') {
  format = 'png'
  load 'all-active.gp'
}
