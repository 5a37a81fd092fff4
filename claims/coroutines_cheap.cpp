// Not yet tested: the suite lacks the server that it takes.
#include "claims/all_claims.hpp"

namespace echomux::claims {
namespace coroutines_cheap_claim {

Finding decide(const Evidence&) {
  return {Verdict::not_yet_tested,
          "it takes a server written with coroutines, and the same one written without, which the "
          "suite doesn't have"};
}

}  // namespace coroutines_cheap_claim

Claim coroutines_cheap() {
  return {.id = "coroutines-cheap",
          .sentence = "Coroutines make asynchronous code read as synchronous, at little cost",
          .sources = "002",
          .method = "Nothing yet.",
          .decision = "Not before there is such a server to measure beside those there are.",
          .observe = nullptr,
          .decide = coroutines_cheap_claim::decide};
}

}  // namespace echomux::claims
