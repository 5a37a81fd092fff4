#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <stdexcept>

#include "harness/stats/statistics.hpp"
#include "harness/text/json.hpp"
#include "harness/text/time_units.hpp"
#include "tests/endurance/soak.hpp"

namespace echomux {
namespace {

using Verdict = SoakSeries::Verdict;

constexpr std::size_t most_slices = 20;
constexpr std::size_t fewest_values = 5;  // with fewer, no order of them is improbable enough
constexpr double largest_rise = 0.05;     // of the median
constexpr double significance = 0.05;
// Four buffers for slow readers, of which there happen to be more or fewer. In half an hour with
// twenty connections a second, a leak of twelve bytes per connection rises by more than that.
constexpr double memory_waves = 4 * 64 * 1024;
// Peers that happen to be there. A descriptor that is lost shows at the end in any case.
constexpr double peer_waves = 5;

SoakSeries make_series(std::string name, std::string unit, double least_rise,
                       std::span<const double> values, std::size_t unsettled) {
  SoakSeries series;
  series.name = std::move(name);
  series.unit = std::move(unit);
  series.least_rise = least_rise;
  const std::span<const double> judged =
      values.subspan(std::min(std::max(values.size() / 3, unsettled), values.size()));
  const std::size_t slices = std::min(judged.size(), most_slices);
  for (std::size_t i = 0; i < slices; ++i) {
    const std::size_t begin = i * judged.size() / slices;
    const std::size_t end = (i + 1) * judged.size() / slices;
    series.slices.push_back(median(judged.subspan(begin, end - begin)));
  }
  if (series.slices.empty()) return series;
  series.median = median(series.slices);
  const Trend found = trend(series.slices);
  series.rise = found.relative_change * series.median;
  series.p = found.p;
  return series;
}

// One member of each of the samples or windows.
template <typename Value, typename Moment, typename Member>
std::vector<Value> column(const std::vector<Moment>& moments, Member member) {
  std::vector<Value> values;
  values.reserve(moments.size());
  for (const Moment& moment : moments) values.push_back(static_cast<Value>(moment.*member));
  return values;
}

// The latency in each window, over the control's in the same window where there is one.
std::vector<double> latencies(const SoakRecord& record, const SoakRecord* control,
                              double SoakWindow::*percentile) {
  std::vector<double> values;
  for (const SoakWindow& window : record.windows) {
    if (control == nullptr) {
      values.push_back(window.*percentile);
      continue;
    }
    const auto same = std::ranges::find(control->windows, window.seconds, &SoakWindow::seconds);
    if (same == control->windows.end() || !((*same).*percentile > 0)) continue;
    values.push_back(window.*percentile / ((*same).*percentile));
  }
  return values;
}

// Where each peer has a thread, those that happen to be there have a stack and two buffers each.
double memory_waves_of(const SoakRecord& record) {
  const bool threaded = std::ranges::any_of(record.samples, [&](const SoakSample& sample) {
    return sample.threads > record.before.threads;
  });
  return memory_waves + (threaded ? peer_waves * 160 * 1024 : 0);
}

SoakVerdict series_of(const SoakRecord& record, const SoakRecord* control, double settled) {
  const auto unsettled = [&](const auto& moments) {
    return static_cast<std::size_t>(
        std::ranges::count_if(moments, [&](const auto& one) { return one.seconds < settled; }));
  };
  const auto of_samples = [&](const char* name, const char* unit, double least_rise,
                              std::uint64_t ProcessState::*what) {
    return make_series(name, unit, least_rise, column<double>(record.samples, what),
                       unsettled(record.samples));
  };
  const auto of_windows = [&](const char* name, double SoakWindow::*percentile) {
    return make_series(name, control == nullptr ? "us" : "times the control's", 0,
                       latencies(record, control, percentile), unsettled(record.windows));
  };
  return {
      .series = {
          of_samples("descriptors", "", peer_waves, &ProcessState::descriptors),
          of_samples("memory", "bytes", memory_waves_of(record), &ProcessState::anonymous_bytes),
          of_samples("threads", "", peer_waves, &ProcessState::threads),
          of_windows("p50", &SoakWindow::p50_us), of_windows("p99", &SoakWindow::p99_us)}};
}

void judge(SoakSeries& series) {
  if (series.slices.size() < fewest_values) return;
  const bool rises = series.rise > series.least_rise &&
                     series.rise > largest_rise * series.median &&
                     series.p_corrected <= significance;
  series.verdict = rises ? Verdict::not_flat : Verdict::flat;
}

// "flat, +0.3 %"
std::string in_words(const SoakSeries& series) {
  if (series.verdict == Verdict::too_short) return "too short to tell";
  const double percent = series.median == 0 ? 0 : 100 * series.rise / series.median;
  return fmt::format("{} {}, {:+.1f} %",
                     series.name == "memory" ? fmt::format("{:.0f} KiB", series.median / 1024)
                     : series.unit.empty()   ? fmt::format("{:.0f}", series.median)
                                             : fmt::format("{:.2f}", series.median),
                     series.verdict == Verdict::flat ? "flat" : "NOT FLAT", percent);
}

std::string latency_in_words(const SoakRecord& record, const SoakSeries& series,
                             double SoakWindow::*percentile) {
  std::string verdict = in_words(series);
  // The series is a ratio, which needs the figure beside it to mean something.
  if (series.verdict == Verdict::too_short) return verdict;
  const std::string measured =
      fmt::format("{:.0f} µs", median(latencies(record, nullptr, percentile)));
  const std::size_t blank = verdict.find(' ');
  if (series.unit == "us") return measured + verdict.substr(blank);
  return fmt::format("{} ({}×){}", measured, verdict.substr(0, blank), verdict.substr(blank));
}

std::vector<std::string> row_of(const SoakRecord& record, const SoakVerdict& verdict) {
  const PeerTally churn = record.churn.sum();
  const std::string descriptors_after =
      record.after ? std::to_string(record.after->descriptors) : "-";
  return {record.name,
          in_words(verdict.of("descriptors")),
          fmt::format("{} / {}", record.before.descriptors, descriptors_after),
          in_words(verdict.of("memory")),
          in_words(verdict.of("threads")),
          latency_in_words(record, verdict.of("p50"), &SoakWindow::p50_us),
          latency_in_words(record, verdict.of("p99"), &SoakWindow::p99_us),
          std::to_string(churn.started),
          std::to_string(record.requests),
          fmt::format("{:.1f}", static_cast<double>(churn.bytes_checked) / 1e6),
          verdict.failed       ? "FAILED"
          : verdict.all_flat() ? "flat"
                               : "not flat"};
}

Json churn_json(const ChurnResult& churn) {
  Json json = Json::object();
  for (const auto& [kind, tally] : churn.peers) json[kind] = to_json(tally);
  return json;
}

// Columns, for half an hour has 1,800 samples.
Json samples_json(const SoakRecord& record) {
  const auto& samples = record.samples;
  std::vector<double> seconds = column<double>(samples, &SoakSample::seconds);
  for (double& moment : seconds) moment = std::round(moment * 1000) / 1000;
  return {{"seconds", seconds},
          {"descriptors", column<Json>(samples, &SoakSample::descriptors)},
          {"threads", column<Json>(samples, &SoakSample::threads)},
          {"resident_bytes", column<Json>(samples, &SoakSample::resident_bytes)},
          {"anonymous_bytes", column<Json>(samples, &SoakSample::anonymous_bytes)},
          {"accepted", column<Json>(samples, &SoakSample::accepted)},
          {"closed", column<Json>(samples, &SoakSample::closed)}};
}

Json windows_json(const SoakRecord& record) {
  return {{"seconds", column<Json>(record.windows, &SoakWindow::seconds)},
          {"requests", column<Json>(record.windows, &SoakWindow::requests)},
          {"p50_us", column<Json>(record.windows, &SoakWindow::p50_us)},
          {"p99_us", column<Json>(record.windows, &SoakWindow::p99_us)}};
}

Json series_json(const SoakVerdict& verdict) {
  constexpr std::array words{"flat", "not flat", "too short"};
  Json json = Json::object();
  for (const SoakSeries& series : verdict.series) {
    json[series.name] = {{"verdict", words[static_cast<std::size_t>(series.verdict)]},
                         {"unit", series.unit},
                         {"median", series.median},
                         {"rise", series.rise},
                         {"least_rise", series.least_rise},
                         {"p", series.p},
                         {"p_corrected", series.p_corrected},
                         {"slices", series.slices}};
  }
  return json;
}

}  // namespace

const SoakSeries& SoakVerdict::of(std::string_view name) const {
  const auto found = std::ranges::find(series, name, &SoakSeries::name);
  if (found == series.end()) throw std::out_of_range("no such series: " + std::string(name));
  return *found;
}

bool SoakVerdict::all_flat() const {
  return std::ranges::none_of(
      series, [](const SoakSeries& one) { return one.verdict == Verdict::not_flat; });
}

std::vector<SoakVerdict> judge_soak(const SoakResult& result, const std::string& control) {
  const auto found = std::ranges::find(result.servers, control, &SoakRecord::name);
  const SoakRecord* const beside = found == result.servers.end() ? nullptr : &*found;
  std::vector<SoakVerdict> verdicts;
  std::vector<double> p;
  for (const SoakRecord& record : result.servers) {
    verdicts.push_back(
        series_of(record, &record == beside ? nullptr : beside, to_seconds(result.settling)));
    for (const SoakSeries& series : verdicts.back().series) p.push_back(series.p);
  }
  const std::vector<double> corrected = holm(p);
  auto next = corrected.begin();
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    for (SoakSeries& series : verdicts[i].series) {
      series.p_corrected = *next++;
      judge(series);
    }
    const auto leaks = [&](std::string_view name) {
      return verdicts[i].of(name).verdict == Verdict::not_flat;
    };
    verdicts[i].failed = !result.servers[i].failures.empty() || leaks("descriptors") ||
                         leaks("memory") || leaks("threads");
  }
  return verdicts;
}

