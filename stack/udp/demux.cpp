// A hash table probed from the most specific key to the least; see demux.hpp.
#include "stack/udp/demux.hpp"

#include <array>
#include <utility>

namespace sluice::udp {
namespace {

/// What stands for "any remote end" in the table.
const Endpoint kAnyone{};

}  // namespace

std::size_t Demux::PairHash::operator()(const FourTuple& pair) const noexcept {
  std::array<std::uint8_t, 36> input{};
  ByteWriter writer(input);
  writer.bytes(pair.local.address.bytes());
  writer.u16(pair.local.port);
  writer.bytes(pair.remote.address.bytes());
  writer.u16(pair.remote.port);
  return static_cast<std::size_t>(hash(writer.written()));
}

Demux::Demux(const Key& key, const ip::Shard& shard)
    : shard_(shard), table_(0, PairHash{KeyedHash(key, KeyUse::hash_table)}), port_hash_(key, KeyUse::ephemeral_port) {}

FourTuple Demux::pair_of(const BoundSocket& socket) noexcept { return {socket.local, socket.remote.value_or(kAnyone)}; }

BoundSocket* Demux::lookup(const FourTuple& pair) const noexcept {
  const auto found = table_.find(pair);
  return found == table_.end() ? nullptr : found->second;
}

bool Demux::is_free(const Endpoint& local, const Options& options) const noexcept {
  const auto shares = [&](const BoundSocket& other) { return options.share_port && other.options.share_port; };
  const BoundSocket* const same = lookup({local, kAnyone});
  if (same && !shares(*same)) return false;
  if (!local.address.is_unspecified()) return true;
  const bool v4 = local.address.is_v4();
  const BoundSocket* const other = lookup({{IpAddress::any(v4 ? Family::ipv6 : Family::ipv4), local.port}, kAnyone});
  if (!other || shares(*other)) return true;
  return v4 ? !other->options.dual_stack : !options.dual_stack;
}

// Of sockets that share their endpoints the latest stands in the table, and the others in its row behind it.
void Demux::add(BoundSocket& socket) {
  BoundSocket*& first = table_[pair_of(socket)];
  socket.sharing = std::exchange(first, &socket);
  ++port_users_[socket.local.port];
  connected_ += socket.remote.has_value();
}

void Demux::remove(BoundSocket& socket) noexcept {
  const auto place = table_.find(pair_of(socket));
  BoundSocket** link = &place->second;
  while (*link != &socket) link = &(*link)->sharing;
  *link = std::exchange(socket.sharing, nullptr);
  if (!place->second) table_.erase(place);
  const auto users = port_users_.find(socket.local.port);
  if (--users->second == 0) port_users_.erase(users);
  connected_ -= socket.remote.has_value();
}

BoundSocket* Demux::find(const FourTuple& pair) const noexcept {
  if (connected_ > 0)
    if (BoundSocket* const socket = lookup(pair)) return socket;
  if (BoundSocket* const socket = lookup({pair.local, kAnyone})) return socket;
  if (pair.local.address.is_v4())
    if (BoundSocket* const socket = lookup({{IpAddress::any(Family::ipv4), pair.local.port}, kAnyone})) return socket;
  BoundSocket* const socket = lookup({{IpAddress::any(Family::ipv6), pair.local.port}, kAnyone});
  return socket && (pair.local.address.is_v6() || socket->options.dual_stack) ? socket : nullptr;
}

// RFC 6056 3.3.3's keyed hash with the counter among its inputs (3.3.2's redraw), so that the last port says nothing
// about the next; then every port in turn, so that exhaustion is certain before it is reported [R6056-3.3-4].
std::optional<std::uint16_t> Demux::pick_port(const IpAddress& local) {
  constexpr std::uint32_t kPorts = kLastEphemeral - kFirstEphemeral + 1;
  const int draws = 8 * shard_.count();
  std::uint32_t offset = 0;
  for (int i = 0; i < draws; ++i) {
    std::array<std::uint8_t, 24> input{};
    ByteWriter writer(input);
    writer.bytes(local.bytes());
    writer.u64(draws_++);
    offset = static_cast<std::uint32_t>(port_hash_(writer.written()) % kPorts);
    if (may_pick(static_cast<std::uint16_t>(kFirstEphemeral + offset)))
      return static_cast<std::uint16_t>(kFirstEphemeral + offset);
  }
  for (std::uint32_t i = 1; i < kPorts; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirstEphemeral + (offset + i) % kPorts);
    if (may_pick(port)) return port;
  }
  return std::nullopt;
}

}  // namespace sluice::udp
