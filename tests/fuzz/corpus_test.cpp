// Every kept input of the fuzz targets, as an ordinary test: so neither they nor what they have
// once found can rot where nobody runs a fuzzer.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "tests/fuzz/fuzz_target.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux::fuzz {

static void PrintTo(const Target& target, std::ostream* out) {
  *out << target.name;
}

namespace {

class FuzzCorpus : public ::testing::TestWithParam<Target> {
 protected:
  static void try_input(std::string_view text) {
    GetParam().run({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
};

TEST_P(FuzzCorpus, HoldsForEveryKeptInput) {
  int inputs = 0;
  const std::filesystem::path corpus = std::filesystem::path(FUZZ_CORPUS) / GetParam().name;
  for (const auto& file : std::filesystem::directory_iterator(corpus)) {
    EXPECT_NO_THROW(try_input(file_text(file.path()))) << file.path();
    ++inputs;
  }
  EXPECT_GT(inputs, 0);
}

// A little of what a fuzzer does, with no more wit than chance.
TEST_P(FuzzCorpus, HoldsForInputsAtRandom) {
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < 200; ++i) {
    std::string input(random() % 200, '\0');
    for (char& byte : input) byte = static_cast<char>(random());
    if (i % 2 == 0 && !input.empty()) input.front() = '\0';
    EXPECT_NO_THROW(try_input(input)) << "input " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzCorpus, ::testing::ValuesIn(targets),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace echomux::fuzz
