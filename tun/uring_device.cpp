// Batches of reads and writes that complete while they are submitted: nothing is under way between two calls.
#include "tun/uring_device.hpp"

#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "tun/error.hpp"

namespace sluice::tun {
namespace {

constexpr unsigned kSlots = 64;
constexpr std::size_t kMaximumPieces = 64;
constexpr std::uint8_t kReadMultishot = 49;  // IORING_OP_READ_MULTISHOT, younger than this system's header

iovec piece_of(MutableBytes bytes) noexcept { return {bytes.data(), bytes.size()}; }
iovec piece_of(Bytes bytes) noexcept { return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()}; }

class Ring {
 public:
  Ring(unsigned entries, unsigned flags, unsigned completions = 0) {
    io_uring_params params{};
    params.cq_entries = completions;
    if (completions > 0) flags |= IORING_SETUP_CQSIZE;
    params.flags = flags | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER;
    const int error = io_uring_queue_init_params(entries, &ring_, &params);
    if (error < 0) throw Error(Errc::not_supported, "the kernel gives no io_uring: " + errno_text(-error));
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { io_uring_queue_exit(&ring_); }

  /// The thread that calls first is the one that the kernel takes requests from.
  void start() noexcept {
    if (std::exchange(started_, true)) return;
    // liburing 2.3 declares a function for this and does not have it.
    ::syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    io_uring_register_ring_fd(&ring_);
  }
  io_uring* get() noexcept { return &ring_; }

  /// Submits what was prepared and calls `done(number, result)` for each of `count`.
  template <class F>
  int run(unsigned count, F done) noexcept {
    int submitted = 0;
    do submitted = io_uring_submit_and_wait(&ring_, count);
    while (submitted == -EINTR);
    if (submitted < 0) return submitted;
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* entry = nullptr;
    io_uring_for_each_cqe(&ring_, head, entry) {
      done(entry->user_data, entry->res);
      ++seen;
    }
    io_uring_cq_advance(&ring_, seen);
    return 0;
  }

 private:
  io_uring ring_{};
  bool started_ = false;
};

UringReads wanted_reads() {
  const char* const text = std::getenv("SLUICE_URING_READS");
  if (!text || std::strcmp(text, "batch") == 0) return UringReads::batch;
  if (std::strcmp(text, "deferred") == 0) return UringReads::deferred;
  return std::strcmp(text, "calls") == 0 ? UringReads::calls : UringReads::multishot;
}

}  // namespace

// --- frames out

struct UringDevice::Writes {
  struct Slot {
    std::vector<std::uint8_t> front;  // what the device wants before the packet, and its headers
    std::vector<Slice> body;
    std::vector<iovec> pieces;
    std::size_t size = 0;  // of the frame, bytes
    bool super = false;
    int result = 0;
  };
  Writes() : ring(kSlots, 0) {
    for (Slot& slot : slots) unused.push_back(&slot);
  }

  void hold(Slot& slot, Bytes before, const Frame& frame);

