#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <cmath>
#include <random>

#include "claims/measurements.hpp"
#include "claims/streams.hpp"
#include "harness/bench/rounds.hpp"
#include "harness/load/load_report.hpp"
#include "harness/machine/cgroup.hpp"
#include "harness/stats/statistics.hpp"
#include "reproduce/waits.hpp"
#include "reproduce/watched.hpp"
#include "select/descriptor_set.hpp"

namespace echomux::claims {
namespace {

constexpr std::int64_t many_watched = 1000;

int select_now(DescriptorSet& set, int end) {
  timeval now{};
  return check(::select(end, set.raw(), nullptr, nullptr, &now), "select");
}

double poll_us(std::vector<pollfd>& set) {
  return call_us([&] { check(::poll(set.data(), set.size(), 0), "poll"); });
}

// With the copy that select's caller has to make first, since the call overwrites its set.
double select_us(const DescriptorSet& all, int end) {
  DescriptorSet set;
  return call_us([&] {
    set = all;
    select_now(set, end);
  });
}

// What is ready isn't read, so select, poll and level-triggered epoll report it at every call.
template <typename Wait>
double wait_us(Wait& wait, std::int64_t ready) {
  return call_us([&] {
    if (wait.wait(false) != ready) throw std::runtime_error("a wait missed what is ready");
  });
}

// True when poll reads its array again at a second call that differs from the first in nothing but
// that the array can't be read any more.
bool poll_reads_again(int fd) {
  const Mapping page(-1);
  auto* const set = static_cast<pollfd*>(page.get());
  *set = {.fd = fd, .events = POLLIN, .revents = 0};
  const int first = ::poll(set, 1, 0);
  check(::mprotect(page.get(), Mapping::bytes, PROT_NONE), "mprotect");
  return first == 0 && ::poll(set, 1, 0) < 0 && errno == EFAULT;
}

// What of several costs lies between a fixed part and the whole, round by round.
std::vector<double> shares(const Evidence& seen, const char* part, const char* whole,
                           const char* fixed) {
  const auto values = [&](const char* name) { return seen.find(name).values; };
  std::vector<double> all;
  for (std::size_t i = 0; i < values(part).size(); ++i) {
    const double base = values(fixed)[i];
    all.push_back((values(part)[i] - base) / (values(whole)[i] - base));
  }
  return all;
}

}  // namespace

void measure_waits(Context& context, Evidence& seen) {
  const Bench bench(context);
  if (bench.as_many_as_possible(many_watched, 2) < many_watched) {
    throw std::runtime_error("1,000 connected pairs take more descriptors than ulimit -n allows");
  }
  constexpr std::array<std::int64_t, 4> counts{1, 10, 100, many_watched};
  for (const std::int64_t count : counts) {
    context.progress(fmt::format("single waits with {} watched", count));
    micro::Watched watched(micro::Kind::tcp, count);
    for (const std::int64_t ready : counts) {
      if (ready > 1 && count < many_watched) continue;
      micro::SelectWait by_select(watched);
      micro::PollWait by_poll(watched);
      micro::EpollLtWait by_epoll(watched);
      watched.make_ready(ready);
      const auto contender = [&](const char* name, auto& wait) {
        return Contender{
            fmt::format("wait_us_{}_{}_{}", name, count, ready),
            fmt::format("CPU of a wait of {}, {} watched, {} ready", name, count, ready),
            [&wait, ready] { return wait_us(wait, ready); }};
      };
      measure_in_turn(bench,
                      {contender("select", by_select), contender("poll", by_poll),
                       contender("epoll", by_epoll)},
                      seen);
      watched.drain();
    }
  }
}

// A pollfd with a negative descriptor is copied like any other and then skipped; a bitmap of zeros
// is copied like one of ones. So the copying can be had without the scan.
void observe_set_copied(Context& context, Evidence& seen) {
  const Bench bench(context);
  context.progress("copying a set without scanning it");
  const micro::Watched watched(micro::Kind::tcp, many_watched);
  const int first = watched.readers().front().get();
  std::vector<pollfd> real;
  DescriptorSet ones;
  DescriptorSet zeros;
  zeros.make_room_for(watched.end());
  for (const FileDescriptor& reader : watched.readers()) {
    real.push_back({.fd = reader.get(), .events = POLLIN, .revents = 0});
    ones.add(reader.get());
  }
  std::vector<pollfd> negative(real.size(), {.fd = -1, .events = POLLIN, .revents = 0});
  std::vector<pollfd> one{real.front()};
  DescriptorSet lone;
  lone.add(first);
  seen.note("poll_reads_again", "poll fails once its array can't be read", poll_reads_again(first));
  measure_in_turn(bench,
                  {{"poll_us_scanned", "poll, 1,000 connections: copied and scanned",
                    [&] { return poll_us(real); }},
                   {"poll_us_copied", "poll, 1,000 negative descriptors: copied only",
                    [&] { return poll_us(negative); }},
                   {"poll_us_one", "poll, one connection", [&] { return poll_us(one); }},
                   {"select_us_scanned", "select, the same 1,000 as bits",
                    [&] { return select_us(ones, watched.end()); }},
                   {"select_us_copied", "select, as many bits, none of them set",
                    [&] { return select_us(zeros, watched.end()); }},
                   {"select_us_one", "select, one connection of a low number",
                    [&] { return select_us(lone, first + 1); }}},
                  seen);
  seen.measure("poll_share_copied", "copying, of what 1,000 cost poll more than one",
               shares(seen, "poll_us_copied", "poll_us_scanned", "poll_us_one"));
  seen.measure("select_share_copied", "copying, of what 1,000 cost select more than one",
               shares(seen, "select_us_copied", "select_us_scanned", "select_us_one"));
}

void observe_select_scan(Context& context, Evidence& seen) {
  constexpr std::int64_t ready = 3;
  const Bench bench(context);
  context.progress("what select tells");
  micro::Watched watched(micro::Kind::tcp, many_watched);
  watched.make_ready(ready);
  DescriptorSet all;
  std::vector<int> readable;
  for (const FileDescriptor& reader : watched.readers()) {
    all.add(reader.get());
    if (unread(reader.get()) == 1) readable.push_back(reader.get());
  }
  DescriptorSet answer = all;
  const int count = select_now(answer, watched.end());
  // One FD_ISSET after the other, as everybody's loop does.
  const auto search = [&] {
    std::vector<int> found;
    for (int fd = 0; fd < watched.end(); ++fd) {
      if (answer.contains(fd)) found.push_back(fd);
    }
    return found;
  };
  std::vector<int> found = search();
  seen.note("ready", "of 1,000 watched, how many are ready", ready);
  seen.note("select_returned", "what select returned", count);
  std::ranges::sort(readable);
  seen.note("bits_tell_which", "its bits are the ready ones alone", found == readable);
  measure_in_turn(
      bench,
      {{"call_us", "CPU of the call of select", [&] { return select_us(all, watched.end()); }},
       {"scan_us", "CPU of the caller's search through the bits",
        [&] { return call_us([&] { found = search(); }); }}},
      seen);
  std::vector<double> share;
  for (std::size_t i = 0; i < rounds; ++i) {
    const double scan = seen.find("scan_us").values[i];
    share.push_back(scan / (scan + seen.find("call_us").values[i]));
  }
  seen.measure("scan_share", "the search's share of both", std::move(share));
}

// Ten pipes under high numbers, as a server has them when most of its descriptors belong to
// something else; and a pipe whose writer is gone, which select calls readable.
void observe_select_and_poll(Context& context, Evidence& seen) {
  const Bench bench(context);
  context.progress("select and poll on ten descriptors of high numbers");
  const micro::Watched low(micro::Kind::pipe, 10);
  const int first = int(bench.as_many_as_possible(10'000, 1)) - 16;
  std::vector<FileDescriptor> high;
  std::vector<pollfd> list;
  DescriptorSet set;
  for (const FileDescriptor& reader : low.readers()) {
    high.emplace_back(check(::fcntl(reader.get(), F_DUPFD_CLOEXEC, first), "fcntl F_DUPFD"));
    list.push_back({.fd = high.back().get(), .events = POLLIN, .revents = 0});
    set.add(high.back().get());
  }
  const int end = high.back().get() + 1;
  measure_in_turn(bench,
                  {{"select_us_high", "CPU of select on ten descriptors of high numbers",
                    [&] { return select_us(set, end); }},
                   {"poll_us_high", "CPU of poll on ten descriptors of high numbers",
                    [&] { return poll_us(list); }}},
                  seen);
  seen.note("highest", "the highest of ten descriptors", end - 1);
  Pipe hung_up;
  hung_up.write_end.reset();
  DescriptorSet one;
  one.add(hung_up.read_end.get());
  pollfd asked{.fd = hung_up.read_end.get(), .events = POLLIN, .revents = 0};
  const bool readable = select_now(one, asked.fd + 1) == 1;
  seen.note("hang_up_told_apart", "poll says POLLHUP where select says readable",
            readable && ::poll(&asked, 1, 0) == 1 && asked.revents == POLLHUP);
}

namespace {

// How many of three waits report a socket of whose two bytes one is read after the first wait, and
// the other after the second.
template <typename Wait>
int times_reported() {
  const micro::Watched watched(micro::Kind::socket_pair, 1);
  Wait wait(watched);
  check(::send(watched.writers()[0].get(), "ab", 2, MSG_NOSIGNAL), "send");
  int reported = 0;
  for (int turn = 0; turn < 3; ++turn) {
    reported += wait.wait(false);
    if (turn < 2) take(watched.readers()[0].get(), 1);
  }
  return reported;
}

// An epoll set with this many descriptors in it.
class Registered {
 public:
  explicit Registered(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      descriptors_.emplace_back(check(::eventfd(0, EFD_CLOEXEC), "eventfd"));
      watch_.add(descriptors_.back().get(), EPOLLIN);
    }
  }
  // Takes one out, chosen at random so that the caches know it no better than any other, and puts
  // it back.
  void change_one() {
    const int chosen = descriptors_[random_() % descriptors_.size()].get();
    static_cast<void>(watch_.control(EPOLL_CTL_DEL, chosen, 0));
    watch_.add(chosen, EPOLLIN);
  }

 private:
  Watch watch_;
  std::vector<FileDescriptor> descriptors_;
  std::minstd_rand random_{1};
};

}  // namespace

void observe_half_read(Context&, Evidence& seen) {
  const auto note = [&](const char* name, const char* mechanism, int count) {
    seen.note(name, fmt::format("of 3 waits of {}, with half-read data", mechanism), count);
  };
  note("reported_poll", "poll", times_reported<micro::PollWait>());
  note("reported_lt", "level-triggered epoll", times_reported<micro::EpollLtWait>());
}

void observe_tree(Context& context, Evidence& seen) {
  const Bench bench(context);
  context.progress("changing epoll sets of 10 to 10,000 descriptors");
  constexpr std::size_t others = 10 + 100 + 1000;
  const std::size_t room = bench.as_many_as_possible(10'000 + others, 1);
  if (room < 3 * others) throw std::runtime_error("ulimit -n allows no large set");
  const std::array<std::size_t, 4> counts{10, 100, 1000, room - others};
  const std::array<const char*, 4> names{"10", "100", "1000", "most"};
  std::vector<std::unique_ptr<Registered>> sets;
  std::vector<Contender> contenders;
  std::vector<double> doublings;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sets.push_back(std::make_unique<Registered>(counts[i]));
    doublings.push_back(std::log2(counts[i]));
    contenders.push_back(
        {fmt::format("change_us_{}", names[i]),
         fmt::format("CPU of EPOLL_CTL_DEL and ADD of one among {}", counts[i]),
         [set = sets.back().get()] { return call_us([&] { set->change_one(); }); }});
  }
  measure_in_turn(bench, contenders, seen, 41);
  std::vector<double> slopes;
  for (std::size_t round = 0; round < 41; ++round) {
    std::vector<double> costs;
    for (const Contender& one : contenders) {
      costs.push_back(seen.find(one.name).values[round]);
    }
    slopes.push_back(*least_squares_slope(doublings, costs));
  }
  seen.note("smallest", "descriptors in the smallest set", counts.front());
  seen.note("largest", "descriptors in the largest set", counts.back());
  seen.measure("us_per_doubling", "what each doubling of the set adds, in µs", std::move(slopes));
}

void observe_scaling(Context& context, Evidence& seen) {
  // What this process may really use, with what its control group gives it.
  const auto quota = cpu_quota();
  const double usable = double(usable_cpus().size());
  const double cpus = quota ? std::min(usable, quota->cpus) : usable;
  seen.note("cpus", "CPUs that client and server may use", cpus);
  const auto half = static_cast<std::size_t>(cpus / 2);
  if (half < 4) return;
  // Half of the CPUs for the clients, one for the reactor, and the others for workers.
  Load load = short_load(100);
  load.threads = half;
  const std::vector<ServerCommand> commands{
      serve_command(context.program, "epoll_lt"),
      serve_command(context.program, "reactor_workers", {"--workers", std::to_string(half - 1)})};
  std::vector<std::vector<double>> rates(commands.size());
  std::vector<double> busy;
  run_rounds(
      commands.size(), rounds,
      [&](std::size_t i, std::size_t) {
        context.progress("on several CPUs");
        const Measurement measured = measure(commands[i], load);
        static_cast<void>(measured.complete_cost());
        const LoadReport report = make_load_report(load, measured.result);
        rates[i].push_back(report.achieved_rps);
        busy.push_back(report.client_busy_share);
      },
      context.stop);
  seen.measure("rps_epoll_lt", "requests per second of epoll_lt, 100 active", rates[0]);
  seen.measure("rps_workers", "requests per second of reactor_workers, 100 active", rates[1]);
  seen.measure("client_busy", "part of its time that a client thread was busy", busy);
}

void observe_reuseport(Context& context, Evidence& seen) {
  constexpr double loops = 4;
  const Bench bench(context);
  double off = 0;
  // What the busiest loop has accepted over the mean, of so many connections.
  const auto most_over_mean = [&](double connections) {
    context.progress("dealing connections");
    ServerProcess server(serve_command(context.program, "reuseport", {"--workers", "4"}));
    IdlePeers peers;
    peers.open(server.endpoint(), static_cast<std::size_t>(connections));
    if (!server.counters()) throw std::runtime_error("the server doesn't report its counters");
    const double mean = connections / loops;
    double most = 0;
    for (const std::uint64_t count : server.counters_by_worker().at("accepted")) {
      most = std::max(most, double(count));
      if (connections > 100) off += (double(count) - mean) * (double(count) - mean) / mean;
    }
    return most / mean;
  };
  measure_in_turn(bench,
                  {{"most_over_mean_many", "busiest of 4 loops over the mean, 2,000 connections",
                    [&] { return most_over_mean(2000); }},
                   {"most_over_mean_few", "busiest of 4 loops over the mean, 12 connections",
                    [&] { return most_over_mean(12); }}},
                  seen);
  seen.note("chi_squared", "chi squared of the 2,000 against even shares, 27 degrees", off);
}

std::span<const Test> cost_tests() noexcept {
  static constexpr std::array all{
      Test{"set-copied-each-call", observe_set_copied},
      Test{"select-scans-after", observe_select_scan},
      Test{"select-is-poll", observe_select_and_poll},
      Test{"lt-is-fast-poll", observe_half_read},
      Test{"interest-flip", observe_interest_flip},
      Test{"retry-send", observe_retry_send},
      Test{"reactor-workers", observe_scaling},
      Test{"reuseport-balances", observe_reuseport},
  };
  return all;
}

}  // namespace echomux::claims
