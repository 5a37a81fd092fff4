// How anybody's server is started and found.
#include "harness/server/server_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "echo/system_call.hpp"
#include "harness/machine/listeners.hpp"
#include "tests/support/odd.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string complaint_about(const std::string& script, std::chrono::milliseconds limit = patience) {
  try {
    const ServerProcess server({.arguments = {"sh", "-c", script}}, limit);
    return "it listens";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

TEST(AnybodysServer, SaysWhyItFailed) {
  EXPECT_THAT(complaint_about("echo one; echo 'bind: no luck' >&2; exit 3; : {port}"),
              AllOf(HasSubstr("exit status 3"), HasSubstr("its last words: bind: no luck")));
  EXPECT_THAT(complaint_about("kill -SEGV $$; : {port}"), HasSubstr("signal 11"));
  EXPECT_THAT(complaint_about("exec sleep 99; : {port}", std::chrono::milliseconds(100)),
              AllOf(HasSubstr("does not listen on port"), HasSubstr("--start-timeout")));
  try {
    const ServerProcess none({.arguments = {"/nowhere/program", "{port}"}});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "cannot run '/nowhere/program': No such file or directory");
  }
}

// A port that is nobody else's now.
std::uint16_t free_port() {
  return local_endpoint(listen_on(resolve("127.0.0.1", 0)).get()).port();
}

TEST(AnybodysServer, IsFoundWhereItListens) {
  const std::string port = std::to_string(free_port());
  const ServerProcess fixed({.arguments = {ODD_SERVER, port, "plain"}});
  EXPECT_EQ(fixed.endpoint().to_string(), "127.0.0.1:" + port);
  EXPECT_TRUE(fixed.listens_itself());
  EXPECT_THAT(complaint_about("exec " + std::string(ODD_SERVER) + " " +
                                  std::to_string(free_port()) + " plain; : {port}",
                              std::chrono::seconds(3)),
              HasSubstr("leave {port} out"));
}

// As a proxy that a daemon has started.
TEST(AnybodysServer, IsKnownFromWhoListensForIt) {
  const FileDescriptor listener = listen_on(resolve("127.0.0.1", 0));
  const std::uint16_t port = local_endpoint(listener.get()).port();
  const auto all = listeners(port);
  ASSERT_TRUE(all.has_value());
  ASSERT_EQ(all->size(), 1U);
  EXPECT_TRUE(sockets_of({::getpid()}).inodes.contains(all->front().inode));
  EXPECT_FALSE(all->front().full());
}

TEST(Listeners, TellAFullBacklog) {
  const FileDescriptor listener(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  const Endpoint any = resolve("127.0.0.1", 0);
  check(::bind(listener.get(), any.raw(), any.length), "bind");
  check(::listen(listener.get(), 2), "listen");
  const Endpoint address = local_endpoint(listener.get());
  std::vector<FileDescriptor> peers;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(listener_at(address)->full());
    peers.emplace_back(check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    check(::connect(peers.back().get(), address.raw(), address.length), "connect");
  }
  EXPECT_TRUE(eventually(patience, [&] { return listener_at(address)->full(); }));
  const Listener full = listener_at(address).value();
  EXPECT_TRUE(full.full());
  EXPECT_EQ(full.backlog, 2U);
  EXPECT_EQ(full.waiting, 3U);
}

TEST(Listeners, KnowTheAddressesOfThisMachine) {
  for (const char* own : {"127.0.0.1", "127.3.2.1", "::1", "0.0.0.0", "::"}) {
    EXPECT_TRUE(is_of_this_machine(resolve(own, 1))) << own;
  }
  EXPECT_FALSE(is_of_this_machine(resolve("192.0.2.1", 1)));  // of nobody (RFC 5737)
}

TEST(BoundedLog, StaysSmallAndKeepsTheEnd) {
  const BoundedLog log;
  const std::string line(1000, 'x');
  // What a server writes without end, and then why it fails.
  const auto size = [&] {
    struct stat state {};
    check(::fstat(log.fd(), &state), "fstat");
    return 512 * state.st_blocks;
  };
  for (int i = 0; i < 4000; ++i) {
    ASSERT_EQ(::write(log.fd(), (line + "\n").data(), 1001), 1001);
  }
  EXPECT_TRUE(eventually(patience, [&] { return size() < 100'000; })) << size();
  const std::string end = "first\nsecond\n\x1b[1mthird\n";
  ASSERT_EQ(::write(log.fd(), end.data(), end.size()), static_cast<ssize_t>(end.size()));
  EXPECT_EQ(log.last_words(2), "second\n[1mthird");
  EXPECT_EQ(log.last_words(3, 8), "[1mthird");
}

}  // namespace
}  // namespace echomux
