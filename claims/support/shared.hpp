#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "claims/claim.hpp"

// Measurements on which several sentences rest. Each is made when it is first asked for and kept in
// Laboratory::shared for the rest of the run; it lives as long as the laboratory. All throw what
// the experiments that make them throw, and are then made anew when they are asked for again.
namespace echomux::claims {

// CPU of a request beside idle connections, 10 active ones sending 1,000 messages per second in
// all: "cpu_us_SERVER_none", "…_few" and "…_many" of select, poll and epoll_lt, and threaded beside
// none and many; "idle_few" and "idle_many" say how many those are.
[[nodiscard]] const Evidence& cost_beside_idle(Laboratory& laboratory);

// CPU of a single wait that finds k of n TCP connections ready: "wait_us_MECHANISM_n_k" of select,
// poll and epoll (level-triggered), for k = 1 with n = 1, 10, 100 and 1000, and for n = 1000 with
// k = 1, 10, 100 and 1000.
[[nodiscard]] const Evidence& wait_costs(Laboratory& laboratory);

// Memory of an idle connection to epoll_lt and threaded, in bytes: "server_bytes_SERVER" in the
// server's process, "kernel_bytes_SERVER" in the kernel, for both ends; "all_bytes_SERVER" the sum.
// Each round opens as many connections more: "connections_opened".
[[nodiscard]] const Evidence& connection_memory(Laboratory& laboratory);

// CPU of a request of the server when every message has a connection of its own, or when all share
// lasting ones: "cpu_us_SERVER_lasting", "…_anew" for epoll_lt and threaded with 64-byte messages,
// and "…_lasting_64k", "…_anew_64k" of epoll_lt with 64 KiB.
[[nodiscard]] const Evidence& reconnect_costs(Laboratory& laboratory);

// Puts these observations of a shared measurement into a claim's evidence, in this order.
void keep(Evidence& evidence, const Evidence& shared,
          std::initializer_list<std::string_view> names);

// For those who make one: `measure` fills the evidence kept under this name, unless it is there.
const Evidence& shared_measurement(Laboratory& laboratory, std::string_view name,
                                   void (*measure)(Laboratory& laboratory, Evidence& evidence));

}  // namespace echomux::claims
