// Claims about how many descriptors, events and connections there may be.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <fstream>

#include "claims/measurements.hpp"
#include "claims/streams.hpp"
#include "harness/machine/proc_file.hpp"
#include "harness/server/process_meter.hpp"
#include "harness/server/process_state.hpp"

namespace echomux::claims {
namespace {

// Waits for one descriptor of any number to become readable, with a bitmap as long as that needs.
// The kernel reads as many bits as the first argument says, and knows nothing of fd_set's size.
bool select_with_long_bitmap(int fd) {
  constexpr int bits_per_word = sizeof(fd_mask) * CHAR_BIT;
  std::vector<fd_mask> bitmap(std::size_t(fd / bits_per_word) + 1);
  bitmap.back() = static_cast<fd_mask>(fd_mask{1} << (fd % bits_per_word));
  timeval no_time{};
  const int count =
      ::select(fd + 1, reinterpret_cast<fd_set*>(bitmap.data()), nullptr, nullptr, &no_time);
  return check(count, "select") == 1 && bitmap.back() != 0;
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

void observe_fd_setsize(Context&, Evidence& seen) {
  seen.note("fd_set_bits", "descriptors that an fd_set has room for", FD_SETSIZE);
  const DescriptorLimit raised(4 * FD_SETSIZE + 1);
  seen.note("descriptor_limit", "RLIMIT_NOFILE for this test", raised.limit());
  if (raised.limit() <= FD_SETSIZE) return;
  const Connection connection = tcp_connection();
  const FileDescriptor high(check(
      ::fcntl(connection.server.get(), F_DUPFD_CLOEXEC, int(raised.limit()) - 1), "fcntl F_DUPFD"));
  seen.note("high_fd", "the number of the descriptor watched", high.get());
  seen.note("silent_reported", "select says ready before there is data",
            select_with_long_bitmap(high.get()));
  deliver(connection.client.get(), connection.server.get(), 1);
  seen.note("data_reported", "select says ready with data", select_with_long_bitmap(high.get()));
  seen.note("last_in_set_refused", "checked FD_SET aborts for 1023",
            checked_macro_refuses(FD_SETSIZE - 1));
  seen.note("first_beyond_refused", "checked FD_SET aborts for 1024",
            checked_macro_refuses(FD_SETSIZE));
}

// The errno of poll with this many entries, the last of which is `fd`; 0 when it reports that one
// and no other. Entries with the number -1 are passed over, so they stand for any others.
int poll_many(std::uint64_t entries, int fd) {
  std::vector<pollfd> watched(entries, pollfd{.fd = -1, .events = POLLIN, .revents = 0});
  watched.back().fd = fd;
  const int ready = ::poll(watched.data(), watched.size(), 0);
  if (ready < 0) return errno;
  return ready == 1 && watched.back().revents == POLLIN ? 0 : -1;
}

void observe_poll_limit(Context&, Evidence& seen) {
  const Pipe pipe;
  deliver(pipe.write_end.get(), pipe.read_end.get(), 1);
  const int fd = pipe.read_end.get();
  {
    const DescriptorLimit raised(std::uint64_t{2} * FD_SETSIZE);
    seen.note("raised_limit", "RLIMIT_NOFILE, raised", raised.limit());
    seen.note("errno_at_raised", "errno of as many entries", poll_many(raised.limit(), fd));
  }
  const DescriptorLimit lowered(256);
  seen.note("lowered_limit", "RLIMIT_NOFILE, lowered", lowered.limit());
  seen.note("errno_at_lowered", "errno of as many entries", poll_many(lowered.limit(), fd));
  seen.note("errno_above_lowered", "errno of one entry more", poll_many(lowered.limit() + 1, fd));
}

void observe_instances(Context&, Evidence& seen) {
  // One of them is what the list is read through.
  const auto open = [] { return double(proc::numbers_in("/proc/self/fd").size()) - 1; };
  const double before = open();
  std::vector<FileDescriptor> instances;
  instances.emplace_back(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  seen.note("taken_fds", "descriptors in /proc/self/fd more, with one instance", open() - before);
  // The limit leaves a few above the number that would be given out next.
  const DescriptorLimit few(std::uint64_t(instances.back().get()) + 9);
  int error = 0;
  while (error == 0 && instances.size() <= 16) {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    error = fd < 0 ? errno : 0;
    if (fd >= 0) instances.emplace_back(fd);
  }
  seen.note("made_instances", "instances made with few descriptors left", instances.size());
  seen.note("last_errno", "errno of the epoll_create1 that made no more", error);
  instances.clear();
  const FileDescriptor again(::epoll_create1(EPOLL_CLOEXEC));
  seen.note("after_close_errno", "errno of epoll_create1 after closing all", again ? 0 : errno);
  seen.note("after_close_fds", "descriptors then, more than at the start", open() - before);
}

// How many of these pipes, each with a byte in it, the epoll instance takes.
int register_ready(int epoll, const std::vector<Pipe>& pipes) {
  int added = 0;
  for (const Pipe& pipe : pipes) {
    deliver(pipe.write_end.get(), pipe.read_end.get(), 1);
    epoll_event event{.events = EPOLLIN, .data = {.fd = pipe.read_end.get()}};
    added += ::epoll_ctl(epoll, EPOLL_CTL_ADD, pipe.read_end.get(), &event) == 0 ? 1 : 0;
  }
  return added;
}

// What epoll_wait returns, or the errno, negative.
int wait_for(int epoll, int maxevents) {
  std::vector<epoll_event> events(std::size_t(maxevents) + 1);
  const int count = ::epoll_wait(epoll, events.data(), maxevents, 0);
  return count < 0 ? -errno : count;
}

void observe_create_size(Context&, Evidence& seen) {
  const auto observe = [&](const std::string& name, int size) {
    const FileDescriptor epoll(::epoll_create(size));
    seen.note(name + "_errno", fmt::format("errno of epoll_create({})", size), epoll ? 0 : errno);
    if (!epoll) return;
    const std::vector<Pipe> pipes(64);
    seen.note(name + "_added", fmt::format("of 64 taken, size {}", size),
              register_ready(epoll.get(), pipes));
    seen.note(name + "_reported", fmt::format("of 64 reported, size {}", size),
              wait_for(epoll.get(), 64));
  };
  observe("size_0", 0);
  observe("size_1", 1);
  observe("size_most", INT_MAX);
}

void observe_maxevents(Context&, Evidence& seen) {
  constexpr int size = 4;
  const FileDescriptor epoll(check(::epoll_create(size), "epoll_create"));
  const std::vector<Pipe> pipes(16);
  seen.note("size", "epoll_create's size", size);
  seen.note("ready_fds", "descriptors ready", register_ready(epoll.get(), pipes));
  seen.note("within_events", "events with maxevents 4", wait_for(epoll.get(), size));
  seen.note("beyond_events", "events with maxevents 16 (or -errno)", wait_for(epoll.get(), 16));
  seen.note("zero_events", "events with maxevents 0 (or -errno)", wait_for(epoll.get(), 0));
}

// What follows "key" in a file of /proc, as a number.
double number_after(const char* path, const std::string& key) {
  const std::string text = proc::read_file(path).value_or("");
  const std::size_t at = text.find(key);
  if (at == std::string::npos) throw std::runtime_error(fmt::format("{} tells no {}", path, key));
  return double(proc::number(proc::trimmed(std::string_view(text).substr(at + key.size()))));
}

// What TCP's buffers take in the whole system. UDP's line comes later in this file.
double tcp_buffer_bytes() {
  return number_after("/proc/net/sockstat", " mem ") * double(::sysconf(_SC_PAGESIZE));
}

void observe_bounds(Context&, Evidence& seen) {
  {
    const FileDescriptor next(check(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
    const DescriptorLimit low(std::uint64_t(next.get()) + 1);
    const FileDescriptor refused(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    seen.note("refused_by_descriptors", "EMFILE with memory to spare", !refused && errno == EMFILE);
  }
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  seen.note("descriptor_limit", "descriptors that a process may have", double(limit.rlim_max));
  seen.note("watch_limit", "descriptors in a user's epoll sets, at most",
            number_after("/proc/sys/fs/epoll/max_user_watches", ""));
  seen.note("memory_bytes", "bytes of memory here",
            number_after("/proc/meminfo", "MemTotal:") * 1024);
  // Enough connections to tell, too few to fill what the system has for TCP.
  std::array<Connection, 4> full;
  for (Connection& connection : full) connection = tcp_connection();
  const double before = tcp_buffer_bytes();
  for (const Connection& connection : full) {
    static_cast<void>(fill(connection.client.get()));
    static_cast<void>(fill(connection.server.get()));
  }
  seen.note("full_buffer_bytes", "bytes that TCP holds of a connection whose ends don't read",
            std::max(tcp_buffer_bytes() - before, 0.0) / double(full.size()));
}

// The kernel's share is for both ends, of which a server has one.
void derive_bounds(Evidence& seen) {
  constexpr double gib = 1024.0 * 1024 * 1024;
  const double bytes =
      seen.value("server_bytes_epoll_lt") + seen.value("kernel_bytes_epoll_lt") / 2;
  seen.note("connection_bytes", "bytes that an idle connection takes a server", bytes);
  seen.note("per_gib", "idle connections per GiB", gib / bytes);
  seen.note("full_per_gib", "connections per GiB with unread data in every buffer",
            gib / (bytes + seen.value("full_buffer_bytes") / 2));
  seen.note("by_memory", "idle connections that fit into memory here",
            seen.value("memory_bytes") / bytes);
  seen.note("by_limits", "connections that the limits of descriptors and watches allow here",
            std::min(seen.value("descriptor_limit"), seen.value("watch_limit")));
}

}  // namespace

void measure_memory(Context& context, Evidence& seen) {
  const Bench bench(context);
  const auto memory = [](pid_t server) {
    const auto kernel = kernel_memory_bytes();
    if (!kernel) throw std::runtime_error("/proc/meminfo doesn't tell what the kernel uses");
    return std::array{double(read_anonymous_memory(server).value_or(0)), double(*kernel)};
  };
  // A thread each takes stacks and time to be made.
  for (const auto& [name, wanted] : {std::pair{"epoll_lt", 1000}, std::pair{"threaded", 200}}) {
    context.progress(fmt::format("memory of connections to {}", name));
    const std::size_t batch =
        bench.as_many_as_possible(std::size_t(wanted) * (rounds + 1), 1) / (rounds + 1);
    const ServerProcess server(bench.command(name));
    IdlePeers idle;
    // What the first connections of a server bring about once is none of the others' memory.
    idle.open(server.endpoint(), batch / 10);
    std::array<std::vector<double>, 3> bytes;
    for (std::size_t round = 0; round < rounds; ++round) {
      const auto before = memory(server.pid());
      idle.open(server.endpoint(), batch);
      const auto after = memory(server.pid());
      bytes[0].push_back((after[0] - before[0]) / double(batch));
      bytes[1].push_back((after[1] - before[1]) / double(batch));
      bytes[2].push_back(bytes[0].back() + bytes[1].back());
    }
    const auto keep = [&](const char* prefix, const char* what, const std::vector<double>& values) {
      seen.measure(fmt::format("{}_bytes_{}", prefix, name), fmt::format("{} {}", what, name),
                   values);
    };
    keep("server", "bytes of the process per idle connection to", bytes[0]);
    keep("kernel", "bytes of the kernel, both ends, per idle connection to", bytes[1]);
    keep("all", "bytes of process and kernel per idle connection to", bytes[2]);
  }
}

std::span<const Test> limit_tests() noexcept {
  static constexpr std::array all{
      Test{"fd-setsize", observe_fd_setsize},
      Test{"poll-no-limit", observe_poll_limit},
      Test{"epoll-takes-fd", observe_instances},
      Test{"create-size", observe_create_size},
      Test{"maxevents-bound", observe_maxevents},
      Test{"memory-bound", observe_bounds, derive_bounds},
  };
  return all;
}

}  // namespace echomux::claims
