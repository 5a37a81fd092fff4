// What must hold for the odd server in every mode: that it never runs in another mode than was
// meant, and that none is left behind. What each mode does is seen where the harness must find it:
// in Proof, Soak, SwarmCommand, ServerFaultInMidSweep and OddModeTest.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "tests/support/child.hpp"
#include "tests/support/odd.hpp"
#include "tests/support/peer.hpp"
#include "tests/support/process_info.hpp"

namespace echomux {
namespace {

bool ends(const Peer& peer) {
  return eventually(patience, [&] { return peer.ended(); });
}

TEST(OddServer, RefusesAModeThatItDoesNotHave) {
  for (const char* const mode : {"odd", "die", "plain=1", "die=x", "delay=1", "stall=2s/1s"}) {
    EXPECT_THROW(ServerProcess(odd(mode)), std::runtime_error) << mode;
  }
}

TEST(OddServer, EndsOnSigterm) {
  for (const char* mode : {"plain", "delay=1ms", "burn-child=1ms"}) {
    ServerProcess server(odd(mode));
    Peer peer(server.endpoint());
    EXPECT_EQ(peer.exchange("a"), "a");
    const ServerExit exit = server.stop();
    EXPECT_EQ(exit.signal, SIGTERM) << mode;
    EXPECT_FALSE(exit.killed_after_timeout) << mode;
    EXPECT_TRUE(ends(peer)) << mode;
  }
}

TEST(OddServer, EndsWithItsParent) {
  const Endpoint endpoint = [] {
    const FileDescriptor probe = listen_on(resolve("127.0.0.1", 0));
    return local_endpoint(probe.get());
  }();
  const std::string port = std::to_string(endpoint.port());
  std::optional<Child> parent(std::in_place, [&port](const Child::Line& line) {
    if (::fork() == 0) ::execl(ODD_SERVER, ODD_SERVER, port.c_str(), "burn-child=1ms", nullptr);
    line.await();
  });
  std::optional<Peer> peer;
  ASSERT_TRUE(eventually(patience, [&] {
    try {
      peer.emplace(endpoint);
    } catch (const std::system_error&) {
    }
    return peer.has_value();
  }));
  EXPECT_EQ(peer->exchange("a"), "a");
  parent.reset();
  EXPECT_TRUE(ends(*peer));
}

}  // namespace
}  // namespace echomux
