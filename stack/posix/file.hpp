// What a descriptor stands for: an open file of some kind, and the calls that each kind answers in its own way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "stack/base/bytes.hpp"
#include "stack/base/slot_map.hpp"
#include "stack/posix/answer.hpp"

namespace sluice::posix {

struct Host;
class SocketFile;
class StreamSocket;
class Epoll;
class PipeEnd;
class MemoryFile;

/// Bytes that the pieces hold.
std::size_t room_size(std::span<const MutableBytes> room) noexcept;
/// Puts `text` where it begins `offset` bytes into the pieces. REQUIRES that it fits.
void scatter(std::span<const MutableBytes> room, std::size_t offset, Bytes text) noexcept;

/// An open file description: descriptors that dup() made share it, with O_NONBLOCK and all. A call that it does not
/// have answers as the kernel's does.
class File {
 public:
  explicit File(Host& host) noexcept : host_(host) {}
  virtual ~File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  virtual Answer receive(std::span<const MutableBytes> room, int flags, Received* info);
  virtual Answer send(Gather pieces, int flags, const Endpoint* to);
  virtual Answer ioctl(unsigned long request, int& value);
  /// EPOLLIN, EPOLLOUT, … as they are now.
  virtual std::uint32_t ready() = 0;
  /// The blocked call ends here (a timeout, a signal): what it has moved so far, or this error.
  virtual Answer abandon(int error) noexcept;
  /// O_RDONLY, O_WRONLY or O_RDWR.
  virtual int access() const noexcept;

  virtual SocketFile* as_socket() noexcept { return nullptr; }
  virtual StreamSocket* as_stream() noexcept { return nullptr; }
  virtual Epoll* as_epoll() noexcept { return nullptr; }
  virtual PipeEnd* as_pipe() noexcept { return nullptr; }
  virtual MemoryFile* as_memory() noexcept { return nullptr; }

  SlotId id;           ///< its name among the host's files
  int references = 0;  ///< descriptors
  bool nonblocking = false;
  std::vector<SlotId> watchers;  ///< epolls that listen to it; some may be gone

 protected:
  /// The blocking call waits, the other one answers EAGAIN.
  Answer not_now(bool may_block) const noexcept;
  /// Tells the watchers that something of this mask happened.
  void happened(std::uint32_t mask);

  Host& host_;
};

}  // namespace sluice::posix
