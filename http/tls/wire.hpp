// What OpenSSL takes for the network: bytes in memory, never more than it is shown, never lost. For this room only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "http/tls/openssl.hpp"
#include "stack/base/buffer.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::tls {

/// OpenSSL reads from the caller's bytes themselves, and the records that it made go into memory which a stream below
/// can take as it is. OpenSSL's own memory BIO would copy what comes in, and keep its largest size for ever.
class Wire {
 public:
  /// What OpenSSL may read until the next call; outlives the reading.
  void show(Bytes input) noexcept { input_ = input; }
  /// What it left of that.
  std::size_t unread() const noexcept { return input_.size(); }

  Bytes waiting() const noexcept { return {output_.data() + begin_, end_ - begin_}; }
  /// The same in its own memory, which nobody changes again; empty when most of that memory would be held for nothing.
  Slice shared() const noexcept;
  /// REQUIRES count <= waiting().size().
  void sent(std::size_t count) noexcept;

  /// A BIO over this wire, which outlives it, as `pool` does; nullptr when there is no memory.
  OwnedBio open(BufferPool& pool);

  int read(MutableBytes room) noexcept;
  void write(Bytes bytes);

 private:
  void make_room(std::size_t wanted);

  Bytes input_;
  BufferPool* pool_ = nullptr;
  Buffer output_;  ///< [begin_, end_) waits; what stands before it may be somebody's still
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace sluice::tls
