// What the program says of the gallery: nobody runs a broken server without being told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>

#include "cli/command.hpp"
#include "gallery/gallery.hpp"
#include "harness/text/json.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {

// Lets GoogleTest name an exhibit where it prints a test's parameter.
inline void PrintTo(const Exhibit& exhibit, std::ostream* out) {
  *out << exhibit.name;
}

namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(GalleryCommand, ListsNamesAndKeepsTheRestToItself) {
  const Finished list = run_program({"list", "--gallery"});
  const Finished spoilt = run_program({"list", "--gallery", "--spoilers"});
  EXPECT_EQ(list.status, exit_ok);
  EXPECT_EQ(spoilt.status, exit_ok);
  for (const Exhibit& exhibit : gallery()) {
    for (const std::string_view name : {exhibit.broken.name, exhibit.mended.name}) {
      EXPECT_THAT(list.out, HasSubstr(std::string(name)));
      EXPECT_THAT(spoilt.out, HasSubstr(std::string(name)));
    }
    for (const std::string_view spoiler : {exhibit.symptom, exhibit.bug, exhibit.caught_by}) {
      EXPECT_THAT(list.out, Not(HasSubstr(std::string(spoiler))));
      EXPECT_THAT(spoilt.out, HasSubstr(std::string(spoiler)));
    }
  }
  EXPECT_EQ(run_program({"list", "--spoilers"}).status, exit_usage);
}

TEST(GalleryCommand, ListsAsJson) {
  const auto list = Json::parse(run_program({"list", "--gallery", "--json"}).out);
  const auto spoilt = Json::parse(run_program({"list", "--gallery", "--spoilers", "--json"}).out);
  ASSERT_EQ(list.size(), gallery().size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    EXPECT_EQ(list[i].at("broken"), gallery()[i].broken.name);
    EXPECT_FALSE(list[i].contains("symptom"));
    EXPECT_FALSE(list[i].contains("bug"));
    EXPECT_EQ(spoilt[i].at("symptom"), gallery()[i].symptom);
    EXPECT_EQ(spoilt[i].at("bug"), gallery()[i].bug);
  }
}

TEST(GalleryCommand, ServersAreNotAmongTheSeven) {
  EXPECT_THAT(run_program({"list"}).out, Not(HasSubstr("broken")));
  EXPECT_THAT(run_program({"list", "--json"}).out, Not(HasSubstr("broken")));
}

TEST(GalleryCommand, EveryServerSaysWhatItIsAndStops) {
  for (const Exhibit& exhibit : gallery()) {
    SCOPED_TRACE(exhibit.name);
    const Finished broken = serve_shortly(std::string(exhibit.broken.name));
    EXPECT_EQ(broken.status, exit_ok);
    EXPECT_THAT(broken.out, HasSubstr("echomux: " + std::string(exhibit.broken.name) +
                                      " listening on 127.0.0.1:"));
    EXPECT_EQ(broken.err, "echomux: " + std::string(exhibit.broken.name) +
                              " is broken on purpose: gallery/" + std::string(exhibit.name) +
                              "/README.md\n");
    const Finished mended = serve_shortly(std::string(exhibit.mended.name));
    EXPECT_EQ(mended.status, exit_ok);
    EXPECT_THAT(mended.err, IsEmpty());
  }
}

TEST(GalleryCommand, RefusesAnIdleTimeout) {
  for (const std::string server : {"broken_one_recv", "mended_one_recv"}) {
    const Finished serve = run_program({"serve", server, "--port", "0", "--idle-timeout", "30s"});
    EXPECT_EQ(serve.status, exit_usage);
    EXPECT_THAT(serve.out, IsEmpty());
    EXPECT_THAT(serve.err, HasSubstr(server + " has no --idle-timeout"));
    EXPECT_THAT(serve.err, HasSubstr("serve epoll_lt"));
  }
}

