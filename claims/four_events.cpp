// Empty, not empty, full, not full: when do a blocked reader and a blocked writer sleep and wake?
#include <fmt/core.h>
#include <unistd.h>

#include <string>

#include "claims/all_claims.hpp"
#include "claims/support/background.hpp"
#include "claims/support/streams.hpp"

namespace echomux::claims {
namespace four_events_claim {

constexpr int small_buffers = 16 * 1024;
constexpr std::size_t step = 1024;

void observe_reader(Evidence& evidence, const std::string& stream, int from, int to) {
  const auto write_one = [&] { static_cast<void>(write_now(from, 1)); };
  char byte = 0;
  const Background reader([&] { static_cast<void>(::read(to, &byte, 1)); }, write_one);
  evidence.note(stream + "_empty_sleeps", stream + " empty: the reader sleeps",
                reader.falls_asleep());
  write_one();
  evidence.note(stream + "_not_empty_wakes", stream + " not empty: it wakes",
                reader.ended_within(patience));
}

// How much must be read before "not full" is told?
void observe_writer(Evidence& evidence, const std::string& stream, int from, int to) {
  const std::size_t capacity = fill(from);
  evidence.note(stream + "_capacity_bytes", stream + " takes until it is full", double(capacity));
  const char byte = 'x';
  // Reading all that comes makes room in any case.
  const auto drain = [&] {
    while (eventually([&] { return unread(to) > 0; }, silence)) take(to, unread(to));
  };
  const Background writer([&] { static_cast<void>(::write(from, &byte, 1)); }, drain);
  evidence.note(stream + "_full_sleeps", stream + " full: the writer sleeps",
                writer.falls_asleep());
  take(to, 1);
  evidence.note(stream + "_one_byte_wakes", stream + " with one byte read: it wakes",
                writer.ended_within(silence));
  std::size_t read = 1;
  while (!writer.ended_within(silence / 10) && read < capacity) {
    const std::ptrdiff_t now = read_now(to, step);
    if (now > 0) read += static_cast<std::size_t>(now);
  }
  evidence.note(stream + "_not_full_wakes", stream + " not full: it wakes",
                writer.ended_within(patience));
  evidence.note(stream + "_read_until_awake_bytes", stream + ", read until then", double(read));
}

void observe(Laboratory&, Evidence& evidence) {
  const Pipe pipe;
  observe_reader(evidence, "pipe", pipe.write_end.get(), pipe.read_end.get());
  observe_writer(evidence, "pipe", pipe.write_end.get(), pipe.read_end.get());
  const Connection tcp = tcp_connection(small_buffers);
  observe_reader(evidence, "tcp", tcp.client.get(), tcp.server.get());
  observe_writer(evidence, "tcp", tcp.client.get(), tcp.server.get());
}

Finding decide(const Evidence& seen) {
  bool all = true;
  bool exact = true;
  std::string details;
  for (const std::string stream : {"pipe", "tcp"}) {
    for (const char* what :
         {"_empty_sleeps", "_not_empty_wakes", "_full_sleeps", "_not_full_wakes"}) {
      all = all && seen.yes(stream + what);
    }
    exact = exact && seen.yes(stream + "_one_byte_wakes");
    details +=
        fmt::format("{}{}: of {} bytes {} had to be read until a writer woke",
                    details.empty() ? "" : "; ", stream, seen.value(stream + "_capacity_bytes"),
                    seen.value(stream + "_read_until_awake_bytes"));
  }
  if (!all) {
    return {Verdict::refuted, "a blocked reader or writer did not sleep, or did not wake"};
  }
  if (exact) {
    return {Verdict::holds,
            "readers slept and woke at empty and not empty, writers at full and "
            "not full, to the byte"};
  }
  return {Verdict::holds_within_limits,
          "readers slept and woke at empty and not empty, writers at full and not full, but \"not "
          "full\" is told late, so that a writer isn't woken for every byte. " +
              details};
}

}  // namespace four_events_claim

Claim four_events() {
  return {.id = "four-events",
          .sentence =
              "A buffer knows four events: empty, not empty, full, not full; blocking is "
              "built on them",
          .sources = "004",
          .method =
              "A thread reads from an empty pipe and TCP connection, and one writes to a "
              "full one; the other end then writes one byte, or reads one and then 1 KB at a "
              "time, until the thread wakes.",
          .decision =
              "Refuted unless the reader sleeps and wakes and the writer does; within "
              "limits if one byte of room, which makes a full buffer not full, doesn't "
              "wake the writer on both; else it holds.",
          .observe = four_events_claim::observe,
          .decide = four_events_claim::decide};
}

}  // namespace echomux::claims
