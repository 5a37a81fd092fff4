#include "harness/machine/cpu_accounting.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>

#include "echo/system_call.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/machine/spawned_process.hpp"

namespace echomux {
namespace {

namespace fs = std::filesystem;

// The options the kernel was built with; none, and why, when it doesn't tell.
std::optional<std::string> kernel_configuration(const fs::path& root, const std::string& release,
                                                std::string& why) {
  const fs::path path = "/boot/config-" + release;
  if (auto config = proc::read_file((root / path.relative_path()).string())) return config;
  why = fmt::format("{}: {}", path.string(), error_text(errno));
  if (root != "/" || ::access("/proc/config.gz", R_OK) != 0) {
    why += ", and /proc/config.gz can't be read";
    return std::nullopt;
  }
  // Through gzip, which every system has, rather than through a library more to build with.
  const std::string config = run_and_capture({.arguments = {"gzip", "-dc", "/proc/config.gz"}},
                                             STDOUT_FILENO, std::chrono::seconds(10))
                                 .text;
  if (!config.empty()) return config;
  why += ", and gzip doesn't unpack /proc/config.gz";
  return std::nullopt;
}

}  // namespace

CpuAccounting cpu_accounting(const fs::path& root, const std::string& release) {
  std::string why;
  const std::optional<std::string> config = kernel_configuration(root, release, why);
  if (!config) return {"unknown because " + why, why};
  const auto option = [&](std::string_view name) {
    return proc::field(*config, fmt::format("CONFIG_{}", name), '=').value_or("");
  };
  const auto built_in = [&](std::string_view name) { return option(name) == "y"; };
  const std::string_view hz = option("HZ");
  const std::string ticks = hz.empty() ? "tick-based" : fmt::format("tick-based ({} Hz)", hz);
  // Built in, it does nothing until some CPU is told to run without a tick.
  const std::string tickless =
      proc::read_file((root / "sys/devices/system/cpu/nohz_full").string()).value_or("");
  const bool active =
      built_in("CONTEXT_TRACKING_USER_FORCE") ||
      (!proc::trimmed(tickless).empty() && tickless.find("null") == std::string::npos);
  if (built_in("VIRT_CPU_ACCOUNTING_NATIVE")) return {"full (VIRT_CPU_ACCOUNTING_NATIVE)", ""};
  if (built_in("VIRT_CPU_ACCOUNTING_GEN") && active) return {"full (VIRT_CPU_ACCOUNTING_GEN)", ""};
  if (built_in("VIRT_CPU_ACCOUNTING_GEN")) {
    return {ticks + ", VIRT_CPU_ACCOUNTING_GEN is built in but not active", ""};
  }
  if (built_in("TICK_CPU_ACCOUNTING")) return {ticks, ""};
  return {"unknown because the kernel's configuration names no way", ""};
}

}  // namespace echomux