TEST(GalleryCommand, UnknownNamesLeadToTheGallery) {
  for (const Finished& wrong :
       {run_program({"serve", "broken_heart", "--port", "0"}),
        run_program({"bench", "--backends", "broken_heart", "-o", "/dev/null"})}) {
    EXPECT_EQ(wrong.status, exit_usage);
    EXPECT_THAT(wrong.err, HasSubstr("broken_heart"));
    EXPECT_THAT(wrong.err, HasSubstr("echomux list --gallery"));
  }
}

TEST(GalleryCommand, BenchMeasuresThemAndSaysWhatTheyAre) {
  const TemporaryDirectory directory;
  const std::string results = directory / "results.json";
  const Finished bench = run_program(
      {"bench", "--backends", "broken_epollout_always,mended_epollout_always,epoll_lt", "--idle",
       "10", "--duration", "0.2", "--warmup", "0.05", "--no-report", "-o", results});
  EXPECT_EQ(bench.status, exit_ok) << bench.err;
  EXPECT_THAT(bench.out, HasSubstr("broken_epollout_always is broken on purpose: "
                                   "gallery/epollout_always/README.md"));
  EXPECT_THAT(bench.out,
              HasSubstr("mended_epollout_always is broken_epollout_always without its bug."));
  // The same later, from the file.
  EXPECT_THAT(run_program({"show", results}).out, HasSubstr("is broken on purpose"));
}

// With a state directory of its own.
class Mystery : public ::testing::Test {
 protected:
  Mystery() { ::setenv("XDG_STATE_HOME", state_.path().c_str(), 1); }
  ~Mystery() override { ::unsetenv("XDG_STATE_HOME"); }

  [[nodiscard]] std::string remembered() const {
    return file_text(state_ / "echomux" / "mystery.json");
  }

  // The exhibit whose symptom is told.
  static const Exhibit& exhibit_of(const Finished& served) {
    const auto found = std::ranges::find_if(gallery(), [&](const Exhibit& exhibit) {
      return served.err.find(exhibit.symptom) != std::string::npos;
    });
    if (found == gallery().end()) throw std::runtime_error("no symptom: " + served.err);
    return *found;
  }

  TemporaryDirectory state_;
};

TEST_F(Mystery, HasEveryExhibitAndNamesNone) {
  std::set<std::string_view> seen;
  for (int seed = 1; seen.size() < gallery().size(); ++seed) {
    ASSERT_LT(seed, 200) << "some are never chosen";
    const Finished served = serve_shortly("mystery", {"--seed", std::to_string(seed)});
    EXPECT_EQ(served.status, exit_ok) << served.err;
    EXPECT_THAT(served.out, HasSubstr("echomux: mystery listening on "));
    seen.insert(exhibit_of(served).name);
    for (const Exhibit& exhibit : gallery()) {
      const std::string name(exhibit.name);
      EXPECT_THAT(served.out + served.err + remembered(), Not(HasSubstr(name)));
    }
  }
}

TEST_F(Mystery, IsAnotherOneEachTime) {
  const Exhibit* last = nullptr;
  for (int i = 0; i < 10; ++i) {
    const Exhibit& next = exhibit_of(serve_shortly("mystery"));
    EXPECT_NE(&next, last);
    last = &next;
  }
}

TEST_F(Mystery, IsGuessedWithHintsAndMistakes) {
  EXPECT_EQ(run_program({"guess", "one_recv"}).status, exit_usage) << "none has run yet";
  const Exhibit& exhibit = exhibit_of(serve_shortly("mystery", {"--seed", "1"}));
  const std::string name(exhibit.name);
  const std::string hint(exhibit.hints[0].text);
  EXPECT_THAT(run_program({"guess", "--hint"}).out,
              ::testing::AllOf(HasSubstr(hint), Not(HasSubstr(name)),
                               Not(HasSubstr(std::string(exhibit.hints[1].text)))));
  const Exhibit& other = &exhibit == &gallery()[0] ? gallery()[1] : gallery()[0];
  const Finished wrong = run_program({"guess", std::string(other.name)});
  EXPECT_EQ(wrong.status, exit_failure);
  EXPECT_THAT(wrong.out, ::testing::AllOf(HasSubstr("wrong"), Not(HasSubstr(name)),
                                          HasSubstr(std::string(other.symptom))));
  const Finished right =
      run_program({"guess", name, "--because", std::string(exhibit.hints[0].seen_with)});
  EXPECT_EQ(right.status, exit_ok);
  EXPECT_THAT(right.out, ::testing::AllOf(HasSubstr("right: " + name), HasSubstr("6 of 10 points"),
                                          HasSubstr(std::string(exhibit.mended.name))));
  // What it has come to stays.
  EXPECT_THAT(run_program({"guess", name}).out, HasSubstr("6 of 10 points"));
}