  Ring ring;
  std::array<Slot, kSlots> slots;
  std::vector<Slot*> unused;
  std::vector<Slot*> waiting;  // in order
};

void UringDevice::Writes::hold(Slot& slot, Bytes before, const Frame& frame) {
  slot.front.assign(before.begin(), before.end());
  slot.front.insert(slot.front.end(), frame.head.begin(), frame.head.end());
  slot.pieces.clear();
  slot.size = frame.size();
  slot.super = frame.gso_size != 0;
  if (frame.body.size() >= kMaximumPieces) {
    for (const Slice& slice : frame.body)
      slot.front.insert(slot.front.end(), slice.bytes().begin(), slice.bytes().end());
  } else {
    slot.body.assign(frame.body.begin(), frame.body.end());
  }
  slot.pieces.push_back(piece_of(MutableBytes(slot.front)));
  for (const Slice& slice : slot.body) slot.pieces.push_back(piece_of(slice.bytes()));
}

bool UringDevice::accept(const Frame& frame) noexcept {
  const auto header = has_header_ ? describe(frame) : std::optional(VirtioHeader());
  if (!header || !fits(frame, frame.size())) {
    counters_.add(DeviceCounter::unsupported);
    return true;
  }
  if (writes_->unused.empty()) flush();
  if (full_ || writes_->unused.empty()) return on_write_error(EAGAIN);
  const VirtioBytes before = write_virtio_header(*header);
  Writes::Slot* const slot = writes_->unused.back();
  writes_->unused.pop_back();
  writes_->hold(*slot, has_header_ ? Bytes(before) : Bytes(), frame);
  writes_->waiting.push_back(slot);
  return true;
}

void UringDevice::flush() noexcept {
  std::vector<Writes::Slot*>& waiting = writes_->waiting;
  if (waiting.empty() || full_) return;
  Ring& ring = writes_->ring;
  ring.start();
  for (Writes::Slot* const slot : waiting) {
    io_uring_sqe* const entry = io_uring_get_sqe(ring.get());
    io_uring_prep_writev2(entry, fd_.number(), slot->pieces.data(), static_cast<unsigned>(slot->pieces.size()), 0,
                          RWF_NOWAIT);
    io_uring_sqe_set_data(entry, slot);
    slot->result = -ECANCELED;
  }
  ring.run(static_cast<unsigned>(waiting.size()),
           [](std::uint64_t data, int result) { reinterpret_cast<Writes::Slot*>(data)->result = result; });
  std::size_t kept = 0;
  for (Writes::Slot* const slot : waiting) {
    if (slot->result < 0 && !on_write_error(-slot->result)) {
      waiting[kept++] = slot;
      continue;
    }
    if (slot->result >= 0) {
      counters_.add(DeviceCounter::packets_out);
      counters_.add(DeviceCounter::bytes_out, slot->size);
      if (slot->super) counters_.add(DeviceCounter::super_out);
    }
    slot->body.clear();
    writes_->unused.push_back(slot);
  }
  waiting.resize(kept);
}

// --- packets in, by batches

struct UringDevice::Reads {
  struct Slot {
    Packet front;
    Packet rest;
    VirtioBytes header{};
    std::array<iovec, 3> pieces{};
    int result = 0;
  };
  Reads() : ring(kSlots, 0) {}
  Ring ring;
  std::array<Slot, kSlots> slots;
  unsigned expected = 2;
};

// --- packets in, as they arrive

struct UringDevice::Multishot {
  static constexpr int kGroup = 0;

