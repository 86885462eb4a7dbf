// Standard input of `sluice ws`, cut into messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "lab/units.hpp"
#include "stack/base/bytes.hpp"
#include "ws/event.hpp"

namespace sluice::tools {

enum class WsForm : std::uint8_t {
  text,    ///< a line is a text message
  hex,     ///< a line is a binary message in hexadecimal
  binary,  ///< what one read gives is a binary message
};

struct WsMessage {
  ws::MessageType type = ws::MessageType::text;
  std::vector<std::uint8_t> payload;
};

/// A line ends with "\n" or "\r\n", or with the input.
class WsInput {
 public:
  static constexpr std::size_t kLongestLine = 16u << 20;

  /// `chunk`: how many bytes one read of binary input may give.
  WsInput(WsForm form, std::size_t chunk) noexcept : form_(form), chunk_(chunk) {}

  /// How many bytes to read at most: 0 while a message waits, and after the end.
  std::size_t wanted() const noexcept;
  void add(Bytes bytes);
  void end();
  bool ended() const noexcept { return ended_; }

  bool has_message() const noexcept { return !messages_.empty(); }
  /// REQUIRES has_message(). A value, or what is wrong with this line.
  lab::Parsed<WsMessage> take();

 private:
  void add_lines(Bytes bytes);
  void finish_line();
  lab::Parsed<WsMessage> parse_line(std::string&& line) const;

  WsForm form_;
  std::size_t chunk_;
  std::string line_;       ///< as far as it came
  bool too_long_ = false;  ///< its rest is dropped
  std::uint64_t number_ = 0;
  std::deque<lab::Parsed<WsMessage>> messages_;
  bool ended_ = false;
};

}  // namespace sluice::tools
