#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <type_traits>

namespace echomux {

// How the main table shows a figure.
enum class Form : std::uint8_t {
  figure,
  interval,  // with that of its median
  ratio,     // with that of its geometric mean
  percent,
  whole
};

// A metric's places among the columns of the CSV (from 1; 0: no metric), of the table and of the
// cost ledger, and among the page's charts (0: not shown there).
struct Places {
  int csv = 0;
  int table = 0;
  int ledger = 0;
  int page = 0;
};

// What is told of a field beside its value. Each struct that is written or shown names its fields
// once, in a function beside it:
//
//   template <typename Visit>
//   void for_each_field(Of<Point>, Visit visit) {
//     visit({"x_mm", "From the left edge."}, &Point::x_mm);
//   }
//
// JSON both ways and its schema (field_json.hpp), and all that is told of metrics
// (harness/bench/metrics.hpp), follow from it. In place of a member there may be a function of the
// struct: what it gives is written, and read only when it is a reference to be filled in. A member
// without a name lends its own fields to the whole.
struct Field {
  // In JSON, units last; "client.steal_share" is in an object of its own.
  std::string_view name = {};
  std::string_view explanation = {};  // a sentence
  std::string_view title = {};  // what the figure is called in running text, and above a chart
  std::string_view unit = {};
  std::string_view head = {};    // of a column in a table, with its unit
  std::string_view source = {};  // where the figure comes from
  std::string_view former = {};  // a name that the command line still takes
  int since = 2;                 // the schema_version from which on it is in every file
  Places places = {};
  Form form = Form::figure;
  bool written = true;   // in JSON; else it follows from other fields
  bool metrics = false;  // its own fields are metrics, too
};

// Tells for_each_field which struct is meant.
template <typename T>
struct Of {};

struct FieldProbe {
  template <typename Member>
  void operator()(const Field&, Member) const {}
};

// Whether a struct names its fields.
template <typename T>
concept HasFields = requires {
  for_each_field(Of<T>{}, FieldProbe{});
};

// What a member of a T, or a function of it, gives.
template <typename T, typename Member>
using ValueOf = std::remove_cvref_t<std::invoke_result_t<Member, const T&>>;

}  // namespace echomux
