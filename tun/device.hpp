// What a network device is to the loop: packets in by batches, frames out by pull. Middleware wraps one in another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "stack/base/counters.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/result.hpp"
#include "stack/base/time.hpp"

namespace sluice::tun {

/// What a device does for the stack beyond carrying packets of one MTU. All off: a device that takes only such.
struct Offloads {
  std::size_t maximum_frame = 0;  ///< bytes of IP packet in one frame with gso_size; 0 = never more than the MTU
  bool checksum = false;          ///< takes frames with checksum_partial
  // What it hands in as super-segments, so that nobody cuts them on the way here.
  bool tcp_v4 = false;
  bool tcp_v6 = false;
  bool tcp_ecn = false;   ///< those with CWR, too
  bool udp = false;       ///< rows of datagrams, of both families; it takes such, too
  bool software = false;  ///< the kernel grants nothing, and we cut frames ourselves before they are written
};

enum class DeviceCounter : std::uint8_t {
  packets_in,
  bytes_in,
  packets_out,
  bytes_out,
  full,  ///< the kernel had no room: accept() said so, or kept what was left of a frame that it cuts
  read_errors,
  write_errors,  ///< frames that the kernel refused, dropped
  unsupported,   ///< frames above the MTU or with offloads that this device lacks, dropped
  merged_in,     ///< of packets_in, those that joined the one before here
  super_in,      ///< of packets_in, those that stand for several on the wire
  super_out,     ///< of packets_out
  cut_out,       ///< super-segments that were cut here; packets_out counts what they were cut into
  // Packets in, dropped because what the device says of them is nonsense: see VirtioFault.
  drop_truncated_header,
  drop_gso_type,
  drop_gso_size,
  drop_header_length,
  drop_checksum_place,
  count,
};
std::string_view name(DeviceCounter counter) noexcept;

/// One thread uses a device. A turn of the loop calls begin_turn(now), receive_batch() once or more, accept() for each
/// frame, flush(); everything in a turn happens at its `now`.
class Device : public FrameSink {
 public:
  /// Packets that one receive_batch() appends at most.
  static constexpr std::size_t kBatch = 64;

  virtual ~Device() = default;

  /// What to wait for: readable = receive_batch() has something to do; writable = worth offering again after full().
  virtual int fd() const noexcept = 0;
  /// The largest IP packet, bytes.
  virtual std::size_t mtu() const noexcept = 0;
  virtual Offloads offloads() const noexcept { return {}; }

  virtual void begin_turn(Time now) noexcept = 0;
  /// Appends what has arrived to `into`. True: there may be more, call again in the next turn without waiting.
  virtual bool receive_batch(std::vector<Packet>& into) noexcept = 0;
  /// The turn ends: whatever accept() put aside for now goes out.
  virtual void flush() noexcept {}
  /// In this turn the device could not take all that there was: wait for fd() to become writable.
  virtual bool full() const noexcept = 0;
  /// When a turn is wanted though nothing arrives (a delayed packet is due); kNever = no need.
  virtual Time next_timeout() const noexcept { return kNever; }

  /// Not `none`: the device is gone (interface removed), nothing will work any more.
  virtual Errc error() const noexcept = 0;
  virtual const Counters<DeviceCounter>& counters() const noexcept = 0;
};

/// A device that passes everything on to another one, which outlives it: the base of middleware.
class DeviceLayer : public Device {
 public:
  explicit DeviceLayer(Device& inner) noexcept : inner_(inner) {}

  int fd() const noexcept override { return inner_.fd(); }
  std::size_t mtu() const noexcept override { return inner_.mtu(); }
  Offloads offloads() const noexcept override { return inner_.offloads(); }
  void begin_turn(Time now) noexcept override { inner_.begin_turn(now); }
  bool receive_batch(std::vector<Packet>& into) noexcept override { return inner_.receive_batch(into); }
  bool accept(const Frame& frame) noexcept override { return inner_.accept(frame); }
  void flush() noexcept override { inner_.flush(); }
  bool full() const noexcept override { return inner_.full(); }
  Time next_timeout() const noexcept override { return inner_.next_timeout(); }
  Errc error() const noexcept override { return inner_.error(); }
  const Counters<DeviceCounter>& counters() const noexcept override { return inner_.counters(); }

 protected:
  Device& inner() noexcept { return inner_; }
  const Device& inner() const noexcept { return inner_; }

 private:
  Device& inner_;
};

}  // namespace sluice::tun
