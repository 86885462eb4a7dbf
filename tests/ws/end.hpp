// One end of a WebSocket for tests: a session whose events and output read as text.
#pragma once

#include <algorithm>
#include <string>

#include "tests/ws/wire.hpp"
#include "ws/session.hpp"

namespace sluice::ws::test {

inline constexpr Key kRandomKey = {1, 2, 3, 4, 5};

/// Events to text. Pieces of a message are joined, so that the way it was cut does not show.
class Log {
 public:
  void operator()(const Event& event) {
    if (const Data* data = std::get_if<Data>(&event)) return add(*data);
    if (const Ping* ping = std::get_if<Ping>(&event)) return add("ping", as_text(ping->payload));
    if (const Pong* pong = std::get_if<Pong>(&event)) return add("pong", as_text(pong->payload));
    const Closed& closed = std::get<Closed>(event);
    add(std::string(closed.fault == Fault::none ? "closed " : "failed ") + std::to_string(number(closed.code)) +
            (closed.clean ? "" : " unclean"),
        closed.reason);
  }
  /// What happened since the last call.
  std::string take() { return std::exchange(text_, {}); }
  /// The part of the last message that came so far.
  const std::string& unfinished() const { return message_; }
  /// The last message that ended.
  const std::string& last() const { return last_; }

 private:
  void add(const Data& data) {
    if (data.first) message_.clear();
    message_ += as_text(data.bytes);
    if (!data.last) return;
    add(data.type == MessageType::text ? "text" : "binary",
        message_.size() > 40 ? "(" + std::to_string(message_.size()) + ")" : message_);
    last_ = std::exchange(message_, {});
  }
  void add(std::string_view what, std::string_view payload) {
    if (!text_.empty()) text_ += " | ";
    text_ += what;
    if (!payload.empty()) text_.append(" ").append(payload);
  }

  std::string text_;
  std::string message_;
  std::string last_;
};

struct End {
  explicit End(Role role, Settings chosen = {}, const std::optional<DeflateParameters>& deflate = {})
      : settings(chosen), random(kRandomKey, KeyUse::websocket_mask), session(role, settings, &random, deflate) {}

  /// Bytes from the peer, given to receive() in pieces of at most `piece`.
  void in(ByteVector bytes, std::size_t piece = SIZE_MAX) {
    for (std::size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at))
      give(MutableBytes(bytes).subspan(at, std::min(piece, bytes.size() - at)));
  }
  void give(MutableBytes input) {
    while (!input.empty()) {
      input = input.subspan(session.receive(input));
      poll();
    }
  }
  void eof() {
    session.receive_eof();
    poll();
  }
  void at(Time now) {
    session.handle_timeout(now);
    poll();
  }
  void poll() {
    while (const auto event = session.poll_event()) log(*event);
  }

  std::string events() { return log.take(); }

  /// Everything that waits, as bytes; it counts as sent.
  ByteVector out_bytes() {
    ByteVector bytes;
    for (const Slice& slice : session.poll_transmit())
      bytes.insert(bytes.end(), slice.bytes().begin(), slice.bytes().end());
    session.transmitted(bytes.size());
    return bytes;
  }
  std::string out() { return show_frames(out_bytes()); }

  Settings settings;
  Random random;
  Session session;
  Log log;
};

inline Time after(std::chrono::milliseconds duration) { return Time{} + std::chrono::hours(1) + duration; }

}  // namespace sluice::ws::test
