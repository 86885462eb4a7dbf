// Pipes, files in memory, and what moves text between them and streams without a copy: splice and sendfile.
#pragma once

#include <cstddef>

#include "stack/base/buffer.hpp"
#include "stack/posix/file.hpp"
#include "stack/posix/pipe_buffer.hpp"

namespace sluice::posix {

/// One end of a pipe; the buffer goes with the second.
class PipeEnd final : public File {
 public:
  PipeEnd(Host& host, SlotId pipe, bool writes) noexcept : File(host), pipe_(pipe), writes_(writes) {}
  ~PipeEnd() override;

  Answer receive(std::span<const MutableBytes> room, int flags, Received* info) override;
  Answer send(Gather pieces, int flags, const Endpoint* to) override;
  Answer ioctl(unsigned long request, int& value) override;
  Answer abandon(int error) noexcept override;
  std::uint32_t ready() override;
  int access() const noexcept override;
  PipeEnd* as_pipe() noexcept override { return this; }

  bool writes() const noexcept { return writes_; }
  PipeBuffer& buffer() const noexcept;
  /// The other end is open.
  bool is_whole() const noexcept;
  /// Tells who watches the other end.
  void wake_other(std::uint32_t mask);

 private:
  SlotId pipe_;
  bool writes_;
  std::size_t sent_ = 0;  ///< of a blocking write that has to be made again
};

/// A regular file that was opened for reading.
class MemoryFile final : public File {
 public:
  MemoryFile(Host& host, Slice content) noexcept : File(host), left_(std::move(content)) {}

  Answer receive(std::span<const MutableBytes> room, int flags, Received* info) override;
  Answer send(Gather pieces, int flags, const Endpoint* to) override;
  Answer ioctl(unsigned long request, int& value) override;
  Answer abandon(int error) noexcept override;
  std::uint32_t ready() override;
  int access() const noexcept override;
  MemoryFile* as_memory() noexcept override { return this; }

  /// From the file's position to its end.
  const Slice& left() const noexcept { return left_; }
  void advance(std::size_t count) noexcept { left_.remove_front(count); }

  std::size_t sent = 0;  ///< of a blocking sendfile() that has to be made again

 private:
  Slice left_;
};

/// Moves up to `count` bytes; one of both is a pipe.
Answer splice(File& in, File& out, std::size_t count, unsigned flags);
/// Sends up to `count` bytes of a file, from its position on, to a stream or a pipe.
Answer send_file(File& out, MemoryFile& in, std::size_t count);

}  // namespace sluice::posix
