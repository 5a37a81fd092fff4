#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temporary_directory.hpp"

namespace echomux {

// A made-up /proc, /sys, /etc and /run, gone when the test is over.
class FakeRoot {
 public:
  FakeRoot& add(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
    return *this;
  }
  [[nodiscard]] const std::filesystem::path& path() const { return root_.path(); }

 private:
  TemporaryDirectory root_;
};

}  // namespace echomux
