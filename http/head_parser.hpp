// The door for heads: finds their end in any split of the bytes, and lets only unambiguous ones through.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/message.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::http {

/// How large a head may be. All in bytes but `fields`.
struct HeadLimits {
  std::size_t head = 8192;    ///< start line, fields and all line ends together; more is 431 (or 414 in the first line)
  std::size_t target = 8000;  ///< a longer request target is 414
  std::size_t fields = 100;   ///< more is 431
};

/// Why a message is not accepted, with the status that a server answers.
struct Refusal {
  int status = 0;           ///< 0: not refused
  std::string_view reason;  ///< one short sentence of static storage, without a full stop
  explicit operator bool() const noexcept { return status != 0; }
};

/// Collects one head, request's or response's, and judges what can be judged by bytes and lines alone: bare
/// CR, bare LF, NUL and other controls, obsolete folding, sizes. Looks at each byte once, and copies only a
/// head that arrives in pieces.
class HeadReader {
 public:
  enum class State : std::uint8_t { incomplete, complete, refused };

  explicit HeadReader(const HeadLimits& limits) noexcept : limits_(limits) {}

  /// Takes bytes up to the head's end and none behind it; says how many. Empty lines before the head are
  /// passed over (RFC 9112 2.2). Nothing is taken once state() is not incomplete.
  std::size_t receive(Bytes bytes);

  State state() const noexcept { return state_; }
  /// True as soon as a byte arrived that is not an empty line's.
  bool started() const noexcept { return started_; }
  /// REQUIRES state() == refused.
  const Refusal& refusal() const noexcept { return refusal_; }
  /// The start line up to and with the last empty line. REQUIRES state() == complete. It may point into the
  /// bytes given to the last receive(), and is valid as long as these, and until the next receive() or
  /// clear().
  Bytes head() const noexcept { return head_; }
  /// Forgets all and frees the memory: ready for the next head.
  void clear() noexcept;

 private:
  void scan(Bytes all);
  void end_line(Bytes all, std::size_t line_end);
  void check_unfinished(Bytes all);
  void refuse(int status, std::string_view reason) noexcept;
  void refuse_size() noexcept;
  void refuse_beginning() noexcept;

  HeadLimits limits_;
  std::vector<std::uint8_t> kept_;  ///< a head that arrives in pieces
  std::size_t scanned_ = 0;         ///< bytes already searched for a line end
  std::size_t line_begin_ = 0;
  std::size_t head_begin_ = 0;  ///< behind leading empty lines
  std::size_t lines_ = 0;       ///< finished lines, the start line included
  Bytes head_;
  Refusal refusal_;
  State state_ = State::incomplete;
  bool started_ = false;
};

/// A response as it was received: its head and what it says about the body that follows.
struct ReceivedResponse {
  Response response;
  int minor_version = 1;
  bool keep_alive = true;  ///< by version and Connection alone; a body that lasts until close ends it, too
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
};

/// What a complete head says, or why it is refused: 400 for what is malformed or could be read in two ways,
/// 414 and 431 for size, 417 for an unknown expectation, 501 for CONNECT and unknown codings, 505 for a
/// version other than HTTP/1.x (RFC 9112 2–6). `head` is what HeadReader::head() gives.
std::variant<Request, Refusal> parse_request(Bytes head, const HeadLimits& limits);

/// The same for a response; a refusal's status is then only a hint (502).
std::variant<ReceivedResponse, Refusal> parse_response(Bytes head);

}  // namespace sluice::http
