// The program of one exercise: 'PROGRAM serve exercise' runs its server with all that 'echomux
// serve' offers. It is linked with the server of one exercise, the only one that it knows.
#include <cstdio>
#include <cstdlib>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "cli/mystery.hpp"
#include "course/exercise.hpp"
#include "gallery/gallery.hpp"

namespace echomux {
namespace {

// A server has returned only when all its threads have ended: what they use is about to go.
void serve_and_see(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                   ServerStats& stats) {
  serve_exercise(std::move(listener), std::move(stop), options, stats);
  int left = 0;
  stats.visit_threads([&](const Counters& /*thread*/) { ++left; });
  if (left == 0) return;
  std::fprintf(stderr, "exercise: run() has returned while %d of its threads are at work\n", left);
  std::_Exit(EXIT_FAILURE);
}

constexpr Backend exercise{.name = "exercise",
                           .summary = "the server of this exercise",
                           .limit = "open descriptors (ulimit -n)",
                           .serve = &serve_and_see};

}  // namespace

// Whatever it is called: a check calls it by the name of the server that it should be like.
const Backend* find_server(std::string_view /*name*/) noexcept {
  return &exercise;
}

const Exhibit* find_exhibit(std::string_view /*name*/) noexcept {
  return nullptr;
}

decltype(Backend::serve) begin_mystery(std::optional<std::uint64_t> /*seed*/) {
  return exercise.serve;
}

std::vector<std::string> all_backend_names() {
  return {std::string(exercise.name)};
}

std::vector<std::string> server_names() {
  return all_backend_names();
}

}  // namespace echomux

int main(int argc, char** argv) {
  using namespace echomux;
  return parse_and_run({"exercise", "The server of one exercise.", {}, "", {}, {serve_command()}},
                       argc, argv);
}
