#pragma once

#include <string>

#include "echo/file_descriptor.hpp"

namespace echomux {

// A network of the calling thread's own, with nothing in it but a loopback device: whatever is done
// to it is done to nobody else. Processes and sockets made meanwhile are in it; the destructor
// brings the thread back to where it was. See network_namespaces(7). Throws std::system_error.
class NetworkNamespace {
 public:
  // Empty where one may be made, or else a sentence that says why not, for GTEST_SKIP.
  [[nodiscard]] static std::string why_not();

  NetworkNamespace();
  ~NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

  // Down, the loopback device loses every packet, and tells neither end of a connection so.
  void set_loopback(bool up);  // NOLINT(readability-convert-member-functions-to-static)

  // Writes a setting of this network, such as "net/ipv4/ip_local_port_range" (proc(5)).
  void set(const std::string& name, const std::string& value);  // NOLINT

 private:
  FileDescriptor before_;
};

}  // namespace echomux
