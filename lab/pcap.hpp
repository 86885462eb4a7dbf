// The classic pcap format, read: both byte orders, microseconds and nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "lab/capture_record.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::lab {

class PcapReader {
 public:
  /// True when the file begins with one of the four magic numbers.
  static bool recognizes(Bytes file) noexcept;

  /// `file` outlives the reader and the packets.
  explicit PcapReader(Bytes file);

  /// The next packet; nullopt at the end and for ever after an error.
  std::optional<CapturedPacket> next();
  /// One sentence about what is wrong with the file, or empty.
  const std::string& error() const noexcept { return error_; }

 private:
  Bytes file_;
  std::size_t position_ = 0;
  bool little_ = false;
  bool nanoseconds_ = false;
  LinkType link_ = LinkType::raw;
  std::string error_;
};

}  // namespace sluice::lab
