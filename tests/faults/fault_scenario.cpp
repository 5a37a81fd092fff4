#include "tests/faults/fault_scenario.hpp"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <thread>

#include "harness/text/words.hpp"
#include "tests/faults/streams.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Fate = Stream::Fate;
using Streams = std::vector<Stream>;

constexpr std::size_t long_peers = 8;
constexpr std::size_t long_bytes = 1000;  // about that many in each of three parts
constexpr std::size_t short_peers = 12;
constexpr std::size_t large_bytes = 30'000;
// The server's send buffers, so small that a few kilobytes meet their end.
constexpr std::string_view small_room = ";accept4:room=4608:every=1";
// A look at a server that should be doing nothing. Nothing can be awaited here: the point is that
// nothing comes.
constexpr milliseconds a_look{100};

std::size_t open_sockets(pid_t pid) {
  std::size_t sockets = 0;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", pid))) {
    std::error_code gone;
    if (fs::read_symlink(entry.path(), gone).string().starts_with("socket:")) ++sockets;
  }
  return sockets;
}

class Scenario {
 public:
  Scenario(const FaultCell& cell, Injector injector)
      : cell_(cell),
        one_at_a_time_(cell.backend->max_connections == 1),
        with_shim_(injector == Injector::shim),
        server_(std::string(cell.backend->name), injector,
                with_shim_ ? cell.rule + std::string(small_room) : cell.strace) {}

  FaultResult run() {
    try {
      if (cell_.when == FaultWhen::set_up) {
        fail_to_set_up();
      } else {
        cell_.when == FaultWhen::always&& cell_.fault != "short" ? bear_an_outage() : bear_a_load();
        be_healthy_again();
        end_cleanly();
      }
    } catch (const std::exception& error) {
      complain(error.what());
    }
    if (!result_.wrong.empty() && !server_.complaints().empty()) {
      complain("its last words: " + server_.complaints());
    }
    return std::move(result_);
  }

 private:
  void complain(std::string what) { result_.wrong.push_back(std::move(what)); }
  void require(bool condition, std::string_view what) {
    if (!condition) complain(std::string(what));
  }

  void require_status(const ServerExit& exit, int status) {
    require(exit.signal == 0, fmt::format("signal {} ended it", exit.signal));
    require(exit.exit_status == status,
            fmt::format("its exit status is {}", exit.exit_status.value_or(-1)));
  }

  Stream& add(Streams& streams, std::size_t bytes, const Peer::Buffers& buffers = {}) {
    ++connections_;
    return streams.emplace_back(server_.process().endpoint(), make_data(bytes, ++seed_), buffers);
  }

  // Drives the streams, which nothing but a fault may keep from getting there.
  void drive_all(Streams& streams, std::string_view when) {
    if (!drive(streams)) {
      complain(fmt::format("{}: {} of {} peers wait in vain", when,
                           std::ranges::count_if(streams, std::not_fn(&Stream::settled)),
                           streams.size()));
      // They leave, lest everything that follows fails too.
      std::erase_if(streams, std::not_fn(&Stream::settled));
    }
  }

  // Takes the account of streams that are done.
  void settle(const Streams& streams) {
    result_.lost += count(streams, Fate::lost);
    require(count(streams, Fate::wrong) == 0, "a peer got bytes that weren't its own");
  }

  // Peers of all kinds while the fault strikes: some that stay, many that come and go, one that
  // reads late and one that leaves with a reset.
  void bear_a_load() {
    server_.switch_on(true);
    server_.start();
    Streams staying;
    for (std::size_t i = 0; i < long_peers; ++i) {
      Stream& stream = add(staying, 3 * long_bytes + i);
      // Who has to wait for its turn can't be asked to stay.
      stream.ends = one_at_a_time_;
      if (!one_at_a_time_) stream.goal = long_bytes;
    }
    drive_all(staying, "in the first part");
    Streams all = std::move(staying);
    for (Stream& stream : all) stream.goal = one_at_a_time_ ? stream.goal : 2 * long_bytes;
    for (std::size_t i = 0; i < short_peers; ++i) add(all, 20 + i).ends = true;
    Stream& late = add(all, large_bytes, {.send = 0, .receive = 4096});
    late.ends = late.reads_late = true;
    add(all, large_bytes, {.send = 0, .receive = 4096}).resets = true;
    drive_all(all, "in the second part");
    wait_for_chance(all);
    server_.switch_on(false);
    // Peers that are still there have not been harmed.
    for (Stream& stream : all) {
      stream.goal = stream.data.size();
      stream.ends = stream.ends || !stream.resets;
    }
    drive_all(all, "in the third part");
    settle(all);
  }

