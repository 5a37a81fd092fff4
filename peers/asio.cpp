// An echo server on Asio, with callbacks: each operation starts the next one when it is done.
//
//   asio PORT
//
// Backpressure: a session reads again only when all that it has read is written. So one buffer is
// enough, and it belongs to the session: Asio reads into what it was given when it was asked.
#include <array>
#include <asio.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

using asio::ip::tcp;

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

// A newcomer that can't be accepted, for want of descriptors, waits: to ask again at once would
// keep the CPU busy.
void accept(tcp::acceptor& acceptor, asio::steady_timer& pause) {
  acceptor.async_accept([&](std::error_code error, tcp::socket socket) {
    if (!error) {
      std::make_shared<Session>(std::move(socket))->read();
      return accept(acceptor, pause);
    }
    pause.expires_after(std::chrono::milliseconds(100));
    pause.async_wait([&](std::error_code) { accept(acceptor, pause); });
  });
}

// 0 for what is no port.
std::uint16_t port_in(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end ? port : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint16_t port = argc == 2 ? port_in(argv[1]) : 0;
  if (port == 0) {
    std::fputs("usage: asio PORT\n", stderr);
    return 2;
  }
  try {
    asio::io_context context(1);  // it is told that there is one thread, and needs fewer locks
    asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](std::error_code, int) { context.stop(); });
    tcp::acceptor acceptor(context, tcp::v4());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    // Accepted sockets have these two from their listener.
    acceptor.set_option(tcp::no_delay(true));
    acceptor.set_option(asio::socket_base::out_of_band_inline(true));
    acceptor.bind({asio::ip::address_v4::loopback(), port});
    acceptor.listen();
    asio::steady_timer pause(context);
    accept(acceptor, pause);
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "asio: %s\n", error.what());
    return 1;
  }
}
