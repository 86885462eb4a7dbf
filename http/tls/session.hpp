// One end of a TLS connection, without I/O: ciphertext and time in, plaintext out, and the reverse (RFC 8446, RFC
// 5246).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/tls/context.hpp"
#include "http/tls/fault.hpp"
#include "stack/base/buffer.hpp"
#include "stack/base/bytes.hpp"
#include "stack/base/time.hpp"

namespace sluice::tls {

struct Engine;

enum class State : std::uint8_t {
  handshaking,  ///< no plaintext yet, either way
  open,         ///< plaintext flows, in one direction at least
  closed,       ///< both sides said close_notify, or it failed: failure() says why
};

/// Whom a client wants.
struct Target {
  std::string host;             ///< a name (told to the server) or an address; the certificate must be for it
  std::int64_t unix_time = -1;  ///< seconds since 1970 by which certificates are judged; negative: OpenSSL's clock
};

/// Input: receive() what came, read with peek() and consume(), receive() again with what is left.
/// Output: poll_transmit() shows everything that waits, transmitted() says how much of it left.
/// What the peer does wrong ends the session with a Failure, and an alert that waits to leave; what comes then is
/// ignored. Nothing is read or written before the handshake ended well.
///
/// Memory is bounded: at most one record of plaintext waits to be read, and while it does, or while kAnswers bytes wait
/// to leave, receive() takes nothing. What is written alone never gets there, so two ends that both write still read.
class Session {
 public:
  static constexpr std::size_t kRecord = 16384;         ///< plaintext in one record at most (RFC 8446 5.1)
  static constexpr std::size_t kOverhead = 32;          ///< what a record adds to its plaintext, at most
  static constexpr std::size_t kOutput = 4 * kRecord;   ///< ciphertext that waits before writing pauses
  static constexpr std::size_t kAnswers = 6 * kRecord;  ///< and before reading does

  Session(const ServerContext& context, Time now);
  /// The first flight waits to leave at once.
  Session(const ClientContext& context, const Target& target, Time now);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // --- from the peer

  /// Takes bytes from the front and says how many.
  std::size_t receive(Bytes bytes);
  /// The stream ended. REQUIRES that all before it was received. Without a close_notify it is Fault::truncated.
  void receive_eof();
  /// Plaintext to read, the reader's to change until consume(). Empty: not now.
  MutableBytes peek() noexcept { return {plain_.get() + plain_begin_, plain_end_ - plain_begin_}; }
  /// REQUIRES count <= peek().size().
  void consume(std::size_t count) noexcept;
  /// The peer said that it sends no more, and everything is consumed.
  bool at_eof() const noexcept { return peer_finished_ && plain_begin_ == plain_end_; }

  // --- to the peer

  /// Encrypts what fits, at most `most` bytes of plaintext, and says how many; 0 = not now.
  std::size_t write(Gather pieces, std::size_t most = SIZE_MAX);
  /// Plaintext that write() would take now.
  std::size_t writable() const noexcept;
  /// close_notify behind what is written; reading goes on, as a half-closed TCP connection does (RFC 8446 6.1). During
  /// the handshake it waits for its end.
  void finish();
  /// Fresh keys for our direction, and a request for the peer's (RFC 8446 4.6.3). False: not open, or not TLS 1.3.
  bool update_keys();
  /// What waits to leave; valid until the next call.
  Bytes poll_transmit() const noexcept;
  /// The same in counted memory, for a stream that takes it without a copy; empty: a copy is cheaper.
  Slice shared() const noexcept;
  /// The first `count` bytes of it left. REQUIRES no more than wait.
  void transmitted(std::size_t count) noexcept;

  // --- time

  /// The end of the handshake's patience; kNever once it is over.
  Time next_timeout() const noexcept { return state_ == State::handshaking ? deadline_ : kNever; }
  void handle_timeout(Time now);

  // --- what was agreed, once open

  State state() const noexcept { return state_; }
  const Failure& failure() const noexcept { return failure_; }
  /// The handshake ended well, whatever came then.
  bool was_open() const noexcept { return was_open_; }
  /// close_notify was queued behind what was written.
  bool finished() const noexcept { return finished_; }
  std::string_view version() const noexcept;      ///< "TLSv1.2" or "TLSv1.3"
  std::string_view cipher() const noexcept;       ///< "TLS_AES_256_GCM_SHA384"
  std::string_view protocol() const noexcept;     ///< by ALPN; empty: none
  std::string_view server_name() const noexcept;  ///< whom the client asked for by name; empty: nobody
  bool resumed() const noexcept;

 private:
  Session(std::shared_ptr<ContextState> context, Time now);

  bool may_receive() const noexcept;
  void advance();
  void shake_hands();
  void opened();
  void read_record();
  bool write_record(Bytes plaintext);
  void say_finish();
  void settle() noexcept;
  void judge(int result);
  void fail(Failure failure);
  void drop_plaintext() noexcept;

  std::unique_ptr<Engine> engine_;
  std::unique_ptr<std::uint8_t[]> plain_;  ///< kRecord bytes, while there is something in it
  std::size_t plain_begin_ = 0;
  std::size_t plain_end_ = 0;
  std::uint64_t records_ = 0;  ///< written with the present keys
  Time deadline_ = kNever;
  Failure failure_;
  State state_ = State::handshaking;
  bool was_open_ = false;
  bool peer_finished_ = false;
  bool finish_due_ = false;
  bool finished_ = false;
};

}  // namespace sluice::tls
