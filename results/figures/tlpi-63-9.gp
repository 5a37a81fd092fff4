# tlpi-63-9: CPU seconds for 100,000 monitoring operations, one descriptor ready in each
# Draws tlpi-63-9.svg and tlpi-63-9.png from tlpi-63-9.dat; to be run in their directory: gnuplot tlpi-63-9.gp
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
  set output 'tlpi-63-9.svg'
  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text
} else {
  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \
    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'
  set output 'tlpi-63-9.png'
  bold = 'sans-serif:Bold'
}

place(x) = x

# How each line looks.
colour1 = '#b8508c'  # poll
set style line 1 linecolor rgb colour1 linewidth 1.8 dashtype solid pointtype 9 pointsize 0.75
colour2 = '#d55e00'  # select
set style line 2 linecolor rgb colour2 linewidth 1.8 dashtype solid pointtype 5 pointsize 0.75
colour3 = '#00609c'  # epoll
set style line 3 linecolor rgb colour3 linewidth 1.8 dashtype solid pointtype 7 pointsize 0.75

set multiplot

# --- As published ---
set lmargin at screen sx(78)
set rmargin at screen sx(493)
set tmargin at screen sy(132)
set bmargin at screen sy(510)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
# Title, verdict and small print.
set label 'CPU seconds for 100,000 monitoring operations, one descriptor ready in each' at screen sx(24), screen sy(30) left font bold.',18' textcolor rgb '#111111'
set label '4 of 12 shapes reproduced, 8 differ' at screen sx(24), screen sy(52) left font 'sans-serif,13' textcolor rgb '#333333'
set label 'Points: medians of 7 rounds; bands: their 95 % intervals. Both panels span the same number of decades on either axis, so slopes can be compared by eye.' at screen sx(24), screen sy(578) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Source: M. Kerrisk, The Linux Programming Interface (2010), table 63-9; Linux 2.6.25. Method: N pipes; each operation writes a byte to a random one, waits, reads it back.' at screen sx(24), screen sy(594) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Here: fewer operations per value, scaled to 100,000; select beyond FD_SETSIZE has a larger bitmap; 9,984 pipes instead of 10,000, for more descriptors there aren''t.' at screen sx(24), screen sy(610) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0; echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(626) left font 'sans-serif,10.5' textcolor rgb '#666666'
set xrange [6.60693:15135.6]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('10' 10, '100' 100, '1,000' 1000, '10,000' 10000)
set yrange [0.300241:1351.91]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '10' 10, '100' 100, '1,000' 1000)
set label 'As published' at screen sx(24), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'CPU seconds per 100,000 operations' at screen sx(24), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'pipes watched' at screen sx(286), screen sy(550) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Each line's name at its right end.
set label 'poll' at graph 1.025, first 1159.35 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set arrow from first place(10000), first 990 to graph 1.02, first 1159.35 nohead linecolor rgb colour1 linewidth 0.6
set label 'select' at graph 1.025, first 794.153 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set arrow from first place(10000), first 930 to graph 1.02, first 794.153 nohead linecolor rgb colour2 linewidth 0.6
set label 'epoll' at graph 1.025, first 0.66 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour3 front
plot 'tlpi-63-9.dat' index 0 using (place($1)):2 with linespoints linestyle 1 title 'poll', \
     'tlpi-63-9.dat' index 1 using (place($1)):2 with linespoints linestyle 2 title 'select', \
     'tlpi-63-9.dat' index 2 using (place($1)):2 with linespoints linestyle 3 title 'epoll'

# --- Measured here ---
set lmargin at screen sx(620)
set rmargin at screen sx(1035)
set tmargin at screen sy(132)
set bmargin at screen sy(510)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
set xrange [6.60693:15135.6]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('10' 10, '100' 100, '1,000' 1000, '10,000' 10000)
set yrange [0.100434:452.232]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '10' 10, '100' 100)
set label 'Measured here' at screen sx(566), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'CPU seconds per 100,000 operations' at screen sx(566), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'pipes watched' at screen sx(828), screen sy(550) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Each line's name at its right end.
set label 'select' at graph 1.025, first 104.845 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set label 'poll' at graph 1.025, first 71.819 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set label 'epoll' at graph 1.025, first 0.611331 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour3 front
plot 'tlpi-63-9.dat' index 3 using (place($1)):3:4 with filledcurves fillcolor rgb colour1 fillstyle transparent solid 0.15 noborder title 'poll, 95 % interval', \
     'tlpi-63-9.dat' index 4 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.15 noborder title 'select, 95 % interval', \
     'tlpi-63-9.dat' index 5 using (place($1)):3:4 with filledcurves fillcolor rgb colour3 fillstyle transparent solid 0.15 noborder title 'epoll, 95 % interval', \
     'tlpi-63-9.dat' index 3 using (place($1)):2 with linespoints linestyle 1 title 'poll', \
     'tlpi-63-9.dat' index 4 using (place($1)):2 with linespoints linestyle 2 title 'select', \
     'tlpi-63-9.dat' index 5 using (place($1)):2 with linespoints linestyle 3 title 'epoll'
unset multiplot
unset output

# Now the same once more, as a PNG.
if (format eq 'svg') {
  format = 'png'
  load 'tlpi-63-9.gp'
}
