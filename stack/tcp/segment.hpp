// An arriving segment on its way through the steps: the header as parsed, numbers unwrapped, text not yet taken.
#pragma once

#include <cstdint>

#include "stack/base/packet.hpp"
#include "stack/tcp/seq.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/tcp.hpp"

namespace sluice::tcp {

namespace flag = wire::tcp;

struct Segment {
  wire::tcp::Header header;
  FourTuple tuple;         ///< local is us
  Seq seq;                 ///< SEG.SEQ, unwrapped by the connection that it belongs to
  Seq ack;                 ///< SEG.ACK, likewise; meaningless without the ACK bit
  Ecn ecn = Ecn::not_ect;  ///< as it came, of the IP header
  Packet packet;           ///< owns the text
  std::uint32_t text_offset = 0;
  std::uint32_t text_size = 0;

  bool has(wire::tcp::Flag bit) const noexcept { return header.has(bit); }
  /// SEG.LEN: text, SYN and FIN each take part in the sequence space (RFC 9293 3.4).
  std::uint64_t length() const noexcept {
    return text_size + std::uint64_t{has(flag::syn)} + std::uint64_t{has(flag::fin)};
  }
  Seq end() const noexcept { return seq + length(); }
  Bytes text() const noexcept { return packet.bytes().subspan(text_offset, text_size); }
  /// The size of the largest wire segment in it, for RMSS.
  std::uint32_t segment_size() const noexcept {
    return packet.gso_size != 0 && packet.gso_size < text_size ? packet.gso_size : text_size;
  }

  /// How many packets of the wire it stands for.
  std::uint32_t packets() const noexcept {
    const std::uint32_t size = segment_size();
    return size == 0 ? 1 : (text_size + size - 1) / size;
  }

  /// Goes on as if the SYN had come by itself. REQUIRES SYN.
  void remove_syn() noexcept {
    seq += 1;
    header.flags = static_cast<std::uint8_t>(header.flags & ~flag::syn);
  }
  /// Drops the first `count` bytes of text. REQUIRES no SYN, count <= text_size.
  void trim_front(std::uint64_t count) noexcept {
    seq += count;
    text_offset += static_cast<std::uint32_t>(count);
    text_size -= static_cast<std::uint32_t>(count);
  }
  /// Drops the text and FIN from `count` bytes of text on.
  void trim_text_to(std::uint64_t count) noexcept {
    text_size = static_cast<std::uint32_t>(count);
    header.flags = static_cast<std::uint8_t>(header.flags & ~flag::fin);
  }
};

}  // namespace sluice::tcp