  // At random, a fault may take its time.
  void wait_for_chance(Streams& streams) {
    constexpr int chances = 100;
    if (cell_.when != FaultWhen::random || !with_shim_) return;
    for (int i = 0; i < chances && injected() == 0; ++i) {
      add(streams, long_bytes).ends = true;
      drive_all(streams, "waiting for chance");
    }
  }

  // At every call, for a while: those who are inside are served as ever, and so are, at the latest
  // afterwards, those who come meanwhile, unless they are turned away.
  void bear_an_outage() {
    server_.start();
    Streams inside;
    for (std::size_t i = 0; i < (one_at_a_time_ ? 0 : 3); ++i) {
      add(inside, 40 * long_bytes).goal = long_bytes;
    }
    drive_all(inside, "before");
    server_.switch_on(true);
    Streams newcomers;
    for (std::size_t i = 0; i < 3; ++i) add(newcomers, long_bytes + i).ends = true;
    // From here on every newcomer meets the fault.
    // (A server asleep in accept may take one of them first.)
    require(eventually(patience,
                       [&] {
                         drive_for(newcomers, milliseconds(1));
                         return server_.injected() > 0;
                       }),
            "it never struck");
    for (int round = 0; round < 3; ++round) {
      for (Stream& stream : inside) stream.goal += long_bytes;
      drive_all(inside, "meanwhile");
      drive_for(newcomers, milliseconds(20));
    }
    look_for_spinning();
    const bool waits = cell_.call == FaultCall::poll || cell_.call == FaultCall::select;
    if (waits) drive_all(newcomers, "as newcomers meanwhile");
    server_.switch_on(false);
    if (!drive(newcomers, promptly)) drive_all(newcomers, "more than a second after the fault");
    for (Stream& stream : inside) {
      stream.goal = stream.data.size();
      stream.ends = true;
    }
    drive_all(inside, "afterwards");
    require(count(inside, Fate::ended) == inside.size(), "a peer inside lost its connection");
    settle(inside);
    settle(newcomers);
  }

  // A server that can't do what it should tries again some time later, not at once.
  void look_for_spinning() {
    if (cell_.backend->never_sleeps || !with_shim_) return;
    constexpr std::uint64_t tries_per_look = 30;  // every 10 ms, with some calls around each
    const std::uint64_t before = server_.calls();
    std::this_thread::sleep_for(a_look);
    const std::uint64_t calls = server_.calls() - before;
    require(calls <= 4 * tries_per_look,
            fmt::format("it spins: {} calls within {} ms", calls, a_look.count()));
  }

