#include "report/palette.hpp"

#include <gtest/gtest.h>

namespace echomux {
namespace {

// What the palette's colours are is put to the test where they are drawn with, in drawing_test.js.
TEST(Palette, KnowsTheSuitesServers) {
  EXPECT_EQ(line_kind("select (no limit)"), LineKind::scanning);
  EXPECT_EQ(line_kind("epoll"), LineKind::epoll);
  EXPECT_EQ(line_kind("floor"), LineKind::floor);
  EXPECT_EQ(line_kind("reuseport:4"), LineKind::threads);
  EXPECT_EQ(line_kind("mine"), LineKind::other);
  EXPECT_EQ(line_colour("reuseport:4"), line_colour("reuseport"));
  EXPECT_NE(line_colour("poll"), line_colour("select"));
  EXPECT_NE(line_colour("poll"), line_colour("mine"));
}

}  // namespace
}  // namespace echomux
