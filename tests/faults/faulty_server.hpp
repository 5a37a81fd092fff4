#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/server/server_process.hpp"
#include "tests/faults/fault_page.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {

// The command that starts `echomux serve BACKEND` with the shim and this specification
// (fault_page.hpp) in its way; faults are on from the start.
[[nodiscard]] std::vector<std::string> with_shim(const std::string& rules,
                                                 std::vector<std::string> command);

enum class Injector : std::uint8_t { shim, strace };

// A server whose system calls fail as told. What it prints on stderr is kept.
class FaultyServer {
 public:
  // `rules` is for the shim as in fault_page.hpp, or for strace as its --inject takes them, several
  // separated by blanks. With the shim, faults begin when switch_on() is called, which it may be
  // before start().
  FaultyServer(std::string backend, Injector injector, std::string rules);
  ~FaultyServer();

  // Throws std::runtime_error when it doesn't begin to listen.
  void start();

  [[nodiscard]] ServerProcess& process() { return *process_; }

  // Only with the shim; strace can't be told.
  void switch_on(bool on) noexcept { page_->on = on ? 1 : 0; }

  // How often the fault of the rule with that index was really injected. With strace all rules
  // together, and only once the server has ended.
  [[nodiscard]] std::uint64_t injected(std::size_t rule = 0) const;
  // How many calls of all kinds the server has made; 0 with strace.
  [[nodiscard]] std::uint64_t calls() const noexcept;
  [[nodiscard]] std::uint64_t calls(FaultCall call) const noexcept {
    return page_->calls[static_cast<std::size_t>(call)];
  }
  // What it has printed on stderr.
  [[nodiscard]] std::string complaints() const { return file_text(directory_ / "stderr"); }

 private:
  std::string backend_;
  Injector injector_;
  std::string rules_;
  TemporaryDirectory directory_;
  FaultPage* page_;
  std::optional<ServerProcess> process_;
};

}  // namespace echomux
