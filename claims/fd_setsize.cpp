// Where does the limit of 1024 come from: the kernel's select, or the C library's fd_set?
#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>

#include <climits>
#include <csignal>
#include <vector>

#include "claims/all_claims.hpp"
#include "claims/support/streams.hpp"
#include "echo/system_call.hpp"

namespace echomux::claims {
namespace fd_setsize_claim {

constexpr int far_above = 4 * FD_SETSIZE;

// Waits for one descriptor of any number to become readable, with a bitmap as long as that needs.
// The kernel reads as many bits as the first argument says, and knows nothing of fd_set's size.
int select_with_long_bitmap(int fd) {
  constexpr int bits_per_word = sizeof(fd_mask) * CHAR_BIT;
  std::vector<fd_mask> bitmap(static_cast<std::size_t>(fd / bits_per_word) + 1);
  fd_mask& word = bitmap[static_cast<std::size_t>(fd / bits_per_word)];
  word = static_cast<fd_mask>(fd_mask{1} << (fd % bits_per_word));
  timeval no_time{};
  const int count =
      ::select(fd + 1, reinterpret_cast<fd_set*>(bitmap.data()), nullptr, nullptr, &no_time);
  return check(count, "select") == 1 && word != 0 ? 1 : 0;
}

// FD_SET asks this function of the C library where in the set a descriptor belongs, if the program
// was compiled with _FORTIFY_SOURCE. A child asks, since it may not survive the answer.
bool checked_macro_refuses(int fd) {
  const auto place_of = reinterpret_cast<long (*)(long)>(::dlsym(RTLD_DEFAULT, "__fdelt_chk"));
  if (place_of == nullptr) return false;
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    const rlimit no_core{};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    ::_exit(place_of(fd) >= 0 ? 0 : 1);
  }
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  return WIFSIGNALED(status);
}

void observe(Laboratory&, Evidence& evidence) {
  evidence.note("fd_set_bits", "FD_SETSIZE, the descriptors that an fd_set has room for",
                FD_SETSIZE);
  const DescriptorLimit raised(far_above + 1);
  evidence.note("descriptor_limit", "RLIMIT_NOFILE for this experiment", double(raised.limit()));
  if (raised.limit() <= FD_SETSIZE) return;
  const int wanted = static_cast<int>(raised.limit()) - 1;
  const Connection connection = tcp_connection();
  const FileDescriptor high(
      check(::fcntl(connection.server.get(), F_DUPFD_CLOEXEC, wanted), "fcntl F_DUPFD_CLOEXEC"));
  evidence.note("high_fd", "the number of the descriptor watched", high.get());
  evidence.note("silent_reported", "select with a longer bitmap: ready, before there is data",
                select_with_long_bitmap(high.get()));
  deliver(connection.client.get(), connection.server.get(), 1);
  evidence.note("data_reported", "select with a longer bitmap: ready, with data",
                select_with_long_bitmap(high.get()));
  evidence.note("last_in_set_refused", "the checked FD_SET aborts for descriptor 1023",
                checked_macro_refuses(FD_SETSIZE - 1));
  evidence.note("first_beyond_refused", "the checked FD_SET aborts for descriptor 1024",
                checked_macro_refuses(FD_SETSIZE));
}

Finding decide(const Evidence& seen) {
  const double bits = seen.value("fd_set_bits");
  if (!seen.has("high_fd")) {
    return {Verdict::not_testable_here,
            fmt::format("no descriptor beyond {} can be had: RLIMIT_NOFILE is {} at most", bits - 1,
                        seen.value("descriptor_limit"))};
  }
  const bool kernel_watches = !seen.yes("silent_reported") && seen.yes("data_reported");
  if (!kernel_watches) {
    return {Verdict::holds,
            fmt::format("select did not watch descriptor {} rightly, and an fd_set holds {}",
                        seen.value("high_fd"), bits)};
  }
  const std::string kernel = fmt::format(
      "the kernel's select watched descriptor {} in a longer bitmap", seen.value("high_fd"));
  if (bits != 1024) return {Verdict::refuted, fmt::format("{}; an fd_set holds {}", kernel, bits)};
  const bool guarded = seen.yes("first_beyond_refused") && !seen.yes("last_in_set_refused");
  return {Verdict::holds_within_limits,
          fmt::format("{}; the C library's fd_set ends after {}: beyond it the checked FD_SET {}",
                      kernel, bits, guarded ? "aborts" : "isn't to be had, the other overruns")};
}

}  // namespace fd_setsize_claim

Claim fd_setsize() {
  return {.id = "fd-setsize",
          .sentence = "select is limited to 1024 descriptors",
          .sources = "002 004",
          .method =
              "select is called for a descriptor with a number far above 1024, with a bitmap "
              "of the right length instead of an fd_set, before and after data comes; and "
              "the C library's checked FD_SET is given the numbers 1023 and 1024.",
          .decision =
              "Holds if the kernel doesn't watch it; within limits if the kernel does but "
              "an fd_set has 1024 bits, so that the limit is the type's and not the call's; "
              "refuted if neither has the limit.",
          .observe = fd_setsize_claim::observe,
          .decide = fd_setsize_claim::decide};
}

}  // namespace echomux::claims
