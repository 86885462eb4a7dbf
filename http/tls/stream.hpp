// TLS as a byte stream over another one, so that http and ws run over it as over TCP.
#pragma once

#include <algorithm>
#include <utility>

#include "http/tls/session.hpp"
#include "stack/base/shared_stream.hpp"

namespace sluice::tls {

/// A ByteStream. Everything moves inside its calls: whoever drives it calls peek() or write() when the stream below
/// became readable or writable, as http::drive and ws::Connection do, and handle_timeout() at next_timeout().
///
/// finish() is close_notify and then the lower stream's finish(); an end of the lower stream without the peer's
/// close_notify is the error `truncated`, not the end. After a failure the alert and the end go out by themselves.
template <ByteStream Lower>
class Stream {
 public:
  /// `lower` outlives the stream, and nobody else reads or writes it.
  Stream(Lower& lower, Session session) : lower_(lower), session_(std::move(session)) {}

  MutableBytes peek() {
    turn();
    return session_.peek();
  }
  void consume(std::size_t count) { session_.consume(count); }
  bool at_eof() const { return session_.at_eof(); }

  /// Several short pieces become one record.
  Result<std::size_t> write(Gather pieces) {
    flush();
    if (error() != Errc::none) return error();
    if (finish_called_) return Errc::connection_closing;
    const std::size_t taken = session_.write(pieces, writable());
    flush();
    return taken;
  }
  /// What fits into the lower stream once encrypted, so that nothing waits here; where that is next to nothing, a short
  /// record, which may wait here in part.
  std::size_t writable() const {
    const std::size_t waiting = session_.poll_transmit().size();
    const std::size_t below = lower_.writable();
    if (below <= waiting) return 0;
    const std::size_t fits = plaintext_in(below - waiting);
    return std::min(session_.writable(), waiting == 0 ? std::max(fits, kShort) : fits);
  }
  void finish() {
    finish_called_ = true;
    session_.finish();
    flush();
  }
  void abort() {
    aborted_ = true;
    lower_.abort();
  }
  Errc error() const {
    if (aborted_) return Errc::connection_aborted;
    return session_.failure() ? errc_of(session_.failure().fault) : lower_.error();
  }

  Time next_timeout() const noexcept { return session_.next_timeout(); }
  void handle_timeout(Time now) {
    session_.handle_timeout(now);
    flush();
  }

  /// Everything that was written, and the close_notify or alert behind it, is in the lower stream: it may be closed.
  bool flushed() const { return session_.poll_transmit().empty() || lower_.error() != Errc::none; }

  Session& session() noexcept { return session_; }
  const Session& session() const noexcept { return session_; }

 private:
  static constexpr std::size_t kShort = 1024;

  static constexpr std::size_t plaintext_in(std::size_t room) noexcept {
    constexpr std::size_t kWhole = Session::kRecord + Session::kOverhead;
    const std::size_t rest = room % kWhole;
    return room / kWhole * Session::kRecord + (rest > Session::kOverhead ? rest - Session::kOverhead : 0);
  }

  void turn() {
    flush();
    while (session_.peek().empty()) {
      const MutableBytes input = lower_.peek();
      if (input.empty()) {
        if (lower_.at_eof()) session_.receive_eof();
        break;
      }
      const std::size_t taken = session_.receive(input);
      lower_.consume(taken);
      flush();
      if (taken == 0) break;
    }
    flush();
  }

  void flush() {
    for (Bytes waiting = session_.poll_transmit(); !waiting.empty(); waiting = session_.poll_transmit()) {
      const auto memory_of = [this](std::size_t) { return session_.shared(); };
      const Result<std::size_t> written = write_pieces(lower_, Gather(&waiting, 1), memory_of);
      if (!written || *written == 0) return;
      session_.transmitted(*written);
    }
    if (lower_finished_ || !(session_.finished() || session_.failure())) return;
    lower_finished_ = true;
    lower_.finish();
  }

  Lower& lower_;
  Session session_;
  bool finish_called_ = false;
  bool lower_finished_ = false;
  bool aborted_ = false;
};

}  // namespace sluice::tls
