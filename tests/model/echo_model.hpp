#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace echomux::model {

// Thrown for what an echo server must not do; what() says what it did.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What RFC 862 says about one connection: what comes back is at any time the beginning of what was
// sent, after a half-close all of it, and then the end. Its bytes follow from the connection's
// number and their place, so that a byte lost, doubled, displaced or from somebody else is noticed.
// No sockets: it is told what happened to them.
class ConnectionModel {
 public:
  explicit ConnectionModel(std::uint64_t number) : number_(number) {}

  // The bytes that this connection sends next.
  [[nodiscard]] std::string next(std::size_t bytes) const;

  // So many of them were taken by the kernel.
  void was_sent(std::size_t bytes) { sent_ += bytes; }
  void was_half_closed() { half_closed_ = true; }
  // Its peer left without waiting for the end: with a reset, or in order.
  void was_closed() { gone_ = true; }

  // These came back. Throws Violation unless they are the next ones of those that were sent.
  void came_back(std::string_view bytes);
  // The server's end of the stream came. Throws Violation when it is too early.
  void end_came();

  [[nodiscard]] std::size_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::size_t received() const noexcept { return received_; }
  // How many bytes are still to come back.
  [[nodiscard]] std::size_t owed() const noexcept { return sent_ - received_; }
  [[nodiscard]] bool half_closed() const noexcept { return half_closed_; }
  // Nothing more is to be expected of it: its end has come, or its peer has left.
  [[nodiscard]] bool gone() const noexcept { return gone_ || ended_; }
  // Whether its peer left with something still to come, so that the server needn't have sent it,
  // nor even have received what was sent.
  [[nodiscard]] bool cut_off() const noexcept { return gone_ && owed() > 0; }
  // Whether the server may have seen it end with an error.
  [[nodiscard]] bool gone_early() const noexcept { return gone_; }

 private:
  std::uint64_t number_;
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  bool half_closed_ = false;
  bool ended_ = false;
  bool gone_ = false;
};

// What is to be expected of a server as a whole: whom it must answer by now, and what it must have
// counted in the end.
class ServerModel {
 public:
  // `max_connections` is how many it serves at a time; the others wait for their turn in the order
  // in which they came.
  explicit ServerModel(std::size_t max_connections) : max_connections_(max_connections) {}

  // A connection was made; returns its number.
  std::size_t add_connection();
  [[nodiscard]] ConnectionModel& connection(std::size_t number) { return connections_[number]; }
  [[nodiscard]] std::span<const ConnectionModel> connections() const { return connections_; }

  void was_frozen(bool frozen) { frozen_ = frozen; }

  // Whether what is owed to this connection has to come in time. Who waits for its turn may be
  // served sooner than the model can know: until then, what comes has to be right all the same.
  [[nodiscard]] bool must_answer(std::size_t number) const;

  // What is wrong with the server's counters when all connections are gone and it has nothing more
  // to do; empty when nothing is.
  [[nodiscard]] std::string complaint(const std::map<std::string, std::uint64_t>& counters) const;

 private:
  std::size_t max_connections_;
  std::vector<ConnectionModel> connections_;
  bool frozen_ = false;
};

}  // namespace echomux::model
