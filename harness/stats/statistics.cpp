#include "harness/stats/statistics.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>

namespace echomux {
namespace {

constexpr double each_side = 0.025;         // what a 95 % interval leaves out
constexpr double z_each_side = 1.95996398;  // the normal quantile of the same
constexpr std::size_t largest_exact_pairs = 2500;
constexpr std::size_t largest_exact_series = 50;

double median_of_sorted(std::span<const double> values) {
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> result(values.begin(), values.end());
  std::ranges::sort(result);
  return result;
}

// How many of a sorted list to leave out at each end, so that the interval between the rest still
// covers what is estimated with 95 %, when so many of the list lie below it with these
// probabilities. None when even the smallest and the largest are too near each other.
std::optional<std::size_t> left_out(const std::vector<double>& distribution) {
  double cumulative = 0;
  std::size_t rank = 0;
  for (const double probability : distribution) {
    cumulative += probability;
    if (cumulative > each_side) break;
    ++rank;
  }
  return rank == 0 ? std::nullopt : std::optional(rank - 1);
}

// P(X = k) for X the number of n values below their median, which is binomial with one half.
std::vector<double> below_the_median(std::size_t n) {
  // By logarithms: of more than 1,074 values, P(X = 0) is less than a double can hold.
  const auto log_factorial = [](std::size_t i) { return std::lgamma(static_cast<double>(i) + 1); };
  std::vector<double> of;
  for (std::size_t k = 0; k <= n; ++k) {
    of.push_back(std::exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) -
                          static_cast<double>(n) * std::numbers::ln2));
  }
  return of;
}

// The sizes of the groups of equal values, groups of one included.
std::vector<double> group_sizes(std::span<const double> sorted_values) {
  std::vector<double> sizes;
  for (std::size_t i = 0; i < sorted_values.size(); ++i) {
    if (i == 0 || sorted_values[i] != sorted_values[i - 1]) sizes.push_back(0);
    ++sizes.back();
  }
  return sizes;
}

// P(U = u) for u from 0 to n * m when all orders of n and m different values are equally likely.
// The largest value is one of the first sample's i with probability i / (i + j), and above all j of
// the other then; without it, one sample is smaller by one.
std::vector<double> u_distribution(std::size_t n, std::size_t m) {
  if (n < m) std::swap(n, m);  // for less memory; the distribution is the same
  std::vector<std::vector<double>> of(m + 1, {1.0});
  for (std::size_t i = 1; i <= n; ++i) {
    for (std::size_t j = 1; j <= m; ++j) {
      const double first_has_largest = static_cast<double>(i) / static_cast<double>(i + j);
      std::vector<double> next(i * j + 1);
      for (std::size_t u = 0; u < of[j].size(); ++u) next[u + j] += first_has_largest * of[j][u];
      for (std::size_t u = 0; u < of[j - 1].size(); ++u) {
        next[u] += (1 - first_has_largest) * of[j - 1][u];
      }
      of[j] = std::move(next);
    }
  }
  return std::move(of[m]);
}

// P(D = d) for D the number of pairs out of order in a random permutation of n values: the last of
// k values is out of order with any number of the others, all equally likely.
std::vector<double> inversions_distribution(std::size_t n) {
  std::vector<double> of{1.0};
  for (std::size_t k = 2; k <= n; ++k) {
    std::vector<double> next(k * (k - 1) / 2 + 1);
    for (std::size_t d = 0; d < of.size(); ++d) {
      for (std::size_t more = 0; more < k; ++more) {
        next[d + more] += of[d] / static_cast<double>(k);
      }
    }
    of = std::move(next);
  }
  return of;
}

// Twice the lesser tail of a symmetric distribution over 0, 1, 2, ..., from `value` outwards.
double two_sided(const std::vector<double>& distribution, std::size_t value) {
  const std::size_t lower = std::min(value, distribution.size() - 1 - value);
  const auto end = distribution.begin() + static_cast<std::ptrdiff_t>(lower) + 1;
  return std::min(1.0, 2 * std::accumulate(distribution.begin(), end, 0.0));
}

// Of a normal variable that stands for a discrete one, `step` between neighbouring values.
double two_sided_normal(double distance_from_mean, double variance, double step) {
  if (variance <= 0) return 1;
  const double distance = std::max(0.0, std::abs(distance_from_mean) - step / 2);
  return std::erfc(distance / std::sqrt(variance) / std::numbers::sqrt2);
}

// How many of the n * m ratios to leave out at each end. None when even the smallest and the
// largest are too near each other for 95 %.
std::optional<std::size_t> ratios_outside(std::size_t n, std::size_t m) {
  if (n * m > largest_exact_pairs) {
    const auto pairs = static_cast<double>(n * m);
    const double deviation = std::sqrt(pairs * static_cast<double>(n + m + 1) / 12);
    const double rank = std::floor(pairs / 2 - z_each_side * deviation);
    if (rank < 1) return std::nullopt;
    return static_cast<std::size_t>(rank) - 1;
  }
  return left_out(u_distribution(n, m));
}

double smallest_rank_p(std::size_t n, std::size_t m) {
  double p = 2;
  for (std::size_t i = 1; i <= n; ++i) p *= static_cast<double>(i) / static_cast<double>(m + i);
  return std::min(1.0, p);
}

