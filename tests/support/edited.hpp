// A conversation of which a test has changed packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "lab/conversation.hpp"

namespace sluice::test {

/// Owns the bytes of the packets that it changed. The capture behind the original outlives it.
class Edited {
 public:
  explicit Edited(const lab::Conversation& original) : conversation(original) {}
  Edited(const Edited&) = delete;
  Edited& operator=(const Edited&) = delete;

  /// The bytes of a packet, to be changed.
  std::vector<std::uint8_t>& packet(std::size_t index) {
    auto& bytes =
        owned_.emplace_back(conversation.packets[index].bytes.begin(), conversation.packets[index].bytes.end());
    conversation.packets[index].bytes = bytes;
    return bytes;
  }
  void remove(std::size_t index) {
    conversation.packets.erase(conversation.packets.begin() + static_cast<std::ptrdiff_t>(index));
  }
  /// Adds to a 16-bit field of the transport header.
  void add_u16(std::size_t index, std::size_t field, std::uint16_t by) {
    std::vector<std::uint8_t>& bytes = packet(index);
    const auto view = lab::view_datagram(bytes);
    const MutableBytes at = MutableBytes(bytes).subspan(view->transport_offset + field, 2);
    ByteWriter(at).u16(static_cast<std::uint16_t>(ByteReader(at).u16() + by));
  }

  lab::Conversation conversation;

 private:
  std::deque<std::vector<std::uint8_t>> owned_;
};

}  // namespace sluice::test
