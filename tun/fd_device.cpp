// The two system calls that carry all packets.
#include "tun/fd_device.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::tun {
namespace {

/// A frame of more pieces than this is copied together first.
constexpr std::size_t kMaximumPieces = 64;

iovec piece_of(Bytes bytes) noexcept { return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()}; }

void flatten(const Frame& frame, std::vector<std::uint8_t>& into) {
  into.assign(frame.head.begin(), frame.head.end());
  for (const Slice& slice : frame.body) into.insert(into.end(), slice.bytes().begin(), slice.bytes().end());
}

/// The longest packet that an IPv6 header can speak of, without jumbograms.
constexpr std::size_t kLargestPacket = 40 + 65535;
/// What a packet leaves of the pool's smallest and middle blocks.
constexpr std::size_t kSmallRoom = BufferPool::kClasses[0] - Packet::kHeadroom;
constexpr std::size_t kMiddleRoom = BufferPool::kClasses[1] - Packet::kHeadroom;

DeviceCounter counter_of(VirtioFault fault) noexcept {
  switch (fault) {
    case VirtioFault::gso_type: return DeviceCounter::drop_gso_type;
    case VirtioFault::gso_size: return DeviceCounter::drop_gso_size;
    case VirtioFault::header_length: return DeviceCounter::drop_header_length;
    case VirtioFault::checksum_place:
    case VirtioFault::none: break;
  }
  return DeviceCounter::drop_checksum_place;
}

/// The interface is gone, not merely down or short of memory.
bool is_final(int error) noexcept { return error == EBADFD || error == EBADF || error == EFAULT || error == ENODEV; }

}  // namespace

std::string_view name(DeviceCounter counter) noexcept {
  switch (counter) {
    case DeviceCounter::packets_in: return "packets_in";
    case DeviceCounter::bytes_in: return "bytes_in";
    case DeviceCounter::packets_out: return "packets_out";
    case DeviceCounter::bytes_out: return "bytes_out";
    case DeviceCounter::full: return "full";
    case DeviceCounter::read_errors: return "read_errors";
    case DeviceCounter::write_errors: return "write_errors";
    case DeviceCounter::unsupported: return "unsupported";
    case DeviceCounter::super_in: return "super_in";
    case DeviceCounter::super_out: return "super_out";
    case DeviceCounter::drop_truncated_header: return "drop_truncated_header";
    case DeviceCounter::drop_gso_type: return "drop_gso_type";
    case DeviceCounter::drop_gso_size: return "drop_gso_size";
    case DeviceCounter::drop_header_length: return "drop_header_length";
    case DeviceCounter::drop_checksum_place: return "drop_checksum_place";
    case DeviceCounter::count: break;
  }
  return "";
}

FdDevice::FdDevice(Fd fd, std::size_t mtu, std::string name, std::size_t link_header)
    : fd_(std::move(fd)), mtu_(mtu), largest_frame_(mtu + link_header), name_(std::move(name)) {}

FdDevice::FdDevice(Fd fd, std::size_t mtu, std::string name, const Offloads& granted)
    : FdDevice(std::move(fd), mtu, std::move(name)) {
  has_header_ = true;
  offloads_ = granted;
}

FdDevice::Read FdDevice::on_read_error(std::ptrdiff_t size) noexcept {
  if (size < 0 && errno == EAGAIN) return Read::nothing;
  counters_.add(DeviceCounter::read_errors);
  if (size == 0 || is_final(errno)) error_ = Errc::io_error;  // 0: the other end of a socket is gone
  return Read::nothing;
}

FdDevice::Read FdDevice::read_one() noexcept {
  if (has_header_) return read_with_header();
  if (spare_.empty()) spare_ = Packet::with_room(pool_, largest_frame_);
  ssize_t size = 0;
  do size = ::read(fd_.number(), spare_.bytes().data(), spare_.size());
  while (size < 0 && errno == EINTR);
  if (size <= 0) return on_read_error(size);
  read_ = std::exchange(spare_, Packet());
  read_.resize(static_cast<std::size_t>(size));
  return Read::packet;
}

/// The front of a packet goes into a small block and only what is left into a large one: most packets are small, and
/// stay where they are.
FdDevice::Read FdDevice::read_with_header() noexcept {
  if (spare_.empty()) spare_ = Packet::with_room(pool_, kSmallRoom);
  if (rest_.empty()) rest_ = Packet::with_room(pool_, kLargestPacket);
  VirtioBytes header{};
  const MutableBytes behind = rest_.bytes().subspan(kSmallRoom);
  std::array<iovec, 3> pieces = {
      {{header.data(), header.size()}, {spare_.bytes().data(), kSmallRoom}, {behind.data(), behind.size()}}};
  ssize_t size = 0;
  do size = ::readv(fd_.number(), pieces.data(), pieces.size());
  while (size < 0 && errno == EINTR);
  if (size <= 0) return on_read_error(size);
  if (static_cast<std::size_t>(size) < header.size()) {
    counters_.add(DeviceCounter::drop_truncated_header);
    return Read::dropped;
  }
  read_ = gathered(static_cast<std::size_t>(size) - header.size());
  return judge(read_virtio_header(header));
}

