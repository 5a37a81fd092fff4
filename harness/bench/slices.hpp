#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/bench/summary.hpp"

// What slices say: the ratios of one row, and how sure they are.
namespace echomux {

// What a request cost a contender in each round that it has a figure of, in microseconds of CPU.
using RoundCosts = std::map<std::size_t, double>;

// Takes the costs of a row apart into what is the contenders' and what is the rounds' (Tukey,
// Exploratory Data Analysis, chapter 11, median polish, of logarithms): in each round the machine's
// mood is the same for all. Medians, since a machine that takes its CPU away for some milliseconds
// bends one slice of five by a tenth or more. The difference of two contenders' effects is the
// logarithm of their ratio. None for a contender without figures.
[[nodiscard]] std::vector<std::optional<double>> log_effects(
    const std::vector<RoundCosts>& contenders);

// The metrics that are ratios.
inline constexpr std::string_view ratio_to_floor = "cpu_ratio_to_floor";
inline constexpr std::string_view ratio_to_empty_floor = "cpu_ratio_to_empty_floor";

// Gives the ratios to the floors their intervals of 95 %, for the cells of one row. Rounds in the
// same processes aren't independent, repetitions with fresh ones are: the ratio of a repetition is
// one value. How much these vary is taken from all cells of the row together, as from a design in
// randomised blocks: the repetitions are the blocks, the servers and the two floors the
// treatments. A cell counts by itself when its own spread is far larger than that, and a saturated
// one always does. No interval with a single repetition.
void set_ratio_intervals(const std::vector<CellSummary*>& row);

}  // namespace echomux
