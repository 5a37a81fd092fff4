// Claims about what epoll_ctl does, and what the kernel keeps of it.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <set>

#include "claims/measurements.hpp"
#include "claims/streams.hpp"
#include "harness/machine/proc_file.hpp"

namespace echomux::claims {
namespace {

void observe_oneshot(Context&, Evidence& seen) {
  const Connection connection = tcp_connection();
  const int client = connection.client.get();
  const int server = connection.server.get();
  constexpr std::uint32_t once = EPOLLIN | EPOLLONESHOT;
  Watch watch(server, once);
  Watch lasting(server, EPOLLIN);
  deliver(client, server, 10);
  seen.events("first", "data came", watch.wait(patience));
  deliver(client, server, 10);
  seen.events("more_data", "more came, the shot is spent", watch.wait(silence));
  seen.events("more_data_lasting", "more came, without EPOLLONESHOT", lasting.wait(silence));
  seen.note("add_errno", "errno of EPOLL_CTL_ADD then", watch.control(EPOLL_CTL_ADD, server, once));
  seen.events("after_add", "after EPOLL_CTL_ADD", watch.wait(silence));
  watch.change(server, once);
  seen.events("after_mod", "after EPOLL_CTL_MOD, nothing new came", watch.wait(patience));
  deliver(client, server, 10);
  seen.events("spent_again", "more came after that", watch.wait(silence));
}

// An edge-triggered socket whose only edge has been taken, with data unread.
struct Spent {
  Connection connection = tcp_connection();
  Watch watch{connection.server.get(), EPOLLIN | EPOLLET};

  Spent() {
    deliver(connection.client.get(), connection.server.get(), 10);
    await("the first edge came", [this] { return watch.wait() != 0; });
  }
  int control(int operation) {
    return watch.control(operation, connection.server.get(), EPOLLIN | EPOLLET);
  }
};

void observe_add_twice(Context&, Evidence& seen) {
  Spent added;
  seen.events("before", "the edge taken, data unread", added.watch.wait(silence));
  seen.note("add_errno", "errno of EPOLL_CTL_ADD again", added.control(EPOLL_CTL_ADD));
  seen.events("after_add", "after EPOLL_CTL_ADD again", added.watch.wait(silence));
  Spent changed;
  seen.note("mod_errno", "errno of EPOLL_CTL_MOD instead", changed.control(EPOLL_CTL_MOD));
  seen.events("after_mod", "after EPOLL_CTL_MOD instead", changed.watch.wait(patience));
  Spent anew;
  static_cast<void>(anew.control(EPOLL_CTL_DEL));
  seen.note("del_add_errno", "errno of EPOLL_CTL_DEL and ADD", anew.control(EPOLL_CTL_ADD));
  seen.events("after_del_add", "after EPOLL_CTL_DEL and ADD", anew.watch.wait(patience));
}

// All are ready; the one variable that they were registered from is overwritten each time, and at
// the end its memory goes.
void observe_event_copy(Context&, Evidence& seen) {
  constexpr std::size_t count = 16;
  const Watch watch;
  const std::vector<Pipe> pipes(count);
  std::vector<epoll_event> reported(count);
  const auto wait = [&] { return ::epoll_wait(watch.fd(), reported.data(), int(count), 0); };
  seen.note("registrations", "descriptors registered from one variable", count);
  {
    const Mapping memory(-1);
    auto& variable = *static_cast<epoll_event*>(memory.get());
    for (std::size_t i = 0; i < count; ++i) {
      variable.events = EPOLLIN;
      variable.data.u64 = i;
      check(::epoll_ctl(watch.fd(), EPOLL_CTL_ADD, pipes[i].read_end.get(), &variable),
            "epoll_ctl");
      deliver(pipes[i].write_end.get(), pipes[i].read_end.get(), 1);
    }
    variable.data.u64 = count;
    const int found = wait();
    std::set<std::uint64_t> data;
    for (int i = 0; i < found; ++i) data.insert(reported[std::size_t(i)].data.u64);
    data.erase(count);
    seen.note("own_data", "of them reported what was registered with them", data.size());
  }
  seen.note("after_unmap", "of them reported once the variable's memory was gone", wait());
  seen.note("mmap_errno", "errno of mmap of the epoll instance", Mapping(watch.fd()).error());
}

bool map_of_memory_has(const char* name) {
  return proc::read_file("/proc/self/maps").value_or("").find(name) != std::string::npos;
}

// Shared memory would show in the process's map of memory, and events would need no address to be
// written to.
void observe_sharing(Context&, Evidence& seen) {
  const Watch watch;
  const Pipe ready;
  deliver(ready.write_end.get(), ready.read_end.get(), 1);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = 1}};
  check(::epoll_ctl(watch.fd(), EPOLL_CTL_ADD, ready.read_end.get(), &event), "epoll_ctl");
  event.data.u64 = 2;  // Were it shared, the kernel would know.
  epoll_event on_stack{};
  const int count = check(::epoll_wait(watch.fd(), &on_stack, 1, 0), "epoll_wait");
  seen.note("reported", "events that a wait reports of one ready descriptor", count);
  seen.note("change_seen", "a later change of the event is reported", on_stack.data.u64 == 2);
  const Mapping of_epoll(watch.fd());
  seen.note("mmap_possible", "mmap of the epoll descriptor succeeds", of_epoll.error() == 0);
  seen.note("mmap_enodev", "mmap of it fails with ENODEV", of_epoll.error() == ENODEV);
  seen.note("in_maps", "/proc/self/maps shows eventpoll", map_of_memory_has("eventpoll"));
  // What shared memory looks like there, so that its absence says something.
  const FileDescriptor memory(check(::memfd_create("claimed_sharing", MFD_CLOEXEC), "memfd"));
  check(::ftruncate(memory.get(), Mapping::bytes), "ftruncate");
  const Mapping of_memory(memory.get());
  seen.note("maps_show_sharing", "/proc/self/maps shows memory that is shared: a memfd's",
            of_memory.error() == 0 && map_of_memory_has("claimed_sharing"));
  const Mapping page(-1);
  check(::mprotect(page.get(), Mapping::bytes, PROT_NONE), "mprotect");
  seen.note(
      "wait_faults", "epoll_wait into memory that can't be written fails with EFAULT",
      ::epoll_wait(watch.fd(), static_cast<epoll_event*>(page.get()), 1, 0) < 0 && errno == EFAULT);
}

void derive_growth(Evidence& seen) {
  const double smallest = seen.value("smallest");
  const double largest = seen.value("largest");
  seen.note("logarithm", "growth of the logarithm", std::log2(largest) / std::log2(smallest));
  seen.note("root", "growth of the square root", std::sqrt(largest / smallest));
}

}  // namespace

std::span<const Test> registration_tests() noexcept {
  static constexpr std::array all{
      Test{"oneshot-rearm", observe_oneshot},
      Test{"add-twice", observe_add_twice},
      Test{"event-copied", observe_event_copy},
      Test{"epoll-mmap", observe_sharing},
      Test{"ctl-tree-cost", observe_tree, derive_growth},
  };
  return all;
}

}  // namespace echomux::claims
