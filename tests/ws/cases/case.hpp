// One case of the public conformance suite for WebSockets as data: what the judge sends, what must come back, how it
// ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ws::cases {

// The first byte of a frame, as the judge writes it: never taken from what is judged.
inline constexpr std::uint8_t kFin = 0x80;
inline constexpr std::uint8_t kRsv1 = 0x40;
inline constexpr std::uint8_t kContinuation = 0;
inline constexpr std::uint8_t kText = 1;
inline constexpr std::uint8_t kBinary = 2;
inline constexpr std::uint8_t kClose = 8;
inline constexpr std::uint8_t kPing = 9;
inline constexpr std::uint8_t kPong = 10;

/// `unit` over and over until `size` bytes: sixteen megabytes in a line of a table.
struct Payload {
  Payload() = default;
  Payload(const char* text) : Payload(std::string(text)) {}
  Payload(std::string text) : unit(std::move(text)), size(unit.size()) {}
  Payload(std::string repeated, std::size_t total) : unit(std::move(repeated)), size(total) {}

  std::string bytes() const;

  std::string unit;
  std::size_t size = 0;
};

/// One thing that the judge does.
struct Step {
  enum class Kind : std::uint8_t {
    frame,     ///< a frame with any first byte
    head,      ///< a frame's header that promises `length` bytes, and the first of them
    more,      ///< further bytes of that frame
    message,   ///< a whole message in frames of `fragment` bytes (0: one frame), which must come back
    sample,    ///< the same with the next `length` bytes of the case's sample for a payload
    answered,  ///< by now `length` answers have come
    alive,     ///< a second passes, and what is judged has not said Close
    dead,      ///< by now it has
  };
  Kind kind = Kind::frame;
  std::uint8_t first = 0;  ///< FIN, RSV and opcode; of a message the opcode
  Payload payload = {};
  std::size_t length = 0;
  std::size_t fragment = 0;
};

Step frame(std::uint8_t first, Payload payload = {});
Step text(Payload payload);
Step binary(Payload payload);
Step ping(Payload payload = {});
Step pong(Payload payload = {});
/// A Close with its code and reason; close_body() may hold any bytes.
Step close(unsigned code, std::string_view reason = {});
Step close_body(Payload body);
/// A text in one frame that arrives in parts: head(all, first part), more(part)...
Step head(std::size_t length, Payload part);
Step more(Payload part);
Step message(std::uint8_t opcode, Payload payload, std::size_t fragment = 0);
Step sample(std::uint8_t opcode, std::size_t length, std::size_t fragment);
Step answered(std::size_t count);
Step alive();
Step dead();

/// Steps behind each other.
std::vector<Step> operator+(std::vector<Step> a, const std::vector<Step>& b);

/// What must come back: a whole message or a Pong.
struct Answer {
  std::uint8_t opcode = kText;
  Payload payload = {};
};
Answer echo(Payload payload);
Answer pong_of(Payload payload);

/// How it must end. The judge says Close 1000 itself when all is answered, unless the steps did or it failed.
struct End {
  bool failed = false;                     ///< what is judged says Close by itself, for something that it was sent
  std::optional<std::uint16_t> code = {};  ///< of its Close; none: a Close without a body
};
inline End clean(std::uint16_t code = 1000) { return {false, code}; }
inline End clean_without_code() { return {}; }
inline End fails(std::uint16_t code = 1002) { return {true, code}; }

/// How the bytes are cut on their way: kTogether, kByFrame, or pieces of so many bytes.
inline constexpr std::size_t kByFrame = 0;
inline constexpr std::size_t kTogether = SIZE_MAX;

/// What the handshake agreed on for permessage-deflate (RFC 7692 7.1), for the two directions.
struct DeflateTerms {
  int judged_bits = 15;  ///< the window with which what is judged may compress, 8 to 15
  bool judged_takeover = true;
  int judge_bits = 15;  ///< the same for the judge
  bool judge_takeover = true;
};

struct Case {
  std::string number = {};    ///< as published
  std::string sentence = {};  ///< what happens in it
  std::vector<Step> steps = {};
  std::vector<Answer> answers = {};  ///< in this order and nothing else; steps of kind message add themselves
  End end = clean();
  std::size_t cut = kByFrame;
  int rounds = 1;              ///< how often the steps are made; each round is answered before the next begins
  bool informational = false;  ///< the suite leaves open what is right
  std::optional<DeflateTerms> deflate = {};
  std::string offer = {};               ///< for `deflate`: what the judge's handshake would say as a client
  std::string answer = {};              ///< and as a server, where what is judged offered everything
  const std::string* sample = nullptr;  ///< what steps of kind sample send, over and over; outlives the case
};

}  // namespace sluice::ws::cases
