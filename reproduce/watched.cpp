#include "reproduce/watched.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "echo/socket.hpp"
#include "echo/system_call.hpp"
#include "harness/text/words.hpp"

namespace echomux::micro {
namespace {

struct Pair {
  FileDescriptor reader;
  FileDescriptor writer;
};

Pair make_pair(Kind kind, int listener) {
  std::array<int, 2> ends{};
  if (kind == Kind::pipe) {
    check(::pipe(ends.data()), "pipe");
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  }
  if (kind == Kind::socket_pair) {
    check(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), "socketpair");
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  }
  const Endpoint server = local_endpoint(listener);
  FileDescriptor client(check(::socket(AF_INET, SOCK_STREAM, 0), "socket"));
  check(::connect(client.get(), server.raw(), server.length), "connect");
  FileDescriptor accepted(check(::accept(listener, nullptr, nullptr), "accept"));
  return {std::move(accepted), std::move(client)};
}

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  return word_of(kind, {"pipe", "socket_pair", "tcp"});
}

std::int64_t most_pairs() {
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  constexpr rlim_t spare = 32;
  return static_cast<std::int64_t>(std::min<rlim_t>((limit.rlim_cur - spare) / 2, 10'000));
}

Watched::Watched(Kind kind, std::int64_t count) {
  const FileDescriptor listener =
      kind == Kind::tcp ? listen_on(resolve("127.0.0.1", 0)) : FileDescriptor();
  for (std::int64_t i = 0; i < count; ++i) {
    Pair pair = make_pair(kind, listener.get());
    end_ = std::max(end_, pair.reader.get() + 1);
    readers_.push_back(std::move(pair.reader));
    writers_.push_back(std::move(pair.writer));
  }
  order_.resize(readers_.size());
  std::iota(order_.begin(), order_.end(), std::size_t{0});
}

void Watched::make_ready(std::int64_t count) {
  ready_ = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < ready_; ++i) {
    const std::size_t other = std::uniform_int_distribution(i, order_.size() - 1)(random_);
    std::swap(order_[i], order_[other]);
    check(::write(writers_[order_[i]].get(), "x", 1), "write");
  }
}

void Watched::drain() {
  char byte = 0;
  for (std::size_t i = 0; i < ready_; ++i)
    check(::read(readers_[order_[i]].get(), &byte, 1), "read");
  ready_ = 0;
}

}  // namespace echomux::micro
