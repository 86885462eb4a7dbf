// The kernel's TCP in the shape of ours: clients of tests and tools talk through the same ByteStream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "stack/base/byte_stream.hpp"
#include "stack/base/bytes.hpp"
#include "stack/base/result.hpp"
#include "stack/base/time.hpp"
#include "stack/wire/address.hpp"
#include "tun/fd.hpp"

namespace sluice::tun {

/// A ByteStream over a non-blocking TCP socket of the kernel. What the kernel doesn't take at once waits in a small
/// buffer, so that writable() is exact; call on_ready() (or wait()) when the descriptor is ready. A stream whose last
/// peek() was empty holds no buffer.
class KernelStream {
 public:
  /// Bytes that may wait for the kernel.
  static constexpr std::size_t kBuffer = 65536;

  KernelStream() noexcept = default;
  /// Takes over a connected or connecting stream socket and makes it non-blocking.
  explicit KernelStream(Fd fd);

  /// Begins to connect, in the network namespace of the calling thread. `congestion`: TCP_CONGESTION, empty = the
  /// system's default. The outcome shows as writability or error().
  static Result<KernelStream> connect(const Endpoint& remote, const std::string& congestion = {});

  MutableBytes peek();
  void consume(std::size_t count) noexcept;
  bool at_eof() const noexcept { return eof_ && begin_ == end_; }
  Result<std::size_t> write(Gather pieces);
  Result<std::size_t> write(Bytes bytes) { return write(Gather(&bytes, 1)); }
  std::size_t writable() const noexcept;
  void finish();
  void abort() noexcept;
  Errc error() const noexcept { return error_; }

  int fd() const noexcept { return fd_.number(); }
  /// What to wait for: readable always, writable while something waits to be sent or the handshake runs.
  Readiness interest() const noexcept;
  /// Moves waiting bytes to the kernel and learns of a failed handshake.
  void on_ready();
  /// For programs without a loop: sleeps until something is ready, at most so long, then on_ready(). False: time is
  /// over.
  bool wait(Duration longest);

 private:
  void fail(int error) noexcept;
  void read_more();
  std::size_t send_now(Gather pieces);
  void flush();

  Fd fd_;
  std::unique_ptr<std::uint8_t[]> received_;  ///< kBuffer bytes while something is read
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::vector<std::uint8_t> waiting_;
  bool connecting_ = false;
  bool eof_ = false;
  bool finishing_ = false;
  bool finished_ = false;
  Errc error_ = Errc::none;
};

static_assert(ByteStream<KernelStream>);

/// A listening socket of the kernel in the namespace of the calling thread; port 0 = the kernel chooses.
Result<Fd> kernel_listen(const Endpoint& local, int backlog = 128);
/// The next connection; would_block when none waits.
Result<KernelStream> kernel_accept(const Fd& listener);
/// The local end of a kernel socket.
Result<Endpoint> kernel_local(int fd);

}  // namespace sluice::tun
