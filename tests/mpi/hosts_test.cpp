// echomux-mpi and doctor --hosts on three hosts that are made for each test, with mpirun's daemons
// and ranks in each and MPI over TCP between them: see tests/mpi/hosts.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "harness/load/hdr_format.hpp"
#include "harness/results/results_file.hpp"
#include "mpi/world.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/trials.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// What the scripts of all tests have.
constexpr std::string_view common = R"sh(
serve() { # on h1, for all
  "$BUILD/echomux" serve epoll_lt --host 10.77.0.1 --port 7000 --remote >serve.out 2>serve.err & server=$!
  for i in $(seq 500); do grep -q listening serve.out && return; sleep 0.01; done
}
run() { # N COMMAND…: on N ranks, one a host in turn
  count=$1; shift
  mpirun --hostfile "$HOSTFILE" --map-by node -np "$count" "$@"
}
pid_of_rank() {
  for pid in $(pgrep -x echomux-mpi); do
    tr '\0' '\n' <"/proc/$pid/environ" | grep -qx "OMPI_COMM_WORLD_RANK=$1" && echo "$pid" && return
  done
}
await() { # until such a line is in the file
  for i in $(seq 1500); do grep -q "$1" "$2" 2>/dev/null && return; sleep 0.01; done
  echo "waited in vain for '$1' in $2"; cat "$2"; exit 98
}
nothing_left() { # of ours or of MPI's, soon
  for i in $(seq 300); do
    left=$(for name in echomux echomux-mpi floor_server orted; do pgrep -x "$name"; done)
    [ -z "$left" ] && return 0
    sleep 0.01
  done
  ps -ef; exit 97
}
)sh";

class Hosts : public ::testing::Test {
 protected:
  // Runs a script on the first of three hosts, in a folder of its own.
  Finished run(const std::string& script, std::vector<std::string> options = {}) {
    const std::string path = (folder_ / "script").string();
    std::ofstream(path) << "set -u\nBUILD='" << BUILD << "'\ncd '" << folder_.path().string()
                        << "'\n"
                        << common << script;
    options.insert(options.end(), {"3", folder_.path().string(), "bash", path});
    Finished ran = run_program(options, {}, HOSTS);
    SCOPED_TRACE(ran.out + ran.err);
    return ran;
  }

  [[nodiscard]] std::string file(const std::string& name) const {
    return (folder_ / name).string();
  }
  [[nodiscard]] Results results(const std::string& name = "results.json") const {
    return read_results(file(name));
  }

  // A short sweep over hosts.
  static std::string bench(const std::string& further) {
    return "run 3 \"$BUILD/echomux-mpi\" bench --remote --backends floor,epoll_lt --idle 0,200 "
           "--repetitions 2 --duration 200ms --seed 1 " +
           further;
  }

  TemporaryDirectory folder_;
};

#define SKIP_WITHOUT_HOSTS(ran) \
  if ((ran).status == 77) GTEST_SKIP() << (ran).err

TEST_F(Hosts, PutOneLoadOnTogether) {
  const Finished ran = run(R"sh(
serve
run 3 "$BUILD/echomux-mpi" swarm 10.77.0.1:7000 --remote --idle 300 -c 30 -R 3000 -d 1s -o results.json
status=$?
kill "$server"; nothing_left; exit $status)sh",
                           {"--shift", "h3=5000"});
  SKIP_WITHOUT_HOSTS(ran);
  ASSERT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("median of hosts"), HasSubstr("all, merged"),
                             HasSubstr("The parts' windows began within")));
  const Results measured = results();
  ASSERT_EQ(measured.trials.size(), 1U);
  const Trial& trial = measured.trials.front();
  ASSERT_EQ(trial.parts.size(), 3U);
  std::set<std::string> hosts;
  std::uint64_t requests = 0;
  for (const LoadPart& part : trial.parts) {
    hosts.insert(part.host);
    requests += part.load.requests;
    EXPECT_EQ(part.load.active, 10U);
    EXPECT_EQ(part.load.idle_held, 100U);
    EXPECT_EQ(part.load.offered_rps, 1000);
  }
  EXPECT_THAT(hosts, UnorderedElementsAre("h1", "h2", "h3"));
  EXPECT_EQ(trial.load->requests, requests);
  EXPECT_EQ(trial.load->requests, 3000U);
  EXPECT_EQ(from_hdr_v2(trial.load->histogram_v2).count(), requests);
  // Though the clock of h3 is 5000 s ahead. (On a busy machine a rank may wait for its CPU.)
  EXPECT_LT(trial.load->window_skew_ms, 500);
}

