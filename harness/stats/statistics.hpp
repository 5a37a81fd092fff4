#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace echomux {

// The middle value, or the mean of the middle two. `values` must not be empty.
[[nodiscard]] double median(std::span<const double> values);

// The median of a sample with a 95 % confidence interval from its order statistics, which assumes
// nothing about the distribution (Conover, Practical Nonparametric Statistics, section 3.2).
struct MedianInterval {
  double median = 0;
  // None with fewer than six values: not even the smallest and the largest are 95 % sure then.
  struct Bounds {
    double low;
    double high;
  };
  std::optional<Bounds> bounds;
};

// `values` must not be empty.
[[nodiscard]] MedianInterval median_interval(std::vector<double> values);

// What the absolute value of Student's t with so many degrees of freedom, at least one, stays below
// with this probability, which is below one: 2.776 for 0.95 and 4.
[[nodiscard]] double student_quantile(double probability, std::size_t degrees);

// The indexes, in order, of values that are further than 1.5 times the distance between the hinges
// from the nearer hinge (Tukey, Exploratory Data Analysis, chapter 2). A hinge is the median of the
// lower or upper half, to both of which the middle one of an odd number belongs. None with fewer
// than four values.
[[nodiscard]] std::vector<std::size_t> outliers(std::span<const double> values);

// How much y grows with x on the straight line of least squares. As many of one as of the other;
// none with fewer than two different values of x.
[[nodiscard]] std::optional<double> least_squares_slope(std::span<const double> x,
                                                        std::span<const double> y);

// The two-sided rank test of two independent samples (Mann and Whitney 1947).
struct RankTest {
  double u;           // pairs in which a's value is the larger; equal ones count one half
  double p;           // never below smallest_p
  double smallest_p;  // the least that samples of these sizes can give: 2 / C(n + m, n), at most 1
};

// From the exact distribution when no two values are equal and there are at most 2500 pairs; else
// from the normal approximation, corrected for ties and for continuity. Neither sample may be
// empty.
[[nodiscard]] RankTest mann_whitney(std::span<const double> a, std::span<const double> b);

// The p-values, in the order given, adjusted so that rejecting those up to 5 % rejects any true
// hypothesis with at most 5 % probability (Holm 1979, A simple sequentially rejective multiple test
// procedure).
[[nodiscard]] std::vector<double> holm(std::span<const double> p);

// How many times as large the values of one sample are as those of another: the estimate of Hodges
// and Lehmann (1963) on logarithms, with Moses' 95 % confidence interval (Hollander and Wolfe,
// Nonparametric Statistical Methods, sections 4.2 and 4.3). It excludes one just when the
// Mann-Whitney test of samples without ties gives at most 5 %.
struct RatioInterval {
  double ratio;
  // None when the samples are too small for 95 %, such as three and four values.
  std::optional<MedianInterval::Bounds> bounds;
};

// The ratios are b's values over a's. All must be above zero, and neither sample empty. The bounds'
// ranks are exact up to 2500 pairs, and from the normal approximation with more.
[[nodiscard]] RatioInterval ratio_interval(std::span<const double> a, std::span<const double> b);

// Whether a series in the order of time rises or falls (Mann 1945, Kendall 1975) and how steeply
// (Theil 1950, Sen 1968).
struct Trend {
  double p;                // two-sided
  double relative_change;  // from first to last on the line of Theil and Sen, over the median
};

// Exact when no two of at most 50 values are equal; else the normal approximation, corrected for
// ties and for continuity, which wants eight values or more. One value has no trend, and a median
// of zero no relative change: both give zero. `values` must not be empty.
[[nodiscard]] Trend trend(std::span<const double> values);

}  // namespace echomux
