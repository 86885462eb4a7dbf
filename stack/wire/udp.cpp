// UDP headers from and to bytes; see udp.hpp.
#include "stack/wire/udp.hpp"

#include "stack/wire/pseudo_header.hpp"

namespace sluice::wire::udp {
namespace {

constexpr std::uint8_t kProtocol = 17;

}  // namespace

Parsed<Header, Fault> parse(Bytes payload) noexcept {
  ByteReader reader(payload);
  Header header;
  header.source_port = reader.u16();
  header.destination_port = reader.u16();
  header.length = reader.u16();
  header.checksum = reader.u16();
  if (!reader.ok()) return Fault::truncated;
  if (header.length < kHeaderSize || header.length > payload.size()) return Fault::bad_length;
  return header;
}

std::size_t write(MutableBytes room, const Header& header, const IpAddress& source, const IpAddress& destination,
                  Bytes text) noexcept {
  Header whole = header;
  whole.length = static_cast<std::uint16_t>(kHeaderSize + text.size());
  whole.checksum = 0;
  write(room, whole);
  ChecksumSum sum = pseudo_header(source, destination, kProtocol, whole.length);
  sum.add(room.first(kHeaderSize));
  sum.add(text);
  whole.checksum = sum.checksum() != 0 ? sum.checksum() : std::uint16_t{0xffff};  // [R768-3]
  return write(room, whole);
}

std::size_t write(MutableBytes room, const Header& header) noexcept {
  ByteWriter writer(room);
  writer.u16(header.source_port);
  writer.u16(header.destination_port);
  writer.u16(header.length);
  writer.u16(header.checksum);
  return writer.used();
}

}  // namespace sluice::wire::udp
