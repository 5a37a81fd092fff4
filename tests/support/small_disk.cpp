#include "tests/support/small_disk.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include "echo/file_descriptor.hpp"
#include "echo/system_call.hpp"
#include "tests/support/process_info.hpp"
#include "tests/support/sanitizers.hpp"

namespace echomux {
namespace {

// Gives this process mounts of its own, for the rest of its life: setns(2), the way back, would
// also leave a chroot. Returns the number of the error, or 0.
int leave_the_mounts_of_others() {
  if (::unshare(CLONE_NEWNS) != 0) return errno;
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? 0 : errno;
}

}  // namespace

std::string SmallDisk::why_not() {
  static const int error = leave_the_mounts_of_others();
  if (error == 0) return {};
  if (error == EINVAL) {
    return "this root is no mount point, so a mount can't be kept from others; mount it on itself "
           "('mount --bind ROOT ROOT') before chroot";
  }
  return "a mount namespace of its own isn't permitted here (" + error_text(error) +
         "); run the tests as root, or under 'unshare -Urm' in one that is";
}

SmallDisk::SmallDisk(std::filesystem::path directory, std::size_t kilobytes)
    : directory_(std::move(directory)) {
  if (const std::string reason = why_not(); !reason.empty()) throw std::runtime_error(reason);
  const std::string size = "size=" + std::to_string(kilobytes) + "k";
  check(::mount("tmpfs", directory_.c_str(), "tmpfs", 0, size.c_str()), "mount tmpfs");
}

SmallDisk::~SmallDisk() {
  ::umount2(directory_.c_str(), MNT_DETACH);
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
