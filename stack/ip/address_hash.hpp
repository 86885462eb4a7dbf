// Hashing of addresses with a secret, so that no peer can choose what collides.
#pragma once

#include <cstddef>

#include "stack/base/random.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

struct AddressHash {
  KeyedHash hash;
  std::size_t operator()(const IpAddress& address) const noexcept {
    return static_cast<std::size_t>(hash(address.bytes()));
  }
};

}  // namespace sluice::ip
