// An echo server on libevent: bufferevents, which read, write and buffer by themselves.
//
//   libevent PORT
//
// Backpressure: bytes move from a peer's input buffer to its output buffer. When there are too many
// in that, reading is disabled until it has drained.
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

constexpr std::size_t most_buffered = 32768;

void on_written(bufferevent* peer, void* /*context*/);

void on_read(bufferevent* peer, void* /*context*/) {
  evbuffer* const output = bufferevent_get_output(peer);
  evbuffer_add_buffer(output, bufferevent_get_input(peer));
  if (evbuffer_get_length(output) >= most_buffered) bufferevent_disable(peer, EV_READ);
}

// All of the output is with the kernel.
void on_written(bufferevent* peer, void* /*context*/) {
  bufferevent_enable(peer, EV_READ);
}

// The same after the peer's end of input.
void on_last_written(bufferevent* peer, void* /*context*/) {
  bufferevent_free(peer);
}

void on_event(bufferevent* peer, short what, void* /*context*/) {
  const bool more_to_send = evbuffer_get_length(bufferevent_get_output(peer)) > 0;
  if ((what & BEV_EVENT_EOF) != 0 && more_to_send) {
    bufferevent_setcb(peer, nullptr, on_last_written, on_event, nullptr);
  } else {
    bufferevent_free(peer);
  }
}

void on_connection(evconnlistener* listener, evutil_socket_t fd, sockaddr* /*address*/,
                   int /*length*/, void* /*context*/) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  bufferevent* const peer =
      bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  bufferevent_setwatermark(peer, EV_READ, 0, most_buffered);
  bufferevent_setcb(peer, on_read, on_written, on_event, nullptr);
  bufferevent_enable(peer, EV_READ | EV_WRITE);
}

// A newcomer waits that can't be accepted, mostly for want of descriptors: it would be reported
// again and again.
void on_accept_error(evconnlistener* listener, void* pause) {
  evconnlistener_disable(listener);
  const timeval a_tenth_of_a_second{0, 100'000};
  evtimer_add(static_cast<event*>(pause), &a_tenth_of_a_second);
}

void on_pause_over(evutil_socket_t /*none*/, short /*what*/, void* listener) {
  evconnlistener_enable(*static_cast<evconnlistener**>(listener));
}

void on_signal(evutil_socket_t /*signal*/, short /*what*/, void* base) {
  event_base_loopbreak(static_cast<event_base*>(base));
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
    std::fputs("usage: libevent PORT\n", stderr);
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  event_base* const base = event_base_new();
  const std::array<event*, 2> signals{evsignal_new(base, SIGTERM, on_signal, base),
                                      evsignal_new(base, SIGINT, on_signal, base)};
  for (event* const one : signals) event_add(one, nullptr);
  evconnlistener* listener = nullptr;
  event* const pause = evtimer_new(base, on_pause_over, &listener);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // evconnlistener_new_bind() would make the socket, too. But what comes before a peer is accepted
  // is put in its place only if the listener has this option, from which the peer has it.
  const evutil_socket_t fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
  evutil_make_listen_socket_reuseable(fd);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    listener = evconnlistener_new(base, on_connection, pause,
                                  LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, SOMAXCONN, fd);
  }
  if (listener == nullptr) {
    std::perror("libevent: listen");
    return 1;
  }
  evconnlistener_set_error_cb(listener, on_accept_error);
  event_base_dispatch(base);
}
