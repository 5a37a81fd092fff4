#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/command.hpp"
#include "gallery/gallery.hpp"
#include "harness/server/programs.hpp"
#include "harness/server/server_process.hpp"
#include "harness/text/words.hpp"

namespace echomux {
namespace {

constexpr std::string_view all_exhibits = "all";

struct TryOptions {
  std::string exhibit;
  std::string check;
  std::chrono::nanoseconds limit = std::chrono::seconds(10);
  std::optional<std::size_t> max_connections;
};

// The check as a command; one that can't be executed is given to what its name says it is for.
std::vector<std::string> command_of(const std::string& check) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(check, none)) {
    throw UsageError(fmt::format("{}: there is no such file", check));
  }
  const std::string path = std::filesystem::absolute(check).string();
  if (::access(path.c_str(), X_OK) == 0) return {path};
  if (path.ends_with(".py")) return {"python3", path};
  if (path.ends_with(".sh")) return {"bash", path};
  throw UsageError(
      fmt::format("{} can't be executed: chmod +x it, or call it NAME.py or NAME.sh", check));
}

// What became of the check with one server.
struct Verdict {
  bool passed = false;
  std::string why;  // "exit status 1"
};

// Runs the check against a server of its own. It writes where this program writes.
Verdict run_check(std::vector<std::string> command, std::string_view server,
                  const TryOptions& options) {
  std::vector<std::string> more;
  if (options.max_connections) {
    more = {"--max-connections", std::to_string(*options.max_connections)};
  }
  ServerProcess process(serve_command(own_program().string(), server, more));
  std::string host = process.endpoint().to_string();
  const std::string port = std::to_string(process.endpoint().port());
  host.erase(host.rfind(':'));
  command.insert(command.end(), {host, port});
  // The check inherits these; nothing else runs here meanwhile.
  ::setenv("ECHOMUX_HOST", host.c_str(), 1);
  ::setenv("ECHOMUX_PORT", port.c_str(), 1);
  ::setenv("ECHOMUX_PID", std::to_string(process.pid()).c_str(), 1);
  std::cout.flush();
  SpawnedProcess check({.arguments = std::move(command),
                        .streams = {.out = Streams::inherited, .err = Streams::inherited}});
  const auto limit = std::chrono::ceil<std::chrono::milliseconds>(options.limit);
  const bool in_time = check.wait_for_end(limit);
  const ProcessEnd& end = check.end();
  if (check.exec_error() != 0) throw UsageError("the check can't be executed");
  // A server that is ending may still seem to run. One that runs and is asked to stop ends with 0.
  const bool had_ended = !process.running();
  const ServerExit exit = process.stop();
  const bool by_itself = had_ended || (!exit.killed_after_timeout && exit.exit_status != 0);
  const std::string ended = by_itself ? ", and the server has ended by itself" : "";
  if (!in_time) return {false, fmt::format("not done after {} ms{}", limit.count(), ended)};
  if (!end.exit_status) return {false, fmt::format("signal {} ended it{}", end.signal, ended)};
  return {*end.exit_status == 0, fmt::format("exit status {}{}", *end.exit_status, ended)};
}

// Whether the check tells the twins apart, and says so.
bool tells_apart(const std::vector<std::string>& command, const Exhibit& exhibit,
                 const TryOptions& options) {
  const auto with = [&](std::string_view server) {
    const Verdict verdict = run_check(command, server, options);
    std::cout << fmt::format("with {} it {} ({})\n", server, verdict.passed ? "passes" : "fails",
                             verdict.why);
    return verdict.passed;
  };
  const bool broken = with(exhibit.broken.name);
  const bool mended = with(exhibit.mended.name);
  if (!broken && mended) {
    std::cout << fmt::format("{}: the check tells them apart.\n", exhibit.name);
  } else if (broken && mended) {
    std::cout << fmt::format("{}: both pass; the check doesn't meet the bug.\n", exhibit.name);
  } else if (!broken) {
    std::cout << fmt::format("{}: both fail; what it asks isn't done without the bug, either.\n",
                             exhibit.name);
  } else {
    std::cout << fmt::format("{}: the wrong one fails; is exit status 0 what is fine?\n",
                             exhibit.name);
  }
  return !broken && mended;
}

int try_check(const TryOptions& options) {
  const std::vector<std::string> command = command_of(options.check);
  std::vector<std::string> apart;
  for (const Exhibit& exhibit : gallery()) {
    if (options.exhibit != all_exhibits && options.exhibit != exhibit.name) continue;
    if (tells_apart(command, exhibit, options)) apart.emplace_back(exhibit.name);
  }
  if (options.exhibit == all_exhibits) {
    std::cout << fmt::format("{} of {} exhibits are told from their mended twins{}{}.\n",
                             apart.size(), gallery().size(), apart.empty() ? "" : ": ",
                             joined(apart, ", "));
  }
  return apart.empty() ? exit_failure : exit_ok;
}

}  // namespace

Command try_command() {
  const auto to = std::make_shared<TryOptions>();
  std::vector<std::string> names{std::string(all_exhibits)};
  for (const Exhibit& exhibit : gallery()) names.emplace_back(exhibit.name);
  constexpr std::size_t most_connections = 1'000'000;
  return {
      "try",
      "Run your check against a broken server of the gallery and against its mended twin",
      {{"NAME", "The exhibit, or all of them", one_of(&to->exhibit, names)},
       {"CHECK", "A program of yours, or a script for python3 (.py) or bash (.sh)",
        file(&to->check, "an empty name")},
       {"--limit", "The check has failed if it isn't done after this time",
        Duration{&to->limit, std::chrono::milliseconds(100), std::chrono::hours(1)}},
       {"--max-connections", "For both servers, as with 'serve' [no limit]",
        Count{&to->max_connections, 1, most_connections}}},
      "The check is called with the server's address and port, which are also in ECHOMUX_HOST "
      "and ECHOMUX_PORT; ECHOMUX_PID is the server's process. Its exit status 0 says that all "
      "is well. The exit status of 'try' is 0 when the broken server fails and its twin passes.",
      [to] { return try_check(*to); }};
}

}  // namespace echomux
