#include "cli/signal_thread.hpp"

#include <poll.h>
#include <signal.h>

#include <array>
#include <utility>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

FileDescriptor block_and_watch(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) {
    sigaddset(&set, signal);
    // A shell without job control starts background programs with SIGINT ignored, and the kernel
    // discards what is ignored even if it is blocked.
    ::signal(signal, SIG_DFL);
  }
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    throw std::system_error(error, std::generic_category(), "pthread_sigmask");
  }
  return FileDescriptor(check(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd"));
}

}  // namespace

SignalThread::SignalThread(std::initializer_list<int> signals,
                           std::function<void(const signalfd_siginfo&)> on_signal)
    : signal_fd_(block_and_watch(signals)),
      on_signal_(std::move(on_signal)),
      thread_([this] { run(); }) {}

SignalThread::~SignalThread() {
  stop_.request_stop();
  thread_.join();
}

void SignalThread::run() {
  std::array watched{pollfd{.fd = signal_fd_.get(), .events = POLLIN, .revents = 0},
                     pollfd{.fd = stop_event_.fd(), .events = POLLIN, .revents = 0}};
  while (!stop_.stop_requested()) {
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;  // EINTR: look again
    signalfd_siginfo info{};
    while (::read(signal_fd_.get(), &info, sizeof info) == sizeof info) {
      on_signal_(info);
    }
  }
}

Interruption::Interruption()
    : signals_({SIGINT, SIGTERM}, [this](const auto&) { stop_.request_stop(); }) {
  ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace echomux