/// The packet of `size` bytes whose front is in spare_, in a block that it does not waste.
Packet FdDevice::gathered(std::size_t size) {
  if (size <= kSmallRoom) {
    Packet packet = std::exchange(spare_, Packet());
    packet.resize(size);
    return packet;
  }
  std::memcpy(rest_.bytes().data(), spare_.bytes().data(), kSmallRoom);
  if (size <= kMiddleRoom) return Packet::copy_of(pool_, rest_.bytes().first(size));
  Packet packet = std::exchange(rest_, Packet());
  packet.resize(size);
  return packet;
}

FdDevice::Read FdDevice::judge(const VirtioHeader& header) noexcept {
  if (const VirtioFault fault = apply(header, read_); fault != VirtioFault::none) {
    counters_.add(counter_of(fault));
    return Read::dropped;
  }
  if (read_.gso_size != 0) counters_.add(DeviceCounter::super_in);
  return Read::packet;
}

bool FdDevice::receive_batch(std::vector<Packet>& into) noexcept {
  for (std::size_t i = 0; i < kBatch; ++i) {
    const Read found = read_one();
    if (found == Read::nothing) return false;
    if (found == Read::dropped) continue;
    counters_.add(DeviceCounter::packets_in);
    counters_.add(DeviceCounter::bytes_in, read_.size());
    into.push_back(std::exchange(read_, Packet()));
  }
  return true;
}

/// Of a super-segment each piece must fit the MTU, and the whole an IP header's length.
bool FdDevice::fits(const Frame& frame, std::size_t size) const noexcept {
  if (frame.checksum_partial && !offloads_.checksum) return false;
  if (frame.gso_size == 0) return size <= largest_frame_;
  return size <= offloads_.maximum_frame && frame.head.size() + frame.gso_size <= largest_frame_;
}

bool FdDevice::accept(const Frame& frame) noexcept {
  const std::size_t size = frame.size();
  const auto header = has_header_ ? describe(frame) : std::optional(VirtioHeader());
  if (!header || !fits(frame, size)) {
    counters_.add(DeviceCounter::unsupported);
    return true;
  }
  const VirtioBytes before = write_virtio_header(*header);
  return write_frame(has_header_ ? Bytes(before) : Bytes(), frame, size);
}

/// `before`: what the device wants before the packet of `size` bytes.
bool FdDevice::write_frame(Bytes before, const Frame& frame, std::size_t size) noexcept {
  std::array<iovec, kMaximumPieces + 1> pieces;
  std::size_t count = 0;
  const auto add = [&](Bytes bytes) { pieces[count++] = piece_of(bytes); };
  if (!before.empty()) add(before);
  const bool flat = frame.body.size() >= kMaximumPieces;
  if (flat) flatten(frame, flat_);
  add(flat ? Bytes(flat_) : frame.head);
  const std::size_t lent = count;
  const std::span<const Slice> body = flat ? std::span<const Slice>() : frame.body;
  for (const Slice& slice : body) add(slice.bytes());
  return write_packet({.pieces = std::span(pieces).first(count),
                       .lent = lent,
                       .body = body,
                       .size = size,
                       .super = frame.gso_size != 0});
}

bool FdDevice::write_packet(const PacketOut& packet) noexcept {
  ssize_t written = 0;
  do written = ::writev(fd_.number(), packet.pieces.data(), static_cast<int>(packet.pieces.size()));
  while (written < 0 && errno == EINTR);
  if (written < 0) return on_write_error(errno);
  count_out(packet.size, packet.super);
  return true;
}

void FdDevice::count_out(std::size_t size, bool super) noexcept {
  counters_.add(DeviceCounter::packets_out);
  counters_.add(DeviceCounter::bytes_out, size);
  if (super) counters_.add(DeviceCounter::super_out);
}

bool FdDevice::on_write_error(int error) noexcept {
  if (error == EAGAIN || error == ENOBUFS) {
    counters_.add(DeviceCounter::full);
    full_ = true;
    return false;
  }
  counters_.add(DeviceCounter::write_errors);
  if (is_final(error)) error_ = Errc::io_error;
  return true;
}

}  // namespace sluice::tun
