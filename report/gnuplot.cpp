// Writes a picture's sources and has gnuplot draw it.
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <system_error>
#include <vector>

#include "echo/file_descriptor.hpp"
#include "echo/system_call.hpp"
#include "harness/text/whole_file.hpp"
#include "report/picture.hpp"

namespace echomux {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_error_bytes = 4'000;

// What a program is started with; gives back what posix_spawn(3) holds for it.
class SpawnActions {
 public:
  SpawnActions() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    // The program gets the signals that this one blocks for its signal thread, and a process group
    // of its own, so that all it starts can be ended with it.
    sigset_t none;
    ::sigemptyset(&none);
    sigset_t standard;
    ::sigemptyset(&standard);
    ::sigaddset(&standard, SIGPIPE);
    ::sigaddset(&standard, SIGXFSZ);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &standard);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnActions() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;

  [[nodiscard]] posix_spawn_file_actions_t* actions() { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

struct Ended {
  int status = 0;
  bool too_long = false;
  std::string errors;
};

// Reads what the program says until it ends, or ends it after `limit`.
Ended await_end(pid_t pid, int errors, std::chrono::milliseconds limit) {
  Ended ended;
  const Clock::time_point deadline = Clock::now() + limit;
  bool open = true;
  while (open && !ended.too_long) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd readable{.fd = errors, .events = POLLIN, .revents = 0};
    const int ready = left.count() > 0 ? ::poll(&readable, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      ended.too_long = true;
      break;
    }
    std::array<char, 4'096> chunk{};
    const ssize_t count = ::read(errors, chunk.data(), chunk.size());
    if (count > 0 && ended.errors.size() < most_error_bytes) {
      ended.errors.append(chunk.data(), static_cast<std::size_t>(count));
    }
    open = count > 0 || (count < 0 && errno == EINTR);
  }
  // It has closed its stderr, which it does by ending, or it is ended here.
  if (ended.too_long) ::kill(-pid, SIGKILL);
  while (::waitpid(pid, &ended.status, 0) < 0 && errno == EINTR) {
  }
  return ended;
}

std::string trimmed(std::string text) {
  text.erase(0, std::min(text.find_first_not_of("\r\n "), text.size()));
  text.erase(text.find_last_not_of("\r\n ") + 1);
  return text;
}

}  // namespace

void write_picture_sources(const std::filesystem::path& directory, const Figure& figure,
                           const FigureContext& context) {
  const std::string stem = file_stem(figure);
  write_whole_file(directory / (stem + ".dat"), picture_data(figure), "picture's data");
  write_whole_file(directory / (stem + ".gp"), picture_script(figure, context), "picture's script");
}

std::optional<std::string> draw_picture(const std::filesystem::path& directory,
                                        const Figure& figure, const Gnuplot& gnuplot) {
  const std::string stem = file_stem(figure);
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  FileDescriptor read_end(ends[0]);
  FileDescriptor write_end(ends[1]);
  SpawnActions spawn;
  // The script names its files without a directory.
  ::posix_spawn_file_actions_addchdir_np(spawn.actions(), directory.c_str());
  ::posix_spawn_file_actions_addopen(spawn.actions(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(spawn.actions(), STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(spawn.actions(), write_end.get(), STDERR_FILENO);
  std::string program = gnuplot.program;
  std::string script = stem + ".gp";
  const std::array<char*, 3> argv{program.data(), script.data(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, program.c_str(), spawn.actions(), spawn.attributes(),
                                   argv.data(), environ);
  if (error == ENOENT) {
    return fmt::format(
        "{} is not installed, so {}.svg and {}.png are not drawn; their script and data are kept: "
        "install gnuplot (gnuplot-nox on Debian and Ubuntu) and run 'gnuplot {}.gp' in {}",
        gnuplot.program, stem, stem, stem, directory.string());
  }
  if (error != 0) {
    throw std::runtime_error(
        fmt::format("cannot start {}: {}", gnuplot.program, error_text(error)));
  }
  write_end.reset();
  const Ended ended = await_end(pid, read_end.get(), gnuplot.limit);
  if (ended.too_long) {
    throw std::runtime_error(
        fmt::format("{} had not drawn {} after {} s and was ended; its script "
                    "and data are kept",
                    gnuplot.program, (directory / stem).string(),
                    std::chrono::duration<double>(gnuplot.limit).count()));
  }
  if (!WIFEXITED(ended.status) || WEXITSTATUS(ended.status) != 0) {
    const std::string errors = trimmed(ended.errors);
    throw std::runtime_error(fmt::format(
        "{} could not draw {}; its script and data are kept. {}", gnuplot.program,
        (directory / stem).string(), errors.empty() ? "It said nothing" : "It said: " + errors));
  }
  return std::nullopt;
}

}  // namespace echomux
