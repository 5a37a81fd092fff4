// An echo server on Asio, with callbacks: each operation starts the next one when it is done.
//
//   asio PORT
//
// Backpressure: a session reads again only when all that it has read is written. So one buffer is
// enough, and it belongs to the session: Asio reads into what it was given when it was asked.
#include <array>
#include <asio.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

namespace {

using asio::ip::tcp;
using InlineUrgentData = asio::detail::socket_option::boolean<SOL_SOCKET, SO_OOBINLINE>;

// It lives as long as an operation of its own is under way.
class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](std::error_code error, std::size_t size) {
                              if (!error) self->write(size);
                            });
  }

 private:
  void write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(buffer_.data(), size),
                      [self = shared_from_this()](std::error_code error, std::size_t /*written*/) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  std::array<char, 16384> buffer_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](std::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->read();
    accept(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: asio PORT\n", stderr);
    return 2;
  }
  try {
    asio::io_context context(1);  // it is told that there is one thread, and needs fewer locks
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(),
                                     static_cast<std::uint16_t>(std::atoi(argv[1]))});
    // Accepted sockets have these two from their listener.
    acceptor.set_option(tcp::no_delay(true));
    acceptor.set_option(InlineUrgentData(true));
    accept(acceptor);
    asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](std::error_code, int) { context.stop(); });
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "asio: %s\n", error.what());
    return 1;
  }
}
