#include "tests/support/small_disk.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include "echo/system_call.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

FileDescriptor own_mounts() {
  return FileDescriptor(
      check(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC), "open the mount namespace"));
}

// Back to those mounts. It takes the working directory along, which is to stay (setns(2)).
int enter(const FileDescriptor& mounts) {
  std::error_code unknown;
  const std::filesystem::path here = std::filesystem::current_path(unknown);
  const int result = ::setns(mounts.get(), CLONE_NEWNS);
  std::filesystem::current_path(here, unknown);
  return result;
}

}  // namespace

std::string SmallDisk::why_not() {
  const FileDescriptor before = own_mounts();
  if (::unshare(CLONE_NEWNS) == 0) {
    check(enter(before), "setns");
    return {};
  }
  return "a mount namespace of its own isn't permitted here (" + error_text(errno) +
         "); run the tests as root, or under 'unshare -Urm' in one that is";
}

SmallDisk::SmallDisk(std::filesystem::path directory, std::size_t kilobytes)
    : before_(own_mounts()), directory_(std::move(directory)) {
  check(::unshare(CLONE_NEWNS), "unshare CLONE_NEWNS");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount MS_PRIVATE");
  const std::string size = "size=" + std::to_string(kilobytes) + "k";
  check(::mount("tmpfs", directory_.c_str(), "tmpfs", 0, size.c_str()), "mount tmpfs");
}

SmallDisk::~SmallDisk() {
  static_cast<void>(enter(before_));
}

void SmallDisk::fill() const {
  const FileDescriptor file(
      check(::open((directory_ / "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600),
            "open the filler"));
  const std::array<char, 4096> page{};
  while (::write(file.get(), page.data(), page.size()) > 0) {
  }
  if (errno != ENOSPC) throw_errno("write the filler");
}

void SmallDisk::make_room() const {
  std::filesystem::remove(directory_ / "filler");
}

void SmallDisk::set_read_only(bool read_only) const {
  unsigned long flags = MS_REMOUNT | MS_BIND;
  if (read_only) flags |= MS_RDONLY;
  const bool done = eventually(patience, [&] {
    if (::mount(nullptr, directory_.c_str(), nullptr, flags, nullptr) == 0) return true;
    if (errno != EBUSY) throw_errno("mount MS_REMOUNT");
    return false;
  });
  if (!done) throw std::runtime_error("the file system stays busy");
}

}  // namespace echomux
