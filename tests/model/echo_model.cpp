#include "tests/model/echo_model.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "tests/support/bytes.hpp"

namespace echomux::model {

std::string ConnectionModel::next(std::size_t bytes) const {
  return make_data(bytes, number_, sent_);
}

void ConnectionModel::came_back(std::string_view bytes) {
  const std::size_t due = std::min(bytes.size(), owed());
  const std::string expected = make_data(due, number_, received_);
  const auto [actual, wanted] = std::ranges::mismatch(bytes.substr(0, due), expected);
  if (wanted != expected.end()) {
    throw Violation(fmt::format("byte {} came back as {} instead of {}",
                                received_ + static_cast<std::size_t>(wanted - expected.begin()),
                                static_cast<unsigned char>(*actual),
                                static_cast<unsigned char>(*wanted)));
  }
  if (bytes.size() > due) {
    throw Violation(fmt::format("more came back than the {} bytes that were sent", sent_));
  }
  received_ += bytes.size();
}

void ConnectionModel::end_came() {
  if (owed() > 0) {
    throw Violation(fmt::format("the end came with {} of {} bytes still to come", owed(), sent_));
  }
  if (!half_closed_) throw Violation("the end came although the peer had not ended its direction");
  ended_ = true;
}

std::size_t ServerModel::add_connection() {
  connections_.emplace_back(connections_.size());
  return connections_.size() - 1;
}

bool ServerModel::must_answer(std::size_t number) const {
  const auto before = connections_.begin() + static_cast<std::ptrdiff_t>(number);
  const auto served = static_cast<std::size_t>(
      std::count_if(connections_.begin(), before, std::not_fn(&ConnectionModel::gone)));
  return !frozen_ && served < max_connections_;
}

std::string ServerModel::complaint(const std::map<std::string, std::uint64_t>& counters) const {
  std::uint64_t least_received = 0;
  std::uint64_t most_received = 0;
  std::uint64_t least_sent = 0;
  std::uint64_t most_errors = 0;
  for (const ConnectionModel& connection : connections_) {
    least_received += connection.cut_off() ? connection.received() : connection.sent();
    most_received += connection.sent();
    least_sent += connection.received();
    most_errors += connection.gone_early() ? 1 : 0;
  }
  const std::uint64_t received = counters.at("bytes_received");
  struct Bounds {
    const char* name;
    std::uint64_t least;
    std::uint64_t most;
  };
  const std::uint64_t count = connections_.size();
  for (const Bounds& bounds : {Bounds{"accepted", count, count}, Bounds{"closed", count, count},
                               Bounds{"turned_away", 0, 0}, Bounds{"peer_errors", 0, most_errors},
                               Bounds{"bytes_received", least_received, most_received},
                               Bounds{"bytes_sent", least_sent, received}}) {
    const std::uint64_t value = counters.at(bounds.name);
    if (value < bounds.least || value > bounds.most) {
      return fmt::format("it counted {} {} instead of {}", value, bounds.name,
                         bounds.least == bounds.most
                             ? std::to_string(bounds.least)
                             : fmt::format("{} to {}", bounds.least, bounds.most));
    }
  }
  return {};
}

}  // namespace echomux::model
