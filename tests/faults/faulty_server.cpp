#include "tests/faults/faulty_server.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "echo/system_call.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

FaultPage* map_new_page(const std::string& path) {
  const FileDescriptor file(check(::open(path.c_str(), O_RDWR | O_CLOEXEC), "open"));
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

TemporaryFile::TemporaryFile() : path_("/tmp/echomux-fault-XXXXXX") {
  FileDescriptor(check(::mkostemp(path_.data(), O_CLOEXEC), "mkostemp"));
}

TemporaryFile::~TemporaryFile() {
  ::unlink(path_.c_str());
}

std::string TemporaryFile::text() const {
  return file_text(path_);
}

std::vector<std::string> with_shim(const std::string& rules, std::vector<std::string> command) {
  command.insert(command.begin(),
                 {"env", "LD_PRELOAD=" FAULT_SHIM, std::string(fault_variable) + "=" + rules});
  return command;
}

FaultyServer::FaultyServer(std::string backend, Injector injector, std::string rules)
    : backend_(std::move(backend)),
      injector_(injector),
      rules_(std::move(rules)),
      page_(map_new_page(page_file_.path())) {}

FaultyServer::~FaultyServer() {
  process_.reset();
  ::munmap(page_, sizeof(FaultPage));
}

void FaultyServer::start() {
  std::vector<std::string> serve{ECHOMUX_PROGRAM, "serve", backend_, "--port", "0"};
  std::vector<std::string> command;
  if (injector_ == Injector::shim) {
    command = with_shim(rules_, std::move(serve));
    command.insert(command.begin() + 1,
                   std::string(fault_page_variable).append("=").append(page_file_.path()));
  } else {
    // -D: the server itself is our child, and strace is beside it.
    command = {"strace", "-D", "-qq", "-o", strace_log_.path()};
    // Elsewhere the only other thread is the one that takes signals, which is to be left alone.
    if (backend_ == "threaded") command.emplace_back("-f");
    std::istringstream all(rules_);
    for (std::string rule; all >> rule;) {
      command.insert(command.end(),
                     {"-e", "trace=" + rule.substr(0, rule.find(':')), "-e", "inject=" + rule});
    }
    command.insert(command.end(), serve.begin(), serve.end());
  }
  // The shell becomes the command, so that the process stays the one that was started.
  command.insert(command.begin(), {"sh", "-c", "exec \"$@\" 2>>\"$0\"", errors_.path()});
  process_.emplace(ServerCommand{.arguments = std::move(command), .speaks_echomux = true},
                   patience);
}

std::uint64_t FaultyServer::injected(std::size_t rule) const {
  if (injector_ == Injector::strace) return occurrences(strace_log_.text(), "(INJECTED)");
  return page_->injected.at(rule);
}

std::uint64_t FaultyServer::calls() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& calls : page_->calls) sum += calls;
  return sum;
}

}  // namespace echomux
