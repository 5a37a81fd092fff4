#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "cli/command.hpp"

namespace echomux {

// The option that lets a command write over what is there.
[[nodiscard]] Option force_option(bool& force);

// Looks at a place for a file before anything is measured for it. Makes the folder, and says so.
// `what` is to be written there, such as "results". A device or a pipe is left as it is. Throws
// UsageError when a file is there already, unless `force`, or a folder, or when another run is
// writing it; std::runtime_error when nothing can be written there.
void check_output(const std::filesystem::path& path, bool force, std::string_view what);

// Whether two names mean the same file, there or to be made.
[[nodiscard]] bool same_file(const std::filesystem::path& one, const std::filesystem::path& other);

// Where programs keep what their user may want again, the best first: the state directory of the
// XDG Base Directory Specification. Empty where the environment names none.
[[nodiscard]] std::vector<std::filesystem::path> state_folders();

// The first of NAME.EXT, NAME-2.EXT and so on that isn't there yet, nor with this other extension.
[[nodiscard]] std::filesystem::path unused_name(const std::filesystem::path& path,
                                                std::string_view other_extension = {});

}  // namespace echomux