  // Without any fault any more: it isn't deaf, has forgotten nobody, and sleeps.
  void be_healthy_again() {
    Streams newcomer;
    add(newcomer, 10'000).ends = true;
    // strace's faults go on: this peer may be struck too.
    drive_all(newcomer, "as a newcomer afterwards");
    settle(newcomer);
    if (with_shim_) require(count(newcomer, Fate::ended) == 1, "it is deaf afterwards");
    const pid_t pid = server_.process().pid();
    const std::size_t listeners = cell_.backend->shares_port ? loops_under_faults : 1;
    if (!eventually(patience, [&] { return open_sockets(pid) == listeners; })) {
      complain(
          fmt::format("{} connections are open without a peer", open_sockets(pid) - listeners));
    }
    if (!with_shim_ || cell_.backend->never_sleeps) return;
    std::uint64_t calls = 0;
    const bool asleep = eventually(patience, [&] {
      const std::uint64_t before = server_.calls();
      std::this_thread::sleep_for(a_look);
      calls = server_.calls() - before;
      return calls == 0;
    });
    require(asleep, fmt::format("with nothing to do it makes {} calls within {} ms", calls,
                                a_look.count()));
  }

  // It ends in time also while the fault strikes again and a peer is inside.
  void end_cleanly() {
    const auto counters = server_.process().counters();
    result_.injected = injected();
    require(counters.has_value(), "it doesn't report its counters");
    if (counters && with_shim_) check_counters(*counters);
    Streams idle;
    if (with_shim_) {
      add(idle, 2 * long_bytes).goal = long_bytes;
      drive_all(idle, "before the end");
      server_.switch_on(true);
    }
    ServerProcess& process = server_.process();
    require(process.running(), "it has ended by itself");
    const ServerExit exit = process.stop(promptly);
    require(!exit.killed_after_timeout, "it didn't stop when told to");
    require_status(exit, 0);
    // What strace has done, its log tells only now.
    result_.injected = with_shim_ ? result_.injected : injected();
    if (counters && !with_shim_) check_counters(*counters);
  }

  // In a storm, those that harm somebody.
  [[nodiscard]] std::uint64_t injected() const {
    if (!with_shim_) return server_.injected();
    std::uint64_t sum = 0;
    for (std::size_t rule = 0; rule < cell_.rules; ++rule) sum += server_.injected(rule);
    return sum;
  }

  void check_counters(const std::map<std::string, std::uint64_t>& counters) {
    const auto value = [&](const char* name) { return counters.at(name); };
    require(value("accepted") == value("closed") + value("turned_away"),
            fmt::format("of {} accepted, {} are closed and {} turned away", value("accepted"),
                        value("closed"), value("turned_away")));
    check_losses(counters);
  }

  // What the peers saw, what was injected and what the server counted must agree.
  void check_losses(const std::map<std::string, std::uint64_t>& counters) {
    const std::uint64_t turned_away = counters.at("turned_away");
    const std::uint64_t errors = counters.at("peer_errors");
    const std::uint64_t by_itself =
        cell_.when == FaultWhen::always && cell_.fault != "short" ? 0 : 1;
    const std::uint64_t may_lose = cell_.harm == FaultHarm::nobody ? 0 : result_.injected;
    require(result_.lost <= may_lose, fmt::format("{} peers lost their connection, by {} faults",
                                                  result_.lost, result_.injected));
    // The one that resets its connection is an error of its own, unless the fault was faster.
    const bool aborted = cell_.call == FaultCall::accept4;
    const std::uint64_t due = aborted ? 0 : may_lose;
    const std::uint64_t counted = turned_away + errors;
    // In a storm, a failed epoll_ctl may have struck the listener, and so nobody.
    const bool in_a_storm = cell_.fault == "everything";
    require((in_a_storm || counted >= due) && counted <= due + by_itself,
            fmt::format("it counted {} turned away and {} errors, of {} faults", turned_away,
                        errors, result_.injected));
    // strace goes on interrupting after the server was asked for its counters.
    if (cell_.fault == "EINTR" && with_shim_) {
      require(counters.at("interrupted") >= result_.injected, "it didn't count all interruptions");
    }
    if (cell_.call == FaultCall::accept4 && (cell_.fault == "EMFILE" || cell_.fault == "ENFILE")) {
      require(result_.injected == 0 || counters.at("accept_pauses") > 0, "it counted no pause");
    }
    const std::uint64_t taken = counters.at("accepted") + (aborted ? may_lose : 0);
    require(taken == connections_,
            fmt::format("{} of {} connections were accepted", taken, connections_));
  }

  // Without what it needs there can be no server: it must say what is missing, and end.
  void fail_to_set_up() {
    server_.switch_on(true);
    const auto says_which = [&] {
      return server_.complaints().find(name_of(cell_.call)) != std::string::npos;
    };
    try {
      server_.start();
    } catch (const std::exception&) {
      // One with several listeners says that it listens when all of it is there.
      result_.injected = server_.injected();
      if (cell_.backend->shares_port && says_which()) return;
      throw;
    }
    require(eventually(promptly, [&] { return !server_.process().running(); }),
            "it goes on although it can't serve");
    const ServerExit exit = server_.process().stop(milliseconds(0));
    result_.injected = server_.injected();
    require_status(exit, 1);
    require(says_which(), "it doesn't say which call failed: '" + server_.complaints() + "'");
  }

  const FaultCell& cell_;
  bool one_at_a_time_;
  bool with_shim_;
  FaultyServer server_;
  FaultResult result_;
  std::uint64_t connections_ = 0;
  std::uint64_t seed_ = 0;
};

}  // namespace

FaultResult try_cell(const FaultCell& cell, Injector injector) {
  if (!cell.not_applicable.empty() || (injector == Injector::strace && cell.strace.empty())) {
    return {};
  }
  const auto begin = std::chrono::steady_clock::now();
  FaultResult result;
  try {
    result = Scenario(cell, injector).run();
  } catch (const std::exception& error) {
    result.wrong.emplace_back(error.what());
  }
  result.verdict = !result.wrong.empty()  ? FaultResult::Verdict::failed
                   : result.injected == 0 ? FaultResult::Verdict::never_fired
                                          : FaultResult::Verdict::passed;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

std::string in_words(const FaultCell& cell, const FaultResult& result) {
  switch (result.verdict) {
    case FaultResult::Verdict::passed:
      return result.lost == 0
                 ? fmt::format("passed ({} injected)", result.injected)
                 : fmt::format("passed ({} injected, {} lost)", result.injected, result.lost);
    case FaultResult::Verdict::failed: {
      std::string text = "FAILED: " + joined(result.wrong, "; ");
      std::ranges::replace(text, '\n', ' ');
      return text;
    }
    case FaultResult::Verdict::never_fired:
      return "never fired";
    case FaultResult::Verdict::not_applicable:
      return "not applicable: " + (cell.not_applicable.empty() ? std::string("strace can't do it")
                                                               : cell.not_applicable);
  }
  return {};
}

}  // namespace echomux
