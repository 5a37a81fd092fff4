#pragma once

#include <string>

#include "harness/text/json.hpp"

// The compact form of a list of objects of the same kind, such as the trials of a results file: one
// object a row, and each name once.
namespace echomux {

// An object of four members. "same": what all objects have alike, by the names of their fields;
// "client.steal_share" is in the object "client". "columns": the names of the others. "words": the
// values of those columns that aren't numbers. "rows": each object's values in the order of the
// columns, a number as it is, and any other as its index among the words; false where an object has
// no such field.
[[nodiscard]] Json rows_of(const Json& objects);

// The list that rows_of() was given; its fields may have another order. Throws JsonError, which
// says what is wrong, for anything else, and for rows that would take more than 64 MiB.
[[nodiscard]] Json objects_of(const Json& table);

// An object in a line for each member, and for each row of what rows_of() made.
[[nodiscard]] std::string in_lines(const Json& object);

}  // namespace echomux
