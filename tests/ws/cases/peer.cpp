// RFC 6455 5.2 and 5.4 the plain way, once for writing and once for reading.
#include "tests/ws/cases/peer.hpp"

#include <cstring>

namespace sluice::ws::cases {
namespace {

MaskKey key_of_frame(std::uint32_t number) {
  const std::uint32_t mixed = number * 2654435761u ^ 0x5bd1e995u;
  return {static_cast<std::uint8_t>(mixed >> 24), static_cast<std::uint8_t>(mixed >> 16),
          static_cast<std::uint8_t>(mixed >> 8), static_cast<std::uint8_t>(mixed)};
}

int length_bytes(std::uint8_t length7) { return length7 == 127 ? 8 : length7 == 126 ? 2 : 0; }

}  // namespace

void apply_key(MutableBytes bytes, const MaskKey& key, std::size_t offset) {
  std::array<std::uint8_t, 8> twice;
  for (std::size_t i = 0; i < 8; ++i) twice[i] = key[(offset + i) % 4];
  std::uint64_t pattern;
  std::memcpy(&pattern, twice.data(), 8);
  std::size_t at = 0;
  for (; bytes.size() - at >= 8; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    word ^= pattern;
    std::memcpy(bytes.data() + at, &word, 8);
  }
  for (; at < bytes.size(); ++at) bytes[at] ^= twice[at % 4];
}

std::vector<std::uint8_t> FrameWriter::frame(std::uint8_t first, std::string_view payload) {
  return head(first, payload.size(), payload);
}

std::vector<std::uint8_t> FrameWriter::head(std::uint8_t first, std::size_t length, std::string_view part) {
  const std::uint8_t length7 = length > 65535 ? 127 : length > 125 ? 126 : static_cast<std::uint8_t>(length);
  std::vector<std::uint8_t> bytes{first, static_cast<std::uint8_t>(length7 | (masks_ ? 0x80 : 0))};
  for (int shift = 8 * (length_bytes(length7) - 1); shift >= 0; shift -= 8)
    bytes.push_back(static_cast<std::uint8_t>(length >> shift));
  key_ = key_of_frame(++frames_);
  offset_ = 0;
  if (masks_)
    for (const std::uint8_t byte : key_) bytes.push_back(byte);
  append(bytes, part);
  return bytes;
}

std::vector<std::uint8_t> FrameWriter::more(std::string_view part) {
  std::vector<std::uint8_t> bytes;
  append(bytes, part);
  return bytes;
}

void FrameWriter::append(std::vector<std::uint8_t>& bytes, std::string_view part) {
  const std::size_t before = bytes.size();
  bytes.insert(bytes.end(), part.begin(), part.end());
  if (masks_) apply_key(MutableBytes(bytes).subspan(before), key_, offset_);
  offset_ += part.size();
}

void FrameReader::complain(const std::string& what) {
  if (complaint_.empty()) complaint_ = what;
}

std::size_t FrameReader::read(MutableBytes bytes) {
  std::size_t used = 0;
  while (complaint_.empty()) {
    const MutableBytes rest = bytes.subspan(used);
    const Header header = parse(rest);
    if (header.size == 0 || rest.size() - header.size < header.length) return used;
    const MutableBytes payload = rest.subspan(header.size, static_cast<std::size_t>(header.length));
    if (masked_) apply_key(payload, header.key, 0);
    take(header, as_text(payload));
    used += header.size + payload.size();
  }
  return bytes.size();
}

FrameReader::Header FrameReader::parse(Bytes bytes) {
  Header header;
  if (bytes.size() < 2) return header;
  const bool masked = (bytes[1] & 0x80) != 0;
  const std::uint8_t length7 = bytes[1] & 0x7f;
  const std::size_t extra = static_cast<std::size_t>(length_bytes(length7));
  const std::size_t size = 2 + extra + (masked ? 4 : 0);
  if (bytes.size() < size) return header;
  header.first = bytes[0];
  header.length = extra == 0 ? length7 : 0;
  for (std::size_t i = 0; i < extra; ++i) header.length = header.length << 8 | bytes[2 + i];
  if (masked) std::memcpy(header.key.data(), bytes.data() + size - 4, 4);
  header.size = size;
  check(header, masked, length7);
  return header;
}

void FrameReader::check(const Header& header, bool masked, std::uint8_t length7) {
  if (close_) complain("a frame behind its Close");
  if (masked != masked_) complain(masked ? "a server's frame with a mask" : "a client's frame without a mask");
  const std::uint64_t least = length7 == 127 ? 65536 : length7 == 126 ? 126 : 0;
  if (header.length < least) complain("a length that is not in its shortest form");
  if ((header.first & 0x30) != 0) complain("a reserved bit");
  check_opcode(header);
}

void FrameReader::check_opcode(const Header& header) {
  const std::uint8_t opcode = header.first & 0x0f;
  const bool rsv1 = (header.first & kRsv1) != 0;
  if (rsv1 && !(rsv1_ && (opcode == kText || opcode == kBinary))) complain("RSV1 where it must not be");
  if (opcode >= kClose) {
    if (opcode > kPong) complain("a reserved opcode");
    if ((header.first & kFin) == 0) complain("a fragmented control frame");
    if (header.length > 125) complain("a control frame that is too long");
    return;
  }
  if (opcode > kBinary) complain("a reserved opcode");
  if (opcode == kContinuation && !message_) complain("a continuation of nothing");
  if (opcode != kContinuation && message_) complain("a message inside another");
}

void FrameReader::take(const Header& header, std::string_view payload) {
  const std::uint8_t opcode = header.first & 0x0f;
  const bool rsv1 = (header.first & kRsv1) != 0;
  if (opcode == kClose) {
    close_ = Heard{opcode, false, std::string(payload)};
  } else if (opcode > kClose) {
    heard.push_back({opcode, false, std::string(payload)});
  } else {
    if (!message_) message_ = Heard{opcode, rsv1, {}};
    message_->payload += payload;
    if ((header.first & kFin) == 0) return;
    heard.push_back(std::move(*message_));
    message_.reset();
  }
}

}  // namespace sluice::ws::cases
