// A device whose frames leave by io_uring: many of them with one system call.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "tun/fd_device.hpp"

namespace sluice::tun {

/// As FdDevice, save that frames wait for flush() and leave together, kBatch at most; each keeps what it refers to
/// until then, and counts as out or as an error then. Nothing is under way with the kernel between two calls, so that
/// nothing outlives the device. A frame that the kernel has no room for is offered again in the next turn; of those
/// behind it in the same batch a smaller one may have overtaken it. Packets come in by read(): batches of reads, and
/// reads that the kernel completes by itself, were no quicker (docs/performance.md).
class UringDevice final : public FdDevice {
 public:
  /// Throw Error: not_supported when the kernel gives no io_uring of Linux 5.18 or later, or this build has none.
  UringDevice(Fd fd, std::size_t mtu, std::string name = {}, std::size_t link_header = 0);
  UringDevice(Fd fd, std::size_t mtu, std::string name, const Offloads& granted);
  ~UringDevice() override;

  void flush() noexcept override;

 private:
  struct Waiting;
  bool write_packet(const PacketOut& packet) noexcept override;

  std::unique_ptr<Waiting> waiting_;
};

}  // namespace sluice::tun