// The probability that |T| is below t, for Student's distribution with so many degrees of freedom:
// the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4.
double probability_within(double t, std::size_t degrees) {
  const double angle = std::atan2(t, std::sqrt(static_cast<double>(degrees)));
  const double cosine = std::cos(angle);
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1;
  double sum = 0;
  for (std::size_t k = odd ? 1 : 0; k + 1 < degrees; k += 2) {
    sum += term;
    term *= cosine * cosine * static_cast<double>(k + 1) / static_cast<double>(k + 2);
  }
  const double series = std::sin(angle) * sum;
  return odd ? (angle + series) * 2 / std::numbers::pi : series;
}

}  // namespace

double median(std::span<const double> values) {
  assert(!values.empty());
  return median_of_sorted(sorted(values));
}

double student_quantile(double probability, std::size_t degrees) {
  double low = 0;
  double high = 1;
  while (probability_within(high, degrees) < probability) high *= 2;
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = (low + high) / 2;
    (probability_within(middle, degrees) < probability ? low : high) = middle;
  }
  return high;
}

MedianInterval median_interval(std::vector<double> values) {
  assert(!values.empty());
  std::ranges::sort(values);
  const std::size_t n = values.size();
  MedianInterval result;
  result.median = median_of_sorted(values);
  if (const auto outside = left_out(below_the_median(n))) {
    result.bounds = {.low = values[*outside], .high = values[n - 1 - *outside]};
  }
  return result;
}

std::optional<double> least_squares_slope(std::span<const double> x, std::span<const double> y) {
  const auto mean = [](std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  };
  const double mean_x = mean(x);
  const double mean_y = mean(y);
  double covariance = 0;
  double variance = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    covariance += (x[i] - mean_x) * (y[i] - mean_y);
    variance += (x[i] - mean_x) * (x[i] - mean_x);
  }
  return variance > 0 ? std::optional(covariance / variance) : std::nullopt;
}

std::vector<std::size_t> outliers(std::span<const double> values) {
  std::vector<std::size_t> result;
  if (values.size() < 4) return result;
  const std::vector<double> ordered = sorted(values);
  const std::size_t half = (ordered.size() + 1) / 2;
  const double lower = median_of_sorted(std::span(ordered).first(half));
  const double upper = median_of_sorted(std::span(ordered).last(half));
  const double reach = 1.5 * (upper - lower);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < lower - reach || values[i] > upper + reach) result.push_back(i);
  }
  return result;
}

RankTest mann_whitney(std::span<const double> a, std::span<const double> b) {
  assert(!a.empty() && !b.empty());
  double u = 0;
  for (const double x : a) {
    for (const double y : b) u += x > y ? 1.0 : x == y ? 0.5 : 0.0;
  }
  std::vector<double> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  std::ranges::sort(all);
  const std::vector<double> groups = group_sizes(all);
  const double smallest_p = smallest_rank_p(a.size(), b.size());
  double p = 0;
  if (groups.size() == all.size() && a.size() * b.size() <= largest_exact_pairs) {
    p = two_sided(u_distribution(a.size(), b.size()), static_cast<std::size_t>(u));
  } else {
    const auto pairs = static_cast<double>(a.size() * b.size());
    const auto n = static_cast<double>(all.size());
    double ties = 0;
    for (const double t : groups) ties += t * t * t - t;
    p = two_sided_normal(u - pairs / 2, pairs / 12 * (n + 1 - ties / (n * (n - 1))), 1);
  }
  return {.u = u, .p = std::max(p, smallest_p), .smallest_p = smallest_p};
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return p[i]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    largest = std::max(largest, static_cast<double>(p.size() - k) * p[order[k]]);
    adjusted[order[k]] = std::min(1.0, largest);
  }
  return adjusted;
}

RatioInterval ratio_interval(std::span<const double> a, std::span<const double> b) {
  assert(!a.empty() && !b.empty());
  assert(std::ranges::min(a) > 0 && std::ranges::min(b) > 0);
  std::vector<double> logs;
  logs.reserve(a.size() * b.size());
  for (const double x : a) {
    for (const double y : b) logs.push_back(std::log(y / x));
  }
  std::ranges::sort(logs);
  RatioInterval result{.ratio = std::exp(median_of_sorted(logs)), .bounds = std::nullopt};
  if (const auto outside = ratios_outside(a.size(), b.size())) {
    result.bounds = {.low = std::exp(logs[*outside]),
                     .high = std::exp(logs[logs.size() - 1 - *outside])};
  }
  return result;
}

Trend trend(std::span<const double> values) {
  assert(!values.empty());
  const std::size_t n = values.size();
  if (n == 1) return {.p = 1, .relative_change = 0};
  std::size_t rising = 0;
  std::size_t falling = 0;
  std::vector<double> slopes;
  slopes.reserve(n * (n - 1) / 2);
  for (std::size_t j = 1; j < n; ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      rising += values[j] > values[i] ? 1 : 0;
      falling += values[j] < values[i] ? 1 : 0;
      slopes.push_back((values[j] - values[i]) / static_cast<double>(j - i));
    }
  }
  const std::vector<double> ordered = sorted(values);
  const std::vector<double> groups = group_sizes(ordered);
  Trend result{.p = 1, .relative_change = 0};
  if (groups.size() == n && n <= largest_exact_series) {
    result.p = two_sided(inversions_distribution(n), falling);
  } else {
    const double s = static_cast<double>(rising) - static_cast<double>(falling);
    const auto weight = [](double t) { return t * (t - 1) * (2 * t + 5) / 18; };
    double variance = weight(static_cast<double>(n));
    for (const double t : groups) variance -= weight(t);
    result.p = two_sided_normal(s, variance, 2);
  }
  if (const double middle = median_of_sorted(ordered); middle != 0) {
    result.relative_change = median(slopes) * static_cast<double>(n - 1) / middle;
  }
  return result;
}

}  // namespace echomux
