#include "harness/results/trial_rows.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace echomux {
namespace {

constexpr std::size_t largest_bytes = std::size_t{64} * 1024 * 1024;
// Of objects in objects, as Json::parse() has it.
constexpr std::size_t most_levels = 16;
// Beyond what a value of its own takes.
constexpr std::size_t bytes_of_a_field = 64;

using Fields = std::map<std::string, Json, std::less<>>;

// Whether the object has columns of its own for its members.
bool is_taken_apart(const Json& value) {
  return value.is_object() && !value.empty() &&
         std::ranges::none_of(value.items(), [](const auto& member) {
           return member.first.empty() || member.first.find('.') != std::string::npos;
         });
}

// What is in the object, and in those in it, by the way there.
void add_fields(const Json& object, const std::string& way, Fields& fields,
                std::vector<std::string>& order) {
  for (const auto& [name, value] : object.items()) {
    if (is_taken_apart(value)) {
      add_fields(value, way + name + ".", fields, order);
      continue;
    }
    const std::string place = way + name;
    if (std::ranges::find(order, place) == order.end()) order.push_back(place);
    fields[place] = value;
  }
}

bool is_figure(const Json& value) {
  return value.is_number() || value.is_null();
}

// The place in an object of a field with this name.
Json& place_in(Json& object, std::string_view name) {
  Json* place = &object;
  std::size_t depth = 0;
  for (std::size_t dot = 0; dot != std::string_view::npos;) {
    if (++depth > most_levels) throw JsonError("the name of a column has too many parts");
    dot = name.find('.');
    place = &(*place)[name.substr(0, dot)];
    if (dot != std::string_view::npos) name.remove_prefix(dot + 1);
  }
  return *place;
}

// One column: its name, and the words that its indices stand for.
struct Column {
  std::string name;
  const Json* words = nullptr;
  std::vector<std::size_t> bytes{};  // of each word
};

std::vector<Column> columns_of(const Json& table) {
  std::vector<Column> columns;
  const Json& words = table.at("words");
  for (const Json& name : table.at("columns")) {
    Column& column = columns.emplace_back(Column{.name = name.get<std::string>()});
    column.words = words.find(column.name);
    if (column.words == nullptr) continue;
    for (const Json& word : *column.words) column.bytes.push_back(word.dump().size());
  }
  return columns;
}

}  // namespace

Json rows_of(const Json& objects) {
  std::vector<Fields> all;
  std::vector<std::string> order;
  for (const Json& object : objects) add_fields(object, "", all.emplace_back(), order);
  Json same = Json::object();
  Json columns = Json::array();
  Json words = Json::object();
  std::vector<Json> rows(all.size(), Json::array());
  for (const std::string& name : order) {
    const auto holds = [&](auto test) {
      return std::ranges::all_of(all, [&](const Fields& fields) {
        const auto field = fields.find(name);
        return test(field == fields.end() ? nullptr : &field->second);
      });
    };
    const Json* const first = all.front().contains(name) ? &all.front().at(name) : nullptr;
    if (first != nullptr &&
        holds([&](const Json* value) { return value != nullptr && *value == *first; })) {
      same[name] = *first;
      continue;
    }
    columns.push_back(name);
    const bool figures = holds([](const Json* value) { return !value || is_figure(*value); });
    std::vector<Json> known;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto field = all[i].find(name);
      if (field == all[i].end()) {
        rows[i].push_back(false);
      } else if (figures) {
        rows[i].push_back(field->second);
      } else {
        const auto found = std::ranges::find(known, field->second);
        rows[i].push_back(found - known.begin());
        if (found == known.end()) known.push_back(field->second);
      }
    }
    if (!figures) words[name] = known;
  }
  return {{"same", same}, {"columns", columns}, {"words", words}, {"rows", rows}};
}

Json objects_of(const Json& table) {
  const std::vector<Column> columns = columns_of(table);
  const Json& same = table.at("same");
  const std::size_t bytes_of_same = same.dump().size() + bytes_of_a_field * same.size();
  std::size_t bytes = 0;
  Json objects = Json::array();
  for (const Json& row : table.at("rows")) {
    if (row.size() != columns.size()) {
      throw JsonError(
          fmt::format("a row has {} values for {} columns", row.size(), columns.size()));
    }
    Json object = Json::object();
    for (const auto& [name, value] : same.items()) place_in(object, name) = value;
    bytes += bytes_of_same + bytes_of_a_field * row.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Column& column = columns[i];
      const Json& cell = row.at(i);
      if (cell == Json(false)) continue;
      Json& place = place_in(object, column.name);
      if (column.words == nullptr) {
        place = cell;
      } else {
        const auto index = cell.get<std::size_t>();
        place = column.words->at(index);
        bytes += column.bytes.at(index);
      }
    }
    if (bytes > largest_bytes) throw JsonError("its rows are too large");
    objects.push_back(std::move(object));
  }
  return objects;
}

std::string in_lines(const Json& object) {
  std::string text = "{";
  for (const auto& [name, value] : object.items()) {
    text += fmt::format("{}\n{}:", text.size() > 1 ? "," : "", Json(name).dump());
    const Json* const rows = value.is_object() ? value.find("rows") : nullptr;
    if (rows != nullptr) {
      text += in_lines(value);
    } else if (name == "rows" ||
               (value.is_array() && value.size() > 0 && value.at(0).is_object())) {
      std::string lines;
      for (const Json& row : value) lines += (lines.empty() ? "\n" : ",\n") + row.dump();
      text += "[" + lines + "]";
    } else {
      text += value.dump();
    }
  }
  return text + "}";
}

}  // namespace echomux
