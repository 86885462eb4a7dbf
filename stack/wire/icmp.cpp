// ICMP headers from and to bytes; see icmp.hpp.
#include "stack/wire/icmp.hpp"

namespace sluice::wire::icmp {

std::optional<Header> parse(Bytes message) noexcept {
  ByteReader reader(message);
  Header header;
  header.type = reader.u8();
  header.code = reader.u8();
  header.checksum = reader.u16();
  header.rest = reader.u32();
  return reader.ok() ? std::optional(header) : std::nullopt;
}

std::size_t write(MutableBytes room, const Header& header) noexcept {
  ByteWriter writer(room);
  writer.u8(header.type);
  writer.u8(header.code);
  writer.u16(header.checksum);
  writer.u32(header.rest);
  return writer.used();
}

bool is_error(std::uint8_t type) noexcept {
  const bool router_discovery = type == 9 || type == 10;
  const bool old_query = type >= 13 && type <= 18;  // timestamp, information, address mask
  return !(type == kEchoReply || type == kEchoRequest || router_discovery || old_query);
}

}  // namespace sluice::wire::icmp
