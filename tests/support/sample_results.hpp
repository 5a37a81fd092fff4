#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "harness/results/results_file.hpp"
#include "tests/support/trials.hpp"

namespace echomux {

// A trial beside 1000 idle connections with this cost.
inline Trial measured_trial(const std::string& server, double cpu_us, std::uint64_t scanned) {
  Trial trial = clean_trial({server, 1000, 1000});
  trial.cost->cpu_us_per_request = cpu_us;
  trial.cost->busy_share = cpu_us / 1000;
  trial.cost->counters = {{"waits", 1000},
                          {"recv_calls", 1000},
                          {"send_calls", 1000},
                          {"descriptors_scanned", scanned}};
  return trial;
}

// Adds to a run so many clean trials of a server at 1000 requests per second, each of which `make`
// makes what it should be.
inline void add_cell(Results& results, const std::string& server, std::size_t idle,
                     std::size_t repetitions, const std::function<void(Trial&)>& make) {
  SweepPlan& plan = results.context.plan;
  if (plan.servers.empty() || plan.servers.back().name != server) {
    plan.servers.push_back({.name = server, .backend = "poll", .options = {}, .command = {}});
  }
  if (!std::ranges::count(plan.idle_connections, idle)) plan.idle_connections.push_back(idle);
  plan.rates = {1000};
  plan.repetitions = repetitions;
  for (std::size_t repetition = 1; repetition <= repetitions; ++repetition) {
    make(results.trials.emplace_back(clean_trial({server, idle, 1000}, repetition)));
  }
}

// A run with one trial of each kind, and with something in every field.
inline Results sample_results() {
  Results results;
  SweepPlan plan;
  plan.servers = {
      {.name = "poll", .backend = "poll", .options = {}, .command = {}},
      {.name = "epoll_lt", .backend = "epoll_lt", .options = {"--x", "1"}, .command = {}},
      {.name = "blocking", .backend = "blocking", .options = {}, .command = {}},
      {.name = "mine", .backend = {}, .options = {}, .command = "./mine 0"}};
  plan.idle_connections = {1000};
  plan.rates = {1000};
  plan.load.active_connections = 11;
  plan.load.message_bytes = 65;
  plan.load.warmup = std::chrono::nanoseconds(123'456'789);
  plan.load.duration = std::chrono::milliseconds(2500);
  plan.load.timeout = std::chrono::seconds(3);
  plan.seed = 0xffff'ffff'ffff'ffff;
  plan.descriptors = 77;
  plan.pin = false;
  plan.server_cpus = {1, 3};
  plan.count_system_calls = true;
  results.context = describe_run(plan, {"echomux", "bench", "--idle", "1000"});
  results.client_ceiling_rps = 123'456.75;
  results.trials.push_back(measured_trial("poll", 80, 1'012'000));
  results.trials.push_back(measured_trial("epoll_lt", 8, 1000));
  ServerCost& cost = *results.trials.back().cost;
  cost.user_us_per_request = 1.5;
  cost.system_us_per_request = 6.5;
  cost.voluntary_switches_per_request = 0.75;
  cost.involuntary_switches_per_request = 0.125;
  cost.run_queue_share = 0.0625;
  cost.page_faults_per_request = 0.375;
  cost.resident_bytes_per_connection = 321;
  cost.kernel_bytes_per_connection = 4321;
  cost.steal_share = 0.03125;
  cost.threads = 3;
  cost.processes = 2;
  cost.cpus = {0, 5};
  cost.worker_imbalance = 1.25;
  cost.workers = {{.connections = 7,
                   .requests_share = 0.625,
                   .cpu_us_per_request = 5,
                   .switches_per_request = 0.5,
                   .busy_share = 0.25}};
  cost.unavailable = {{"something", "it isn't there"}};
  results.trials.back().judgement.add(Verdict::suspect, "drift", "it rose");
  results.trials.back().judgement.add(Verdict::saturated, "saturated", "it was busy");

  Trial starved = clean_trial({"blocking", 1000, 1000});
  starved.outcome.kind = OutcomeKind::starved;
  starved.outcome.sentence = "starved: 0 of 10 served";
  starved.load->outcome.end(RunEnd::starved);
  starved.load->requests = 0;
  starved.load->offered_rps.reset();
  starved.cost.reset();
  starved.judgement = judge(*starved.load);
  results.trials.push_back(starved);
  Trial failed;
  failed.cell = {"mine", 1000, 1000};
  failed.repetition = 2;
  failed.outcome.kind = OutcomeKind::failed;
  failed.outcome.sentence = "it said: \"no\", and left";
  failed.judgement.add(Verdict::invalid, "failed", failed.outcome.sentence);
  results.trials.push_back(failed);
  results.system_calls = {{{"poll", 1000, 1000}, 3.25, {}},
                          {{"epoll_lt", 1000, 1000}, std::nullopt, "tracefs is not mounted"}};
  return results;
}

}  // namespace echomux
