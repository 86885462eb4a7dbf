// Writes that complete while they are submitted. Neither the descriptor nor memory is registered with the ring: a TUN
// that a ring holds answers "busy" for a while after its process was killed.
#include "tun/uring_device.hpp"

#include <utility>

#include "tun/error.hpp"

#ifdef SLUICE_HAS_URING

#include <liburing.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace sluice::tun {
namespace {

/// One packet that waits, and then what the kernel said of it.
struct Slot {
  std::vector<std::uint8_t> front;  // a copy of what the frame lends
  std::vector<Slice> body;
  std::vector<iovec> pieces;
  std::size_t size = 0;  // of the IP packet, bytes
  bool super = false;
  int result = 0;  // bytes, or -errno

  void hold(const PacketOut& packet);
  void let_go() noexcept { body.clear(); }
};

void Slot::hold(const PacketOut& packet) {
  front.clear();
  for (const iovec& piece : packet.pieces.first(packet.lent)) {
    const auto* const bytes = static_cast<const std::uint8_t*>(piece.iov_base);
    front.insert(front.end(), bytes, bytes + piece.iov_len);
  }
  const auto kept = packet.pieces.subspan(packet.lent);
  pieces.assign(1, {front.data(), front.size()});
  pieces.insert(pieces.end(), kept.begin(), kept.end());
  body.assign(packet.body.begin(), packet.body.end());
  size = packet.size;
  super = packet.super;
}

class Ring {
 public:
  explicit Ring(unsigned entries) {
    const int error = io_uring_queue_init(entries, &ring_, IORING_SETUP_SUBMIT_ALL);
    if (error == -EINVAL)
      throw Error(Errc::not_supported, "the io_uring of this kernel is too old: Linux 5.18 or later is needed");
    if (error < 0) throw Error(Errc::not_supported, "the kernel gives no io_uring: " + errno_text(-error));
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { io_uring_queue_exit(&ring_); }

  /// REQUIRES fewer than `entries` since run().
  void prepare(int fd, Slot& slot) noexcept {
    io_uring_sqe* const request = io_uring_get_sqe(&ring_);
    // NOWAIT: the kernel answers at once, if need be with EAGAIN, and begins nothing that it finishes later.
    io_uring_prep_writev2(request, fd, slot.pieces.data(), static_cast<unsigned>(slot.pieces.size()), 0, RWF_NOWAIT);
    io_uring_sqe_set_data(request, &slot);
  }
  /// Submits what was prepared, `count` requests, and notes their results. False: the ring is of no use any more.
  bool run(unsigned count) noexcept {
    int error = io_uring_submit(&ring_);
    for (unsigned done = take_results(); done < count; done += take_results()) {
      if (error < 0 && error != -EINTR && error != -EAGAIN) return false;
      error = io_uring_submit_and_wait(&ring_, 1);
    }
    return true;
  }

 private:
  unsigned take_results() noexcept {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* entry = nullptr;
    io_uring_for_each_cqe(&ring_, head, entry) {
      static_cast<Slot*>(io_uring_cqe_get_data(entry))->result = entry->res;
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
    return count;
  }

  io_uring ring_{};
};

}  // namespace

struct UringDevice::Waiting {
  Waiting() : ring(kBatch) {
    unused.reserve(slots.size());
    in_order.reserve(slots.size());
    for (Slot& slot : slots) unused.push_back(&slot);
  }

  Ring ring;
  std::array<Slot, kBatch> slots;
  std::vector<Slot*> unused;
  std::vector<Slot*> in_order;  // those that hold a packet
};

bool UringDevice::write_packet(const PacketOut& packet) noexcept {
  if (waiting_->unused.empty()) flush();
  if (full() || waiting_->unused.empty()) return on_write_error(EAGAIN);
  Slot* const slot = waiting_->unused.back();
  waiting_->unused.pop_back();
  slot->hold(packet);
  waiting_->in_order.push_back(slot);
  return true;
}

void UringDevice::flush() noexcept {
  std::vector<Slot*>& in_order = waiting_->in_order;
  if (in_order.empty() || full()) return;
  for (Slot* const slot : in_order) {
    slot->result = -EIO;
    waiting_->ring.prepare(fd(), *slot);
  }
  if (!waiting_->ring.run(static_cast<unsigned>(in_order.size()))) fail();
  const auto left = [this](Slot* slot) {
    if (slot->result < 0 && !on_write_error(-slot->result)) return false;
    if (slot->result >= 0) count_out(slot->size, slot->super);
    slot->let_go();
    waiting_->unused.push_back(slot);
    return true;
  };
  in_order.erase(std::remove_if(in_order.begin(), in_order.end(), left), in_order.end());
}

}  // namespace sluice::tun

#else

namespace sluice::tun {

struct UringDevice::Waiting {
  Waiting() { throw Error(Errc::not_supported, "this build has no io_uring: liburing was missing when it was made"); }
};

bool UringDevice::write_packet(const PacketOut& packet) noexcept { return FdDevice::write_packet(packet); }
void UringDevice::flush() noexcept {}

}  // namespace sluice::tun

#endif

namespace sluice::tun {

UringDevice::UringDevice(Fd fd, std::size_t mtu, std::string name, std::size_t link_header)
    : FdDevice(std::move(fd), mtu, std::move(name), link_header), waiting_(std::make_unique<Waiting>()) {}

UringDevice::UringDevice(Fd fd, std::size_t mtu, std::string name, const Offloads& granted)
    : FdDevice(std::move(fd), mtu, std::move(name), granted), waiting_(std::make_unique<Waiting>()) {}

UringDevice::~UringDevice() = default;

}  // namespace sluice::tun
