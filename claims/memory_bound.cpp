// What bounds the number of connections, and how many would fit into a GiB?
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/comparison.hpp"
#include "claims/support/kernel_memory.hpp"
#include "claims/support/shared.hpp"
#include "echo/system_call.hpp"
#include "harness/machine/cpu.hpp"
#include "harness/text/number_text.hpp"
#include "reproduce/watched.hpp"

namespace echomux::claims {
namespace memory_bound_claim {

constexpr double gib = 1024.0 * 1024 * 1024;
constexpr double said_per_gib = 100'000;

// Whether, at the limit of open descriptors, a further one is refused, however much memory is free.
bool refused_by_descriptors() {
  rlimit before{};
  check(::getrlimit(RLIMIT_NOFILE, &before), "getrlimit");
  const FileDescriptor next(check(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
  check(::setrlimit(RLIMIT_NOFILE, &low), "setrlimit");
  const FileDescriptor refused(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int error = errno;
  check(::setrlimit(RLIMIT_NOFILE, &before), "setrlimit");
  return !refused && error == EMFILE;
}

// What both directions of a connection hold when nobody reads, in bytes per connection.
double full_buffer_bytes() {
  constexpr std::int64_t pairs = 4;  // enough to tell, too few to fill what the system has for TCP
  const micro::Watched connections(micro::Kind::tcp, pairs);
  const std::vector<char> block(std::size_t{64} * 1024);
  const double before = tcp_buffer_bytes();
  for (const auto* const ends : {&connections.readers(), &connections.writers()}) {
    for (const FileDescriptor& end : *ends) {
      while (::send(end.get(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
      }
    }
  }
  return std::max(tcp_buffer_bytes() - before, 0.0) / pairs;
}

void observe(Laboratory& laboratory, Evidence& evidence) {
  keep(evidence, connection_memory(laboratory),
       {"connections_opened", "server_bytes_epoll_lt", "kernel_bytes_epoll_lt"});
  evidence.note("refused_by_descriptors", "EMFILE at RLIMIT_NOFILE, with memory to spare",
                refused_by_descriptors() ? 1 : 0);
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  evidence.note("descriptor_limit", "open descriptors that this process may have at most",
                static_cast<double>(limit.rlim_max));
  evidence.note("watch_limit", "descriptors that a user's epoll sets may hold (max_user_watches)",
                number_in("/proc/sys/fs/epoll/max_user_watches"));
  evidence.note("memory_bytes", "of this machine", meminfo_bytes("MemTotal"));
  evidence.note("full_buffer_bytes", "of TCP, for a connection whose two ends don't read",
                full_buffer_bytes());
}

Finding decide(const Evidence& evidence) {
  // The kernel's share is for both ends, of which a server has one.
  const double bytes =
      evidence.value("server_bytes_epoll_lt") + evidence.value("kernel_bytes_epoll_lt") / 2;
  if (bytes <= 0) {
    return {Verdict::not_testable_here, "the kernel's memory didn't grow with the connections"};
  }
  const double per_gib = gib / bytes;
  const double by_memory = evidence.value("memory_bytes") / bytes;
  const double by_limits =
      std::min(evidence.value("descriptor_limit"), evidence.value("watch_limit"));
  const double full = evidence.value("full_buffer_bytes");
  const bool number_holds = per_gib >= said_per_gib / 2 && per_gib <= said_per_gib * 2;
  const bool memory_alone = !evidence.yes("refused_by_descriptors");
  const std::string seen = fmt::format(
      "an idle connection takes a server {} bytes, which makes {} per GiB; with unread data in "
      "every buffer it is {}; here memory would end at {} idle ones, the limits of descriptors and "
      "watches at {}",
      reader_number(bytes), reader_number(per_gib),
      full > 0 ? reader_number(gib / (bytes + full / 2)) : "as many", reader_number(by_memory),
      reader_number(by_limits));
  if (memory_alone && number_holds) return {Verdict::holds, seen};
  if (!memory_alone && !number_holds) {
    return {Verdict::refuted, seen + ": neither memory alone nor that number"};
  }
  return {Verdict::holds_within_limits,
          seen + (memory_alone ? ": the number is wrong by more than twice"
                               : ": the number is right for idle ones, but not memory alone bounds "
                                 "them")};
}

}  // namespace memory_bound_claim

Claim memory_bound() {
  return {
      .id = "memory-bound",
      .sentence = "epoll is bounded by memory alone: about 100,000 connections per GiB",
      .sources = "002",
      .method =
          "how much the memory of the kernel (slabs, page tables) and of epoll_lt's process "
          "grows per idle connection, in nine batches; what full buffers take; and whether a "
          "descriptor is refused at RLIMIT_NOFILE however much memory is free",
      .decision =
          "memory alone: no other limit refuses a connection; about 100,000: within a factor of "
          "two, for the kernel's structures differ that much between versions. One of the two "
          "makes it hold within limits, none refutes it",
      .observe = memory_bound_claim::observe,
      .decide = memory_bound_claim::decide};
}

}  // namespace echomux::claims
