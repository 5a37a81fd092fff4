#pragma once

#include <filesystem>
#include <string_view>

#include "echo/file_descriptor.hpp"

namespace echomux {

// Writes a file that is either wholly there or not at all: beside its place first, then put there
// in one step (rename(2)). What is there and no file, such as /dev/null or a pipe, is written to as
// it is, and a symbolic link stays one. Creates the directory. Throws std::runtime_error with a
// sentence for the user, in which the file is called `what`, such as "results".
void write_whole_file(const std::filesystem::path& path, std::string_view text,
                      std::string_view what);

// The same, and what is then there stays locked for as long as the result lives (flock(2)), so that
// another run that looks at its name finds that it is taken. None where nothing can be locked.
[[nodiscard]] FileDescriptor write_and_hold(const std::filesystem::path& path,
                                            std::string_view text, std::string_view what);

// Whether somebody else holds it.
[[nodiscard]] bool is_held(const std::filesystem::path& path);

// Throws the same when nothing can be written there, before there is anything to write. Creates the
// directory.
void check_writable(const std::filesystem::path& path, std::string_view what);

}  // namespace echomux
