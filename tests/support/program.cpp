#include "tests/support/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <span>
#include <stdexcept>

#include "echo/socket.hpp"
#include "echo/system_call.hpp"

namespace echomux {
namespace {

// Waits until something can be done with one of the descriptors. Throws on time-out.
void wait_for(std::span<pollfd> watched, const char* what) {
  if (check(::poll(watched.data(), watched.size(), static_cast<int>(patience.count())), "poll") ==
      0) {
    throw std::runtime_error(std::string("time-out while waiting for ") + what);
  }
}

// Appends what one read gives; closes the descriptor at the end of the stream.
void read_some(FileDescriptor& fd, std::string& text) {
  std::array<char, 65'536> chunk{};
  const ssize_t count = check(::read(fd.get(), chunk.data(), chunk.size()), "read");
  text.append(chunk.data(), static_cast<std::size_t>(count));
  if (count == 0) fd.reset();
}

}  // namespace

Terminal open_terminal() {
  FileDescriptor keyboard(check(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), "posix_openpt"));
  check(::grantpt(keyboard.get()), "grantpt");
  check(::unlockpt(keyboard.get()), "unlockpt");
  std::array<char, 128> name{};
  if (::ptsname_r(keyboard.get(), name.data(), name.size()) != 0) throw_errno("ptsname_r");
  FileDescriptor terminal(
      check(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC), "open the terminal"));
  return {std::move(keyboard), std::move(terminal)};
}

Program::Program(const std::vector<std::string>& arguments, const Streams& streams,
                 const std::string& path)
    : process_([&] {
        SpawnOptions options{.arguments = {path}, .streams = streams};
        options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
        return options;
      }()) {}

void Program::send_signal(int signal) const {
  check(::kill(pid(), signal), "kill");
}

int Program::wait(std::chrono::milliseconds limit) {
  if (!process_.wait_for_end(limit)) {
    throw std::runtime_error("the program still runs after " + std::to_string(limit.count()) +
                             " ms");
  }
  const ProcessEnd& end = process_.end();
  if (!end.exit_status) {
    throw std::runtime_error("signal " + std::to_string(end.signal) + " ended the program");
  }
  return *end.exit_status;
}

PipedProgram::PipedProgram(const std::vector<std::string>& arguments, int in)
    : program_(arguments, {.in = in, .out = out_.write_end.get(), .err = err_.write_end.get()}) {
  out_.write_end.reset();
  err_.write_end.reset();
}

Finished run_program(const std::vector<std::string>& arguments, std::string_view input,
                     const std::string& path) {
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  // Whether the program reads its input is what the test finds out; a signal would only hide it.
  ::signal(SIGPIPE, SIG_IGN);
  set_nonblocking(in.write_end.get());
  Program program(arguments,
                  {.in = in.read_end.get(), .out = out.write_end.get(), .err = err.write_end.get()},
                  path);
  in.read_end.reset();
  out.write_end.reset();
  err.write_end.reset();

  Finished finished;
  while (in.write_end || out.read_end || err.read_end) {
    if (input.empty()) in.write_end.reset();
    // poll(2) passes over those that are closed, for their number is -1.
    std::array watched{pollfd{.fd = in.write_end.get(), .events = POLLOUT, .revents = 0},
                       pollfd{.fd = out.read_end.get(), .events = POLLIN, .revents = 0},
                       pollfd{.fd = err.read_end.get(), .events = POLLIN, .revents = 0}};
    if (!in.write_end && !out.read_end && !err.read_end) break;
    wait_for(watched, "the program's output");
    if (watched[0].revents != 0) {
      const ssize_t count = ::write(in.write_end.get(), input.data(), input.size());
      if (count > 0) input.remove_prefix(static_cast<std::size_t>(count));
      if (count < 0 && errno != EAGAIN) input = {};  // it has closed its stdin
    }
    if (watched[1].revents != 0) read_some(out.read_end, finished.out);
    if (watched[2].revents != 0) read_some(err.read_end, finished.err);
  }
  finished.status = program.wait();
  return finished;
}

Finished serve_shortly(const std::string& server, const std::vector<std::string>& options) {
  std::vector<std::string> arguments{"serve", server, "--port", "0"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  PipedProgram serve(arguments);
  Finished finished;
  finished.out = read_line(serve.out());
  serve.send_signal(SIGTERM);
  finished.status = serve.wait(promptly);
  finished.err = read_all(serve.err());
  return finished;
}

std::string read_line(int fd) {
  std::string line;
  while (!line.ends_with('\n')) {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    wait_for({&readable, 1}, "a line of output");
    char byte = 0;
    if (check(::read(fd, &byte, 1), "read") == 0) {
      throw std::runtime_error("the output ended within the line '" + line + "'");
    }
    line += byte;
  }
  return line;
}

std::string read_all(int fd) {
  FileDescriptor own(check(::fcntl(fd, F_DUPFD_CLOEXEC, 0), "fcntl F_DUPFD_CLOEXEC"));
  std::string text;
  while (own) {
    pollfd readable{.fd = own.get(), .events = POLLIN, .revents = 0};
    wait_for({&readable, 1}, "the end of the output");
    read_some(own, text);
  }
  return text;
}

}  // namespace echomux
