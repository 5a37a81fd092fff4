// Not yet tested: the suite lacks the server that it takes.
#include "claims/all_claims.hpp"

namespace echomux::claims {
namespace reactor_workers_claim {

Finding decide(const Evidence&) {
  return {Verdict::not_yet_tested,
          "it takes a server that waits in one thread and reads and writes in others, which the "
          "suite doesn't have"};
}

}  // namespace reactor_workers_claim

Claim reactor_workers() {
  return {.id = "reactor-workers",
          .sentence = "One thread waits, workers read and write: the reactor scales",
          .sources = "001",
          .method = "Nothing yet.",
          .decision = "Not before there is such a server to measure beside those there are.",
          .observe = nullptr,
          .decide = reactor_workers_claim::decide};
}

}  // namespace echomux::claims
