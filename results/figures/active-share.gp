# active-share: CPU per request against the share of 1,000 connections that are active
# Draws active-share.svg and active-share.png from active-share.dat; to be run in their directory: gnuplot active-share.gp
reset
if (!exists('format')) { format = 'svg' }
set encoding utf8

# Places in the picture are given in pixels from its upper left corner.
width = 900
height = 776
sx(x) = x / (1.0 * width)
sy(y) = 1 - y / (1.0 * height)

if (format eq 'svg') {
  set terminal svg noenhanced size width,height font 'sans-serif,12' background '#ffffff'
  set output 'active-share.svg'
  bold = 'sans-serif'  # gnuplot 5's SVG has no bold text
} else {
  set terminal pngcairo noenhanced size 2*width,2*height font 'sans-serif,12' \
    fontscale 1.5 linewidth 2 pointscale 2.6 background '#ffffff'
  set output 'active-share.png'
  bold = 'sans-serif:Bold'
}

place(x) = x

# How each line looks.
colour1 = '#d55e00'  # select (no limit)
set style line 1 linecolor rgb colour1 linewidth 1.8 dashtype (8,3) pointtype 5 pointsize 0.75
colour2 = '#b8508c'  # poll
set style line 2 linecolor rgb colour2 linewidth 1.8 dashtype solid pointtype 9 pointsize 0.75
colour3 = '#00609c'  # epoll_lt
set style line 3 linecolor rgb colour3 linewidth 1.8 dashtype solid pointtype 7 pointsize 0.75
colour4 = '#008a65'  # epoll_et
set style line 4 linecolor rgb colour4 linewidth 1.8 dashtype solid pointtype 13 pointsize 0.75

set multiplot

# --- Measured here ---
set lmargin at screen sx(78)
set rmargin at screen sx(729)
set tmargin at screen sy(132)
set bmargin at screen sy(510)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
unset label
unset arrow
# Title, verdict and small print.
set label 'CPU per request against the share of 1,000 connections that are active' at screen sx(24), screen sy(30) left font bold.',18' textcolor rgb '#111111'
set label 'measured here; nothing was published as numbers' at screen sx(24), screen sy(52) left font 'sans-serif,13' textcolor rgb '#333333'
set label 'cost of a wait of select (no limit) in µs: 9.07 [7.4, 10.3] + 0.222 [0.216, 0.238] × watched + 3.15 [2.82, 3.92] × ready, R² 0.786' at screen sx(24), screen sy(578) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'cost of a wait of poll in µs: 10.1 [7.6, 12.7] + 0.218 [0.215, 0.233] × watched + 2.98 [2.59, 3.38] × ready, R² 0.787' at screen sx(24), screen sy(594) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'cost of a wait of epoll_lt in µs: 187 [106, 223] + 0.00161 [-0.00457, 0.00485] × watched + -104 [-131, -56.4] × ready, R² 0.718' at screen sx(24), screen sy(610) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'cost of a wait of epoll_et in µs: 179 [152, 226] + -0.000581 [-0.00775, -0.000317] × watched + -102 [-132, -81] × ready, R² 0.688' at screen sx(24), screen sy(626) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'where a wait of poll costs no more than one of epoll_lt, with 1,000 watched, by these models: it never catches up; as measured per' at screen sx(24), screen sy(642) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'request: from 95.3 [27.7, 792] active on' at screen sx(24), screen sy(658) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'where a wait of select (no limit) costs no more than one of epoll_lt, with 1,000 watched, by these models: it never catches up; as' at screen sx(24), screen sy(674) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'measured per request: from 38.7 [28.6, never] active on' at screen sx(24), screen sy(690) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Points: medians of 7 rounds; bands: their 95 % intervals.' at screen sx(24), screen sy(706) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'Source: this suite''s own. Method: active connections ask again as soon as they are answered, the others are idle; the cost of a wait is' at screen sx(24), screen sy(722) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'fitted over 100 to 1,000 connections, one to all of them active.' at screen sx(24), screen sy(738) left font 'sans-serif,10.5' textcolor rgb '#666666'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0; echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(754) left font 'sans-serif,10.5' textcolor rgb '#666666'
set xrange [0.660693:1513.56]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('1' 1, '3' 3, '10' 10, '30' 30, '100' 100, '300' 300, '1,000' 1000)
set yrange [6.88799:311.515]
set ytics nomirror out scale 0.5 textcolor rgb '#333333' font 'sans-serif,11' ('10' 10, '20' 20, '50' 50, '100' 100, '200' 200)
set label 'Measured here' at screen sx(24), screen sy(92) left font bold.',14' textcolor rgb '#111111'
set label 'µs of CPU per request' at screen sx(24), screen sy(111) left font 'sans-serif,11.5' textcolor rgb '#333333'
set label 'active connections, of 1,000' at screen sx(404), screen sy(550) center font 'sans-serif,11.5' textcolor rgb '#333333'
# Each line's name at its right end.
set label 'epoll_lt' at graph 1.025, first 17.185 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour3 front
set arrow from first place(1000), first 15.6833 to graph 1.02, first 17.185 nohead linecolor rgb colour3 linewidth 0.6
set label 'select (no limit)' at graph 1.025, first 14.4777 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour1 front
set arrow from first place(1000), first 12.7352 to graph 1.02, first 14.4777 nohead linecolor rgb colour1 linewidth 0.6
set label 'poll' at graph 1.025, first 12.197 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour2 front
set label 'epoll_et' at graph 1.025, first 10.2755 left offset 0.4,0 font 'sans-serif,13' textcolor rgb colour4 front
set arrow from first place(1000), first 12.2737 to graph 1.02, first 10.2755 nohead linecolor rgb colour4 linewidth 0.6
plot 'active-share.dat' index 0 using (place($1)):3:4 with filledcurves fillcolor rgb colour1 fillstyle transparent solid 0.15 noborder title 'select (no limit), 95 % interval', \
     'active-share.dat' index 1 using (place($1)):3:4 with filledcurves fillcolor rgb colour2 fillstyle transparent solid 0.15 noborder title 'poll, 95 % interval', \
     'active-share.dat' index 2 using (place($1)):3:4 with filledcurves fillcolor rgb colour3 fillstyle transparent solid 0.15 noborder title 'epoll_lt, 95 % interval', \
     'active-share.dat' index 3 using (place($1)):3:4 with filledcurves fillcolor rgb colour4 fillstyle transparent solid 0.15 noborder title 'epoll_et, 95 % interval', \
     'active-share.dat' index 0 using (place($1)):2 with linespoints linestyle 1 title 'select (no limit)', \
     'active-share.dat' index 1 using (place($1)):2 with linespoints linestyle 2 title 'poll', \
     'active-share.dat' index 2 using (place($1)):2 with linespoints linestyle 3 title 'epoll_lt', \
     'active-share.dat' index 3 using (place($1)):2 with linespoints linestyle 4 title 'epoll_et'
unset multiplot
unset output

# Now the same once more, as a PNG.
if (format eq 'svg') {
  format = 'png'
  load 'active-share.gp'
}
