// Section header, interface description and enhanced packet blocks.
#include <algorithm>
#include <initializer_list>
#include <string>

#include "lab/pcapng.hpp"
#include "lab/pcapng_format.hpp"

namespace sluice::lab {
namespace {

using Out = std::vector<std::uint8_t>;

void put(Out& out, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
void put_u16(Out& out, std::uint64_t value) { put(out, value, 2); }
void put_u32(Out& out, std::uint64_t value) { put(out, value, 4); }

void put_bytes(Out& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void pad(Out& out) { out.resize((out.size() + 3) / 4 * 4); }

void put_option(Out& out, std::uint16_t code, Bytes value) {
  value = value.first(std::min<std::size_t>(value.size(), 0xffff));
  put_u16(out, code);
  put_u16(out, value.size());
  put_bytes(out, value);
  pad(out);
}

/// A block whose lengths are written when it ends.
class OpenBlock {
 public:
  OpenBlock(Out& out, std::uint32_t type) : out_(out), begin_(out.size()) {
    put_u32(out, type);
    put_u32(out, 0);
  }
  ~OpenBlock() {
    const std::size_t size = out_.size() + 4 - begin_;
    put_u32(out_, size);
    for (std::size_t i = 0; i < 4; ++i) out_[begin_ + 4 + i] = static_cast<std::uint8_t>(size >> 8 * i);
  }
  OpenBlock(const OpenBlock&) = delete;
  OpenBlock& operator=(const OpenBlock&) = delete;

 private:
  Out& out_;
  std::size_t begin_;
};

void put_section(Out& out) {
  const OpenBlock block(out, pcapng::kSectionHeader);
  put_u32(out, pcapng::kByteOrder);
  put_u16(out, 1);
  put_u16(out, 0);
  put(out, ~std::uint64_t{0}, 8);  // the section's length is not known
  put_option(out, pcapng::kApplication, as_bytes("sluice"));
  put_option(out, pcapng::kEndOfOptions, {});
}

void put_interface(Out& out, LinkType link, std::string_view name, std::size_t snap) {
  const OpenBlock block(out, pcapng::kInterface);
  put_u16(out, static_cast<std::uint16_t>(link));
  put_u16(out, 0);
  put_u32(out, snap);
  const std::uint8_t nanoseconds = 9;
  put_option(out, pcapng::kInterfaceName, as_bytes(name));
  put_option(out, pcapng::kTimeResolution, Bytes(&nanoseconds, 1));
  put_option(out, pcapng::kEndOfOptions, {});
}

}  // namespace

PcapngWriter::PcapngWriter(LinkType link, std::string_view interface_name, std::size_t snap, unsigned interfaces)
    : snap_(snap) {
  put_section(bytes_);
  if (interfaces == 1) put_interface(bytes_, link, interface_name, snap);
  for (unsigned i = 0; interfaces > 1 && i < interfaces; ++i)
    put_interface(bytes_, link, std::string(interface_name) + "." + std::to_string(i), snap);
}

void PcapngWriter::add(const Note& note, Gather pieces) {
  const std::size_t original = gather_size(pieces);
  std::size_t left = std::min(original, snap_);
  const auto time = static_cast<std::uint64_t>(note.time.count());
  const OpenBlock block(bytes_, pcapng::kEnhancedPacket);
  put_u32(bytes_, note.interface);
  put_u32(bytes_, time >> 32);
  put_u32(bytes_, time & 0xffffffff);
  put_u32(bytes_, left);
  put_u32(bytes_, original);
  for (Bytes piece : pieces) {
    const Bytes kept = piece.first(std::min(piece.size(), left));
    put_bytes(bytes_, kept);
    left -= kept.size();
  }
  pad(bytes_);
  if (note.direction == Direction::unknown && note.comment.empty()) return;
  if (!note.comment.empty()) put_option(bytes_, pcapng::kComment, as_bytes(note.comment));
  const std::array<std::uint8_t, 4> flags = {static_cast<std::uint8_t>(note.direction), 0, 0, 0};
  if (note.direction != Direction::unknown) put_option(bytes_, pcapng::kPacketFlags, flags);
  put_option(bytes_, pcapng::kEndOfOptions, {});
}

}  // namespace sluice::lab
