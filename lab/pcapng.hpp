// pcapng, written and read: our own, because comments and directions are half of what we want from a capture.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/capture_record.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::lab {

/// Builds a file of one section in memory, nanosecond times, little-endian. Whoever owns it may write
/// bytes() away and clear them at any time.
class PcapngWriter {
 public:
  /// Writes the section header and the interfaces: one of this name, or "name.0", "name.1" and so on. `snap`: bytes
  /// kept of each packet.
  explicit PcapngWriter(LinkType link = LinkType::raw, std::string_view interface_name = "sluice",
                        std::size_t snap = 262144, unsigned interfaces = 1);

  struct Note {
    std::chrono::nanoseconds time{};  ///< since 1970; not negative
    Direction direction = Direction::unknown;
    std::string_view comment = {};  ///< UTF-8; what is beyond 65,535 bytes is cut
    std::uint32_t interface = 0;
  };
  /// Appends a packet made of these pieces.
  void add(const Note& note, Gather pieces);
  void add(const Note& note, Bytes packet) { add(note, Gather(&packet, 1)); }

  std::vector<std::uint8_t>& bytes() noexcept { return bytes_; }
  const std::vector<std::uint8_t>& bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t snap_;
};

/// Reads packets of any number of sections and interfaces; blocks of other kinds are skipped.
class PcapngReader {
 public:
  static bool recognizes(Bytes file) noexcept;

  /// `file` outlives the reader and the packets.
  explicit PcapngReader(Bytes file) noexcept : file_(file) {}

  /// The next packet; nullopt at the end and for ever after an error.
  std::optional<CapturedPacket> next();
  /// One sentence about what is wrong with the file, or empty.
  const std::string& error() const noexcept { return error_; }

 private:
  struct Interface {
    LinkType link = LinkType::raw;
    std::size_t snap = 0;         ///< 0 = no limit
    std::uint8_t resolution = 6;  ///< if_tsresol
    std::int64_t offset = 0;      ///< if_tsoffset, seconds
  };
  struct Block {
    std::uint32_t type = 0;
    Bytes body;
  };

  void fail(std::string why);
  std::optional<Block> next_block();
  bool begin_section(Bytes file);
  void read_section(Bytes body);
  void read_interface(Bytes body);
  std::optional<CapturedPacket> packet_of(const Block& block);
  std::optional<CapturedPacket> read_enhanced(Bytes body);
  std::optional<CapturedPacket> read_simple(Bytes body);
  std::optional<CapturedPacket> read_old(Bytes body);
  std::optional<CapturedPacket> make_packet(std::uint32_t interface, std::uint64_t ticks, Bytes bytes,
                                            std::size_t original);
  /// visit(code, value) for each option; false when they are malformed.
  template <class Visit>
  bool for_each_option(Bytes options, Visit visit);

  Bytes file_;
  std::size_t position_ = 0;
  bool little_ = false;
  bool in_section_ = false;
  std::vector<Interface> interfaces_;
  std::string error_;
};

}  // namespace sluice::lab
