#include "report/palette.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <string>

namespace echomux {
namespace {

constexpr std::array<std::string_view, 8> servers{"floor",  "blocking", "threaded", "busy_poll",
                                                  "select", "poll",     "epoll_lt", "epoll_et"};

// The relative luminance of "#rrggbb" (WCAG 2.1).
double luminance(std::string_view colour) {
  const auto channel = [&](std::size_t at) {
    const double value = std::stoi(std::string(colour.substr(at, 2)), nullptr, 16) / 255.0;
    return value <= 0.03928 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

double contrast(std::string_view one, std::string_view other) {
  const double a = luminance(one) + 0.05;
  const double b = luminance(other) + 0.05;
  return a > b ? a / b : b / a;
}

TEST(Palette, TellsTheServersApart) {
  std::set<std::string_view> light;
  std::set<std::string_view> dark;
  std::set<std::string_view> solid_symbols;
  for (const std::string_view server : servers) {
    const LineStyle style = line_style(server);
    light.insert(style.colour);
    dark.insert(style.colour_dark);
    if (style.dash.empty()) solid_symbols.insert(style.symbol);
  }
  EXPECT_EQ(light.size(), servers.size());
  EXPECT_EQ(dark.size(), servers.size());
  EXPECT_EQ(solid_symbols.size(), servers.size() - 1);  // the floor is told by its dashes
}

TEST(Palette, StandsOutFromItsBackground) {
  for (const std::string_view name :
       {"floor",     "blocking",    "threaded", "busy_poll",  "select",
        "poll",      "epoll_lt",    "epoll_et", "coroutines", "reactor_workers",
        "reuseport", "reuseport:4", "io_uring", "mine",       "other",
        "a",         "b",           "c",        "d",          "e",
        "f",         "g",           "h"}) {
    const LineStyle style = line_style(name);
    // What WCAG 2.1 asks of graphics (1.4.11).
    EXPECT_GE(contrast(style.colour, "#ffffff"), 3) << name;
    EXPECT_GE(contrast(style.colour_dark, "#14171a"), 3) << name;
  }
}

TEST(Palette, GivesOneServerOneLook) {
  EXPECT_EQ(line_style("epoll"), line_style("epoll_lt"));
  EXPECT_EQ(line_style("select").colour, line_style("select (no limit)").colour);
  EXPECT_NE(line_style("select").dash, line_style("select (no limit)").dash);
  std::set<std::string_view> symbols;
  for (const char* const workers :
       {"reuseport:1", "reuseport:2", "reuseport:3", "reuseport:4", "reuseport:6", "reuseport:8"}) {
    EXPECT_EQ(line_style(workers).colour, line_style("reuseport").colour);
    symbols.insert(line_style(workers).symbol);
  }
  EXPECT_EQ(symbols.size(), 6U);
}

TEST(Palette, GivesOtherNamesAStyleOfTheirOwn) {
  for (const std::string_view name : {"mine", "io_uring", "", "a server with a long name"}) {
    const LineStyle style = line_style(name);
    EXPECT_EQ(style, line_style(std::string(name)));
    for (const std::string_view server : servers) {
      EXPECT_NE(style.colour, line_style(server).colour) << name;
    }
    EXPECT_FALSE(style.symbol.empty());
  }
}

}  // namespace
}  // namespace echomux
