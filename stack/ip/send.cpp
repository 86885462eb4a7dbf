// Datagrams on their way out: headers, and fragments where they must be.
#include <array>
#include <cassert>

#include "stack/ip/layer_state.hpp"

namespace sluice::ip {
namespace {

constexpr std::size_t kFragmentHead = kMaximumHeader + wire::ipv6::FragmentHeader::kSize;

/// The largest packet that a header can describe.
std::size_t largest_packet(Family family) noexcept {
  return family == Family::ipv4 ? kMaximumLength : header_size(Family::ipv6) + kMaximumLength;
}

/// A payload in pieces, handed out in runs of a given size without a copy.
class PayloadCursor {
 public:
  static constexpr std::size_t kMaximumPieces = 8;

  PayloadCursor(Bytes transport, std::span<const Slice> body) {
    pieces_[0] = Slice::copy_of(transport);
    if (body.size() < kMaximumPieces)
      std::copy(body.begin(), body.end(), pieces_.begin() + 1);
    else
      pieces_[1] = Frame{.head = {}, .body = body}.copy();
  }

  /// The next `size` bytes. The answer is valid until the next call.
  std::span<const Slice> take(std::size_t size) {
    std::size_t count = 0;
    while (size > 0) {
      Slice& piece = pieces_[at_];
      const std::size_t part = std::min(size, piece.size());
      if (part > 0) run_[count++] = piece.part(0, part);
      piece.remove_front(part);
      size -= part;
      if (piece.empty()) ++at_;
    }
    return {run_.data(), count};
  }

 private:
  std::array<Slice, kMaximumPieces> pieces_;
  std::array<Slice, kMaximumPieces> run_;
  std::size_t at_ = 0;
};

struct Cut {
  std::size_t offset = 0;
  std::size_t size = 0;
  bool more = false;
};

/// Writes the headers of one fragment; answers their size.
std::size_t write_fragment_head(MutableBytes head, const HeaderFields& fields, const Cut& cut,
                                std::uint32_t identification) noexcept {
  const auto protocol = static_cast<std::uint8_t>(fields.protocol);
  if (fields.source.is_v4())
    return wire::ipv4::write(head, {.source = fields.source,
                                    .destination = fields.destination,
                                    .protocol = protocol,
                                    .hop_limit = fields.hop_limit,
                                    .dscp = fields.dscp,
                                    .ecn = fields.ecn,
                                    .identification = static_cast<std::uint16_t>(identification),
                                    .more_fragments = cut.more,
                                    .fragment_offset = static_cast<std::uint16_t>(cut.offset),
                                    .total_length = static_cast<std::uint16_t>(wire::ipv4::kMinimumHeader + cut.size)});
  HeaderFields outer = fields;
  outer.protocol = static_cast<Protocol>(wire::ipv6::kFragment);
  outer.payload_size = wire::ipv6::FragmentHeader::kSize + cut.size;
  const std::size_t at = write_header(head, outer);
  return at + wire::ipv6::write(head.subspan(at), {.next_header = protocol,
                                                   .offset = static_cast<std::uint16_t>(cut.offset),
                                                   .more = cut.more,
                                                   .identification = identification});
}

}  // namespace

std::size_t write_header(MutableBytes room, const HeaderFields& fields) noexcept {
  assert(fields.hop_limit != 0);  // [R1122-3.2.1.7-1]
  assert(fields.source.family() == fields.destination.family());
  if (fields.source.is_v6())
    return wire::ipv6::write(room, {.source = fields.source,
                                    .destination = fields.destination,
                                    .next_header = static_cast<std::uint8_t>(fields.protocol),
                                    .hop_limit = fields.hop_limit,
                                    .dscp = fields.dscp,
                                    .ecn = fields.ecn,
                                    .payload_length = static_cast<std::uint16_t>(fields.payload_size)});
  return wire::ipv4::write(
      room, {.source = fields.source,
             .destination = fields.destination,
             .protocol = static_cast<std::uint8_t>(fields.protocol),
             .hop_limit = fields.hop_limit,
             .dscp = fields.dscp,
             .ecn = fields.ecn,
             .identification = fields.identification,
             .dont_fragment = fields.dont_fragment,
             .total_length = static_cast<std::uint16_t>(wire::ipv4::kMinimumHeader + fields.payload_size)});
}

Result<void> Layer::State::send_fragments(const HeaderFields& fields, Bytes transport, std::span<const Slice> body,
                                          FrameSink& sink) {
  const bool v4 = fields.source.is_v4();
  const std::size_t heads = v4 ? wire::ipv4::kMinimumHeader : kFragmentHead;
  const std::size_t unit = (layer.path_mtu(fields.destination, fields.source) - heads) / 8 * 8;
  const std::uint32_t identification =
      v4 && fields.identification ? fields.identification : identifications.next(fields.destination);
  PayloadCursor payload(transport, body);
  for (Cut cut; cut.offset < fields.payload_size; cut.offset += cut.size) {
    cut.size = std::min(unit, fields.payload_size - cut.offset);
    cut.more = cut.offset + cut.size < fields.payload_size;
    std::array<std::uint8_t, kFragmentHead> head;
    const std::size_t size = write_fragment_head(head, fields, cut, identification);
    const Frame frame{.head = Bytes(head).first(size),
                      .body = payload.take(cut.size),
                      .transport_offset = static_cast<std::uint16_t>(size)};
    if (!sink.accept(frame)) {
      if (cut.offset == 0) return Errc::would_block;
      // The first ones are gone: the rest follows as soon as the device has room.
      if (!outbox.push(frame)) log.add(Counter::drop_outbox_full);
    }
    log.add(Counter::fragments_out);
  }
  return {};
}

Result<void> Layer::send(const HeaderFields& fields, MutableBytes head, std::span<const Slice> body, FrameSink& sink,
                         Time) {
  const std::size_t ip_header = header_size(fields.source.family());
  const Frame frame{.head = head, .body = body, .transport_offset = static_cast<std::uint16_t>(ip_header)};
  const std::size_t size = frame.size();
  assert(size == ip_header + fields.payload_size);
  const bool too_large = size > path_mtu(fields.destination, fields.source);
  if (size > largest_packet(fields.source.family()) || (too_large && fields.dont_fragment)) {
    state_->log.add(Counter::send_too_large);  // [R791-3.2-4]
    return Errc::message_too_large;
  }
  Result<void> sent;
  if (too_large) {
    sent = state_->send_fragments(fields, head.subspan(ip_header), body, sink);
  } else {
    HeaderFields whole = fields;
    if (below_floor(fields.destination)) whole.dont_fragment = false;
    // A router may cut it, so it needs a name [R6864-4.3-1].
    if (!whole.dont_fragment && whole.identification == 0 && fields.source.is_v4())
      whole.identification = next_identification(fields.destination);
    write_header(head, whole);
    if (!sink.accept(frame)) sent = Errc::would_block;
  }
  if (sent) state_->log.add(Counter::packets_out);
  return sent;
}

}  // namespace sluice::ip
