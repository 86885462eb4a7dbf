// The two system calls that carry all packets.
#include "tun/fd_device.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
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

ssize_t write_frame(int fd, const Frame& frame, std::vector<std::uint8_t>& scratch) {
  if (frame.body.size() >= kMaximumPieces) {
    flatten(frame, scratch);
    return ::write(fd, scratch.data(), scratch.size());
  }
  std::array<iovec, kMaximumPieces> pieces;
  int count = 0;
  pieces[0] = piece_of(frame.head);
  for (const Slice& slice : frame.body) pieces[static_cast<std::size_t>(++count)] = piece_of(slice.bytes());
  return ::writev(fd, pieces.data(), count + 1);
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
    case DeviceCounter::count: break;
  }
  return "";
}

FdDevice::FdDevice(Fd fd, std::size_t mtu, std::string name, std::size_t link_header)
    : fd_(std::move(fd)), mtu_(mtu), largest_frame_(mtu + link_header), name_(std::move(name)) {}

FdDevice::Read FdDevice::read_one() noexcept {
  if (spare_.empty()) spare_ = Packet::with_room(pool_, largest_frame_);
  ssize_t size = 0;
  do size = ::read(fd_.number(), spare_.bytes().data(), spare_.size());
  while (size < 0 && errno == EINTR);
  if (size > 0) {
    spare_.resize(static_cast<std::size_t>(size));
    return Read::packet;
  }
  if (size < 0 && errno == EAGAIN) return Read::nothing;
  counters_.add(DeviceCounter::read_errors);
  if (size == 0 || is_final(errno)) error_ = Errc::io_error;  // 0: the other end of a socket is gone
  return Read::nothing;
}

bool FdDevice::receive_batch(std::vector<Packet>& into) noexcept {
  for (std::size_t i = 0; i < kBatch; ++i) {
    if (read_one() == Read::nothing) return false;
    counters_.add(DeviceCounter::packets_in);
    counters_.add(DeviceCounter::bytes_in, spare_.size());
    into.push_back(std::exchange(spare_, Packet()));
  }
  return true;
}

bool FdDevice::accept(const Frame& frame) noexcept {
  const std::size_t size = frame.size();
  if (frame.gso_size != 0 || frame.checksum_partial || size > largest_frame_) {
    counters_.add(DeviceCounter::unsupported);
    return true;
  }
  ssize_t written = 0;
  do written = write_frame(fd_.number(), frame, flat_);
  while (written < 0 && errno == EINTR);
  if (written < 0) return on_write_error(errno);
  counters_.add(DeviceCounter::packets_out);
  counters_.add(DeviceCounter::bytes_out, size);
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
