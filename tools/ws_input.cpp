// Lines that make no message are told by their number, and the next one counts again.
#include "tools/ws_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tools/hex.hpp"
#include "ws/utf8.hpp"

namespace sluice::tools {
namespace {

constexpr std::size_t kRead = 65536;

std::vector<std::uint8_t> copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

std::size_t WsInput::wanted() const noexcept {
  if (ended_ || has_message()) return 0;
  return form_ == WsForm::binary ? chunk_ : kRead;
}

void WsInput::add(Bytes bytes) {
  if (form_ != WsForm::binary) return add_lines(bytes);
  if (!bytes.empty()) messages_.emplace_back(WsMessage{ws::MessageType::binary, copy(bytes)});
}

void WsInput::add_lines(Bytes bytes) {
  while (!bytes.empty()) {
    const auto newline = std::find(bytes.begin(), bytes.end(), std::uint8_t{'\n'});
    const Bytes part(bytes.begin(), newline);
    too_long_ = too_long_ || line_.size() + part.size() > kLongestLine;
    if (!too_long_) line_.append(as_text(part));
    if (newline == bytes.end()) return;
    finish_line();
    bytes = bytes.subspan(part.size() + 1);
  }
}

void WsInput::finish_line() {
  ++number_;
  if (line_.ends_with('\r')) line_.pop_back();
  messages_.push_back(parse_line(std::exchange(line_, {})));
  too_long_ = false;
}

lab::Parsed<WsMessage> WsInput::parse_line(std::string&& line) const {
  const auto refuse = [this](const char* what) {
    return lab::Parsed<WsMessage>::failed(fmt::format("line {} of the input is {}", number_, what));
  };
  if (too_long_) return refuse("longer than 16 MiB");
  if (form_ == WsForm::hex) {
    auto bytes = parse_hex(line);
    if (!bytes) return refuse("not hexadecimal");
    return WsMessage{ws::MessageType::binary, std::move(*bytes)};
  }
  if (!ws::is_utf8(as_bytes(line))) return refuse("not UTF-8");
  return WsMessage{ws::MessageType::text, copy(as_bytes(line))};
}

void WsInput::end() {
  ended_ = true;
  if (!line_.empty() || too_long_) finish_line();
}

lab::Parsed<WsMessage> WsInput::take() {
  lab::Parsed<WsMessage> message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

}  // namespace sluice::tools
