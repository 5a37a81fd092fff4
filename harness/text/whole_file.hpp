#pragma once

#include <filesystem>
#include <string_view>

namespace echomux {

// Writes a file that is either wholly there or not at all: beside its place first, then put there
// in one step (rename(2)). What is there and no file, such as /dev/null or a pipe, is written to as
// it is, and a symbolic link stays one. Creates the directory. Throws std::runtime_error with a
// sentence for the user, in which the file is called `what`, such as "results".
void write_whole_file(const std::filesystem::path& path, std::string_view text,
                      std::string_view what);

// Throws the same when nothing can be written there, before there is anything to write. Creates the
// directory.
void check_writable(const std::filesystem::path& path, std::string_view what);

}  // namespace echomux
