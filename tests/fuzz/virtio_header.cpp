// Any header before any packet: what a device with offloads may say. Nothing is read out of bounds, a faulty packet is
// left alone, and what a super-segment is said to stand for is what cutting it in software gives.
// Input: 10 bytes of header, then the packet.
#include <algorithm>

#include "tests/fuzz/ip_input.hpp"
#include "tun/segmentation.hpp"
#include "tun/virtio_header.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using fuzz::require;
  if (size < tun::VirtioHeader::kSize || size > 70'000) return 0;
  tun::VirtioBytes head;
  std::copy_n(data, head.size(), head.begin());
  const tun::VirtioHeader header = tun::read_virtio_header(head);
  require(tun::write_virtio_header(header) == head);

  const Bytes bytes(data + head.size(), size - head.size());
  BufferPool pool;
  Packet packet = Packet::copy_of(pool, bytes);
  const tun::VirtioFault fault = tun::apply(header, packet);
  if (fault != tun::VirtioFault::none) {
    require(std::ranges::equal(std::as_const(packet).bytes(), bytes));
    require(packet.gso_size == 0 && packet.segment_count == 1 && !packet.checksum_known_good);
    return 0;
  }
  require((packet.segment_count > 1) == (packet.gso_size != 0));

  tun::Segments segments(std::as_const(packet).bytes(), packet.gso_size);
  std::size_t count = 0;
  for (Bytes piece = segments.next(); !piece.empty(); piece = segments.next()) {
    require(piece.size() <= std::max<std::size_t>(packet.size(), 1));
    ++count;
  }
  const bool whole = count == 1;  // its lengths disagree with what arrived
  require(packet.empty() ? count == 0 : whole || count == packet.segment_count);
  return 0;
}
