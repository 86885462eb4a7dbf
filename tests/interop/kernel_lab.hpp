// Our stack and the kernel's at the two ends of a TUN in a namespace of the test's own, both driven by one loop.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lab/capture_tap.hpp"
#include "lab/impaired_device.hpp"
#include "tests/interop/kernel_end.hpp"
#include "tun/namespace.hpp"
#include "tun/open.hpp"

namespace sluice::interop {

enum class Opener : std::uint8_t { ours, kernel };

/// Who opens, and over which family.
struct Variant {
  Opener opener = Opener::kernel;
  Family family = Family::ipv4;
  std::string name() const;
};
inline constexpr std::array<Variant, 4> kVariants = {{{Opener::kernel, Family::ipv4},
                                                      {Opener::ours, Family::ipv4},
                                                      {Opener::kernel, Family::ipv6},
                                                      {Opener::ours, Family::ipv6}}};
inline constexpr std::array<Family, 2> kFamilies = {Family::ipv4, Family::ipv6};

struct LabSettings {
  lab::ImpairmentSettings in = {};   ///< towards the stack
  lab::ImpairmentSettings out = {};  ///< towards the kernel
  std::optional<std::uint32_t> queue = std::nullopt;
  Observer* observer = nullptr;
  bool offload = true;  ///< super-segments both ways, where the kernel grants them and the link is good
  tun::Backend backend = tun::Backend::epoll;
};

/// Options of both ends of a connection.
struct Ends {
  tcp::Options ours = {};
  int kernel_receive_buffer = 0;            ///< SO_RCVBUF, bytes; 0 = as the kernel likes
  std::string kernel_congestion = "cubic";  ///< the kernel of this machine may prefer another
};

/// Nothing sleeps: every wait is for a condition and has a deadline. The network goes with this object. With a folder's
/// name in the environment variable SLUICE_CAPTURES each lab leaves a capture of what the stack sent and got.
class KernelLab {
 public:
  explicit KernelLab(const LabSettings& settings = {});

  tun::EventLoop& loop() noexcept { return *loop_; }
  Stack& stack() noexcept { return stack_; }
  tun::FdDevice& device() noexcept { return *device_; }
  lab::ImpairedDevice& link() noexcept { return *link_; }
  IpAddress our_address(Family family) const;
  IpAddress kernel_address(Family family) const;

  /// Turns until the condition holds; false at the deadline. What the condition reads may change without a packet.
  bool run_until(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(60));

  /// Connections that are established on both sides. Throws through REQUIRE when that takes too long.
  std::vector<Pair> connect(const Variant& variant, std::size_t count, const Ends& ends = {});
  Pair connect(const Variant& variant, const Ends& ends = {}) { return std::move(connect(variant, 1, ends).front()); }

  /// A non-blocking socket of the kernel on this side of the TUN. `type`: SOCK_STREAM, SOCK_DGRAM.
  tun::Fd kernel_socket(Family family, int type, const Ends& ends = {}) const {
    return std::move(kernel_sockets(family, type, 1, ends).front());
  }
  std::vector<tun::Fd> kernel_sockets(Family family, int type, std::size_t count, const Ends& ends = {}) const;
  /// 0, or errno. Of a non-blocking stream socket: EINPROGRESS.
  static int kernel_connect(const tun::Fd& fd, const Endpoint& remote);
  /// Binds to the kernel's own address; answers the port. `port` 0: the kernel chooses.
  Endpoint kernel_bind(const tun::Fd& fd, Family family, std::uint16_t port = 0) const;

  /// A counter of the kernel in this namespace, as in /proc/net/snmp and netstat: kernel_count("TcpExt",
  /// "TCPWinProbe").
  std::uint64_t kernel_count(const std::string& group, const std::string& name) const;
  /// Packets that the kernel threw away because the queue to us was full.
  std::uint64_t queue_drops() const;

  /// After a test: waits until no connection is left but in TIME-WAIT, then checks that no memory is held and nothing
  /// was dropped on either side, save counters of ours that are named in `explained`.
  void check_rest(const std::vector<std::string>& explained = {});
  /// The counters of ours that are not zero, for messages.
  std::string counters_text();

 private:
  std::string unexplained_losses(std::vector<std::string> explained);
  struct Accepted {
    std::vector<std::unique_ptr<OurEnd>> ours;
    std::vector<std::unique_ptr<KernelEnd>> kernels;
  };
  std::vector<Pair> await_pairs(Opener opener, Accepted& accepted, std::size_t count);
  std::vector<Pair> let_kernel_connect(Family family, std::size_t count, const Ends& ends);
  std::vector<Pair> let_us_connect(Family family, std::size_t count, const Ends& ends);

  tun::Namespace namespace_;
  std::unique_ptr<tun::FdDevice> device_;
  std::unique_ptr<lab::ImpairedDevice> link_;
  lab::CaptureTap tap_;
  lab::CaptureNotes notes_;
  Stack stack_;
  std::unique_ptr<tun::EventLoop> loop_;
};

}  // namespace sluice::interop
