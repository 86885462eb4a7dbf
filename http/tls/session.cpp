// Handshake, records and their end: what OpenSSL is asked, and what its answers mean.
#include "http/tls/session.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

#include "http/tls/engine.hpp"

namespace sluice::tls {
namespace {

/// Bytes shown to OpenSSL at once: what one call may make of them (answers to key updates above all) stays small.
constexpr std::size_t kStep = Session::kRecord;

/// Far below what AES-GCM may encrypt with one key (RFC 8446 5.5: 2^24.5 records).
constexpr std::uint64_t kRecordsOfAKey = std::uint64_t{1} << 23;

/// The plaintext of one record: a piece itself where it is long enough, else many short ones together.
class Staging {
 public:
  explicit Staging(Gather pieces) noexcept : pieces_(pieces) {}

  /// The next bytes, at most `most`; valid until the next call. Empty at the end.
  Bytes next(std::size_t most) {
    while (!pieces_.empty() && pieces_.front().size() == used_) step();
    if (pieces_.empty()) return {};
    if (pieces_.front().size() - used_ >= most) return take(most);
    std::size_t size = 0;
    while (size < most && !pieces_.empty()) {
      const Bytes part = take(std::min(most - size, pieces_.front().size() - used_));
      std::copy(part.begin(), part.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
      size += part.size();
      if (pieces_.front().size() == used_) step();
    }
    return Bytes(buffer_).first(size);
  }

 private:
  Bytes take(std::size_t count) noexcept {
    const Bytes part = pieces_.front().subspan(used_, count);
    used_ += count;
    return part;
  }
  void step() noexcept {
    pieces_ = pieces_.subspan(1);
    used_ = 0;
  }

  Gather pieces_;
  std::size_t used_ = 0;
  std::array<std::uint8_t, Session::kRecord> buffer_;
};

std::string_view view(const char* text) { return text ? text : ""; }

}  // namespace

Session::Session(std::shared_ptr<ContextState> context, Time now)
    : engine_(std::make_unique<Engine>(std::move(context))),
      deadline_(now + engine_->context->settings.handshake_time) {
  if (!engine_->ssl) fail({Fault::internal, "there is no memory left for TLS"});
}

Session::Session(const ServerContext& context, Time now) : Session(context.state_, now) {
  if (!failure_) SSL_set_accept_state(engine_->ssl.get());
}

Session::Session(const ClientContext& context, const Target& target, Time now) : Session(context.state_, now) {
  if (failure_) return;
  SSL_set_connect_state(engine_->ssl.get());
  if (engine_->aim(target.host, target.unix_time))
    shake_hands();
  else
    fail({Fault::internal, "\"" + printable(target.host) + "\" is no name of a host"});
}

Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

// --- from the peer

bool Session::may_receive() const noexcept { return plain_begin_ == plain_end_ && poll_transmit().size() < kAnswers; }

std::size_t Session::receive(Bytes bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && may_receive()) {
    if (state_ == State::closed || peer_finished_) return bytes.size();  // RFC 8446 6.1: to be ignored
    const Bytes step = bytes.subspan(taken, std::min(kStep, bytes.size() - taken));
    engine_->wire.show(step);
    advance();
    taken += step.size() - engine_->wire.unread();
    engine_->wire.show({});
  }
  return taken;
}

void Session::receive_eof() {
  if (state_ == State::closed || peer_finished_) return;
  if (state_ == State::handshaking)
    return fail({Fault::truncated, "the connection ended in the middle of the TLS handshake"});
  fail({Fault::truncated, "the connection ended without a close_notify, so the last bytes may be missing"});
}

void Session::consume(std::size_t count) noexcept {
  assert(count <= plain_end_ - plain_begin_);
  plain_begin_ += count;
  if (plain_begin_ == plain_end_) drop_plaintext();
}

void Session::drop_plaintext() noexcept {
  plain_.reset();
  plain_begin_ = plain_end_ = 0;
}

void Session::advance() {
  if (state_ == State::handshaking) shake_hands();
  if (state_ == State::open) read_record();
}

void Session::shake_hands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(engine_->ssl.get());
  if (result == 1) return opened();
  judge(result);
}

