#pragma once

#include <filesystem>
#include <string>

namespace echomux {

// A file system of some kilobytes (tmpfs), mounted on a directory for the calling thread and what
// it starts alone: nobody else's mounts are touched (mount_namespaces(7)). The thread keeps mounts
// of its own from the first on; the destructor unmounts the file system. Throws std::system_error.
class SmallDisk {
 public:
  // Empty where one may be made, or else a sentence that says why not, for GTEST_SKIP.
  [[nodiscard]] static std::string why_not();

  SmallDisk(std::filesystem::path directory, std::size_t kilobytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Takes all the room that is left, and gives it back.
  void fill() const;
  void make_room() const;

  // Lets nobody write, root included, or lets them again. Waits for the end of writing that is
  // under way, because the kernel refuses while a file is open for it.
  void set_read_only(bool read_only) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace echomux
