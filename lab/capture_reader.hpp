// Opens a capture file of either format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lab/capture_record.hpp"
#include "lab/pcap.hpp"
#include "lab/pcapng.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::lab {

/// Tells the format by the first bytes and reads packet after packet.
class CaptureReader {
 public:
  /// `file` outlives the reader and the packets.
  explicit CaptureReader(Bytes file);

  /// The next packet; nullopt at the end and for ever after an error.
  std::optional<CapturedPacket> next();
  /// One sentence about what is wrong with the file, or empty.
  const std::string& error() const noexcept;

 private:
  struct Neither {
    std::string error;
  };
  std::variant<Neither, PcapngReader, PcapReader> reader_;
};

/// A file and the packets in it. Move-only: the packets look into the file's bytes.
struct Capture {
  Capture() = default;
  Capture(Capture&&) = default;
  Capture& operator=(Capture&&) = default;
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  std::vector<std::uint8_t> file;
  std::vector<CapturedPacket> packets;
  std::string error;  ///< one sentence; the packets before the damage are there all the same
};

/// Reads a whole file.
Capture load_capture(const std::string& path);
/// The same from memory.
Capture parse_capture(std::vector<std::uint8_t> file);

}  // namespace sluice::lab
