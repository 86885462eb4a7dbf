// Checked and framed here, so that sending it costs a session a pointer.
#include "ws/prepared.hpp"

#include <cstring>

#include "ws/frame.hpp"
#include "ws/utf8.hpp"

namespace sluice::ws {

Result<Prepared> Prepared::make(MessageType type, Bytes payload) {
  if (type == MessageType::text && !is_utf8(payload)) return Errc::invalid_argument;
  const FrameHeader header{true, 0, static_cast<Opcode>(type), false, {}, payload.size()};
  const std::size_t head = header_size(header.length, header.masked);
  Slice frame(Buffer::allocate(head + payload.size()), 0, head + payload.size());
  const MutableBytes bytes = frame.mutable_bytes();
  write_header(bytes, header);
  if (!payload.empty()) std::memcpy(bytes.data() + head, payload.data(), payload.size());
  return Prepared(std::move(frame));
}

}  // namespace sluice::ws
