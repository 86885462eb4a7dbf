// Frames written and read byte by byte, apart from ws/: a judge that used the code that it judges would see its own
// faults as right.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stack/base/bytes.hpp"
#include "tests/ws/cases/case.hpp"

namespace sluice::ws::cases {

using MaskKey = std::array<std::uint8_t, 4>;

/// XORs `bytes`, which begin `offset` bytes into a payload, with the key (RFC 6455 5.3).
void apply_key(MutableBytes bytes, const MaskKey& key, std::size_t offset);

/// The judge's sending half; checks nothing, since it has to send what is wrong as well.
class FrameWriter {
 public:
  /// A client masks, with another key for each frame.
  explicit FrameWriter(bool masks) : masks_(masks) {}

  /// A whole frame.
  std::vector<std::uint8_t> frame(std::uint8_t first, std::string_view payload);
  /// A header that promises `length` bytes, with the first of them; then the others.
  std::vector<std::uint8_t> head(std::uint8_t first, std::size_t length, std::string_view part);
  std::vector<std::uint8_t> more(std::string_view part);

 private:
  void append(std::vector<std::uint8_t>& bytes, std::string_view part);

  bool masks_;
  std::uint32_t frames_ = 0;
  MaskKey key_{};
  std::size_t offset_ = 0;  ///< bytes of the payload that were written
};

/// What was heard: a whole message, a Pong, a Ping or a Close.
struct Heard {
  std::uint8_t opcode = 0;
  bool rsv1 = false;
  std::string payload;
};

/// The judge's receiving half: demands every rule of RFC 6455 5 of what it reads.
class FrameReader {
 public:
  /// `masked`: the sender is a client. `rsv1`: the first frame of a message may have it (RFC 7692 6).
  FrameReader(bool masked, bool rsv1) : masked_(masked), rsv1_(rsv1) {}

  /// Reads whole frames from the front and says how many bytes they had.
  std::size_t read(MutableBytes bytes);

  /// Everything heard so far that nobody took.
  std::vector<Heard> heard;
  /// The first broken rule, or empty.
  const std::string& complaint() const { return complaint_; }
  const std::optional<Heard>& close() const { return close_; }
  bool in_message() const { return message_.has_value(); }

 private:
  struct Header {
    std::uint8_t first = 0;
    std::size_t size = 0;  ///< of the header; 0: not all there
    std::uint64_t length = 0;
    MaskKey key{};
  };
  Header parse(Bytes bytes);
  void check(const Header& header, bool masked, std::uint8_t length7);
  void check_opcode(const Header& header);
  void take(const Header& header, std::string_view payload);
  void complain(const std::string& what);

  bool masked_;
  bool rsv1_;
  std::optional<Heard> message_;
  std::optional<Heard> close_;
  std::string complaint_;
};

}  // namespace sluice::ws::cases
