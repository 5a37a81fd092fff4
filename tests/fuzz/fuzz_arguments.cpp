#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "cli/command.hpp"
#include "cli/values.hpp"
#include "echo/socket.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace echomux::fuzz {
namespace {

using std::chrono::nanoseconds;

// Runs a parser; what it refuses with a sentence for the user is refused properly.
template <typename Refusal>
void parse(const std::function<void()>& parser) {
  try {
    parser();
  } catch (const Refusal& refusal) {
    require(!std::string_view(refusal.what()).empty(), "it refuses without saying why");
  }
}

void fuzz_count(std::string_view text) {
  constexpr std::size_t least = 1;
  constexpr std::size_t most = 2'000'000;
  const std::size_t count = parse_count(text, "--count", least, most);
  require(count >= least && count <= most, "a count out of its bounds");
  require(parse_count(std::to_string(count), "--count", least, most) == count,
          "a count changes when it is written again");
}

void fuzz_rate(std::string_view text) {
  const double rate = parse_rate(text, "--rate");
  require(std::isfinite(rate) && rate >= 0 && rate <= 100e6, "a rate out of its bounds");
}

void fuzz_time(std::string_view text) {
  constexpr nanoseconds least(0);
  constexpr nanoseconds most = std::chrono::hours(24);
  const nanoseconds time = parse_time(text, "--time", least, most);
  require(time >= least && time <= most, "a time out of its bounds");
  const nanoseconds again = parse_time(time_text(time), "--time", least, most * 2);
  // It is written with six digits.
  require(std::abs((again - time).count()) <= time.count() / 100'000 + 1,
          "a time changes when it is written again");
}

void fuzz_command(std::string_view text) {
  const std::vector<std::string> words = split_command(text, "--server");
  std::string quoted;
  for (const std::string& word : words) {
    quoted += " '";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    quoted += "'";
  }
  require(split_command(quoted, "--server") == words, "words change when they are quoted");
}

// Asks nobody who a host is: of those, only addresses are resolved.
void fuzz_endpoint(std::string_view text) {
  const HostAndPort parts = split_host_and_port(text);
  require(!parts.host.empty() && parts.port != 0, "a host or port is missing");
  in6_addr address{};
  if (parts.host.find('\0') != std::string::npos) return;
  if (::inet_pton(AF_INET, parts.host.c_str(), &address) != 1 &&
      ::inet_pton(AF_INET6, parts.host.c_str(), &address) != 1) {
    return;
  }
  const Endpoint endpoint = parse_endpoint(text);
  require(endpoint.port() == parts.port, "the port changes");
  const Endpoint again = parse_endpoint(endpoint.to_string());
  require(again.to_string() == endpoint.to_string(), "an address changes when it is written again");
  require(again.is_loopback() == endpoint.is_loopback(), "an address changes its scope");
}

}  // namespace

void fuzz_arguments(Input input) {
  const std::string_view text = as_text(input);
  parse<UsageError>([&] { fuzz_count(text); });
  parse<UsageError>([&] { fuzz_rate(text); });
  parse<UsageError>([&] { fuzz_time(text); });
  parse<UsageError>([&] { fuzz_command(text); });
  parse<std::invalid_argument>([&] { fuzz_endpoint(text); });
}

}  // namespace echomux::fuzz
