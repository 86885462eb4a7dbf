// The two system calls that carry all packets.
#include "tun/fd_device.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
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
/// What the headroom leaves of the pool's middle blocks.
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
    case DeviceCounter::merged_in: return "merged_in";
    case DeviceCounter::super_in: return "super_in";
    case DeviceCounter::super_out: return "super_out";
    case DeviceCounter::cut_out: return "cut_out";
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
    : fd_(std::move(fd)), mtu_(mtu), largest_frame_(mtu + link_header), name_(std::move(name)) {
  if (link_header == 0) offloads_ = {.maximum_frame = 65535, .checksum = true, .udp = true, .software = true};
}

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

/// One buffer, always the same and so in the cache, takes whatever comes, and its header before it in the headroom. A
/// small packet leaves it as a copy: that costs less than a read in pieces.
FdDevice::Read FdDevice::read_with_header() noexcept {
  static_assert(VirtioHeader::kSize <= Packet::kHeadroom);
  if (rest_.empty()) rest_ = Packet::with_room(pool_, kLargestPacket);
  std::uint8_t* const begin = rest_.bytes().data() - VirtioHeader::kSize;
  ssize_t size = 0;
  do size = ::read(fd_.number(), begin, VirtioHeader::kSize + kLargestPacket);
  while (size < 0 && errno == EINTR);
  if (size <= 0) return on_read_error(size);
  if (static_cast<std::size_t>(size) < VirtioHeader::kSize) {
    counters_.add(DeviceCounter::drop_truncated_header);
    return Read::dropped;
  }
  VirtioBytes header;
  std::memcpy(header.data(), begin, header.size());
  read_ = taken(static_cast<std::size_t>(size) - header.size());
  return judge(read_virtio_header(header));
}

/// The first `size` bytes of rest_ as a packet, in a block that it does not waste.
Packet FdDevice::taken(std::size_t size) {
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

/// Whether the next packet's text has its place behind the open packet's.
bool FdDevice::may_join() const noexcept {
  return merge_.is_open() && !merge_.is_ended() && merge_.size() + largest_frame_ <= kLargestPacket;
}

/// Reads the next packet so that its text lies right if it continues the open one; its headers fall on that one's last
/// bytes, which are put back. (Two buffers would do without, and cost the kernel more.) If it does not continue it,
/// that one is done with.
FdDevice::Read FdDevice::read_behind(std::vector<Packet>& into) noexcept {
  if (rest_.empty()) rest_ = Packet::with_room(pool_, kLargestPacket);
  std::array<std::uint8_t, Merge::kHeadRoom> covered, front;
  const MutableBytes place = rest_.bytes().subspan(merge_.size() - merge_.head_size(), largest_frame_);
  std::memcpy(covered.data(), place.data(), merge_.head_size());
  ssize_t size = 0;
  do size = ::read(fd_.number(), place.data(), place.size());
  while (size < 0 && errno == EINTR);
  std::memcpy(front.data(), place.data(), merge_.head_size());
  std::memcpy(place.data(), covered.data(), merge_.head_size());
  if (size <= 0) return on_read_error(size);
  const std::size_t in_front = std::min(static_cast<std::size_t>(size), merge_.head_size());
  const Bytes head = Bytes(front).first(in_front),
              text = place.subspan(in_front, static_cast<std::size_t>(size) - in_front);
  if (merge_.join(head, text)) {
    if (merge_.count() == 2) std::memcpy(rest_.bytes().data(), std::as_const(open_).bytes().data(), open_.size());
    counters_.add(DeviceCounter::merged_in);
    counters_.add(DeviceCounter::packets_in);
    counters_.add(DeviceCounter::bytes_in, static_cast<std::size_t>(size));
    return Read::joined;
  }
  read_ = Packet::with_room(pool_, static_cast<std::size_t>(size));
  std::memcpy(read_.bytes().data(), head.data(), in_front);
  if (!text.empty()) std::memcpy(read_.bytes().data() + in_front, text.data(), text.size());
  close_merge(into);
  return Read::packet;
}

/// The open packet with all that joined it, in a block that it does not waste.
Packet FdDevice::merged() noexcept {
  Packet packet = taken(merge_.size());
  merge_.finish(packet);
  return packet;
}

void FdDevice::close_merge(std::vector<Packet>& into) noexcept {
  if (!merge_.is_open()) return;
  into.push_back(merge_.count() > 1 ? merged() : std::exchange(open_, Packet()));
  merge_.close();
  open_ = Packet();
}

/// Packets leave in the order in which they came: one that others may join is closed before the next begins.
bool FdDevice::receive_batch(std::vector<Packet>& into) noexcept {
  Read found = Read::packet;
  for (std::size_t i = 0; i < kBatch && found != Read::nothing; ++i) {
    const bool behind = may_join();
    if (!behind) close_merge(into);
    found = behind ? read_behind(into) : read_one();
    if (found != Read::packet) continue;
    counters_.add(DeviceCounter::packets_in);
    counters_.add(DeviceCounter::bytes_in, read_.size());
    if (offloads_.software && merge_.begin(std::as_const(read_).bytes())) {
      read_.checksum_known_good = true;
      open_ = std::exchange(read_, Packet());
    } else {
      into.push_back(std::exchange(read_, Packet()));
    }
  }
  close_merge(into);
  return found != Read::nothing;
}

/// Of a super-segment each piece must fit the MTU, and the whole an IP header's length.
bool FdDevice::fits(const Frame& frame, std::size_t size) const noexcept {
  if (frame.checksum_partial && !offloads_.checksum) return false;
  if (frame.gso_size == 0) return size <= largest_frame_;
  return size <= offloads_.maximum_frame && frame.head.size() + frame.gso_size <= largest_frame_;
}

/// What is left of a super-segment goes before anything else.
void FdDevice::begin_turn(Time) noexcept {
  full_ = false;
  (void)write_cut();
}

bool FdDevice::accept(const Frame& frame) noexcept {
  if (!write_cut()) return false;
  const std::size_t size = frame.size();
  if (!fits(frame, size)) {
    counters_.add(DeviceCounter::unsupported);
    return true;
  }
  const bool whole = !offloads_.software || (!frame.checksum_partial && frame.gso_size == 0);
  return whole ? accept_whole(frame, size) : accept_cut(frame);
}

bool FdDevice::accept_whole(const Frame& frame, std::size_t size) noexcept {
  const auto header = has_header_ ? describe(frame) : std::optional(VirtioHeader());
  if (!header) {
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

/// A frame of which one packet has left is taken, and the rest of it waits here.
bool FdDevice::accept_cut(const Frame& frame) noexcept {
  if (!cut_.begin(frame)) {
    counters_.add(DeviceCounter::unsupported);
    return true;
  }
  if (!write_cut()) {
    if (cut_.at_first()) {
      cut_.drop();
      return false;
    }
    cut_.keep();
  }
  if (frame.gso_size != 0) counters_.add(DeviceCounter::cut_out);
  return true;
}

/// Writes what is left of a super-segment. False: the device is full before all of it has left. A packet that the
/// kernel refuses is dropped.
bool FdDevice::write_cut() noexcept {
  for (; !cut_.done(); cut_.next()) {
    const std::span<const iovec> pieces = cut_.packet();
    // A packet of very many pieces has some that are together elsewhere.
    const std::size_t lent = pieces.size() == FrameCut::kMaximumPieces ? pieces.size() : 1;
    if (!write_packet({.pieces = pieces, .lent = lent, .body = cut_.text(), .size = cut_.packet_size()})) return false;
  }
  return true;
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
