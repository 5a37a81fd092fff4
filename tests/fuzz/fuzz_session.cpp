#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include "echo/echo_session.hpp"
#include "echo/system_call.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/model/echo_model.hpp"

namespace echomux::fuzz {
namespace {

class SessionRun {
 public:
  explicit SessionRun(Choices choices) : choices_(choices) {
    std::array<int, 2> ends{};
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
          "socketpair");
    peer_.reset(ends[0]);
    session_.emplace(FileDescriptor(ends[1]));
    // Of the smallest that the kernel allows to what it gives by itself.
    const int room = 1 << (11 + choices_.byte() % 8);
    for (const int end : ends) {
      check(::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof room), "setsockopt");
    }
  }

  void run() {
    while (!choices_.done() && session_) take_step();
    if (peer_) end_in_order();
    require(counters_.bytes_sent.value() <= counters_.bytes_received.value(),
            "it has sent more than it has received");
    require(counters_.bytes_received.value() <= model_.sent(),
            "it has received more than was sent");
    require(counters_.closed.value() == (session_ ? 0U : 1U), "it counts its end wrongly");
  }

 private:
  void take_step() {
    switch (choices_.byte() % 6) {
      case 0:
        return send(choices_.byte());
      case 1:
        return send(4 * choices_.two_bytes());
      case 2:
        receive(1 + choices_.two_bytes());
        return;
      case 3:
        return pump(1 + choices_.two_bytes());
      case 4:
        return pump(scratch_bytes);
      default:
        // The rare ones.
        switch (choices_.byte() % 16) {
          case 0:
            return half_close();
          case 1:
            return peer_.reset();
          default:
            return;
        }
    }
  }

  void send(std::size_t bytes) {
    if (!peer_ || model_.half_closed()) return;
    const std::string data = model_.next(bytes);
    const ssize_t count = ::send(peer_.get(), data.data(), data.size(), MSG_NOSIGNAL);
    require(count >= 0 || errno == EAGAIN, "the peer can't send");
    if (count > 0) model_.was_sent(static_cast<std::size_t>(count));
  }

  // True at the end of the stream.
  bool receive(std::size_t most) {
    if (!peer_) return false;
    buffer_.resize(most);
    const ssize_t count = ::recv(peer_.get(), buffer_.data(), buffer_.size(), 0);
    require(count >= 0 || errno == EAGAIN, "the peer can't receive");
    if (count > 0) model_.came_back({buffer_.data(), static_cast<std::size_t>(count)});
    if (count == 0) model_.end_came();
    return count == 0;
  }

  void half_close() {
    if (!peer_ || model_.half_closed()) return;
    check(::shutdown(peer_.get(), SHUT_WR), "shutdown");
    model_.was_half_closed();
  }

  void pump(std::size_t scratch_size) {
    scratch_.resize(scratch_size);
    const Outcome outcome = session_->pump(scratch_, counters_);
    switch (outcome) {
      case Outcome::want_read:
        require(!session_->owes(), "it waits for input with something to send");
        break;
      case Outcome::want_write:
        require(session_->owes(), "it waits for room with nothing to send");
        break;
      case Outcome::closed:
        require(!peer_ || model_.half_closed(), "it has ended although its peer has not");
        session_.reset();
        break;
      case Outcome::progressed:
        break;
    }
  }

  // From anywhere, a peer that ends its direction and goes on reading gets all there is to come,
  // and the end, within as many turns as there can be pieces.
  void end_in_order() {
    half_close();
    const std::size_t turns = 100 + model_.owed();
    for (std::size_t turn = 0; turn < turns; ++turn) {
      if (session_) pump(scratch_bytes);
      if (receive(scratch_bytes)) {
        require(counters_.bytes_sent.value() == model_.sent(), "it has not counted all it sent");
        require(counters_.peer_errors.value() == 0, "it saw an error where there was none");
        return;
      }
    }
    throw Finding("the end never comes");
  }

  Choices choices_;
  FileDescriptor peer_;
  std::optional<EchoSession> session_;
  model::ConnectionModel model_{1};
  Counters counters_;
  std::vector<std::byte> scratch_;
  std::vector<char> buffer_;
};

}  // namespace

void fuzz_session(Input input) {
  SessionRun(Choices(input)).run();
}

}  // namespace echomux::fuzz
