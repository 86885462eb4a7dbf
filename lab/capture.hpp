// A capture on disk while it grows: pcapng with comments and directions, rotated by size.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lab/pcapng.hpp"
#include "lab/units.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/time.hpp"
#include "tun/fd.hpp"

namespace sluice::lab {

struct CaptureSettings {
  std::string path;                        ///< the file being written, always
  std::uint64_t maximum_size = 0;          ///< bytes of one file; 0 = unlimited
  unsigned files = 1;                      ///< files kept: x.pcapng, x.1.pcapng (the one before), x.2.pcapng …
  std::size_t snap = 262144;               ///< bytes kept of each packet
  std::chrono::nanoseconds wall_offset{};  ///< added to a Time gives nanoseconds since 1970
  LinkType link = LinkType::raw;
  std::string interface_name = "sluice";
};

/// Never disturbs what it watches: when the disk fails, error() says so and later packets are only counted.
class CaptureWriter {
 public:
  /// Creates or empties the file.
  static Parsed<std::unique_ptr<CaptureWriter>> open(CaptureSettings settings);
  /// Writes what is left.
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  void add(Time at, Direction direction, Bytes packet, std::string_view comment = {}) noexcept;
  void add(Time at, Direction direction, const Frame& frame, std::string_view comment = {}) noexcept;
  /// Hands what is buffered to the system. Called by itself when 64 KiB have gathered.
  void flush() noexcept;

  const CaptureSettings& settings() const noexcept { return settings_; }
  /// Why writing ended, or empty.
  const std::string& error() const noexcept { return error_; }
  std::uint64_t packets() const noexcept { return packets_; }  ///< written, in all files
  std::uint64_t missed() const noexcept { return missed_; }    ///< after an error

 private:
  explicit CaptureWriter(CaptureSettings settings) : settings_(std::move(settings)) {}
  bool begin_file();
  void rotate();
  void add(Time at, Direction direction, Gather pieces, std::string_view comment) noexcept;
  std::string path_of(unsigned number) const;

  CaptureSettings settings_;
  tun::Fd fd_;
  std::unique_ptr<PcapngWriter> writer_;
  std::uint64_t file_size_ = 0;  // bytes that reached the file
  std::vector<Bytes> pieces_;
  std::uint64_t packets_ = 0;
  std::uint64_t missed_ = 0;
  bool has_packets_ = false;
  std::string error_;
};

}  // namespace sluice::lab
