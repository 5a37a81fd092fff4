# Draws cost-poll.svg from cost-poll.dat; to be run in their directory: gnuplot cost-poll.gp
reset
set encoding utf8
set terminal svg noenhanced size 760,448 font 'sans-serif,12' background '#ffffff'
set output 'cost-poll.svg'
sx(x) = x / 760.0
sy(y) = 1 - y / 448.0
set lmargin at screen sx(66)
set rmargin at screen sx(630)
set tmargin at screen sy(74)
set bmargin at screen sy(352)
set border 3 linecolor rgb '#888888'
set grid xtics ytics linetype 1 linecolor rgb '#ebebeb' linewidth 0.8
set logscale xy
unset key
set xrange [0.6:10000]
set yrange [59.1917:3571.18]
set xtics nomirror out scale 0.5 textcolor rgb '#333333' ('1' 1, '10' 10, '100' 100, '1,000' 1000, '10,000' 10000)
set ytics nomirror out scale 0.5 textcolor rgb '#333333' ('10' 10, '100' 100, '1,000' 1000)
set label 'poll: what a request costs beside idle connections' at screen sx(24), screen sy(28) left font 'sans-serif,16' textcolor rgb '#111111'
set label 'µs of CPU per request' at screen sx(24), screen sy(50) left font 'sans-serif,12' textcolor rgb '#333333'
set label 'idle connections, beside 10 active ones with 1,000 requests per second in all; medians' at screen sx(66), screen sy(396) left font 'sans-serif,12' textcolor rgb '#333333'
set label 'AMD EPYC, 2 CPUs, virtual machine; Linux 6.18.44-fc-v782 #1 SMP PREEMPT_DYNAMIC @0' at screen sx(24), screen sy(422) left font 'sans-serif,9' textcolor rgb '#666666'
set label 'echomux 0.1.0 (8991e5a75d7f), 2026-11-28T19:57:04Z' at screen sx(24), screen sy(436) left font 'sans-serif,9' textcolor rgb '#666666'
set label 'threaded' at screen sx(638), screen sy(313) left font 'sans-serif,12' textcolor rgb '#8a8a8a'
set label 'busy_poll' at screen sx(638), screen sy(106) left font 'sans-serif,12' textcolor rgb '#8a8a8a'
set label 'select' at first 1000, first 406.0637915 left offset 1,-0.9 font 'sans-serif,12' textcolor rgb '#8a8a8a'
set label 'poll' at screen sx(638), screen sy(162) left font 'sans-serif,14' textcolor rgb '#b8508c'
set label 'epoll_lt' at screen sx(638), screen sy(328) left font 'sans-serif,12' textcolor rgb '#8a8a8a'
set label 'epoll_et' at screen sx(638), screen sy(298) left font 'sans-serif,12' textcolor rgb '#8a8a8a'
plot 'cost-poll.dat' index 0 with linespoints linecolor rgb '#c4c4c4' linewidth 1.4 pointtype 7 pointsize 0.35, \
     'cost-poll.dat' index 1 with linespoints linecolor rgb '#c4c4c4' linewidth 1.4 pointtype 7 pointsize 0.35, \
     'cost-poll.dat' index 2 with linespoints linecolor rgb '#c4c4c4' linewidth 1.4 pointtype 7 pointsize 0.35, \
     'cost-poll.dat' index 4 with linespoints linecolor rgb '#c4c4c4' linewidth 1.4 pointtype 7 pointsize 0.35, \
     'cost-poll.dat' index 5 with linespoints linecolor rgb '#c4c4c4' linewidth 1.4 pointtype 7 pointsize 0.35, \
     'cost-poll.dat' index 3 with linespoints linecolor rgb '#b8508c' linewidth 2.4 pointtype 7 pointsize 0.6
unset output
