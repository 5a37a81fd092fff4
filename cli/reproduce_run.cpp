#include "cli/reproduce_run.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <ostream>

#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "harness/text/json.hpp"
#include "harness/text/text_width.hpp"
#include "harness/text/whole_file.hpp"
#include "harness/text/words.hpp"
#include "report/gnuplot.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;

// Tells which figure is being measured and about how long the rest takes: from what each usually
// takes, and how that was here so far.
class FigureTeller {
 public:
  FigureTeller(std::span<const FigureEntry* const> chosen, bool terminal, std::ostream& err)
      : chosen_(chosen), terminal_(terminal), err_(err) {}

  void begin(std::size_t index) {
    index_ = index;
    begin_ = Clock::now();
    if (!terminal_) {
      err_ << head() << chosen_[index_]->id << '\n' << std::flush;
      said_ = Clock::now();
    }
  }

  // What is measured right now.
  void tell(const std::string& what) {
    if (terminal_) {
      err_ << "\r\x1b[K" << clipped(head() + what, terminal_columns() - 1) << std::flush;
    } else if (Clock::now() - said_ >= std::chrono::seconds(10)) {
      err_ << head() << what << '\n' << std::flush;
      said_ = Clock::now();
    }
  }

  // `complete`: how long it took says something about the others.
  void end(bool complete) {
    if (terminal_) err_ << "\r\x1b[K" << std::flush;
    if (!complete) return;
    expected_ += chosen_[index_]->seconds;
    took_ += seconds_since_begin();
  }

 private:
  [[nodiscard]] double seconds_since_begin() const {
    return std::chrono::duration<double>(Clock::now() - begin_).count();
  }

  [[nodiscard]] std::string head() const {
    double pace = 1;
    if (expected_ > 0) pace = std::clamp(took_ / expected_, 0.2, 5.0);
    double left = std::max(1.0, pace * chosen_[index_]->seconds - seconds_since_begin());
    for (const FigureEntry* const next : chosen_.subspan(index_ + 1)) left += pace * next->seconds;
    return fmt::format("figure {} of {} {} ", index_ + 1, chosen_.size(), time_left(left));
  }

  std::span<const FigureEntry* const> chosen_;
  bool terminal_;
  std::ostream& err_;
  std::size_t index_ = 0;
  Clock::time_point begin_;
  Clock::time_point said_;
  double expected_ = 0;
  double took_ = 0;
};

// Before anything is measured, because a place that can't be written to is better known now.
void check_writable(const std::filesystem::path& directory) {
  const std::filesystem::path probe = directory / ".echomux-can-write";
  write_whole_file(probe, "", "figures");
  std::filesystem::remove(probe);
}

// What was measured first, so that nothing that goes wrong with the picture can cost it.
void write_figure(const Figure& figure, const ReproduceOptions& options, std::ostream& err) {
  const std::filesystem::path place = options.directory / file_stem(figure);
  const Json record = to_json(options.context, Json::array({to_json(figure)}));
  const auto file = [&](const char* kind) { return place.string() + kind; };
  write_whole_file(file(".json"), record.dump(1) + "\n", "figure");
  write_gnuplot(options.directory, figure);
  const auto svg =
      draw_svg({{"kind", "figure"}, {"record", record}, {"only", nullptr}}, options.tools);
  if (!svg) {
    err << fmt::format("written: {}.json, .dat and .gp\nechomux: {}\n", place.string(),
                       no_engine_sentence());
    return;
  }
  write_whole_file(file(".svg"), *svg, "picture");
  const bool png = options.png && make_png(*svg, file(".png"), options.tools);
  err << fmt::format("written: {}.json, .dat, .gp{} .svg{}\n", place.string(), png ? "," : " and",
                     png ? " and .png" : "");
  if (options.png && !png) err << "echomux: " << no_converter_sentence() << '\n';
}

}  // namespace

int run_figures(std::span<const FigureEntry* const> chosen, const ReproduceOptions& options,
                std::ostream& out, std::ostream& err, const std::stop_token& stop) {
  if (!options.directory.empty()) check_writable(options.directory);
  FigureTeller teller(chosen, options.terminal, err);
  Json all = Json::array();
  bool failed = false;
  for (std::size_t i = 0; i < chosen.size() && !stop.stop_requested(); ++i) {
    teller.begin(i);
    Figure figure;
    try {
      figure = unmeasured(*chosen[i]);
      chosen[i]->measure(
          figure, {[&](const std::string& what) { teller.tell(what); }, stop, options.server});
    } catch (const std::exception& error) {
      teller.end(false);
      if (stop.stop_requested()) break;
      err << fmt::format("echomux: {} could not be measured: {}\n", chosen[i]->id, error.what());
      failed = true;
      continue;
    }
    teller.end(true);
    if (stop.stop_requested()) break;  // it is not complete
    if (options.json) {
      all.push_back(to_json(figure));
    } else {
      out << to_text(figure) << '\n' << std::flush;
    }
    if (options.directory.empty()) continue;
    try {
      write_figure(figure, options, err);
    } catch (const std::exception& error) {
      err << fmt::format("echomux: {}: {}\n", chosen[i]->id, error.what());
      failed = true;
    }
  }
  if (options.json) out << to_json(options.context, std::move(all)).dump(1) << std::endl;
  if (!out) {
    err << "echomux: cannot write the figures to stdout; keep them in files with -o\n";
    failed = true;
  }
  if (stop.stop_requested()) {
    err << fmt::format(
        "echomux: interrupted; the figures that were complete by then are printed{}\n",
        options.directory.empty() ? "" : " and written");
  }
  return exit_status(kind_of_all(stop.stop_requested(), failed));
}

}  // namespace echomux
