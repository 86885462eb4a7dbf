// What OpenSSL takes for the network: bytes in memory, never more than it is shown, never lost. For this room only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "http/tls/openssl.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::tls {

/// OpenSSL reads from the caller's bytes themselves and appends to what waits to leave. OpenSSL's own memory BIO would
/// copy what comes in, and keep its largest size for ever.
class Wire {
 public:
  /// What OpenSSL may read until the next call; outlives the reading.
  void show(Bytes input) noexcept { input_ = input; }
  /// What it left of that.
  std::size_t unread() const noexcept { return input_.size(); }

  Bytes waiting() const noexcept { return Bytes(output_).subspan(sent_); }
  /// REQUIRES count <= waiting().size().
  void sent(std::size_t count) noexcept;

  /// A BIO over this wire, which outlives it; nullptr when there is no memory.
  OwnedBio open();

  int read(MutableBytes room) noexcept;
  void write(Bytes bytes) { output_.insert(output_.end(), bytes.begin(), bytes.end()); }

 private:
  Bytes input_;
  std::vector<std::uint8_t> output_;
  std::size_t sent_ = 0;
};

}  // namespace sluice::tls
