#include "mpi/lifelines.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <random>
#include <stop_token>

#include "echo/stop_event.hpp"
#include "echo/system_call.hpp"
#include "harness/machine/addresses.hpp"
#include "harness/machine/machine.hpp"
#include "harness/text/json.hpp"

namespace echomux {
namespace {

constexpr std::chrono::milliseconds time_to_connect{1000};
constexpr std::chrono::milliseconds time_to_greet{2000};

// What a rank says first, so that nobody else is taken for one.
struct Greeting {
  std::uint64_t token = 0;
  std::uint64_t rank = 0;
};

bool becomes_ready(int fd, short events, std::chrono::milliseconds limit) {
  pollfd one{.fd = fd, .events = events, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&one, 1, static_cast<int>(limit.count()));
  } while (ready < 0 && errno == EINTR);
  return ready == 1;
}

// None where nobody answers there.
FileDescriptor connect_to(const std::string& address, std::uint16_t port) {
  const Endpoint endpoint = resolve(address, port);
  FileDescriptor socket(::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  if (::connect(socket.get(), endpoint.raw(), endpoint.length) == 0) return socket;
  int error = 0;
  socklen_t length = sizeof error;
  const bool connected =
      errno == EINPROGRESS && becomes_ready(socket.get(), POLLOUT, time_to_connect) &&
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
  return connected ? std::move(socket) : FileDescriptor();
}

FileDescriptor connect_to_rank_0(const Json& where, std::uint64_t rank) {
  for (const Json& address : where.at("addresses")) {
    const Greeting greeting{where.at("token").get<std::uint64_t>(), rank};
    FileDescriptor socket =
        connect_to(address.get<std::string>(), where.at("port").get<std::uint16_t>());
    if (socket && ::send(socket.get(), &greeting, sizeof greeting, MSG_NOSIGNAL) ==
                      static_cast<ssize_t>(sizeof greeting)) {
      return socket;
    }
  }
  // Of this host itself, where it has no other address.
  if (where.at("host").get<std::string>() != host_name()) return {};
  FileDescriptor socket = connect_to("127.0.0.1", where.at("port").get<std::uint16_t>());
  const Greeting greeting{where.at("token").get<std::uint64_t>(), rank};
  const bool greeted = socket && ::send(socket.get(), &greeting, sizeof greeting, MSG_NOSIGNAL) ==
                                     static_cast<ssize_t>(sizeof greeting);
  return greeted ? std::move(socket) : FileDescriptor();
}

// As many as say that they have connected, each in its rank's place.
void accept_all(const FileDescriptor& listener, std::uint64_t token, std::size_t count,
                std::vector<FileDescriptor>& lines) {
  const auto deadline = std::chrono::steady_clock::now() + time_to_greet;
  for (std::size_t accepted = 0; accepted < count && std::chrono::steady_clock::now() < deadline;) {
    if (!becomes_ready(listener.get(), POLLIN, time_to_greet)) return;
    FileDescriptor peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer) return;
    set_time_limit(peer.get(), time_to_greet);
    Greeting greeting;
    if (::recv(peer.get(), &greeting, sizeof greeting, MSG_WAITALL) !=
            static_cast<ssize_t>(sizeof greeting) ||
        greeting.token != token || greeting.rank >= lines.size()) {
      continue;
    }
    lines[greeting.rank] = std::move(peer);
    ++accepted;
  }
}

// A byte that is there to be read is the farewell.
bool has_ended(const FileDescriptor& line) {
  char byte = 0;
  return line && becomes_ready(line.get(), POLLIN, std::chrono::milliseconds(0)) &&
         ::recv(line.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) <= 0;
}

}  // namespace

Lifelines::Lifelines(World& world, std::function<void()> on_end) {
  FileDescriptor listener;
  std::string where;
  std::uint64_t token = 0;
  if (world.rank() == 0) {
    listener = listen_on(resolve("0.0.0.0", 0));
    std::random_device random;
    token = std::uint64_t{random()} << 32U | random();
    where = Json{
        {"host", host_name()},
        {"addresses", own_addresses()},
        {"port", local_endpoint(listener.get()).port()},
        {"token",
         token}}.dump();
  }
  const Json json = Json::parse(world.broadcast(where));
  if (world.rank() == 0) {
    lines_.resize(static_cast<std::size_t>(world.size()));
    std::size_t connected = 0;
    for (const std::string& one : world.gather("")) connected += one.empty() ? 0 : 1;
    accept_all(listener, token, connected, lines_);
    return;
  }
  lines_.push_back(connect_to_rank_0(json, static_cast<std::uint64_t>(world.rank())));
  static_cast<void>(world.gather(lines_.front() ? "connected" : ""));
  if (!lines_.front()) return;
  watcher_ = std::jthread([this, on_end = std::move(on_end)](const std::stop_token& stop) {
    const StopEvent stopped(stop);
    while (!stop.stop_requested()) {
      std::array<pollfd, 2> fds{pollfd{.fd = lines_.front().get(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = stopped.fd(), .events = POLLIN, .revents = 0}};
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
      if (!stop.stop_requested() && fds[0].revents != 0) {
        on_end();
        return;
      }
    }
  });
}

// In good order, even where it was told to end: one that dies comes to no destructor.
Lifelines::~Lifelines() {
  let_go();
  for (const FileDescriptor& line : lines_) {
    constexpr char farewell = 'f';
    if (line) ::send(line.get(), &farewell, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
}

void Lifelines::let_go() {
  watcher_.request_stop();
  if (watcher_.joinable()) watcher_.join();
}

std::vector<int> Lifelines::lost() const {
  std::vector<int> ranks;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (has_ended(lines_[i])) ranks.push_back(static_cast<int>(i));
  }
  return ranks;
}

}  // namespace echomux
