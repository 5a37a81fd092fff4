#include "tests/faults/fault_cells.hpp"

#include <algorithm>
#include <stdexcept>

#include "harness/machine/proc_file.hpp"

namespace echomux {
namespace {

using enum FaultCall;
using enum FaultWhen;

constexpr std::string_view everything = "everything";

bool has_word(std::string_view text, std::string_view word) {
  return std::ranges::count(proc::words(text), word) > 0;
}

bool is_blocking(std::string_view backend) {
  return backend == "blocking" || backend == "threaded";
}

// Running out of something while accepting leaves the connection in the backlog.
bool is_shortage(std::string_view fault) {
  return has_word("EMFILE ENFILE ENOBUFS ENOMEM", fault);
}

// The system call beneath each, as strace knows it; how it can fail, by the manual page in section
// 2 or 3, and POSIX for ENOBUFS of recv; and which backends make it, unless all do.
struct CallForm {
  std::string_view kernels_name;
  std::string_view faults;
  std::string_view backends = {};
};
constexpr std::array<CallForm, fault_call_names.size()> forms{{
    {"recvfrom", "EINTR EAGAIN short ENOBUFS ENOMEM ECONNRESET"},
    {"sendto", "EINTR EAGAIN short ENOBUFS ENOMEM ECONNRESET EPIPE"},
    {"accept4", "EINTR EAGAIN ECONNABORTED EMFILE ENFILE ENOBUFS ENOMEM"},
    {"epoll_ctl", "ENOMEM ENOSPC", "epoll_lt epoll_et coroutines reactor_workers reuseport"},
    {"epoll_wait", "EINTR", "epoll_lt epoll_et coroutines reactor_workers reuseport"},
    {"poll", "EINTR ENOMEM", "poll"},
    {"pselect6", "EINTR ENOMEM", "select"},
    {"pthread_create", "EAGAIN", "threaded reactor_workers reuseport"},
    {"epoll_create1", "EMFILE ENFILE ENOMEM",
     "epoll_lt epoll_et coroutines reactor_workers reuseport"},
    {"eventfd2", "EMFILE ENFILE ENOMEM",
     "select poll epoll_lt epoll_et coroutines reactor_workers reuseport"},
}};

const CallForm& form_of(FaultCall call) {
  return forms[static_cast<std::size_t>(call)];
}

FaultHarm harm_of(const FaultCell& cell) {
  if (cell.when == set_up) return FaultHarm::server;
  switch (cell.call) {
    case recv:
    case send:
      return has_word("EINTR EAGAIN short", cell.fault) ? FaultHarm::nobody : FaultHarm::its_peer;
    case accept4:
      return cell.fault == "ECONNABORTED" ? FaultHarm::newcomers : FaultHarm::nobody;
    case epoll_ctl:
    case pthread_create:
      return FaultHarm::newcomers;
    default:
      return FaultHarm::nobody;
  }
}

bool lasts(const FaultCell& cell) {
  return cell.fault == "short" || cell.fault == "ENOSPC" || cell.call == pthread_create ||
         (is_shortage(cell.fault) && cell.call != recv && cell.call != send);
}

std::string why_not(const FaultCell& cell) {
  const std::string backend(cell.backend->name);
  const std::string call(name_of(cell.call));
  const CallForm& form = form_of(cell.call);
  if (!form.backends.empty() && !has_word(form.backends, backend)) {
    return backend + " doesn't call " + call;
  }
  if (cell.fault == "short" && cell.call != recv && cell.call != send) {
    return call + " moves no bytes";
  }
  if (!has_word(form.faults, cell.fault)) return call + " doesn't fail with " + cell.fault;
  if (cell.fault == "EAGAIN" && cell.call != pthread_create && is_blocking(backend)) {
    return "a blocking socket without a time limit has no EAGAIN";
  }
  const bool only_at_set_up = cell.call == epoll_create1 || cell.call == eventfd ||
                              (cell.call == pthread_create && cell.backend->has_workers);
  if (cell.when == set_up) {
    if (!only_at_set_up && cell.call != epoll_ctl) return call + " is no part of setting up";
  } else if (only_at_set_up) {
    return call + " is called while setting up alone";
  }
  if (cell.when == always && cell.call == epoll_ctl && cell.backend->has_workers &&
      !cell.backend->shares_port) {
    return "each request needs an epoll_ctl MOD, for which the kernel takes no memory";
  }
  if (cell.when == always && !lasts(cell)) {
    return "at every call it would leave none to make progress with";
  }
  return {};
}

// Busy polling makes millions of calls that find nothing, and always in the same order: every n-th
// might be the same peer's for ever. An attempt to accept may fail for want of something even when
// no peer waits.
std::string options_of(const FaultCell& cell) {
  const bool of_interest = cell.call == recv || cell.call == send ||
                           (cell.call == accept4 && !is_shortage(cell.fault) &&
                            cell.fault != "EAGAIN" && cell.fault != "EINTR");
  return cell.backend->never_sleeps && of_interest ? ",ready" : "";
}

int interval_of(const FaultCell& cell) {
  if (cell.harm == FaultHarm::nobody)
    return cell.fault == "short" || is_shortage(cell.fault) ? 3 : 2;
  return 5;
}

// How many epoll_ctl set a server up.
int set_up_ctls(const Backend& backend) {
  return 2 * (backend.shares_port ? loops_under_faults : 1);
}

void write_rule(FaultCell& cell, std::uint64_t seed) {
  cell.rule = std::string(name_of(cell.call)) + ":" + cell.fault + ":";
  // strace skips the call and so can't shorten it; can't reset a connection; knows no random times,
  // no EAGAIN that an edge comes after, and no pthread_create; and follows one thread.
  const bool in_strace = cell.fault != "short" && cell.call != pthread_create &&
                         cell.fault != "ECONNABORTED" && !cell.backend->never_sleeps &&
                         !(cell.fault == "EAGAIN" && cell.backend->name == "epoll_et") &&
                         !cell.backend->shares_port;
  if (in_strace) {
    cell.strace = std::string(form_of(cell.call).kernels_name) + ":error=" + cell.fault + ":when=";
  }
  // The program itself begins with one poll, which asks whether stdout has room, and one eventfd; a
  // server's set-up, with two epoll_ctl, of each loop that it has.
  const bool begins_with_one = cell.call == poll || cell.call == eventfd;
  const bool begins_with_two = cell.call == epoll_ctl && cell.when != set_up;
  const int before = begins_with_one ? 1 : begins_with_two ? set_up_ctls(*cell.backend) : 0;
  const std::string nth = std::to_string(before + 1);
  const std::string interval = std::to_string(interval_of(cell));
  switch (cell.when) {
    case first:
    case set_up:
      cell.rule += "first=1";
      if (in_strace) cell.strace += nth;
      break;
    case every:
      cell.rule += "every=" + interval;
      // strace counts each thread's calls by themselves, and a thread makes few.
      if (in_strace) cell.strace += std::to_string(before + 3) + "+" + interval;
      break;
    case random:
      cell.rule += (cell.harm == FaultHarm::nobody ? "random=0.25,seed=" : "random=0.15,seed=") +
                   std::to_string(seed);
      cell.strace.clear();
      break;
    case always:
      cell.rule += "every=1";
      cell.strace.clear();
      break;
  }
  if (begins_with_two && cell.when != always) cell.rule += ",skip=" + std::to_string(before);
  cell.rule += options_of(cell);
}

struct Recoverable {
  std::string_view call_and_fault;
  int interval;
  std::string_view probability;
};

// Each shortage while accepting makes most servers pause for 100 ms, which is no fault of theirs:
// the suite makes thousands of connections, and still expects them to be served in time.
constexpr std::array recoverable{
    Recoverable{"recv:EINTR", 3, "0.03"},         Recoverable{"recv:EAGAIN", 5, "0.03"},
    Recoverable{"recv:short", 2, "0.03"},         Recoverable{"send:EINTR", 3, "0.03"},
    Recoverable{"send:EAGAIN", 5, "0.03"},        Recoverable{"send:short", 2, "0.03"},
    Recoverable{"accept4:EINTR", 3, "0.03"},      Recoverable{"accept4:EAGAIN", 5, "0.03"},
    Recoverable{"accept4:EMFILE", 503, "0.001"},  Recoverable{"accept4:ENFILE", 701, "0.001"},
    Recoverable{"accept4:ENOBUFS", 907, "0.001"}, Recoverable{"accept4:ENOMEM", 1009, "0.001"},
    Recoverable{"epoll_wait:EINTR", 2, "0.1"},    Recoverable{"poll:EINTR", 2, "0.1"},
    Recoverable{"poll:ENOMEM", 7, "0.02"},        Recoverable{"select:EINTR", 2, "0.1"},
    Recoverable{"select:ENOMEM", 7, "0.02"},
};

}  // namespace

std::string_view name_of(FaultWhen when) {
  static constexpr std::array<std::string_view, all_times.size()> names{"first", "every", "random",
                                                                        "always", "set_up"};
  return names[static_cast<std::size_t>(when)];
}

std::vector<FaultCell> fault_cells(std::uint64_t seed) {
  std::vector<FaultCell> cells;
  for (const Backend& backend : all_backends()) {
    for (std::size_t call = 0; call < fault_call_names.size(); ++call) {
      for (const std::string_view fault : fault_names) {
        for (const FaultWhen when : all_times) {
          FaultCell& cell = cells.emplace_back();
          cell.backend = &backend;
          cell.call = static_cast<FaultCall>(call);
          cell.fault = fault;
          cell.when = when;
          cell.harm = harm_of(cell);
          cell.not_applicable = why_not(cell);
          if (cell.not_applicable.empty()) write_rule(cell, seed);
        }
      }
    }
  }
  return cells;
}

std::vector<FaultCell> storm_cells(std::uint64_t seed, std::size_t count) {
  std::vector<FaultCell> storms;
  for (const std::uint64_t end = seed + count; seed != end; ++seed) {
    const std::vector<FaultCell> cells = fault_cells(seed * 1000);
    for (const Backend& backend : all_backends()) {
      FaultCell& storm = storms.emplace_back();
      storm.backend = &backend;
      storm.fault = everything;
      storm.when = random;
      storm.harm = FaultHarm::its_peer;
      storm.rules = 0;
      std::string harmless;
      std::uint64_t nth = 0;
      for (const FaultCell& cell : cells) {
        // An aborted connection is the one thing that the server can't count.
        if (cell.backend != &backend || cell.when != random || !cell.not_applicable.empty() ||
            cell.fault == "ECONNABORTED") {
          continue;
        }
        const bool harms = cell.harm != FaultHarm::nobody;
        storm.rules += harms ? 1 : 0;
        // A seed of its own for each, and less often, because there are many.
        (harms ? storm.rule : harmless) +=
            ";" + std::string(name_of(cell.call)) + ":" + cell.fault +
            ":random=" + (harms ? "0.02" : "0.08") +
            ",seed=" + std::to_string(seed * 1000 + nth++) +
            (cell.call == epoll_ctl ? ",skip=" + std::to_string(set_up_ctls(backend)) : "") +
            options_of(cell);
      }
      storm.rule = (storm.rule + harmless).substr(1);
    }
  }
  return storms;
}

std::string recoverable_faults(const Backend& backend, std::string_view when) {
  const std::string_view kind = when.substr(0, when.find('='));
  const std::string_view seed = kind == when ? "1" : when.substr(kind.size() + 1);
  std::string rules;
  for (const Recoverable& fault : recoverable) {
    if (!rules.empty()) rules += ';';
    rules += std::string(fault.call_and_fault) + ":";
    if (when == "first") {
      rules += "first=1";
    } else if (when == "every") {
      rules += "every=" + std::to_string(fault.interval);
    } else if (kind == "random" && !seed.empty()) {
      // A digit more for each, so that they don't all strike together.
      rules += "random=" + std::string(fault.probability) + ",seed=" + std::string(seed) +
               std::to_string(&fault - recoverable.data());
    } else {
      throw std::invalid_argument("'" + std::string(when) +
                                  "' is neither first nor every nor random nor random=SEED");
    }
    if (backend.never_sleeps) rules += ",ready";
  }
  return rules;
}

std::string name_of(const FaultCell& cell) {
  if (cell.fault == everything) {
    const std::size_t seed = cell.rule.find("seed=") + 5;
    return std::string(cell.backend->name) + "/everything/random/" +
           cell.rule.substr(seed, cell.rule.find_first_of(",;", seed) - seed);
  }
  return std::string(cell.backend->name) + "/" + std::string(name_of(cell.call)) + "/" +
         cell.fault + "/" + std::string(name_of(cell.when));
}

}  // namespace echomux
