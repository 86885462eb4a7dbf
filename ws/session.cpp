// How a session answers: events, Pongs and the closing handshake. Timers are in session_time.cpp.
#include "ws/session.hpp"

#include <array>
#include <cassert>
#include <memory>
#include <utility>

namespace sluice::ws {
namespace {

/// Pongs that may wait in the queue one by one; of further Pings only the latest is answered (RFC 6455 5.5.3).
constexpr std::uint8_t kMaxUnsentPongs = 16;

// An idle connection stays small: what only some need is allocated when they need it.
static_assert(sizeof(void*) != 8 || sizeof(Session) <= 224);

}  // namespace

Session::Session(Role role, const Settings& settings, Random* random, const std::optional<DeflateParameters>& deflate)
    : receiver_(role, settings, deflate ? std::optional(deflate->sent_by(other(role))) : std::nullopt),
      sender_(role, settings, random, deflate ? std::optional(deflate->sent_by(role)) : std::nullopt),
      role_(role) {}

std::size_t Session::receive(MutableBytes input) {
  assert(!has_event() || closed());
  if (input.empty()) return 0;
  heard_ = true;
  if (closed()) return input.size();  // [WS-7.1.7-2]
  Received received;
  const std::size_t used = receiver_.receive(input, received);
  on_received(received);
  return used;
}

void Session::on_received(const Received& received) {
  switch (received.kind) {
    case Received::Kind::nothing: break;
    case Received::Kind::data:
    case Received::Kind::pong: event_ = received; break;
    case Received::Kind::ping: on_ping(received); break;
    case Received::Kind::close: on_close(received.bytes); break;
    case Received::Kind::fault: on_fault(received.fault); break;
  }
}

void Session::receive_eof() {
  eof_ = true;
  if (!closed()) on_fault(Fault::lost);
}

std::optional<Event> Session::poll_event() {
  while (event_.kind == Received::Kind::nothing && !closed() && receiver_.waiting()) {
    Received received;
    receiver_.resume(received);
    on_received(received);
  }
  const Received event = std::exchange(event_, {});
  switch (event.kind) {
    case Received::Kind::data: return Data{event.type, event.first, event.last, event.bytes};
    case Received::Kind::ping: return Ping{event.bytes};
    case Received::Kind::pong: return Pong{event.bytes};
    default: break;
  }
  receiver_.rest();
  if (!std::exchange(closed_waits_, false)) return std::nullopt;
  const bool said = rare_ && !rare_->peer_reason.empty();
  return Closed{code_, said ? std::string_view(rare_->peer_reason) : describe(fault_).text, clean_, fault_};
}

Session::Rare& Session::rare() {
  if (!rare_) rare_ = std::make_unique<Rare>();
  return *rare_;
}

void Session::forget_late_pong() noexcept {
  if (rare_) rare_->late_pong.reset();
}

void Session::on_ping(const Received& ping) {
  event_ = ping;
  if (open()) queue_pong(ping.bytes);  // nothing follows our Close
}

void Session::queue_pong(Bytes payload) {
  if (pongs_unsent_ == kMaxUnsentPongs) {
    rare().late_pong = Slice::copy_of(payload);
    return;
  }
  sender_.control(Opcode::pong, payload);
  ++pongs_unsent_;
  pongs_end_ = sender_.queued();
}

/// RFC 6455 5.5.1: the peer's Close is answered with one of the same code, unless it answers ours.
void Session::on_close(Bytes body) {
  const CloseBody said = parse_close_body(body);
  if (said.fault != Fault::none) return on_fault(said.fault);
  if (open()) queue_close(said.code, {});
  if (!said.reason.empty()) rare().peer_reason = said.reason;
  end_session(said.code, Fault::none);
}

/// RFC 6455 7.1.7, "fail the connection": one Close that says why, if any may still be sent.
void Session::on_fault(Fault fault) {
  const FaultInfo info = describe(fault);
  if (open() && info.code != CloseCode::abnormal) queue_close(info.code, info.text);
  end_session(info.code, fault);
}

void Session::queue_close(CloseCode code, std::string_view reason) {
  std::array<std::uint8_t, kMaxControlPayload> body;
  const std::size_t size = write_close_body(body, code, reason);
  forget_late_pong();
  sender_.drop_draft();
  sender_.control(Opcode::close, Bytes(body).first(size));
}

void Session::end_session(CloseCode code, Fault fault) {
  phase_ = Phase::closed;
  clean_ = fault == Fault::none;
  closed_waits_ = true;
  code_ = code;
  fault_ = fault;
  phase_deadline_ = Time::min();
  forget_late_pong();
  sender_.drop_draft();
}

Result<void> Session::send(MessageType type, Bytes payload, Compress compress) {
  if (!open()) return Errc::connection_closing;
  return sender_.send(type, payload, compress);
}

Result<void> Session::send(MessageType type, Slice payload) {
  if (!open()) return Errc::connection_closing;
  return sender_.send(type, std::move(payload));
}

Result<void> Session::send(const Prepared& message) {
  if (!open()) return Errc::connection_closing;
  return sender_.send(message);
}

Result<void> Session::begin(MessageType type, Compress compress) {
  if (!open()) return Errc::connection_closing;
  return sender_.begin(type, compress);
}

Result<void> Session::append(Bytes piece) {
  if (!open()) return Errc::connection_closing;
  return sender_.append(piece);
}

Result<void> Session::end() {
  if (!open()) return Errc::connection_closing;
  return sender_.end();
}

Result<void> Session::ping(Bytes payload) {
  if (!open()) return Errc::connection_closing;
  if (payload.size() > kMaxControlPayload) return Errc::invalid_argument;
  if (sender_.room() == 0) return Errc::would_block;
  sender_.control(Opcode::ping, payload);
  return {};
}

Result<void> Session::close(CloseCode code, std::string_view reason) {
  if (!open()) return Errc::connection_closing;
  const bool valid = may_be_sent(code) && reason.size() <= kMaxCloseReason && is_utf8(as_bytes(reason));
  if (!valid) return Errc::invalid_argument;
  queue_close(code, reason);
  phase_ = Phase::closing;
  phase_deadline_ = Time::min();
  return {};
}

void Session::transmitted(std::size_t count) {
  sender_.transmitted(count);
  output_moved_ = output_moved_ || count > 0;
  if (pongs_unsent_ == 0 || sender_.sent() < pongs_end_) return;
  pongs_unsent_ = 0;
  if (!rare_ || !rare_->late_pong) return;
  queue_pong(rare_->late_pong->bytes());
  rare_->late_pong.reset();
}

/// RFC 6455 7.1.1: the server ends the stream first and so keeps TIME-WAIT; after a clean close the client waits for
/// it.
StreamStep Session::stream_step() const noexcept {
  if (gave_up_) return StreamStep::abort;
  if (!closed() || !sender_.queue().empty()) return StreamStep::keep;
  if (settled()) return StreamStep::done;
  return role_ == Role::client && clean_ ? StreamStep::keep : StreamStep::finish;
}

}  // namespace sluice::ws
