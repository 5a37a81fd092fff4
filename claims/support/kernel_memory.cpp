#include "claims/support/kernel_memory.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "harness/machine/proc_file.hpp"

namespace echomux::claims {

double meminfo_bytes(std::string_view key) {
  const auto text = proc::read_file("/proc/meminfo");
  const auto value = proc::field(text ? *text : std::string_view(), key);
  if (value) return static_cast<double>(proc::number(*value)) * 1024;
  throw std::runtime_error("/proc/meminfo doesn't tell " + std::string(key));
}

double tcp_buffer_bytes() {
  std::ifstream file("/proc/net/sockstat");
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find(" mem ");
    if (!line.starts_with("TCP:") || at == std::string::npos) continue;
    return std::stod(line.substr(at + 5)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }
  throw std::runtime_error("/proc/net/sockstat doesn't tell the memory of TCP");
}

double number_in(const char* path) {
  double value = 0;
  std::ifstream(path) >> value;
  return value;
}

}  // namespace echomux::claims
