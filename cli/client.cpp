#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <iostream>
#include <memory>
#include <span>
#include <vector>

#include "cli/command.hpp"
#include "echo/socket.hpp"
#include "echo/system_call.hpp"
#include "harness/text/number_text.hpp"

namespace echomux {
namespace {

// " --host ADDRESS", where that isn't where a server listens by itself.
std::string host_option(const Endpoint& endpoint) {
  std::string address = endpoint.to_string();
  address.erase(address.rfind(':'));
  if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
  return address == "127.0.0.1" ? "" : " --host " + address;
}

constexpr int patience_ms = 10'000;

void write_out(std::string_view output) {
  while (!output.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, output.data(), output.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {  // it doesn't block, so we wait here
      pollfd room{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
      static_cast<void>(::poll(&room, 1, -1));
      continue;
    }
    output.remove_prefix(static_cast<std::size_t>(check(written, "write to stdout")));
  }
}

// What a person at a terminal sees of the answers: "< ", the line, and the time since it was typed.
// Without it a typed line and its echo would look alike.
class Answers {
 public:
  void await(std::string_view typed) {
    for (auto n = std::ranges::count(typed, '\n'); n > 0; --n) waiting_.push_back(Clock::now());
  }

  [[nodiscard]] std::size_t missing() const { return waiting_.size(); }

  void show(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
      if (!in_line_) text += "< ";
      in_line_ = byte != '\n';
      if (!in_line_ && !waiting_.empty()) {
        text += "  " + time_since(waiting_.front());
        waiting_.pop_front();
        if (told_ > 0) --told_;
      }
      text += byte;
    }
    write_out(text);
  }

  // Until remind() has something to say; -1: nothing is awaited.
  [[nodiscard]] int reminder_ms() const {
    if (told_ == waiting_.size()) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(waiting_[told_] + a_while - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }

  // Says once of each line that it waits.
  void remind() {
    if (reminder_ms() != 0) return;
    ++told_;
    write_out(std::exchange(in_line_, false) ? "\n(the rest of the answer is missing)\n"
                                             : "(no answer yet)\n");
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds a_while{1};

  static std::string time_since(Clock::time_point begin) {
    const std::chrono::duration<double, std::milli> passed = Clock::now() - begin;
    return passed < a_while ? figure_in_words(passed.count()) + " ms"
                            : figure_in_words(passed.count() / 1000) + " s";
  }

  std::deque<Clock::time_point> waiting_;  // when each line without an answer was typed
  std::size_t told_ = 0;                   // how many of them, from the first on, were reminded of
  bool in_line_ = false;
};

// Tries the addresses in turn: localhost is often ::1 first, where a server on 127.0.0.1 isn't.
FileDescriptor connect_to(const std::vector<Endpoint>& addresses) {
  int error = 0;
  for (const Endpoint& address : addresses) {
    FileDescriptor socket(
        check(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    if (::connect(socket.get(), address.raw(), address.length) != 0) {
      error = errno;
    } else if (local_endpoint(socket.get()) == address) {
      error = ECONNREFUSED;  // to itself: nobody listens on this port that the system gave it
    } else {
      set_nonblocking(socket.get());
      return socket;
    }
  }
  const Endpoint& last = addresses.back();
  throw std::runtime_error(fmt::format(
      "cannot connect to {}: {}; is a server running there? Start one with: echomux serve "
      "epoll_lt --port {}{}",
      last.to_string(), error_text(error), last.port(), host_option(last)));
}

// Carries stdin to the server and what it echoes to stdout, both at the same time: a client that
// first sent everything would deadlock with a server whose buffers are full.
class LineClient {
 public:
  explicit LineClient(FileDescriptor socket) : socket_(std::move(socket)) {}

  int run() {
    while (!server_ended_) {
      // While something is still to be sent no more is read: memory stays bounded.
      const bool want_input = input_open_ && unsent_.empty();
      std::array watched{
          pollfd{.fd = want_input ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0},
          pollfd{.fd = socket_.get(), .events = POLLIN, .revents = 0}};
      if (!unsent_.empty()) watched[1].events |= POLLOUT;
      // A server that never reads, or never ends its side, must not keep us for ever.
      const bool up_to_the_server = !input_open_ || !unsent_.empty();
      const int reminder = answers_.reminder_ms();
      const int limit = up_to_the_server && reminder < 0 ? patience_ms : reminder;
      const int ready = ::poll(watched.data(), watched.size(), limit);
      if (ready < 0) {
        if (errno == EINTR) continue;
        throw_errno("poll");
      }
      if (ready == 0 && reminder < 0) {
        throw std::runtime_error(fmt::format(
            "{} of {} bytes came back, and for {} s the server has neither taken or sent more nor "
            "ended its side",
            received_bytes_, sent_bytes_ + unsent_.size(), patience_ms / 1000));
      }
      if ((watched[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) receive();
      if (watched[0].revents != 0) read_input();
      if (!unsent_.empty()) send();
      answers_.remind();
    }
    if (input_open_ || sent_bytes_ != received_bytes_ || !unsent_.empty()) {
      throw std::runtime_error(
          fmt::format("the server ended the connection after {} of {} bytes came back",
                      received_bytes_, sent_bytes_ + unsent_.size()));
    }
    return exit_ok;
  }

 private:
  void read_input() {
    const ssize_t count = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count < 0 && errno != EBADF) throw_errno("read from stdin");
    const auto input =
        std::span(buffer_).first(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    // Only a person quits with q: in a pipe it is data like any other.
    const bool quit = interactive_ && input.size() == 2 && input[1] == '\n' &&
                      (input[0] == 'q' || input[0] == 'Q');
    if (input.empty() || quit) {
      input_open_ = false;
      if (answers_.missing() > 0) {
        write_out(fmt::format("(waiting up to {} s for what is unanswered; Ctrl-C leaves now)\n",
                              patience_ms / 1000));
      }
      // Our end of input; the server answers with what it still owes and then its own end.
      static_cast<void>(::shutdown(socket_.get(), SHUT_WR));
      return;
    }
    storage_.assign(input.begin(), input.end());
    unsent_ = storage_;
    if (marks_) answers_.await({input.data(), input.size()});
  }

  void send() {
    const ssize_t count = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      throw_errno("the server is gone: send");
    }
    sent_bytes_ += static_cast<std::uint64_t>(count);
    unsent_ = unsent_.subspan(static_cast<std::size_t>(count));
  }

  void receive() {
    const ssize_t count = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      throw_errno("the server is gone: recv");
    }
    server_ended_ = count == 0;
    received_bytes_ += static_cast<std::uint64_t>(count);
    const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
    if (marks_) {
      answers_.show(bytes);
    } else {
      write_out(bytes);
    }
  }

  FileDescriptor socket_;
  std::array<char, std::size_t{64} * 1024> buffer_{};
  std::vector<char> storage_;
  std::span<const char> unsent_;  // the part of storage_ still to be sent
  bool interactive_ = ::isatty(STDIN_FILENO) == 1;
  bool marks_ = interactive_ && ::isatty(STDOUT_FILENO) == 1;
  Answers answers_;
  bool input_open_ = true;
  bool server_ended_ = false;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;
};

int run_client(const std::string& address) {
  std::vector<Endpoint> addresses;
  try {
    addresses = parse_endpoints(address);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what());
  }
  ::signal(SIGPIPE, SIG_IGN);  // a closed stdout is an error message, not a silent death
  FileDescriptor socket = connect_to(addresses);
  if (::isatty(STDIN_FILENO) == 1) {
    std::cerr << "echomux: connected to " << address << "; type lines, q quits\n";
  }
  return std::make_unique<LineClient>(std::move(socket))->run();
}

}  // namespace

Command client_command() {
  const auto address = std::make_shared<std::string>();
  return {"client",
          "Send lines (or a pipe) to an echo server and print the echo",
          {{"ADDRESS", "The server as HOST:PORT, such as 127.0.0.1:7777", address.get()}},
          "At a terminal, each answer has a '<' and the time since its line was typed, a line that "
          "has none after a second is said to have none yet, and q quits. In a pipe every byte is "
          "sent and read back, and nothing else is printed:\n"
          "  echomux client 127.0.0.1:7777 < in > out",
          [address] { return run_client(*address); }};
}

}  // namespace echomux
