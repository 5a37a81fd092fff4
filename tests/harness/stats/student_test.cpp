#include <gtest/gtest.h>

#include "harness/stats/statistics.hpp"

namespace echomux {
namespace {

TEST(StudentQuantile, IsThatOfTheTables) {
  EXPECT_NEAR(student_quantile(0.95, 1), 12.706, 0.001);
  EXPECT_NEAR(student_quantile(0.95, 2), 4.303, 0.001);
  EXPECT_NEAR(student_quantile(0.95, 7), 2.365, 0.001);
  EXPECT_NEAR(student_quantile(0.98, 2), 6.965, 0.001);
  EXPECT_NEAR(student_quantile(0.98, 12), 2.681, 0.001);
  EXPECT_NEAR(student_quantile(0.95, 10'000), 1.9602, 0.001);
}

}  // namespace
}  // namespace echomux