void Session::opened() {
  state_ = State::open;
  was_open_ = true;
  SSL* ssl = engine_->ssl.get();
  // TLS 1.2 sends no new ticket when an old one was good, and an old one may be used again.
  if (!SSL_is_server(ssl) && resumed() && SSL_version(ssl) == TLS1_2_VERSION)
    engine_->keep_ticket(OwnedSession(SSL_get1_session(ssl)));
  if (finish_due_) say_finish();
}

void Session::read_record() {
  if (!plain_) plain_ = std::make_unique_for_overwrite<std::uint8_t[]>(kRecord);
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_read_ex(engine_->ssl.get(), plain_.get(), kRecord, &count);
  plain_end_ = count;
  if (result == 1) return;
  drop_plaintext();
  judge(result);
}

/// What a call that did not succeed means.
void Session::judge(int result) {
  switch (SSL_get_error(engine_->ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return;
    case SSL_ERROR_ZERO_RETURN: peer_finished_ = true; return settle();
    default: return fail(engine_->refusal ? engine_->refusal : failure_of_queue());
  }
}

void Session::fail(Failure failure) {
  ERR_clear_error();
  drop_plaintext();
  failure_ = std::move(failure);
  state_ = State::closed;
}

void Session::settle() noexcept {
  if (finished_ && peer_finished_) state_ = State::closed;
}

// --- to the peer

std::size_t Session::writable() const noexcept {
  if (state_ != State::open || finished_) return 0;
  return kOutput - std::min(kOutput, poll_transmit().size());
}

std::size_t Session::write(Gather pieces, std::size_t most) {
  std::size_t left = std::min(most, writable());
  std::size_t written = 0;
  Staging staging(pieces);
  while (left > 0) {
    const Bytes plaintext = staging.next(std::min(left, kRecord));
    if (plaintext.empty() || !write_record(plaintext)) break;
    written += plaintext.size();
    left -= plaintext.size();
  }
  return written;
}

bool Session::write_record(Bytes plaintext) {
  if (++records_ > kRecordsOfAKey) update_keys();
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_write_ex(engine_->ssl.get(), plaintext.data(), plaintext.size(), &count);
  if (result != 1) judge(result);
  assert(result != 1 || count == plaintext.size());  // the wire takes everything
  return result == 1;
}

void Session::finish() {
  finish_due_ = true;
  if (state_ == State::open && !finished_) say_finish();
}

/// 0 and 1 both mean that close_notify is on its way.
void Session::say_finish() {
  finished_ = true;
  ERR_clear_error();
  if (SSL_shutdown(engine_->ssl.get()) < 0) return fail(failure_of_queue());
  settle();
}

bool Session::update_keys() {
  SSL* ssl = engine_->ssl.get();
  records_ = 0;
  if (state_ != State::open || finished_ || SSL_version(ssl) != TLS1_3_VERSION) return false;
  ERR_clear_error();
  return SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(ssl) == 1;
}

Bytes Session::poll_transmit() const noexcept { return engine_->wire.waiting(); }
Slice Session::shared() const noexcept { return engine_->wire.shared(); }
void Session::transmitted(std::size_t count) noexcept { engine_->wire.sent(count); }

// --- time

void Session::handle_timeout(Time now) {
  if (state_ == State::handshaking && now >= deadline_)
    fail({Fault::timed_out, "the TLS handshake was not done in time"});
}

// --- what was agreed

std::string_view Session::version() const noexcept { return view(SSL_get_version(engine_->ssl.get())); }
std::string_view Session::cipher() const noexcept { return view(SSL_get_cipher_name(engine_->ssl.get())); }
bool Session::resumed() const noexcept { return SSL_session_reused(engine_->ssl.get()) == 1; }

std::string_view Session::protocol() const noexcept {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(engine_->ssl.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view Session::server_name() const noexcept {
  return view(SSL_get_servername(engine_->ssl.get(), TLSEXT_NAMETYPE_host_name));
}

}  // namespace sluice::tls
