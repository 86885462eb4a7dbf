// openat2() keeps names below the root; a walk without links stands in for it on old kernels.
#include "tools/file_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "tun/error.hpp"

namespace sluice::tools {
namespace {

// O_NONBLOCK: a named pipe must not hold the loop up.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

class FileResource final : public http::Resource {
 public:
  /// `kept`: what the memory holds of this file; nullptr: nothing.
  FileResource(tun::Fd fd, std::uint64_t size, std::shared_ptr<FileMemory> memory,
               std::shared_ptr<FileMemory::File> kept)
      : fd_(std::move(fd)), size_(size), memory_(std::move(memory)), kept_(std::move(kept)) {}

  std::uint64_t size() const override { return size_; }

  std::size_t read_at(std::uint64_t offset, MutableBytes into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t count =
          ::pread(fd_.number(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;  // an error counts as the file's end: the answer is broken off
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  Slice share(std::uint64_t offset, std::size_t most) override {
    if (!kept_) return read_alone(offset, std::min(most, FileMemory::kBlock));
    const auto fill = [this](std::uint64_t begin, MutableBytes into) { return read_at(begin, into) == into.size(); };
    const Slice block = memory_->block(*kept_, static_cast<std::size_t>(offset / FileMemory::kBlock), fill);
    const auto skip = static_cast<std::size_t>(offset % FileMemory::kBlock);
    return block.empty() ? Slice() : block.part(skip, std::min(most, block.size() - skip));
  }

 private:
  Slice read_alone(std::uint64_t offset, std::size_t size) {
    const Buffer buffer = memory_->take(size);
    return read_at(offset, {buffer.data(), size}) == size ? Slice(buffer, 0, size) : Slice();
  }

  tun::Fd fd_;
  std::uint64_t size_;
  std::shared_ptr<FileMemory> memory_;
  std::shared_ptr<FileMemory::File> kept_;
};

std::int64_t nanoseconds(const timespec& time) noexcept {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

std::int64_t system_clock() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return nanoseconds(now);
}

FileMemory::State state_of(const struct stat& status) noexcept {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified = nanoseconds(status.st_mtim),
          .changed_metadata = nanoseconds(status.st_ctim)};
}

http::FileSource::Found failure_of(int error) {
  const bool missing = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG || error == ENXIO;
  return {.kind = missing ? http::FileSource::Kind::missing : http::FileSource::Kind::forbidden, .resource = nullptr};
}

}  // namespace

DirectorySource::DirectorySource(const std::string& root, Settings settings)
    : root_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
      by_steps_(settings.resolve == Resolve::by_steps),
      wall_clock_(settings.wall_clock ? std::move(settings.wall_clock) : system_clock),
      memory_(std::make_shared<FileMemory>(settings.memory)) {
  if (!root_)
    throw tun::Error(tun::from_errno(errno), fmt::format("cannot serve files of {}: {}", root, tun::errno_text(errno)));
}

http::FileSource::Found DirectorySource::open(std::string_view path) {
  const std::string name = path.empty() ? "." : std::string(path);
  tun::Fd fd = by_steps_ ? open_by_steps(name) : open_beneath(name);
  if (!fd) return failure_of(errno);
  struct stat status {};
  if (::fstat(fd.number(), &status) != 0) return failure_of(errno);
  if (S_ISDIR(status.st_mode)) return {.kind = Kind::directory, .resource = nullptr};
  if (!S_ISREG(status.st_mode)) return {.kind = Kind::forbidden, .resource = nullptr};
  const FileMemory::State state = state_of(status);
  auto kept = memory_->open(state, wall_clock_());
  auto resource = std::make_unique<FileResource>(std::move(fd), state.size, memory_, std::move(kept));
  return {.kind = Kind::file, .resource = std::move(resource), .modified_nanoseconds = state.modified};
}

tun::Fd DirectorySource::open_beneath(const std::string& path) {
  open_how how{};
  how.flags = kReadFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  constexpr int kAttempts = 8;  // EAGAIN: something was renamed while the kernel looked
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const long fd = ::syscall(SYS_openat2, root_.number(), path.c_str(), &how, sizeof how);
    if (fd >= 0) return tun::Fd(static_cast<int>(fd));
    if (errno == ENOSYS || errno == EPERM) {  // no such call, or a sandbox that doesn't know it
      by_steps_ = true;
      return open_by_steps(path);
    }
    if (errno != EAGAIN) break;
  }
  return {};
}

tun::Fd DirectorySource::open_by_steps(std::string_view path) {
  tun::Fd held;
  int directory = root_.number();
  for (;;) {
    const std::size_t slash = path.find('/');
    const bool last = slash == std::string_view::npos;
    const std::string step(path.substr(0, slash));
    tun::Fd next(
        ::openat(directory, step.c_str(), (last ? kReadFlags : O_PATH | O_DIRECTORY | O_CLOEXEC) | O_NOFOLLOW));
    if (!next || last) return next;
    held = std::move(next);
    directory = held.number();
    path.remove_prefix(slash + 1);
  }
}

}  // namespace sluice::tools
