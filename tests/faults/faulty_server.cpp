#include "tests/faults/faulty_server.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sstream>

#include "cli/backends.hpp"
#include "echo/system_call.hpp"
#include "tests/faults/fault_cells.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

FaultPage* map_new_page(const std::string& path) {
  const FileDescriptor file(
      check(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600), "open"));
  check(::ftruncate(file.get(), sizeof(FaultPage)), "ftruncate");
  void* const memory =
      ::mmap(nullptr, sizeof(FaultPage), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) throw_errno("mmap");
  return new (memory) FaultPage;
}

std::size_t occurrences(const std::string& text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++found;
  }
  return found;
}

}  // namespace

std::vector<std::string> with_shim(const std::string& rules, std::vector<std::string> command) {
  command.insert(command.begin(),
                 {"env", "LD_PRELOAD=" FAULT_SHIM, std::string(fault_variable) + "=" + rules});
  return command;
}

FaultyServer::FaultyServer(std::string backend, Injector injector, std::string rules)
    : backend_(std::move(backend)),
      injector_(injector),
      rules_(std::move(rules)),
      page_(map_new_page(directory_ / "page")) {}

FaultyServer::~FaultyServer() {
  process_.reset();
  ::munmap(page_, sizeof(FaultPage));
}

void FaultyServer::start() {
  std::vector<std::string> serve{ECHOMUX_PROGRAM, "serve", backend_, "--port", "0"};
  const Backend* const backend = find_server(backend_);
  if (backend != nullptr && backend->shares_port) {
    serve.insert(serve.end(), {"--workers", std::to_string(loops_under_faults)});
  }
  const auto file = [&](const char* name) { return (directory_ / name).string(); };
  // The shell becomes the command, so that the process stays the one that was started.
  std::vector<std::string> command{"sh", "-c", "exec \"$@\" 2>>\"$0\"", file("stderr")};
  const auto append = [&](const std::vector<std::string>& words) {
    command.insert(command.end(), words.begin(), words.end());
  };
  if (injector_ == Injector::shim) {
    std::string page(fault_page_variable);
    append({"env", page.append("=").append(file("page"))});
    append(with_shim(rules_, serve));
  } else {
    // -D: the server itself is our child, and strace is beside it.
    append({"strace", "-D", "-qq", "-o", file("strace")});
    // Elsewhere the only other thread is the one that takes signals, which is to be left alone.
    if (backend_ == "threaded") command.emplace_back("-f");
    std::istringstream all(rules_);
    for (std::string rule; all >> rule;) {
      append({"-e", "trace=" + rule.substr(0, rule.find(':')), "-e", "inject=" + rule});
    }
    append(serve);
  }
  process_.emplace(ServerCommand{.arguments = std::move(command), .speaks_echomux = true},
                   patience);
}

std::uint64_t FaultyServer::injected(std::size_t rule) const {
  if (injector_ == Injector::strace)
    return occurrences(file_text(directory_ / "strace"), "(INJECTED)");
  return page_->injected.at(rule);
}

std::uint64_t FaultyServer::calls() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& calls : page_->calls) sum += calls;
  return sum;
}

}  // namespace echomux
