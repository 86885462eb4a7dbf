// UDP headers from and to bytes; see udp.hpp.
#include "stack/wire/udp.hpp"

namespace sluice::wire::udp {

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

std::size_t write(MutableBytes room, const Header& header) noexcept {
  ByteWriter writer(room);
  writer.u16(header.source_port);
  writer.u16(header.destination_port);
  writer.u16(header.length);
  writer.u16(header.checksum);
  return writer.used();
}

}  // namespace sluice::wire::udp
