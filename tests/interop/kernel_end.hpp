// One end of a TCP connection in a test, ours or the kernel's: the same few lines drive both.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "stack/tcp/socket.hpp"
#include "tun/event_loop.hpp"
#include "tun/kernel_stream.hpp"

namespace sluice::interop {

/// The value; a failed call ends the test.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(std::string(describe(result.error())));
  return std::move(*result);
}

/// SHA-256 of a stream of bytes.
class Digest {
 public:
  Digest();
  void add(Bytes bytes);
  /// Of everything so far, as hexadecimal digits.
  std::string hex() const;

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};
std::string sha256(Bytes bytes);

/// `size` bytes of one fixed noise, from `offset` on: parts that don't overlap differ. They live as long as the
/// program. REQUIRES offset + size <= 130 MiB.
Bytes noise_at(std::size_t offset, std::size_t size);

/// What an end does is set in its members and takes effect with the next pump(), which the loop calls too.
class End {
 public:
  virtual ~End() = default;

  Bytes outgoing;       ///< not written yet
  bool echo = false;    ///< sends back what it reads
  bool reads = true;    ///< false: what comes waits
  bool finish = false;  ///< FIN when all is written (an echo: at the other's FIN)

  Digest digest;             ///< of what was read
  std::size_t received = 0;  ///< bytes read
  bool eof = false;          ///< the other end's FIN was read
  bool finished = false;     ///< our FIN is queued

  /// Sends and reads as far as it goes now.
  virtual void pump() = 0;
  virtual void abort() = 0;
  virtual Errc error() const = 0;
  /// Both directions have ended, or the connection failed.
  bool done() const { return (eof && finished) || error() != Errc::none; }

 protected:
  template <ByteStream Stream>
  void move(Stream& stream);
};

template <ByteStream Stream>
void End::move(Stream& stream) {
  while (!outgoing.empty()) {
    const std::size_t taken = stream.write(Gather(&outgoing, 1)).value_or(0);
    if (taken == 0) break;
    outgoing = outgoing.subspan(taken);
  }
  for (MutableBytes bytes = stream.peek(); reads && !bytes.empty(); bytes = stream.peek()) {
    const Bytes piece = bytes;
    const std::size_t taken = echo ? stream.write(Gather(&piece, 1)).value_or(0) : piece.size();
    if (taken == 0) break;
    digest.add(piece.first(taken));
    received += taken;
    stream.consume(taken);
  }
  eof = stream.at_eof();
  if (!finish || finished || !outgoing.empty() || (echo && !eof)) return;
  finished = true;
  stream.finish();
}

/// A connection of the stack under test. Closes with this object.
class OurEnd final : public End {
 public:
  OurEnd(tun::EventLoop& loop, tcp::Socket its);
  ~OurEnd() override;

  void pump() override { move(socket); }
  void abort() override { socket.abort(); }
  Errc error() const override { return socket.error(); }
  tcp::Info info() const { return must(socket.info()); }

  tcp::Socket socket;

 private:
  tun::EventLoop& loop_;
};

/// A connection of the kernel. Closes with this object.
class KernelEnd final : public End {
 public:
  /// `fd` may still be connecting.
  KernelEnd(tun::EventLoop& loop, tun::Fd fd);
  ~KernelEnd() override;

  void pump() override;
  void abort() override;
  Errc error() const override { return stream_.error(); }
  int fd() const noexcept { return fd_; }

 private:
  void watch();

  tun::EventLoop& loop_;
  tun::KernelStream stream_;
  int fd_;
  bool watched_ = false;
  Readiness interest_ = Readiness::none;
};

struct Pair {
  std::unique_ptr<OurEnd> ours;
  std::unique_ptr<KernelEnd> kernels;

  void pump() {
    ours->pump();
    kernels->pump();
  }
  bool done() const { return ours->done() && kernels->done(); }
};

}  // namespace sluice::interop
