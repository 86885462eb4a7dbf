// SHA-256 of bytes that come in pieces.
#pragma once

#include <memory>
#include <string>

#include "stack/base/bytes.hpp"

namespace sluice::tools {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void add(Bytes bytes);
  /// 64 hexadecimal digits. Nothing may be added after it.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::tools
