// An echo server on libuv: streams that read into a buffer of ours, and write requests.
//
//   libuv PORT
//
// Backpressure: what can't be sent at once goes into a write request, and until that is done the
// stream isn't read.
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <uv.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

std::array<char, 65536> scratch;  // one thread: all peers share it

struct Peer {
  uv_tcp_t tcp{};
  uv_write_t request{};
  std::string unsent;
};

Peer* peer_of(void* handle) {
  return static_cast<Peer*>(static_cast<uv_handle_t*>(handle)->data);
}

void close_peer(Peer* peer) {
  auto* const handle = reinterpret_cast<uv_handle_t*>(&peer->tcp);
  if (uv_is_closing(handle) != 0) return;
  uv_close(handle, [](uv_handle_t* closed) { delete peer_of(closed); });
}

void lend_buffer(uv_handle_t* /*handle*/, std::size_t /*suggested*/, uv_buf_t* buffer) {
  *buffer = uv_buf_init(scratch.data(), scratch.size());
}

void on_read(uv_stream_t* stream, ssize_t received, const uv_buf_t* buffer);

void on_written(uv_write_t* request, int status) {
  Peer* const peer = peer_of(request->handle);
  peer->unsent = {};
  if (status < 0) return close_peer(peer);
  uv_read_start(request->handle, lend_buffer, on_read);
}

void on_read(uv_stream_t* stream, ssize_t received, const uv_buf_t* buffer) {
  Peer* const peer = peer_of(stream);
  if (received == 0) return;
  if (received < 0) return close_peer(peer);  // UV_EOF among others: all has been sent by now
  const uv_buf_t bytes = uv_buf_init(buffer->base, static_cast<unsigned>(received));
  int sent = uv_try_write(stream, &bytes, 1);
  if (sent == received) return;
  if (sent < 0 && sent != UV_EAGAIN) return close_peer(peer);
  if (sent < 0) sent = 0;
  uv_read_stop(stream);
  peer->unsent.assign(buffer->base + sent, static_cast<std::size_t>(received - sent));
  const uv_buf_t rest =
      uv_buf_init(peer->unsent.data(), static_cast<unsigned>(peer->unsent.size()));
  if (uv_write(&peer->request, stream, &rest, 1, on_written) < 0) close_peer(peer);
}

void on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* const peer = new Peer;
  uv_tcp_init(listener->loop, &peer->tcp);
  peer->tcp.data = peer;
  auto* const stream = reinterpret_cast<uv_stream_t*>(&peer->tcp);
  if (uv_accept(listener, stream) < 0 || uv_read_start(stream, lend_buffer, on_read) < 0) {
    close_peer(peer);
    return;
  }
  uv_tcp_nodelay(&peer->tcp, 1);
}

void on_signal(uv_signal_t* watcher, int /*signal*/) {
  uv_stop(watcher->loop);
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
    std::fputs("usage: libuv PORT\n", stderr);
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  uv_loop_t* const loop = uv_default_loop();
  std::array<uv_signal_t, 2> signals{};
  for (uv_signal_t& watcher : signals) uv_signal_init(loop, &watcher);
  uv_signal_start(&signals[0], on_signal, SIGTERM);
  uv_signal_start(&signals[1], on_signal, SIGINT);
  uv_tcp_t listener{};
  uv_tcp_init_ex(loop, &listener, AF_INET);  // with a socket at once
  // Accepted sockets have it from their listener. The library has no call of its own for it.
  uv_os_fd_t fd = -1;
  const int on = 1;
  uv_fileno(reinterpret_cast<uv_handle_t*>(&listener), &fd);
  ::setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
  sockaddr_in address{};
  uv_ip4_addr("127.0.0.1", port, &address);
  int error = uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0);
  if (error == 0) {
    error = uv_listen(reinterpret_cast<uv_stream_t*>(&listener), SOMAXCONN, on_connection);
  }
  if (error != 0) {
    std::fprintf(stderr, "libuv: listen: %s\n", uv_strerror(error));
    return 1;
  }
  uv_run(loop, UV_RUN_DEFAULT);
}
