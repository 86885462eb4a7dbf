// A whole file as bytes: small ones in memory, large ones mapped, so that a capture of gigabytes takes none of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lab/units.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::lab {

/// Move-only; moving leaves the bytes where they are. A mapped file that another program cuts short while it is read
/// ends the process (SIGBUS), as with every program that maps files.
class FileBytes {
 public:
  FileBytes() noexcept = default;
  explicit FileBytes(std::vector<std::uint8_t> bytes) noexcept : read_(std::move(bytes)) {}
  FileBytes(FileBytes&& other) noexcept;
  FileBytes& operator=(FileBytes&& other) noexcept;
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes();

  /// A regular file, or whatever else can be read to its end. On failure one sentence that names it.
  static Parsed<FileBytes> load(const std::string& path);

  Bytes bytes() const noexcept { return mapped_ ? Bytes(mapped_, size_) : Bytes(read_); }

 private:
  std::vector<std::uint8_t> read_;
  const std::uint8_t* mapped_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sluice::lab
