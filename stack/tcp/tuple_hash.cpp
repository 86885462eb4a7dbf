// The bytes of a 4-tuple that are hashed; see tuple_hash.hpp.
#include "stack/tcp/tuple_hash.hpp"

#include <array>

#include "stack/base/bytes.hpp"

namespace sluice::tcp {

// Not the bytes of TupleBytes: each segment is hashed, and IPv4 needs a third of these.
std::uint64_t TupleHasher::hashed(const FourTuple& tuple) const noexcept {
  std::array<std::uint8_t, 2 * (16 + 2)> room;
  ByteWriter out(room);
  for (const Endpoint* end : {&tuple.local, &tuple.remote}) {
    if (end->address.is_v4())
      out.u32(end->address.v4_number());
    else
      out.bytes(end->address.bytes());
    out.u16(end->port);
  }
  return hash_(out.written());
}

}  // namespace sluice::tcp
