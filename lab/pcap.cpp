// File header of 24 bytes, then records of 16 bytes and the packet.
#include "lab/pcap.hpp"

#include <fmt/format.h>

#include "lab/pcap_bytes.hpp"

namespace sluice::lab {
namespace {

constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr std::uint32_t kNanoseconds = 0xa1b23c4d;
constexpr std::size_t kFileHeader = 24;
constexpr std::size_t kRecordHeader = 16;

bool is_magic(std::uint32_t number) noexcept { return number == kMicroseconds || number == kNanoseconds; }

/// Some systems write their own DLT_RAW instead of LINKTYPE_RAW.
LinkType link_of(std::uint32_t field) noexcept {
  const auto type = static_cast<std::uint16_t>(field);  // the upper bits tell of frame check sequences
  return type == 12 || type == 14 ? LinkType::raw : static_cast<LinkType>(type);
}

}  // namespace

bool PcapReader::recognizes(Bytes file) noexcept {
  const std::uint32_t big = ByteReader(file).u32();
  return is_magic(big) || is_magic(__builtin_bswap32(big));
}

PcapReader::PcapReader(Bytes file) : file_(file) {
  const std::uint32_t big = ByteReader(file).u32();
  little_ = !is_magic(big);
  nanoseconds_ = (little_ ? __builtin_bswap32(big) : big) == kNanoseconds;
  EndianReader reader(file, little_);
  reader.skip(4);
  const std::uint16_t major = reader.u16();
  reader.skip(2 + 4 + 4 + 4);  // minor, time zone, accuracy, snapshot length
  link_ = link_of(reader.u32());
  position_ = kFileHeader;
  if (!recognizes(file))
    error_ = "this is not a pcap file";
  else if (!reader.ok())
    error_ = "the pcap file ends within its header";
  else if (major != 2)
    error_ = fmt::format("this is pcap version {}, only version 2 is known", major);
}

std::optional<CapturedPacket> PcapReader::next() {
  if (!error_.empty() || position_ == file_.size()) return std::nullopt;
  EndianReader reader(file_.subspan(position_), little_);
  const std::chrono::seconds seconds(reader.u32());
  const std::uint32_t fraction = reader.u32();
  const std::uint32_t size = reader.u32();
  const std::uint32_t original = reader.u32();
  const Bytes bytes = reader.take(size);
  if (!reader.ok()) {
    error_ = fmt::format("the pcap file ends within the packet at byte {}", position_);
    return std::nullopt;
  }
  position_ += kRecordHeader + size;
  CapturedPacket packet;
  packet.time = seconds + std::chrono::nanoseconds(std::uint64_t{fraction} * (nanoseconds_ ? 1 : 1000));
  packet.link = link_;
  packet.bytes = bytes;
  packet.original_size = original;
  return packet;
}

}  // namespace sluice::lab