TEST_F(Hosts, LoadTheServersOfTheFirst) {
  const Finished ran = run(bench("-o results.json; status=$?; nothing_left; exit $status"));
  SKIP_WITHOUT_HOSTS(ran);
  ASSERT_EQ(ran.status, 0) << ran.out << ran.err;
  const Results measured = results();
  ASSERT_EQ(measured.trials.size(), 8U);
  for (const Trial& trial : measured.trials) {
    EXPECT_TRUE(trial.has_figures()) << trial.outcome.sentence;
    ASSERT_TRUE(trial.cost.has_value());
    EXPECT_GT(trial.cost->cpu_us_per_request, 1);
    EXPECT_EQ(trial.parts.size(), 2U);
    EXPECT_EQ(trial.load->idle_held, trial.cell.idle_connections);
  }
  EXPECT_THAT(file_text(file("results.html")), HasSubstr("</html>"));
}

TEST_F(Hosts, MeasureWithSomeRanksAlone) {
  const Finished ran = run(R"sh(
serve
run 3 "$BUILD/echomux-mpi" swarm 10.77.0.1:7000 --remote --measure-ranks 1 -c 3 -R 300 -d 500ms -o results.json
status=$?
kill "$server"; nothing_left; exit $status)sh");
  SKIP_WITHOUT_HOSTS(ran);
  ASSERT_EQ(ran.status, 0) << ran.out << ran.err;
  const Trial trial = results().trials.front();
  EXPECT_EQ(trial.load->requests, 150U);
  EXPECT_EQ(from_hdr_v2(trial.load->histogram_v2).count(), 50U);
}

TEST_F(Hosts, NameTheOneWhoseTailItIs) {
  const Finished ran = run(R"sh(
serve
run 3 "$BUILD/echomux-mpi" swarm 10.77.0.1:7000 --remote -c 30 -R 3000 --warmup 1s -d 3s -o results.json & runs=$!
for i in $(seq 1000); do rank=$(pid_of_rank 1); [ -n "$rank" ] && ss -Htn dst 10.77.0.1:7000 | grep -q ESTAB && break; sleep 0.01; done
sleep 2
kill -STOP "$rank"; sleep 0.5; kill -CONT "$rank"
wait "$runs"; status=$?
kill "$server"; nothing_left; exit $status)sh");
  SKIP_WITHOUT_HOSTS(ran);
  ASSERT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("h2 owns the tail"));
  const auto owner = tail_owner(results().trials.front().parts);
  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(owner->host, "h2");
}

TEST_F(Hosts, SayWhichRankWasLostAndGoOnLater) {
  const Finished ran = run(bench(R"sh(-o results.json >first.out 2>first.err & runs=$!
await '^\[1/8\]' first.err
sleep 0.2
kill -KILL "$(pid_of_rank 2)"
wait "$runs"; echo "status $?"
nothing_left
cp results.json lost.json
run 3 "$BUILD/echomux-mpi" bench --remote --resume results.json)sh"));
  SKIP_WITHOUT_HOSTS(ran);
  EXPECT_THAT(ran.out, Not(HasSubstr("status 0")));
  const Results lost = results("lost.json");
  EXPECT_GE(lost.trials.size(), 1U);
  EXPECT_THAT(file_text(file("first.err")), HasSubstr("rank 2 on h3 was lost"));
  // It may have died between two trials.
  const Trial& last = lost.trials.back();
  if (!last.has_figures()) {
    EXPECT_THAT(codes(last.judgement), Contains(rank_lost));
    EXPECT_THAT(last.outcome.sentence, HasSubstr("rank 2 on h3"));
  }
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err << file_text(file("first.err"));
  const Results whole = results();
  EXPECT_EQ(whole.trials.size(), 8U);
  for (const Trial& trial : whole.trials) EXPECT_TRUE(trial.has_figures());
}

// What mpirun hands on of Ctrl-C is SIGTERM to all ranks, as when one is lost.
TEST_F(Hosts, AreInterruptedAllTogether) {
  const Finished ran = run(bench(R"sh(-o results.json >first.out 2>first.err & runs=$!
await '^\[1/8\]' first.err
kill -INT "$(pgrep -x mpirun)"
wait "$runs"
nothing_left
cp results.json cut.json
run 3 "$BUILD/echomux-mpi" bench --remote --resume results.json)sh"));
  SKIP_WITHOUT_HOSTS(ran);
  const Results cut = results("cut.json");
  EXPECT_GE(cut.trials.size(), 1U);
  EXPECT_LT(cut.trials.size(), 8U);
  for (const Trial& trial : cut.trials) {
    EXPECT_THAT(codes(trial.judgement), Not(Contains(rank_lost))) << file_text(file("first.err"));
  }
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_EQ(results().trials.size(), 8U);
}

TEST_F(Hosts, KeepWhatWasMeasuredWhenTheFirstRankDies) {
  const Finished ran = run(bench(R"sh(-o results.json >first.out 2>first.err & runs=$!
await '^\[2/8\]' first.err
kill -KILL "$(pid_of_rank 0)"
wait "$runs"
nothing_left
cp results.json cut.json
run 3 "$BUILD/echomux-mpi" bench --remote --resume results.json)sh"));
  SKIP_WITHOUT_HOSTS(ran);
  EXPECT_GE(results("cut.json").trials.size(), 2U);
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_EQ(results().trials.size(), 8U);
}

TEST_F(Hosts, LeaveNothingWhereOneHasAFullDisk) {
  const Finished ran = run(R"sh(
serve
run 3 "$BUILD/echomux-mpi" swarm 10.77.0.1:7000 --remote -c 3 -d 100ms >/dev/null; echo "before $?"
"$ON_HOST" h2 "mount -t tmpfs -o size=4k none '$PWD/tmp-h2' && head -c 4k /dev/zero >'$PWD/tmp-h2/full'"
run 3 "$BUILD/echomux-mpi" swarm 10.77.0.1:7000 --remote -c 3 -d 100ms; echo "status $?"
kill "$server"; nothing_left)sh");
  SKIP_WITHOUT_HOSTS(ran);
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("before 0"), HasSubstr("status "), Not(HasSubstr("status 0"))));
}

TEST_F(Hosts, RefuseWorldsAndProgramsThatDiffer) {
  const Finished ran = run(R"sh(
PMI_SIZE=3 "$BUILD/echomux-mpi" swarm 10.77.0.1:7000; echo "alone $?"
run 2 "$BUILD/echomux-mpi" swarm 10.77.0.1:7000 --ranks 3; echo "ranks $?"
nothing_left)sh");
  SKIP_WITHOUT_HOSTS(ran);
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("alone 2"), HasSubstr("ranks 2")));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("PMI_SIZE wants 3 ranks, and this world has 1"),
                             HasSubstr("--ranks wants 3 ranks, and this world has 2")));
  EXPECT_EQ(different_builds({"h1", "h2"}, {"commit a", "commit a"}), "");
  EXPECT_THAT(different_builds({"h1", "h2", "h3"}, {"commit a", "commit a", "commit b"}),
              AllOf(HasSubstr("commit a on h1"), HasSubstr("commit b on h3")));
}

