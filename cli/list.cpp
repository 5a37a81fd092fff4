#include <fmt/core.h>

#include <iostream>
#include <memory>

#include "cli/backends.hpp"
#include "cli/command.hpp"
#include "cli/peers.hpp"
#include "gallery/gallery.hpp"
#include "harness/text/json.hpp"
#include "harness/text/table.hpp"

namespace echomux {
namespace {

int list_as_json() {
  auto list = Json::array();
  for (const Backend& backend : all_backends()) {
    list.push_back({{"name", backend.name},
                    {"summary", backend.summary},
                    {"limit", backend.limit},
                    {"max_connections", backend.max_connections},
                    {"never_sleeps", backend.never_sleeps}});
  }
  std::cout << list.dump(2) << '\n';
  return exit_ok;
}

int list_as_text() {
  Table table = Table::list(16);
  for (const Backend& backend : all_backends()) {
    table.add(
        {std::string(backend.name), fmt::format("{} (limit: {})", backend.summary, backend.limit)});
  }
  std::cout << table.print();
  return exit_ok;
}

int list_peers(bool as_json) {
  auto list = Json::array();
  Table table = Table::list(16);
  for (const Backend& peer : peers()) {
    const bool built = is_built(peer);
    list.push_back({{"name", peer.name}, {"summary", peer.summary}, {"built", built}});
    table.add({std::string(peer.name),
               fmt::format("{}{}", peer.summary, built ? "" : " (not built here: ./run peers)")});
  }
  std::cout << (as_json ? list.dump(2) + "\n" : table.print());
  return exit_ok;
}

// Without what is seen of them and why, unless that is asked for: to find out which of them shows a
// symptom is what the gallery is for.
int list_gallery_as_json(bool spoilers) {
  auto list = Json::array();
  for (const Exhibit& exhibit : gallery()) {
    Json entry{
        {"name", exhibit.name}, {"broken", exhibit.broken.name}, {"mended", exhibit.mended.name}};
    if (spoilers) {
      entry["symptom"] = exhibit.symptom;
      entry["bug"] = exhibit.bug;
      entry["caught_by"] = exhibit.caught_by;
    }
    list.push_back(std::move(entry));
  }
  std::cout << list.dump(2) << '\n';
  return exit_ok;
}

int list_gallery_as_text(bool spoilers) {
  for (const Exhibit& exhibit : gallery()) {
    std::cout << fmt::format("{} and {}: gallery/{}/README.md\n", exhibit.broken.name,
                             exhibit.mended.name, exhibit.name);
    if (!spoilers) continue;
    std::cout << fmt::format("  its symptom: {}\n  its bug: {}\n  caught by {}\n", exhibit.symptom,
                             exhibit.bug, exhibit.caught_by);
  }
  return exit_ok;
}

struct ListOptions {
  bool json = false;
  bool gallery = false;
  bool spoilers = false;
  bool peers = false;
};

int list(const ListOptions& options) {
  if (options.peers) return list_peers(options.json);
  if (!options.gallery) return options.json ? list_as_json() : list_as_text();
  return options.json ? list_gallery_as_json(options.spoilers)
                      : list_gallery_as_text(options.spoilers);
}

}  // namespace

Command list_command() {
  const auto to = std::make_shared<ListOptions>();
  return {
      "list",
      "List the servers and their limits",
      {{"--json", "Print JSON", &to->json},
       {"--peers", "List the same echo on libraries that people use", &to->peers},
       {"--gallery", "List the servers that are broken on purpose, and their twins", &to->gallery},
       {"--spoilers",
        "With --gallery: tell symptoms, bugs and checks, too",
        &to->spoilers,
        {},
        {"--gallery"}}},
      "",
      [to] { return list(*to); }};
}

}  // namespace echomux
