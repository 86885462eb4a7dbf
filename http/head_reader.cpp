// Where a head ends, found line by line as its bytes arrive, each byte looked at once.
#include <algorithm>

#include "http/head_parser.hpp"

namespace sluice::http {
namespace {

constexpr bool is_blank(std::uint8_t byte) noexcept { return byte == ' ' || byte == '\t'; }

/// Methods and versions are tokens, and empty lines begin with CR: a TLS hello or a binary protocol is known by its
/// first byte.
bool may_begin_message(std::uint8_t byte) noexcept {
  const char text = static_cast<char>(byte);
  return text == '\r' || is_token({&text, 1});
}

/// Control bytes other than TAB have no place in a line, CR inside it included. One pass without branches.
bool has_control(Bytes line) noexcept {
  unsigned found = 0;
  for (const std::uint8_t byte : line) found |= (byte < 0x20 && byte != '\t') | (byte == 0x7F);
  return found != 0;
}

}  // namespace

std::size_t HeadReader::receive(Bytes bytes) {
  if (state_ != State::incomplete || bytes.empty()) return 0;
  if (kept_.empty()) {
    scan(bytes);
    if (state_ == State::complete) return head_begin_ + head_.size();
    if (state_ == State::incomplete) kept_.assign(bytes.begin(), bytes.end());
    return bytes.size();
  }
  const std::size_t before = kept_.size();
  const std::size_t room = limits_.head + 1 - std::min(before, limits_.head);  // one over, so that the excess is seen
  const Bytes next = bytes.first(std::min(bytes.size(), room));
  kept_.insert(kept_.end(), next.begin(), next.end());
  scan(kept_);
  return state_ == State::complete ? head_begin_ + head_.size() - before : next.size();
}

void HeadReader::clear() noexcept {
  std::vector<std::uint8_t>().swap(kept_);
  scanned_ = line_begin_ = head_begin_ = lines_ = 0;
  head_ = {};
  refusal_ = {};
  state_ = State::incomplete;
  started_ = false;
}

/// `all` begins with the first byte that belongs to this head; its first scanned_ bytes were seen before.
void HeadReader::scan(Bytes all) {
  while (state_ == State::incomplete) {
    const auto next = std::find(all.begin() + static_cast<std::ptrdiff_t>(scanned_), all.end(), std::uint8_t{'\n'});
    if (next == all.end()) {
      check_unfinished(all);
      scanned_ = all.size();
      return;
    }
    const auto line_end = static_cast<std::size_t>(next - all.begin());
    end_line(all, line_end);
    scanned_ = line_begin_ = line_end + 1;
  }
}

/// A line feed stands at `line_end`; the line began at line_begin_.
void HeadReader::end_line(Bytes all, std::size_t line_end) {
  const Bytes line = all.subspan(line_begin_, line_end - line_begin_);
  if (lines_ == 0 && !line.empty() && !may_begin_message(line.front())) return refuse_beginning();
  if (line_end >= limits_.head) return refuse_size();
  if (line.empty() || line.back() != '\r') return refuse(400, "a line ends without carriage return");
  const Bytes text = line.first(line.size() - 1);
  if (text.empty()) {
    if (lines_ == 0) {
      head_begin_ = line_end + 1;
    } else {
      head_ = all.subspan(head_begin_, line_end + 1 - head_begin_);
      state_ = State::complete;
    }
    return;
  }
  started_ = true;
  if (is_blank(text.front())) return refuse(400, "a line begins with white space");
  if (has_control(text)) return refuse(400, "a control byte in the head");
  if (lines_ > limits_.fields) return refuse(431, "too many fields");
  ++lines_;
}

/// What needs no line end to be known: a head that is too large, and what cannot be HTTP at all.
void HeadReader::check_unfinished(Bytes all) {
  const Bytes line = all.subspan(line_begin_);
  if (!line.empty() && line.front() != '\r') started_ = true;
  if (lines_ == 0 && !line.empty() && !may_begin_message(line.front())) return refuse_beginning();
  if (all.size() > limits_.head) refuse_size();
}

void HeadReader::refuse_beginning() noexcept { refuse(400, "the first byte begins no HTTP message"); }

void HeadReader::refuse_size() noexcept {
  if (lines_ == 0)
    refuse(414, "the request line is too long");
  else
    refuse(431, "the head is too large");
}

void HeadReader::refuse(int status, std::string_view reason) noexcept {
  refusal_ = {status, reason};
  state_ = State::refused;
}

}  // namespace sluice::http