// What only one of them can see, or can't do, is told by rank 0, and none waits for another.
TEST_F(Hosts, EndTogetherWhateverOneOfThemLacks) {
  const Finished ran = run(R"sh(
serve
export LIMIT=10
run 3 "$BUILD/echomux-mpi" swarm 10.77.0.1:7000 -c 3 -d 100ms; echo "remote $?"
echo kept >there.json
run 3 "$BUILD/echomux-mpi" swarm 10.77.0.1:7000 --remote -c 3 -d 100ms -o there.json; echo "there $?"
run 3 "$BUILD/echomux-mpi" swarm 10.77.0.1:7000 --remote -c 3 -d 100ms --source-ip 10.77.0.2; echo "source $?"
run 3 sh -c 'case $(hostname) in h2) ulimit -n 60 ;; esac; exec "$0" "$@"' "$BUILD/echomux-mpi" \
  swarm 10.77.0.1:7000 --remote -c 3 --idle 300 -d 100ms; echo "limit $?"
run 3 "$BUILD/echomux-mpi" swarm --help >/dev/null; echo "help $?"
kill "$server"; nothing_left; cat there.json)sh");
  SKIP_WITHOUT_HOSTS(ran);
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("there 2"), HasSubstr("source 1"), HasSubstr("limit 1"),
                             HasSubstr("help 0"), HasSubstr("kept")));
  EXPECT_THAT(ran.err, AllOf(HasSubstr("is there already"), HasSubstr("cannot connect from"),
                             HasSubstr("h2: cannot open connection")));
}

TEST_F(Hosts, AreExaminedBeforeTheRun) {
  const Finished ran = run(R"sh(
"$BUILD/echomux" doctor --hosts "$HOSTFILE" --rsh "$ON_HOST"; echo "all $?"
"$ON_HOST" h1 'ip address add 192.0.2.1/24 dev eth0; ip address add 192.0.2.7/24 dev eth0'
echo "h9 slots=1" >>"$HOSTFILE"
"$BUILD/echomux" doctor --hosts "$HOSTFILE" --rsh "$ON_HOST"; echo "one $?"
"$ON_HOST" h3 'ip link set eth0 down'
"$BUILD/echomux" doctor --hosts "$HOSTFILE" --rsh "$ON_HOST" | grep 'h3 reaches')sh");
  SKIP_WITHOUT_HOSTS(ran);
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("all 0"), HasSubstr("one 1"), HasSubstr("h9 can't be reached"),
                    HasSubstr("--mca btl_tcp_if_include 10.77.0.0/24"),
                    HasSubstr("h3 reaches this host at no port")));
}

}  // namespace
}  // namespace echomux
