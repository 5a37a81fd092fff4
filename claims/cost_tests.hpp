#pragma once

#include "claims/claim.hpp"

// Those tests of claims about cost that are more than a row of measurements. Each puts what it has
// measured into the evidence, and throws std::exception when it can't be made.
namespace echomux::claims {

// CPU of a single wait that finds k of n TCP connections ready: "wait_us_MECHANISM_n_k" of select,
// poll and epoll (level-triggered), for k = 1 with n = 1, 10, 100 and 1000, and for n = 1000 with
// k = 1, 10, 100 and 1000.
void measure_waits(Context& context, Evidence& evidence);
// Memory of an idle connection to epoll_lt and threaded, in bytes: "server_bytes_SERVER" in the
// server's process, "kernel_bytes_SERVER" in the kernel, for both ends; "all_bytes_SERVER" the sum.
void measure_memory(Context& context, Evidence& evidence);

// What writing at once or on EPOLLOUT costs, and what a peer that doesn't read costs another one.
void observe_interest_flip(Context& context, Evidence& evidence);
void observe_retry_send(Context& context, Evidence& evidence);
// What a change of an epoll set costs: "change_us_10", "…_100", "…_1000", "…_most".
void observe_tree(Context& context, Evidence& evidence);

}  // namespace echomux::claims
