// Packets of one flow, with changes anywhere in them: whatever is merged, cutting it gives the packets that came.
// Input: what is mended, the size of the first packet's headers and they themselves, the size of its text; then for
// each further packet, which follows the one before, what is mended and whether a byte is changed or the size.
#include "tun/merge.hpp"

#include "tests/fuzz/ip_input.hpp"
#include "tun/segmentation.hpp"

namespace {

using namespace sluice;
using fuzz::Octets;
using fuzz::require;

constexpr std::uint8_t kChanged = 8, kResized = 16;

/// The packet that a sender would send behind this one.
void follow(Octets& packet) {
  const auto place = tun::find_transport(packet);
  const std::size_t header = place && place->is_tcp() ? tun::transport_header_size(packet, *place) : 0;
  if (header == 0) return;
  const MutableBytes bytes(packet);
  const std::size_t text = packet.size() - place->offset - header;
  const std::uint32_t seq = ByteReader(Bytes(packet).subspan(place->offset + 4)).u32();
  ByteWriter(bytes.subspan(place->offset + 4)).u32(static_cast<std::uint32_t>(seq + text));
  if (packet[0] >> 4 == 4)
    fuzz::put16(packet, 4, static_cast<std::uint16_t>(ByteReader(Bytes(packet).subspan(4)).u16() + 1));
}

/// What a device does with merged packets, without the device.
class Run {
 public:
  void take(const Octets& packet) {
    const std::size_t front = std::min(packet.size(), merge_.head_size());
    const Bytes head = Bytes(packet).first(front), text = Bytes(packet).subspan(front);
    if (merge_.is_open() && merge_.join(head, text)) {
      whole_.insert(whole_.end(), text.begin(), text.end());
      parts_.push_back(packet);
      return;
    }
    close();
    if (!merge_.begin(packet)) return;
    whole_ = packet;
    parts_ = {packet};
  }

  void close() {
    if (!merge_.is_open()) return;
    require(merge_.size() == whole_.size() && merge_.count() == parts_.size() && whole_.size() <= 65535);
    Packet packet = Packet::copy_of(pool_, whole_);
    if (parts_.size() > 1) merge_.finish(packet);
    require(packet.segment_count == parts_.size());
    tun::Segments segments(std::as_const(packet).bytes(), packet.gso_size);
    for (const Octets& part : parts_) require(std::ranges::equal(segments.next(), part));
    require(segments.next().empty());
    merge_.close();
  }

 private:
  BufferPool pool_;
  tun::Merge merge_;
  Octets whole_;
  std::vector<Octets> parts_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  fuzz::Input input(data, size);
  const std::uint8_t first = input.u8();
  Octets packet = input.take(input.u8());
  packet.resize(packet.size() + input.u16() % 9000, 'x');
  fuzz::mend(packet, first);
  Run run;
  run.take(packet);
  for (int i = 0; i < 100 && !input.empty(); ++i) {
    const std::uint8_t what = input.u8();
    follow(packet);
    if (what & kResized) packet.resize(input.u16() % 9000, 'y');
    if ((what & kChanged) && !packet.empty()) {
      const std::size_t at = input.u16() % packet.size();
      packet[at] ^= input.u8();
    }
    fuzz::mend(packet, what);
    run.take(packet);
  }
  run.close();
  return 0;
}