  Multishot(unsigned count_of_buffers, bool defer)
      : ring(8, defer ? IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG : 0, 1024), count(count_of_buffers) {
    if (defer) {
      bell = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    }
    buffers = static_cast<io_uring_buf_ring*>(
        ::mmap(nullptr, count * sizeof(io_uring_buf), PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0));
    packets.resize(count);
  }
  ~Multishot() {
    if (!armed) return;
    io_uring_sqe* const entry = io_uring_get_sqe(ring.get());
    io_uring_prep_cancel64(entry, 1, 0);
    entry->user_data = 2;
    io_uring_submit_and_wait(ring.get(), 2);
    ::munmap(buffers, count * sizeof(io_uring_buf));
  }
  void put(unsigned number, Packet packet) {
    io_uring_buf_ring_add(buffers, packet.bytes().data(), static_cast<unsigned>(packet.size()),
                          static_cast<unsigned short>(number), io_uring_buf_ring_mask(count), 0);
    packets[number] = std::move(packet);
    io_uring_buf_ring_advance(buffers, 1);
  }
  void arm(int fd) {
    io_uring_sqe* const entry = io_uring_get_sqe(ring.get());
    io_uring_prep_rw(kReadMultishot, entry, fd, nullptr, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = kGroup;
    entry->user_data = 1;
    io_uring_submit(ring.get());
  }

  Ring ring;
  unsigned count;
  io_uring_buf_ring* buffers = nullptr;
  std::vector<Packet> packets;
  bool armed = false;
  Fd bell;  // rung by the kernel
};

UringDevice::UringDevice(Fd fd, std::size_t mtu, std::string name, std::size_t link_header)
    : FdDevice(std::move(fd), mtu, std::move(name), link_header), writes_(std::make_unique<Writes>()) {
  const UringReads reads = wanted_reads();
  if (reads == UringReads::batch) reads_ = std::make_unique<Reads>();
  if (reads == UringReads::multishot || reads == UringReads::deferred)
    multishot_ = std::make_unique<Multishot>(256, reads == UringReads::deferred);
}

UringDevice::UringDevice(Fd fd, std::size_t mtu, std::string name, const Offloads& granted)
    : FdDevice(std::move(fd), mtu, std::move(name), granted), writes_(std::make_unique<Writes>()) {
  const UringReads reads = wanted_reads();
  if (reads == UringReads::batch) reads_ = std::make_unique<Reads>();
  if (reads == UringReads::multishot || reads == UringReads::deferred)
    multishot_ = std::make_unique<Multishot>(16, reads == UringReads::deferred);
}

UringDevice::~UringDevice() = default;

int UringDevice::fd() const noexcept {
  if (multishot_ && multishot_->bell) return multishot_->bell.number();
  return multishot_ ? multishot_->ring.get()->ring_fd : FdDevice::fd();
}

bool UringDevice::receive_batch(std::vector<Packet>& into) noexcept {
  if (!reads_ && !multishot_) return FdDevice::receive_batch(into);
  return reads_ ? receive_by_batch(into) : receive_by_multishot(into);
}

bool UringDevice::receive_by_batch(std::vector<Packet>& into) noexcept {
  Ring& ring = reads_->ring;
  ring.start();
  for (std::size_t taken = 0; taken < kBatch;) {
    const unsigned count = std::min<unsigned>(reads_->expected, static_cast<unsigned>(kBatch - taken));
    for (unsigned i = 0; i < count; ++i) {
      Reads::Slot& slot = reads_->slots[i];
      if (slot.front.empty()) slot.front = Packet::with_room(pool_, has_header_ ? kSmallRoom : largest_frame_);
      unsigned pieces = 0;
      if (has_header_) {
        if (slot.rest.empty()) slot.rest = Packet::with_room(pool_, kLargestPacket);
        slot.pieces[pieces++] = {slot.header.data(), slot.header.size()};
        slot.pieces[pieces++] = piece_of(slot.front.bytes());
        slot.pieces[pieces++] = piece_of(slot.rest.bytes().subspan(kSmallRoom));
      }
      io_uring_sqe* const entry = io_uring_get_sqe(ring.get());
      if (has_header_)
        io_uring_prep_readv2(entry, fd_.number(), slot.pieces.data(), pieces, 0, RWF_NOWAIT);
      else {
        io_uring_prep_read(entry, fd_.number(), slot.front.bytes().data(), static_cast<unsigned>(slot.front.size()), 0);
        entry->rw_flags = RWF_NOWAIT;
      }
      io_uring_sqe_set_data(entry, &slot);
      slot.result = -EAGAIN;
    }
    ring.run(count, [](std::uint64_t data, int result) { reinterpret_cast<Reads::Slot*>(data)->result = result; });
    unsigned found = 0;
    for (unsigned i = 0; i < count; ++i) {
      Reads::Slot& slot = reads_->slots[i];
      if (slot.result <= 0) {
        errno = -slot.result;
        (void)on_read_error(slot.result == 0 ? 0 : -1);
        continue;
      }
      ++found;
      std::size_t size = static_cast<std::size_t>(slot.result);
      if (has_header_) {
        if (size < slot.header.size()) {
          counters_.add(DeviceCounter::drop_truncated_header);
          continue;
        }
        read_ = gathered(slot.front, slot.rest, size - slot.header.size());
        if (judge(read_virtio_header(slot.header)) == Read::dropped) continue;
      } else {
        read_ = std::exchange(slot.front, Packet());
        read_.resize(size);
      }
      counters_.add(DeviceCounter::packets_in);
      counters_.add(DeviceCounter::bytes_in, read_.size());
      into.push_back(std::exchange(read_, Packet()));
    }
    taken += count;
    reads_->expected = found == count ? std::min(2 * count, kSlots) : std::max(2u, found + 1);
    if (found < count) return false;
  }
  return true;
}

Packet UringDevice::room_for_any() {
  if (!has_header_) return Packet::with_room(pool_, largest_frame_);
  constexpr std::size_t kHeader = VirtioHeader::kSize;
  return Packet(
      Slice(pool_.take(Packet::kHeadroom + kLargestPacket), Packet::kHeadroom - kHeader, kLargestPacket + kHeader));
}

void UringDevice::begin_turn(Time now) noexcept {
  FdDevice::begin_turn(now);
  if (!multishot_ || multishot_->armed) return;
  Multishot& shot = *multishot_;
  io_uring* const ring = shot.ring.get();
  shot.ring.start();
  if (shot.bell) io_uring_register_eventfd(ring, shot.bell.number());
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(shot.buffers);
  registration.ring_entries = shot.count;
  registration.bgid = Multishot::kGroup;
  io_uring_register_buf_ring(ring, &registration, 0);
  io_uring_buf_ring_init(shot.buffers);
  for (unsigned i = 0; i < shot.count; ++i) shot.put(i, room_for_any());
  shot.arm(fd_.number());
  shot.armed = true;
}

bool UringDevice::receive_by_multishot(std::vector<Packet>& into) noexcept {
  Multishot& shot = *multishot_;
  io_uring* const ring = shot.ring.get();
  if (shot.bell) {
    std::uint64_t rings = 0;
    (void)!::read(shot.bell.number(), &rings, sizeof rings);
    io_uring_get_events(ring);
  }
  std::size_t taken = 0;
  unsigned seen = 0;
  bool again = false;
  unsigned head = 0;
  io_uring_cqe* entry = nullptr;
  io_uring_for_each_cqe(ring, head, entry) {
    if (taken == kBatch) break;
    ++seen;
    if (!(entry->flags & IORING_CQE_F_MORE)) again = true;
    if (entry->res <= 0) {
      if (entry->res == -ENOBUFS) continue;
      errno = -entry->res;
      (void)on_read_error(entry->res == 0 ? 0 : -1);
      continue;
    }
    ++taken;
    const unsigned number = entry->flags >> IORING_CQE_BUFFER_SHIFT;
    std::size_t size = static_cast<std::size_t>(entry->res);
    Packet packet = std::move(shot.packets[number]);
    if (!has_header_) {
      packet.resize(size);
      shot.put(number, room_for_any());
      read_ = std::move(packet);
    } else {
      VirtioBytes header{};
      std::memcpy(header.data(), packet.bytes().data(), header.size());
      size -= std::min(size, header.size());
      if (size <= kMiddleRoom) {
        read_ = Packet::copy_of(pool_, std::as_const(packet).bytes().subspan(header.size(), size));
        shot.put(number, std::move(packet));
      } else {
        packet.remove_front(header.size());
        packet.resize(size);
        read_ = std::move(packet);
        shot.put(number, room_for_any());
      }
      if (judge(read_virtio_header(header)) == Read::dropped) continue;
    }
    counters_.add(DeviceCounter::packets_in);
    counters_.add(DeviceCounter::bytes_in, read_.size());
    into.push_back(std::exchange(read_, Packet()));
  }
  io_uring_cq_advance(ring, seen);
  if (again && error_ == Errc::none) shot.arm(fd_.number());
  return taken == kBatch || again;
}

std::string UringDevice::complaint() { return {}; }

}  // namespace sluice::tun