TEST_F(Mystery, GivesHalfForANameWithoutWhatShowsIt) {
  const Exhibit& exhibit = exhibit_of(serve_shortly("mystery", {"--seed", "1"}));
  EXPECT_THAT(run_program({"guess", std::string(exhibit.name)}).out,
              ::testing::AllOf(HasSubstr("--because"), HasSubstr("5 of 10 points")));
}

TEST_F(Mystery, RefusesWhatItCannotDo) {
  EXPECT_EQ(run_program({"serve", "mystery", "--port", "0", "--idle-timeout", "3s"}).status,
            exit_usage);
  EXPECT_EQ(run_program({"serve", "poll", "--port", "0", "--seed", "1"}).status, exit_usage);
  EXPECT_EQ(run_program({"guess"}).status, exit_usage);
  EXPECT_EQ(run_program({"guess", "--hint", "one_recv"}).status, exit_usage);
  EXPECT_EQ(run_program({"guess", "nobody"}).status, exit_usage);
  std::filesystem::create_directory(state_ / "echomux");
  std::ofstream(state_ / "echomux" / "mystery.json") << "{";
  EXPECT_THAT(run_program({"guess", "--hint"}).err, HasSubstr("remove it"));
}

class GalleryTry : public ::testing::TestWithParam<Exhibit> {};

TEST_P(GalleryTry, TellsTheTwinsApartByAPeersScript) {
  const std::string name(GetParam().name);
  ::setenv("EXHIBIT", name.c_str(), 1);
  const Finished tried = run_program({"try", name, PEER_CHECKS, "--max-connections",
                                      name == "stale_events" ? "5" : "1m", "--limit", "60s"});
  EXPECT_EQ(tried.status, exit_ok) << tried.out << tried.err;
  EXPECT_THAT(tried.out, HasSubstr("with broken_" + name + " it fails"));
  EXPECT_THAT(tried.out, HasSubstr("with mended_" + name + " it passes"));
}

INSTANTIATE_TEST_SUITE_P(Exhibits, GalleryTry,
                         ::testing::ValuesIn(gallery().begin(), gallery().end()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(GalleryTryCheck, SaysWhatElseMayCome) {
  const TemporaryDirectory directory;
  const auto check = [&](const std::string& name, const std::string& text) {
    std::ofstream(directory / name) << text << '\n';
    return (directory / name).string();
  };
  const auto attempt = [](const std::string& file, const std::string& limit = "60s") {
    return run_program({"try", "one_recv", file, "--limit", limit});
  };
  const Finished pass =
      attempt(check("pass.sh", "test \"$1:$2\" = \"$ECHOMUX_HOST:$ECHOMUX_PORT\""));
  EXPECT_EQ(pass.status, exit_failure);
  EXPECT_THAT(pass.out, HasSubstr("both pass"));
  EXPECT_THAT(attempt(check("fail.py", "raise SystemExit(3)")).out,
              ::testing::AllOf(HasSubstr("both fail"), HasSubstr("exit status 3")));
  EXPECT_THAT(attempt(check("long.sh", "sleep 60"), "200ms").out,
              HasSubstr("not done after 200 ms"));
  EXPECT_THAT(attempt(check("kill.sh", "kill -9 $ECHOMUX_PID; kill $$")).out,
              HasSubstr("signal 15 ended it, and the server has ended by itself"));
  EXPECT_EQ(attempt(check("odd", "true")).status, exit_usage);
  EXPECT_EQ(attempt(directory / "nothing").status, exit_usage);
}

}  // namespace
}  // namespace echomux
