// Reassembly by sorted pieces; see reassembly.hpp.
#include "stack/ip/reassembly.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "stack/base/checksum.hpp"
#include "stack/wire/ipv6.hpp"

namespace sluice::ip {
namespace {

/// What a piece costs besides its text.
constexpr std::size_t kPieceOverhead = 64;

/// Keeping the packet itself would pin more than twice the memory that it needs.
bool is_roomy(const Packet& packet) noexcept { return packet.size() <= packet.footprint() / 2; }

unsigned bit_of(Ecn ecn) noexcept { return 1u << static_cast<unsigned>(ecn); }

/// RFC 3168 5.3: congestion that one fragment met, the datagram met; but a mark beside "not capable" is a forgery.
bool ecn_is_possible(unsigned seen) noexcept { return !(seen & bit_of(Ecn::ce)) || !(seen & bit_of(Ecn::not_ect)); }

void mark_congestion(MutableBytes packet, bool v4) noexcept {
  packet[1] = static_cast<std::uint8_t>(packet[1] | (v4 ? 0x03 : 0x30));
}

/// IPv4: the length, no fragment any more, a fresh checksum.
void mend_v4(MutableBytes packet, std::size_t header_size) noexcept {
  ByteWriter(packet.subspan(2)).u16(static_cast<std::uint16_t>(packet.size()));
  ByteWriter(packet.subspan(6)).u16(0);
  ByteWriter(packet.subspan(10)).u16(0);
  const std::uint16_t checksum = internet_checksum(packet.first(header_size));
  ByteWriter(packet.subspan(10)).u16(checksum);
}

/// IPv6: the length, and the next header that the fragment header had named (RFC 8200 4.5).
void mend_v6(MutableBytes packet, std::size_t named_at, std::uint8_t next_header) noexcept {
  ByteWriter(packet.subspan(4)).u16(static_cast<std::uint16_t>(packet.size() - wire::ipv6::kHeaderSize));
  packet[named_at] = next_header;
}

}  // namespace

std::size_t Reassembly::IdHash::operator()(const Id& id) const noexcept {
  std::array<std::uint8_t, 37> input{};
  ByteWriter writer(input);
  writer.bytes(id.source.bytes());
  writer.bytes(id.destination.bytes());
  writer.u32(id.identification);
  writer.u8(id.protocol);
  return static_cast<std::size_t>(hash(writer.written()));
}

Reassembly::Reassembly(std::size_t limit, Duration timeout, const Key& key, Budget& parent, DropLog<Counter>& log)
    : timeout_(timeout), budget_(limit, &parent), log_(log), partials_(0, IdHash{KeyedHash(key, KeyUse::hash_table)}) {}

Reassembly::~Reassembly() { budget_.release(budget_.used()); }

std::optional<Packet> Reassembly::add(Fragment fragment, Time now) {
  assert(fragment.text_size() > 0);
  Partial* const partial = find_or_make(fragment, now);
  if (!partial || !fits(*partial, fragment, now)) return std::nullopt;
  const std::size_t memory = is_roomy(fragment.packet) ? fragment.packet.size() : fragment.packet.footprint();
  if (!charge(*partial, memory + kPieceOverhead, now)) return std::nullopt;
  keep(*partial, fragment);
  if (partial->total == 0 || partial->held < partial->total) return std::nullopt;
  return assemble(*partial, now);
}

Reassembly::Partial* Reassembly::find_or_make(const Fragment& fragment, Time now) {
  const bool v4 = fragment.source.is_v4();
  const Id id{fragment.source, fragment.destination, fragment.identification, v4 ? fragment.protocol : std::uint8_t{0}};
  if (const auto found = partials_.find(id); found != partials_.end()) return &found->second;
  if (partials_.size() == kMaximumDatagrams) {
    log_.drop(Counter::drop_reassembly_evicted, now);
    forget(*timers_.pop_due(kNever));
  }
  Partial& partial = partials_[id];
  partial.id = id;
  timers_.arm(partial, now + timeout_);
  if (charge(partial, sizeof(Table::value_type) + kPieceOverhead, now)) return &partial;
  return nullptr;
}

/// Makes room by dropping the oldest; false when that was `partial` itself, which is gone then.
bool Reassembly::charge(Partial& partial, std::size_t bytes, Time now) {
  while (!budget_.charge(bytes)) {
    Partial* const oldest = timers_.pop_due(kNever);
    const bool own = oldest == &partial;
    log_.drop(own ? Counter::drop_fragment_limit : Counter::drop_reassembly_evicted, now);
    forget(*oldest);
    if (own) return false;
  }
  partial.charge += bytes;
  return true;
}

/// Whether the fragment is news that agrees with what is there.
bool Reassembly::fits(Partial& partial, const Fragment& fragment, Time now) {
  const auto refuse = [&](Counter reason) {
    condemn(partial, reason, now);
    return false;
  };
  if (partial.condemned) {
    log_.drop(Counter::drop_fragment_overlap, now);
    return false;
  }
  const auto next = std::lower_bound(partial.pieces.begin(), partial.pieces.end(), fragment.offset,
                                     [](const Piece& piece, std::size_t offset) { return piece.offset < offset; });
  const Bytes text = std::as_const(fragment.packet).bytes().subspan(fragment.header_size);
  const bool same_place =
      next != partial.pieces.end() && next->offset == fragment.offset && next->end() == fragment.end();
  if (same_place && std::equal(text.begin(), text.end(), next->text.bytes().begin()) &&
      fragment.more == (fragment.end() != partial.total)) {
    log_.drop(Counter::drop_fragment_duplicate, now);
    return false;
  }
  const bool overlaps_next = next != partial.pieces.end() && next->offset < fragment.end();
  const bool overlaps_previous = next != partial.pieces.begin() && std::prev(next)->end() > fragment.offset;
  if (overlaps_next || overlaps_previous) return refuse(Counter::drop_fragment_overlap);
  // [R815-3-2]: one end only, and nothing behind it.
  const bool behind_end = partial.total != 0 && (fragment.end() > partial.total || !fragment.more);
  const bool end_inside = !fragment.more && !partial.pieces.empty() && partial.pieces.back().end() > fragment.end();
  if (behind_end || end_inside) return refuse(Counter::drop_fragment_overlap);
  if (partial.pieces.size() == kMaximumPieces) return refuse(Counter::drop_fragment_limit);
  if (!ecn_is_possible(partial.ecn_seen | bit_of(fragment.ecn))) return refuse(Counter::drop_fragment_ecn);
  return true;
}

void Reassembly::keep(Partial& partial, const Fragment& fragment) {
  const Packet& packet = fragment.packet;
  const Slice whole = is_roomy(packet) ? Slice::copy_of(packet.bytes()) : packet.part(0, packet.size());
  Piece piece{fragment.offset, whole.part(fragment.header_size, fragment.text_size())};
  partial.held += piece.text.size();
  partial.ecn_seen = static_cast<std::uint8_t>(partial.ecn_seen | bit_of(fragment.ecn));
  if (!fragment.more) partial.total = fragment.end();
  if (fragment.offset == 0) {
    partial.first = whole;
    partial.prefix_size = fragment.prefix_size;
    partial.named_at = fragment.named_at;
    partial.protocol = fragment.protocol;
  }
  const auto at = std::upper_bound(partial.pieces.begin(), partial.pieces.end(), piece.offset,
                                   [](std::size_t offset, const Piece& other) { return offset < other.offset; });
  partial.pieces.insert(at, std::move(piece));
}

std::optional<Packet> Reassembly::assemble(Partial& partial, Time now) {
  const bool v4 = partial.id.source.is_v4();
  const std::size_t size = partial.prefix_size + partial.total;
  const bool too_long = v4 ? size > kMaximumLength : size - wire::ipv6::kHeaderSize > kMaximumLength;
  std::optional<Packet> packet;
  if (too_long) {
    log_.drop(Counter::drop_fragment_too_long, now);
  } else {
    packet.emplace(Slice(Buffer::allocate(Packet::kHeadroom + size), Packet::kHeadroom, size));
    ByteWriter writer(packet->bytes());
    writer.bytes(partial.first.bytes().first(partial.prefix_size));
    for (const Piece& piece : partial.pieces) writer.bytes(piece.text.bytes());
    if (partial.ecn_seen & bit_of(Ecn::ce)) mark_congestion(packet->bytes(), v4);
    if (v4)
      mend_v4(packet->bytes(), partial.prefix_size);
    else
      mend_v6(packet->bytes(), partial.named_at, partial.protocol);
    log_.add(Counter::datagrams_reassembled);
  }
  timers_.remove(partial);
  forget(partial);
  return packet;
}

/// Drops what is held and remembers only that later fragments must go too, until the time is over.
void Reassembly::condemn(Partial& partial, Counter reason, Time now) noexcept {
  log_.drop(reason, now);
  const std::size_t kept = sizeof(Table::value_type) + kPieceOverhead;
  budget_.release(partial.charge - kept);
  partial.charge = kept;
  partial.condemned = true;
  partial.pieces = {};
  partial.first = {};
}

/// REQUIRES that it is out of the timer queue.
void Reassembly::forget(Partial& partial) noexcept {
  budget_.release(partial.charge);
  partials_.erase(Id(partial.id));
}

std::optional<Slice> Reassembly::expire_one(Time now) {
  Partial* const partial = timers_.pop_due(now);
  if (!partial) return std::nullopt;
  log_.drop(Counter::drop_reassembly_timeout, now);
  Slice first = std::move(partial->first);
  forget(*partial);
  return first;
}

}  // namespace sluice::ip
