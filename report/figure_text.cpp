// A figure as text and as JSON.
#include <fmt/core.h>

#include <cmath>

#include "harness/text/json.hpp"
#include "harness/text/number_text.hpp"
#include "harness/text/table.hpp"
#include "report/figure.hpp"

namespace echomux {
namespace {

std::string measured_cell(const MeasuredLine& line, double x) {
  const auto rounds = line.rounds.find(x);
  if (rounds != line.rounds.end()) return reader_number(median_interval(rounds->second));
  const auto missing = line.not_possible.find(x);
  return missing == line.not_possible.end() ? "-" : in_brief(missing->second);
}

// One column per line, or two where something was published. Only tables with both name them.
std::string table(const Figure& figure, const std::map<std::string, MeasuredLine>& measured,
                  bool with_published) {
  std::vector<Table::Column> columns{Table::right(figure.axis, 10)};
  for (const std::string& line : figure.lines) {
    if (with_published) columns.push_back(Table::right(line, 12));
    columns.push_back(with_published ? Table::right("here", 26, 1) : Table::right(line, 26));
  }
  Table table(std::move(columns));
  for (const double x : places(figure)) {
    std::vector<std::string> cells{reader_number(x)};
    for (const std::string& name : figure.lines) {
      if (with_published) {
        const PublishedLine& published = line_of(figure.published, name);
        cells.push_back(published.contains(x) ? reader_number(published.at(x)) : "-");
      }
      cells.push_back(measured_cell(line_of(measured, name), x));
    }
    table.add(std::move(cells));
  }
  return table.print();
}

// Why places are missing, each reason once: the table has no room for more than two words.
std::string reasons(const Figure& figure) {
  std::map<std::string, std::string> lines_by_reason;
  for (const std::string& name : figure.lines) {
    std::set<std::string> own;
    for (const auto& [x, missing] : line_of(figure.measured, name).not_possible) {
      own.insert(fmt::format("{}: {}", in_brief(missing), missing.why));
    }
    for (const std::string& reason : own) {
      std::string& lines = lines_by_reason[reason];
      lines += (lines.empty() ? "" : ", ") + name;
    }
  }
  std::string out;
  for (const auto& [reason, lines] : lines_by_reason) {
    out += fmt::format("  {} ({})\n", reason, lines);
  }
  return out;
}

std::string wins_in_words(const Figure& figure, const std::vector<Win>& wins) {
  std::string out;
  for (std::size_t i = 0; i < wins.size(); ++i) {
    const Win& win = wins[i];
    const bool goes_on = i > 0 && wins[i - 1].scanning == win.scanning;
    out += goes_on ? ", "
                   : fmt::format("{}  {} {} {} at ", i > 0 ? "\n" : "", win.scanning,
                                 win_verb(figure), win.epoll);
    out += fmt::format("{} {}: {} times", reader_number(win.at), figure.axis,
                       reader_number(win.ratio));
  }
  return out.empty() ? out : out + "\n";
}

Json finite(double value) {
  return std::isfinite(value) ? Json(value) : Json("never");
}

Json interval(const MedianInterval& value) {
  Json json{{"median", finite(value.median)}, {"low", nullptr}, {"high", nullptr}};
  if (value.bounds) {
    json["low"] = finite(value.bounds->low);
    json["high"] = finite(value.bounds->high);
  }
  return json;
}

void add_measured(Json& json, const MeasuredLine& line) {
  json["measured"] = Json::array();
  for (const auto& [x, rounds] : line.rounds) {
    Json point = interval(median_interval(rounds));
    point["x"] = x;
    point["rounds"] = rounds;
    json["measured"].push_back(std::move(point));
  }
  json["not_possible"] = Json::array();
  for (const auto& [x, missing] : line.not_possible) {
    json["not_possible"].push_back({{"x", x},
                                    {"obstacle", to_string(missing.obstacle)},
                                    {"brief", in_brief(missing)},
                                    {"why", missing.why}});
  }
}

Json lines_json(const Figure& figure) {
  Json lines = Json::array();
  for (const std::string& name : figure.lines) {
    Json line{{"name", name}, {"published", Json::array()}};
    for (const auto& [x, y] : line_of(figure.published, name)) {
      line["published"].push_back({{"x", x}, {"y", y}});
    }
    add_measured(line, line_of(figure.measured, name));
    lines.push_back(std::move(line));
  }
  return lines;
}

Json second_json(const Figure& figure) {
  if (!figure.second) return nullptr;
  Json json{
      {"title", figure.second->title}, {"unit", figure.second->unit}, {"lines", Json::array()}};
  for (const std::string& name : figure.lines) {
    const auto line = figure.second->measured.find(name);
    if (line == figure.second->measured.end()) continue;
    Json one{{"name", name}};
    add_measured(one, line->second);
    json["lines"].push_back(std::move(one));
  }
  return json;
}

Json fit_json(const Figure& figure) {
  if (!figure.fit) return nullptr;
  Json json{{"formula", "cost_us = fixed_us + per_watched_us * watched + per_ready_us * ready"},
            {"watched", figure.fit->watched},
            {"lines", Json::array()},
            {"crossings", Json::array()},
            {"sentences", in_words(*figure.fit, figure.lines)}};
  for (const std::string& name : figure.lines) {
    const auto models = figure.fit->models.find(name);
    if (models == figure.fit->models.end() || models->second.empty()) continue;
    Json line{{"name", name}};
    const auto add = [&](const char* key, double CostModel::*coefficient) {
      line[key] = interval(over_rounds(models->second, coefficient));
    };
    add("fixed_us", &CostModel::fixed_us);
    add("per_watched_us", &CostModel::per_watched_us);
    add("per_ready_us", &CostModel::per_ready_us);
    add("r_squared", &CostModel::r_squared);
    line["rounds"] = models->second.size();
    json["lines"].push_back(std::move(line));
  }
  for (const ImpliedCrossing& crossing : figure.fit->crossings) {
    json["crossings"].push_back(
        {{"scanning", crossing.scanning},
         {"epoll", crossing.epoll},
         {"implied_ready", interval(crossing.implied)},
         {"measured_active", crossing.measured ? interval(*crossing.measured) : Json(nullptr)}});
  }
  return json;
}

// What every place of the figure's axis has in common.
Json load_json(const Figure& figure) {
  if (!figure.load) return nullptr;
  return {{"active_connections", figure.load->active_connections},
          {"requests_per_second", figure.load->requests_per_second}};
}

Json wins_json(const std::vector<Win>& wins) {
  Json json = Json::array();
  for (const Win& win : wins) {
    json.push_back({{"scanning", win.scanning},
                    {"epoll", win.epoll},
                    {"x", win.at},
                    {"ratio", interval(win.ratio)}});
  }
  return json;
}

}  // namespace

std::string to_text(const Figure& figure) {
  std::string out = fmt::format("{}: {}\n  source: {}\n  method: {}\n", figure.id, figure.title,
                                figure.source, figure.method);
  if (!figure.differs.empty()) out += fmt::format("  differs: {}\n", figure.differs);
  const bool with_published = !figure.published.empty();
  out += with_published ? fmt::format("\n  published: {}; measured: {}\n", figure.published_unit,
                                      figure.measured_unit)
                        : fmt::format("\n  measured: {}\n", figure.measured_unit);
  out += table(figure, figure.measured, with_published);
  if (figure.second) {
    out += fmt::format("\n  {}: {}\n", figure.second->title, figure.second->unit);
    out += table(figure, figure.second->measured, false);
  }
  if (const std::string why = reasons(figure); !why.empty()) out += "\n" + why;
  out += "\n";
  for (const Shape& shape : figure.shapes) {
    out += fmt::format("  {:<44} published {:>8}, here {:>22}: {}{}\n", shape.what,
                       shape.published ? reader_number(*shape.published) : "-",
                       shape.measured ? reader_number(*shape.measured) : "-",
                       to_string(shape.verdict), shape.how.empty() ? "" : " (" + shape.how + ")");
  }
  if (const std::string verdict = verdict_in_words(figure); !verdict.empty()) {
    out += "  " + verdict + "\n";
  }
  out += wins_in_words(figure, measured_wins(figure));
  if (figure.fit) {
    for (const std::string& sentence : in_words(*figure.fit, figure.lines)) {
      out += "  " + sentence + "\n";
    }
  }
  for (const std::string& note : figure.notes) out += "  " + note + "\n";
  return out;
}

Json to_json(const Figure& figure) {
  Json json{{"figure", figure.id},
            {"title", figure.title},
            {"source", figure.source},
            {"method", figure.method},
            {"differs", figure.differs},
            {"axis", figure.axis},
            {"axis_label", figure.axis_label},
            {"published_unit", figure.published_unit},
            {"measured_unit", figure.measured_unit},
            {"more_is_better", figure.more_is_better},
            {"load", load_json(figure)},
            {"lines", lines_json(figure)},
            {"second", second_json(figure)},
            {"fit", fit_json(figure)}};
  json["verdict"] = verdict_in_words(figure);
  json["shapes"] = Json::array();
  for (const Shape& shape : figure.shapes) {
    json["shapes"].push_back(
        {{"what", shape.what},
         {"published", shape.published ? finite(*shape.published) : Json(nullptr)},
         {"measured", shape.measured ? interval(*shape.measured) : Json(nullptr)},
         {"verdict", to_string(shape.verdict)},
         {"how", shape.how}});
  }
  json["wins"] = {{"published", wins_json(published_wins(figure))},
                  {"measured", wins_json(measured_wins(figure))}};
  json["notes"] = figure.notes;
  return json;
}

Json to_json(const FigureContext& context, Json figures) {
  return {{"started", context.started},
          {"command", context.command},
          {"build", to_json(context.build)},
          {"machine", to_json(context.machine)},
          {"figures", std::move(figures)}};
}

}  // namespace echomux
