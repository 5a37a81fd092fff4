#include "harness/server/bounded_log.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <string>

#include "echo/system_call.hpp"

namespace echomux {
namespace {

// More than this is cut away, at the next look.
constexpr off_t most_kept = off_t{1} << 20U;
constexpr std::chrono::milliseconds between_cuts{250};
// Of what is there, the last words are looked for in so much.
constexpr off_t tail_bytes = 4096;

off_t size_of(int fd) {
  struct stat state {};
  return ::fstat(fd, &state) == 0 ? state.st_size : 0;
}

std::string tail_of(int fd) {
  const off_t size = size_of(fd);
  const off_t length = std::min(size, tail_bytes);
  std::string text(static_cast<std::size_t>(length), '\0');
  const ssize_t count = ::pread(fd, text.data(), text.size(), size - length);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return text;
}

// In memory; where a filter refuses that, one in the folder of temporary files.
FileDescriptor file_without_name() {
  FileDescriptor file(::memfd_create("server-stderr", MFD_CLOEXEC));
  if (file) return file;
  const std::string folder = std::filesystem::temp_directory_path();
  file.reset(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) {
    throw std::runtime_error("no file for what a server prints: neither memfd_create nor one in " +
                             folder + " can be had: " + error_text(errno));
  }
  return file;
}

}  // namespace

BoundedLog::BoundedLog() : file_(file_without_name()) {
  // What is written after a cut goes to the new end (open(2)).
  check(::fcntl(file_.get(), F_SETFL, O_APPEND), "fcntl O_APPEND");
  cutter_ = std::jthread([this](const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never_notified;
    while (!stop.stop_requested()) {
      never_notified.wait_for(lock, stop, between_cuts, [] { return false; });
      cut();
    }
  });
}

// The tail stays: a server that says much and then fails has said why at the end. What is before it
// becomes a hole, so that a server that writes at this moment loses nothing (fallocate(2)).
void BoundedLog::cut() {
  const off_t size = size_of(file_.get());
  if (size - cut_ <= most_kept) return;
  const off_t page = ::sysconf(_SC_PAGESIZE);
  cut_ = (size - tail_bytes) / page * page;
  ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, cut_);
}

std::string BoundedLog::last_words(std::size_t most_lines, std::size_t most_bytes) const {
  std::string text = tail_of(file_.get());
  std::erase_if(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && c != '\n' && c != '\t') || byte == 0x7F;
  });
  // Of lines that say something.
  text.erase(std::unique(text.begin(), text.end(),
                         [](char one, char next) { return one == '\n' && next == '\n'; }),
             text.end());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t begin = text.size();
  for (std::size_t lines = 0; lines < most_lines && begin != 0 && begin != std::string::npos;
       ++lines) {
    begin = text.rfind('\n', begin - 1);
  }
  text.erase(0, begin == std::string::npos ? 0 : begin + (begin < text.size() ? 1 : 0));
  if (text.size() > most_bytes) text.erase(0, text.size() - most_bytes);
  return text;
}

}  // namespace echomux
