#include "cli/load_options.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include "harness/text/words.hpp"

namespace echomux {
namespace {

template <typename T>
Value value_into(T& to, const Asked& asked) {
  if constexpr (std::is_same_v<T, bool>) {
    return &to;
  } else if constexpr (std::is_integral_v<T>) {
    if (asked.bounds.most == 0) return &to;
    return Count{&to, static_cast<std::size_t>(asked.bounds.least),
                 static_cast<std::size_t>(asked.bounds.most)};
  } else if constexpr (std::is_floating_point_v<T>) {
    return Rate{&to};
  } else if constexpr (std::is_same_v<T, std::chrono::nanoseconds>) {
    return Duration{&to, T(asked.bounds.least), T(asked.bounds.most)};
  } else if constexpr (std::is_same_v<T, Part>) {
    return Words{[&to](const std::string& word) { read_text(word, to); }, to.to_string()};
  } else if constexpr (std::is_enum_v<T>) {
    const auto take = [&to](const std::string& word) { to = enumerator<T>(word, "such value"); };
    return one_of(Words{take, std::string(to_string(to))}, words_of<T>());
  } else {
    return repeated(Words{[&to](const std::string& word) { to.push_back(resolve(word, 0)); }});
  }
}

}  // namespace

std::vector<Option> load_options(Load& load) {
  std::vector<Option> options;
  for_each_field(Of<Load>{}, [&](const LoadField& field, auto member) {
    options.push_back({std::string(field.asked.option), std::string(field.asked.help),
                       value_into(load.*member, field.asked)});
  });
  return options;
}

std::vector<Option> trial_options(Load& load) {
  std::vector<Option> options;
  for_each_field(Of<Load>{}, [&](const auto& field, auto member) {
    if constexpr (requires { field.of_bench; }) {
      Value value = value_into(load.*member, field.asked);
      value.default_shown = false;
      options.push_back(
          {std::string(field.of_bench.option), std::string(field.of_bench.help), std::move(value)});
    }
  });
  return options;
}

void check_combination(const Load& load, int family, std::string_view active_option) {
  // A client that only holds idle connections has no active one to share.
  const std::size_t active = load.own_active();
  if (load.active_connections > 0 && load.threads > active) {
    const std::string whose =
        load.part.count > 1 ? fmt::format(" of part {}", load.part.to_string()) : "";
    throw UsageError(
        fmt::format("--threads: {} thread{} can't share the {} active connections{}; give "
                    "each one at least, with {}",
                    load.threads, load.threads == 1 ? "" : "s", active, whose, active_option));
  }
  if (load.payload == Payload::text && load.message_bytes < 2) {
    throw UsageError(
        "--size: a line of text has two bytes at least, its end included; --payload binary sends "
        "single bytes");
  }
  if (load.reconnect && load.pipeline > 1) {
    throw UsageError("--reconnect: a connection that lives for one message can't --pipeline");
  }
  for (const Endpoint& source : load.sources) {
    if (source.family() != family) {
      throw UsageError(fmt::format("--source-ip: {} is no IPv{} address, as the server's is",
                                   source.to_string(), family == AF_INET6 ? 6 : 4));
    }
  }
}

}  // namespace echomux
