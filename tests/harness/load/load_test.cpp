#include "harness/load/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/text/json.hpp"

namespace echomux {
namespace {

TEST(Load, ComesBackFromJson) {
  const Load load{.idle_connections = 1,
                  .active_connections = 2,
                  .message_bytes = 3,
                  .pipeline = 4,
                  .requests_per_second = 5.5,
                  .arrivals = Arrivals::poisson,
                  .seed = ~std::uint64_t{0},
                  .warmup = std::chrono::nanoseconds(123'456'789),
                  .duration = std::chrono::milliseconds(2500),
                  .timeout = std::chrono::seconds(9),
                  .threads = 10,
                  .connections_per_second = 11.5,
                  .sources = {resolve("127.0.0.2", 0), resolve("::1", 0)},
                  .confirm_idle = false,
                  .reconnect = true};
  const Load back = load_from(Json::parse(to_json(load).dump()));
  EXPECT_EQ(to_json(back), to_json(load));
  const Json defaults = to_json(Load());
  for (const auto& [name, value] : defaults.items()) {
    EXPECT_NE(to_json(back).at(name), value) << name << " has its default";
  }
  EXPECT_EQ(back.warmup, load.warmup);
  EXPECT_EQ(back.seed, load.seed);
}

TEST(Load, HasItsDefaultsWhereJsonIsSilent) {
  EXPECT_EQ(to_json(load_from(Json::object())), to_json(Load()));
}

TEST(Load, IsRefusedWhenItCannotBeOne) {
  for (const char* const text :
       {R"({"arrivals": "sometimes"})", R"({"duration_seconds": -1})",
        R"({"timeout_seconds": 1e7})", R"({"size": "large"})", R"({"idle": -1})",
        R"({"source_ips": ["nowhere.invalid"]})", R"({"source_ips": ["nonsense"]})"}) {
    EXPECT_THROW(static_cast<void>(load_from(Json::parse(text))), std::exception) << text;
  }
}

}  // namespace
}  // namespace echomux
