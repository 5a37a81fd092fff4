#include "report/cost_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace echomux {
namespace {

using Row = std::array<double, 4>;  // three coefficients and the right-hand side

// Gaussian elimination with partial pivoting; none when the matrix is as good as singular.
std::optional<std::array<double, 3>> solve(std::array<Row, 3> rows) {
  for (std::size_t column = 0; column < 3; ++column) {
    std::size_t pivot = column;
    for (std::size_t i = column + 1; i < 3; ++i) {
      if (std::abs(rows[i][column]) > std::abs(rows[pivot][column])) pivot = i;
    }
    std::swap(rows[column], rows[pivot]);
    if (std::abs(rows[column][column]) < 1e-12) return std::nullopt;
    for (std::size_t i = 0; i < 3; ++i) {
      if (i == column) continue;
      const double factor = rows[i][column] / rows[column][column];
      for (std::size_t k = column; k < 4; ++k) rows[i][k] -= factor * rows[column][k];
    }
  }
  return std::array{rows[0][3] / rows[0][0], rows[1][3] / rows[1][1], rows[2][3] / rows[2][2]};
}

}  // namespace

std::optional<CostModel> fit_cost(std::span<const WaitCost> observations) {
  if (observations.size() < 3) return std::nullopt;
  // Every column is scaled by its largest value, so that "as good as singular" means something.
  double most_watched = 0;
  double most_ready = 0;
  for (const WaitCost& one : observations) {
    most_watched = std::max(most_watched, one.watched);
    most_ready = std::max(most_ready, one.ready);
  }
  if (most_watched <= 0 || most_ready <= 0) return std::nullopt;
  std::array<Row, 3> normal{};
  for (const WaitCost& one : observations) {
    const std::array<double, 3> x{1 / one.cost_us, one.watched / most_watched / one.cost_us,
                                  one.ready / most_ready / one.cost_us};
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t k = 0; k < 3; ++k) normal[i][k] += x[i] * x[k];
      normal[i][3] += x[i];  // the weighted cost is one
    }
  }
  // And the equations by their own diagonal.
  for (Row& row : normal) {
    const double largest = std::max({std::abs(row[0]), std::abs(row[1]), std::abs(row[2])});
    if (largest <= 0) return std::nullopt;
    for (double& value : row) value /= largest;
  }
  const auto solution = solve(normal);
  if (!solution) return std::nullopt;
  CostModel model{.fixed_us = (*solution)[0],
                  .per_watched_us = (*solution)[1] / most_watched,
                  .per_ready_us = (*solution)[2] / most_ready};
  // R^2 of relative errors against the best constant, under the same weights.
  double weights = 0;
  double weighted = 0;
  for (const WaitCost& one : observations) {
    weights += 1 / (one.cost_us * one.cost_us);
    weighted += 1 / one.cost_us;
  }
  const double mean = weighted / weights;
  double residual = 0;
  double total = 0;
  for (const WaitCost& one : observations) {
    const double off = (one.cost_us - model.cost_us(one.watched, one.ready)) / one.cost_us;
    const double spread = (one.cost_us - mean) / one.cost_us;
    residual += off * off;
    total += spread * spread;
  }
  model.r_squared = total > 0 ? 1 - residual / total : 0;
  return model;
}

}  // namespace echomux
