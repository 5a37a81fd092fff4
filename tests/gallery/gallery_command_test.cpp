// What the program says of the gallery: nobody runs a broken server without being told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/command.hpp"
#include "gallery/gallery.hpp"
#include "harness/text/json.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_directory.hpp"

namespace echomux {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(GalleryCommand, ListsSymptomsAndKeepsTheBugsToItself) {
  const Finished list = run_program({"list", "--gallery"});
  const Finished spoilt = run_program({"list", "--gallery", "--spoilers"});
  EXPECT_EQ(list.status, exit_ok);
  EXPECT_EQ(spoilt.status, exit_ok);
  for (const Exhibit& exhibit : gallery()) {
    for (const Finished* const all : {&list, &spoilt}) {
      EXPECT_THAT(all->out, HasSubstr(std::string(exhibit.broken.name)));
      EXPECT_THAT(all->out, HasSubstr(std::string(exhibit.mended.name)));
      EXPECT_THAT(all->out, HasSubstr(std::string(exhibit.symptom)));
      EXPECT_THAT(all->out, HasSubstr(std::string(exhibit.caught_by)));
    }
    EXPECT_THAT(list.out, Not(HasSubstr(std::string(exhibit.bug))));
    EXPECT_THAT(spoilt.out, HasSubstr(std::string(exhibit.bug)));
  }
  EXPECT_EQ(run_program({"list", "--spoilers"}).status, exit_usage);
}

TEST(GalleryCommand, ListsAsJson) {
  const auto list = Json::parse(run_program({"list", "--gallery", "--json"}).out);
  const auto spoilt = Json::parse(run_program({"list", "--gallery", "--spoilers", "--json"}).out);
  ASSERT_EQ(list.size(), gallery().size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    EXPECT_EQ(list[i].at("broken"), gallery()[i].broken.name);
    EXPECT_EQ(list[i].at("symptom"), gallery()[i].symptom);
    EXPECT_FALSE(list[i].contains("bug"));
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

}  // namespace
}  // namespace echomux