std::string soak_table(const SoakResult& result, const std::vector<SoakVerdict>& verdicts,
                       TableFormat format) {
  Table table(Table::columns(Table::left("server"),
                             {"descriptors", "before / after", "memory", "threads", "p50", "p99",
                              "connections", "requests", "MB checked", "verdict"}));
  std::string failures;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    table.add(row_of(result.servers[i], verdicts[i]));
    for (const std::string& failure : result.servers[i].failures) {
      failures += fmt::format("- {}: {}\n", result.servers[i].name, failure);
    }
  }
  return table.print(format) + (failures.empty() ? "" : "\n" + failures);
}

Json soak_json(const SoakResult& result, const std::vector<SoakVerdict>& verdicts) {
  Json json{{"seconds", to_seconds(result.duration)},
            {"interrupted", result.interrupted},
            {"servers", Json::array()}};
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const SoakRecord& record = result.servers[i];
    json["servers"].push_back(
        {{"server", record.name},
         {"failed", verdicts[i].failed},
         {"failures", record.failures},
         {"descriptors_before", record.before.descriptors},
         {"descriptors_after", record.after ? Json(record.after->descriptors) : Json()},
         {"threads_before", record.before.threads},
         {"threads_after", record.after ? Json(record.after->threads) : Json()},
         {"requests", record.requests},
         {"series", series_json(verdicts[i])},
         {"churn", churn_json(record.churn)},
         {"samples", samples_json(record)},
         {"windows", windows_json(record)}});
  }
  return json;
}

}  // namespace echomux
