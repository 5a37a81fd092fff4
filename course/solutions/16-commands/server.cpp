// Exercise 16, solved: a stream has no messages. Bytes are kept until a line is complete.
#include <string>
#include <string_view>

#include "course/epoll_loop.hpp"

namespace echomux {
namespace {

// A longer line is no command, and its peer is closed.
constexpr std::size_t longest_line = 4096;

struct Peer {
  FileDescriptor socket;
  std::string received;  // and not handled yet
  std::uint64_t commands = 0;
};

// A command is a line: a number, a blank, and what belongs to it. The number says which function
// handles it.
//   1 TEXT   answers TEXT
//   2 TEXT   answers TEXT backwards
//   3        answers how many commands this peer has given, this one included
// Any other number, and none, is answered with a question mark. Each answer is a line. A line ends
// in
// "\n" or, as some clients send it, in "\r\n".
class Server {
 public:
  Server(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
         Counters& counters)
      : loop_(std::move(listener), std::move(stop), options, counters), counters_(counters) {}

  void run() {
    loop_.run([this](FileDescriptor socket) { add_peer(std::move(socket)); },
              [this](int fd, std::uint32_t /*events*/) { serve_peer(fd); });
  }

 private:
  void add_peer(FileDescriptor socket) {
    const int fd = socket.get();
    const auto slot = static_cast<std::size_t>(fd);
    if (slot >= peers_.size()) peers_.resize(slot + 1);
    peers_[slot].emplace(std::move(socket));
    loop_.watch(fd, EPOLLIN);
  }

  void serve_peer(int fd) {
    std::optional<Peer>& peer = peers_[static_cast<std::size_t>(fd)];
    std::array<char, 1024> buffer{};
    counters_.recv_calls.add();
    const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0 || !handle(*peer, {buffer.data(), static_cast<std::size_t>(count)})) {
      counters_.closed.add();
      peer.reset();
    }
  }

  // False when the peer is to be closed.
  bool handle(Peer& peer, std::string_view bytes) {
    peer.received += bytes;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = peer.received.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      std::string_view line(peer.received.data() + begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.size() > longest_line || !answer(peer, dispatch(peer, line))) return false;
    }
    peer.received.erase(0, begin);
    // What is not complete may still end in "\r", which is none of the line's own.
    return peer.received.size() - (peer.received.ends_with('\r') ? 1 : 0) <= longest_line;
  }

  static std::string dispatch(Peer& peer, std::string_view line) {
    ++peer.commands;
    const std::string_view number = line.substr(0, line.find(' '));
    const std::string_view text = number.size() < line.size() ? line.substr(number.size() + 1) : "";
    if (number == "1") return std::string(text);
    if (number == "2") return {text.rbegin(), text.rend()};
    if (number == "3") return std::to_string(peer.commands);
    return "?";
  }

  // Answers are short, so that there is room for them; who doesn't read them is closed.
  static bool answer(const Peer& peer, const std::string& line) {
    const std::string text = line + "\n";
    return ::send(peer.socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  EpollLoop loop_;
  Counters& counters_;
  std::vector<std::optional<Peer>> peers_;  // by descriptor
};

}  // namespace

void serve_exercise(FileDescriptor listener, std::stop_token stop, const ServerOptions& options,
                    ServerStats& stats) {
  Server(std::move(listener), std::move(stop), options, stats.main()).run();
}

}  // namespace echomux
