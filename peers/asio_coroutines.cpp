// An echo server on Asio, with C++20 coroutines.
//
//   asio_coroutines PORT
//
// Backpressure: the coroutine reads again only when all is written.
#include <array>
#include <asio.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <utility>

namespace {

using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket socket) {
  std::array<char, 16384> buffer;  // in the coroutine's frame
  try {
    for (;;) {
      const std::size_t size =
          co_await socket.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      co_await asio::async_write(socket, asio::buffer(buffer.data(), size), asio::use_awaitable);
    }
  } catch (const std::exception&) {
    // The peer's end of input is an exception, too.
  }
}

asio::awaitable<void> accept(tcp::acceptor& acceptor) {
  for (;;) {
    std::error_code error;
    tcp::socket socket =
        co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      asio::co_spawn(acceptor.get_executor(), echo(std::move(socket)), asio::detached);
      continue;
    }
    // A newcomer that can't be accepted, for want of descriptors, waits: to ask again at once would
    // keep the CPU busy.
    asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(100));
    co_await pause.async_wait(asio::use_awaitable);
  }
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
    std::fputs("usage: asio_coroutines PORT\n", stderr);
    return 2;
  }
  try {
    asio::io_context context(1);
    asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](std::error_code, int) { context.stop(); });
    tcp::acceptor acceptor(context, tcp::v4());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    // Accepted sockets have these two from their listener.
    acceptor.set_option(tcp::no_delay(true));
    acceptor.set_option(asio::socket_base::out_of_band_inline(true));
    acceptor.bind({asio::ip::address_v4::loopback(), port});
    acceptor.listen();
    asio::co_spawn(context, accept(acceptor), asio::detached);
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "asio_coroutines: %s\n", error.what());
    return 1;
  }
}
