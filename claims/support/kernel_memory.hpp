#pragma once

#include <string_view>

namespace echomux::claims {

// A line of /proc/meminfo (proc(5)), such as "KernelStack", in bytes. Throws std::runtime_error
// when the kernel doesn't tell.
[[nodiscard]] double meminfo_bytes(std::string_view key);

// The memory that TCP's buffers take in the whole system, in bytes (/proc/net/sockstat). Throws
// std::runtime_error when the kernel doesn't tell.
[[nodiscard]] double tcp_buffer_bytes();

// The first number in a file of /proc, such as /proc/sys/fs/file-max; zero when there is none.
[[nodiscard]] double number_in(const char* path);

}  // namespace echomux::claims
