// Reading and mapping; see file_bytes.hpp.
#include "lab/file_bytes.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "tun/fd.hpp"

namespace sluice::lab {
namespace {

/// From here on mapping is cheaper than a copy.
constexpr std::size_t kLarge = std::size_t{1} << 20;

bool read_to_end(int fd, std::vector<std::uint8_t>& into) {
  std::array<std::uint8_t, 65536> room;
  ssize_t size = 0;
  while ((size = ::read(fd, room.data(), room.size())) != 0) {
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    into.insert(into.end(), room.begin(), room.begin() + size);
  }
  return true;
}

}  // namespace

FileBytes::FileBytes(FileBytes&& other) noexcept
    : read_(std::move(other.read_)),
      mapped_(std::exchange(other.mapped_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

FileBytes& FileBytes::operator=(FileBytes&& other) noexcept {
  std::swap(read_, other.read_);
  std::swap(mapped_, other.mapped_);
  std::swap(size_, other.size_);
  return *this;
}

FileBytes::~FileBytes() {
  if (mapped_) ::munmap(const_cast<std::uint8_t*>(mapped_), size_);
}

Parsed<FileBytes> FileBytes::load(const std::string& path) {
  const auto failed = [&] {
    return Parsed<FileBytes>::failed("cannot read " + path + ": " + std::generic_category().message(errno));
  };
  const tun::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!fd || ::fstat(fd.number(), &status) != 0) return failed();
  FileBytes file;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (S_ISREG(status.st_mode) && size >= kLarge) {
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.number(), 0);
    if (at != MAP_FAILED) {
      file.mapped_ = static_cast<const std::uint8_t*>(at);
      file.size_ = size;
      return file;
    }
  }
  if (!read_to_end(fd.number(), file.read_)) return failed();
  return file;
}

}  // namespace sluice::lab
