#include "harness/load/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/text/json.hpp"

namespace echomux {
namespace {

// NOLINTNEXTLINE(cert-err58-cpp): without memory no test would run
const Load unusual{.idle_connections = 1,
                   .active_connections = 2,
                   .message_bytes = 3,
                   .payload = Payload::binary,
                   .pipeline = 4,
                   .requests_per_second = 5.5,
                   .arrivals = Arrivals::poisson,
                   .seed = ~std::uint64_t{0},
                   .warmup = std::chrono::milliseconds(125),
                   .duration = std::chrono::milliseconds(2500),
                   .timeout = std::chrono::seconds(9),
                   .threads = 10,
                   .connections_per_second = 11.5,
                   .sources = {resolve("127.0.0.2", 0), resolve("::1", 0)},
                   .confirm_idle = false,
                   .reconnect = true,
                   .part = {1, 2}};

TEST(Load, IsWrittenWithEachOfItsFields) {
  EXPECT_EQ(to_json(unusual), Json::parse(R"({"idle": 1, "connections": 2, "rate": 5.5,
      "arrivals": "poisson", "size": 3, "payload": "binary", "pipeline": 4, "reconnect": true, "confirm_idle": false,
      "threads": 10, "connect_rate": 11.5, "source_ips": ["127.0.0.2:0", "[::1]:0"],
      "duration_seconds": 2.5, "warmup_seconds": 0.125, "timeout_seconds": 9,
      "seed": 18446744073709551615, "part": "2/2"})"));
}

TEST(Load, IsSaidWithWhatIsUnusualInIt) {
  EXPECT_EQ(load_in_words({}),
            "10 active connections exchange 64-byte messages for 1 s after 0.2 s of warm-up");
  EXPECT_EQ(load_in_words(unusual),
            "2 active connections exchange 3-byte messages for 2.5 s after 0.125 s of warm-up, "
            "beside 1 idle ones, poisson arrivals, binary payload, 4 messages outstanding per "
            "connection, a new "
            "connection per request, part 2/2 of it from here");
}

}  // namespace
}  // namespace echomux
