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
  unsigned interfaces = 1;  ///< of more than one, each has a writer of its own, and its number behind the name
};

/// Never disturbs what it watches: when the disk fails, error() says so and later packets are only counted.
/// Writers of one file may each be in a thread of its own; packets of different ones follow in the order of their
/// coming.
class CaptureWriter {
 public:
  /// Creates or empties the file.
  static Parsed<std::unique_ptr<CaptureWriter>> open(CaptureSettings settings);
  /// One more of the same file. REQUIRES 0 < interface < settings().interfaces.
  std::unique_ptr<CaptureWriter> join(unsigned interface) const;
  /// Writes what is left.
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  void add(Time at, Direction direction, Bytes packet, std::string_view comment = {}) noexcept;
  void add(Time at, Direction direction, const Frame& frame, std::string_view comment = {}) noexcept;
  /// Hands what is buffered to the system. Called by itself when 64 KiB have gathered.
  void flush() noexcept;

  const CaptureSettings& settings() const noexcept;
  /// Why writing ended, or empty.
  std::string error() const;
  std::uint64_t packets() const noexcept;  ///< written by all writers, in all files
  std::uint64_t missed() const noexcept;   ///< after an error

 private:
  class File;
  CaptureWriter(std::shared_ptr<File> file, unsigned interface) noexcept;
  void add(Time at, Direction direction, Gather pieces, std::string_view comment) noexcept;

  std::shared_ptr<File> file_;
  unsigned interface_;
  std::vector<Bytes> pieces_;
};

}  // namespace sluice::lab
