#include "cli/standard_streams.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <streambuf>
#include <string_view>

namespace echomux {
namespace {

// Those below are open, so an opened file gets this number.
void fill(int fd, int flags) {
  if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) return;
  static_cast<void>(::open("/dev/null", flags));
}

// Writes to a descriptor, and waits where a non-blocking one can take no more.
class Output : public std::streambuf {
 public:
  explicit Output(int fd) : fd_(fd) { setp(buffer_.begin(), buffer_.end()); }

  [[nodiscard]] int error() const noexcept { return error_; }

 protected:
  int overflow(int c) override {
    if (sync() != 0) return traits_type::eof();
    if (c != traits_type::eof()) sputc(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }

  int sync() override {
    std::string_view left(pbase(), static_cast<std::size_t>(pptr() - pbase()));
    setp(buffer_.begin(), buffer_.end());
    while (!left.empty()) {
      const ssize_t count = ::write(fd_, left.data(), left.size());
      if (count >= 0) {
        left.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno == EAGAIN) {
        pollfd room{.fd = fd_, .events = POLLOUT, .revents = 0};
        ::poll(&room, 1, -1);
      } else if (errno != EINTR) {
        error_ = errno;
        return -1;
      }
    }
    return 0;
  }

 private:
  int fd_;
  int error_ = 0;
  std::array<char, 65'536> buffer_{};
};

}  // namespace

class StandardStreams::Buffers {
 public:
  Buffers() : out_before_(std::cout.rdbuf(&out)), err_before_(std::cerr.rdbuf(&err)) {}
  ~Buffers() {
    std::cout.flush();
    std::cerr.flush();
    std::cout.rdbuf(out_before_);
    std::cerr.rdbuf(err_before_);
  }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  Output out{STDOUT_FILENO};
  Output err{STDERR_FILENO};

 private:
  std::streambuf* out_before_;
  std::streambuf* err_before_;
};

StandardStreams::StandardStreams() {
  // Beyond the shell's limit of sizes, writing fails with EFBIG, which is told, instead of ending
  // us.
  ::signal(SIGXFSZ, SIG_IGN);
  // Each for what it isn't for: to read stdin or to write to the others fails, as it should.
  fill(STDIN_FILENO, O_WRONLY);
  fill(STDOUT_FILENO, O_RDONLY);
  fill(STDERR_FILENO, O_RDONLY);
  buffers_ = std::make_unique<Buffers>();
}

StandardStreams::~StandardStreams() = default;

int StandardStreams::finish() {
  std::cout.flush();
  return buffers_->out.error();
}

}  // namespace echomux
