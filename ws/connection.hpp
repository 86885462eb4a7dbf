// A session driven over a byte stream, whatever carries it: TCP of ours, a kernel socket, TLS.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "stack/base/byte_stream.hpp"
#include "ws/session.hpp"

namespace sluice::ws {

/// A handler is called as handler(const Event&, Session&) and may send at once. One that answers what it reads has
/// `bool ready(const Session&) const` as well: while that is false nothing is read, so a peer that does not take the
/// answers can't make them pile up. One that reads for its own sake has none: two ends that both wait for each other
/// to read would wait for ever.
template <class Handler>
concept ReadsWhenReady = requires(const Handler& handler, const Session& session) {
  { handler.ready(session) } -> std::convertible_to<bool>;
};

/// Begins where the handshake ended: after the 101 was written (server) or read (client).
template <ByteStream Stream>
class Connection {
 public:
  /// `stream`, `settings` and `random` outlive the connection. `leftover` are bytes behind the handshake
  /// that were already taken out of the stream; what still lies in the stream needs no mention.
  /// `deflate` is what the handshake agreed on.
  Connection(Stream& stream, Role role, const Settings& settings, Random* random = nullptr, Bytes leftover = {},
             const std::optional<DeflateParameters>& deflate = {})
      : stream_(stream), session_(role, settings, random, deflate) {
    if (!leftover.empty()) leftover_ = std::make_unique<Leftover>(leftover.begin(), leftover.end());
  }
  Connection(Stream&, Role, Settings&&, Random* = nullptr, Bytes = {},
             const std::optional<DeflateParameters>& = {}) = delete;

  Session& session() noexcept { return session_; }
  const Session& session() const noexcept { return session_; }

  /// Moves everything that can move: call when the stream became readable or writable, at next_timeout(), and after
  /// using session() from outside.
  /// Returns true when the connection is over and both it and the stream may be dropped.
  template <class Handler>
  bool pump(Time now, Handler&& handler) {
    bool moved = true;
    while (moved) {
      moved = read(handler);
      session_.handle_timeout(now);
      deliver(handler);
      moved = write() || moved;
    }
    notice_end(handler);
    return conclude();
  }

  Time next_timeout() const noexcept { return session_.next_timeout(); }

 private:
  using Leftover = std::vector<std::uint8_t>;
  static constexpr std::size_t kPieces = 64;  ///< spans in one write

  /// One compressed message may be many events: between them the handler may have had enough.
  template <class Handler>
  bool deliver(Handler& handler) {
    bool moved = false;
    while (may_read(handler)) {
      const auto event = session_.poll_event();
      if (!event) break;
      handler(*event, session_);
      moved = true;
    }
    return moved;
  }

  template <class Handler>
  bool may_read(const Handler& handler) const {
    if constexpr (ReadsWhenReady<Handler>)
      return !session_.open() || handler.ready(session_);
    else
      return true;
  }

  template <class Handler>
  bool read(Handler& handler) {
    bool moved = deliver(handler);
    while (may_read(handler)) {
      const bool held = leftover_ != nullptr;
      const MutableBytes input = held ? MutableBytes(*leftover_) : stream_.peek();
      if (input.empty()) break;
      consume(held, receive(input, handler));
      moved = true;
    }
    notice_end(handler);
    return moved;
  }

  template <class Handler>
  void notice_end(Handler& handler) {
    const bool failed = stream_.error() != Errc::none;
    if (ended_ || session_.has_event() || !(failed || (!leftover_ && stream_.at_eof()))) return;
    ended_ = true;
    session_.receive_eof();
    deliver(handler);
  }

  /// Works through one run of input as far as back-pressure lets it; returns the bytes that are done with.
  /// REQUIRES may_read().
  template <class Handler>
  std::size_t receive(MutableBytes input, Handler& handler) {
    std::size_t used = 0;
    do {
      used += session_.receive(input.subspan(used));
      deliver(handler);
    } while (used < input.size() && may_read(handler));
    return used;
  }

  void consume(bool held, std::size_t count) {
    if (!held) return stream_.consume(count);
    leftover_->erase(leftover_->begin(), leftover_->begin() + static_cast<std::ptrdiff_t>(count));
    if (leftover_->empty()) leftover_.reset();
  }

  bool write() {
    bool moved = false;
    for (auto waiting = session_.poll_transmit(); !waiting.empty(); waiting = session_.poll_transmit()) {
      std::array<Bytes, kPieces> pieces;
      const std::size_t count = std::min(waiting.size(), kPieces);
      for (std::size_t i = 0; i < count; ++i) pieces[i] = waiting[i].bytes();
      const Result<std::size_t> written = stream_.write(Gather(pieces).first(count));
      if (!written || *written == 0) break;
      session_.transmitted(*written);
      moved = true;
    }
    return moved;
  }

  bool conclude() {
    if (stream_.error() != Errc::none) return true;
    const StreamStep step = session_.stream_step();
    if (step == StreamStep::keep) return false;
    if (step == StreamStep::abort) {
      stream_.abort();
      return true;
    }
    if (!finished_) stream_.finish();
    finished_ = true;
    return step == StreamStep::done;
  }

  Stream& stream_;
  std::unique_ptr<Leftover> leftover_;     ///< not empty
  [[no_unique_address]] Session session_;  ///< ends in room for the next two
  bool ended_ = false;
  bool finished_ = false;
};

}  // namespace sluice::ws
