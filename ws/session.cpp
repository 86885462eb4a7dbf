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
static_assert(sizeof(void*) != 8 || sizeof(Session) <= 336);

}  // namespace

Session::Session(Role role, const Settings& settings, Random* random, const std::optional<DeflateParameters>& deflate)
    : settings_(settings),
      role_(role),
      receiver_(role, settings, deflate ? std::optional(deflate->sent_by(other(role))) : std::nullopt),
      sender_(role, settings, random, deflate ? std::optional(deflate->sent_by(role)) : std::nullopt) {}

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
    case Received::Kind::data: event_ = received.data; break;
    case Received::Kind::ping: on_ping(received.payload); break;
    case Received::Kind::pong: event_ = Pong{received.payload}; break;
    case Received::Kind::close: on_close(received.payload); break;
    case Received::Kind::fault: on_fault(received.fault); break;
  }
}

void Session::receive_eof() {
  eof_ = true;
  if (!closed()) on_fault(Fault::lost);
}

std::optional<Event> Session::poll_event() {
  while (!event_ && !closed() && receiver_.waiting()) {
    Received received;
    receiver_.resume(received);
    on_received(received);
  }
  if (event_) return std::exchange(event_, std::nullopt);
  receiver_.rest();
  if (!std::exchange(closed_waits_, false)) return std::nullopt;
  const std::string_view reason = peer_reason_ ? std::string_view(*peer_reason_) : describe(fault_).text;
  return Closed{code_, reason, clean_, fault_};
}

void Session::on_ping(Bytes payload) {
  event_ = Ping{payload};
  if (open()) queue_pong(payload);  // nothing follows our Close
}

void Session::queue_pong(Bytes payload) {
  if (pongs_unsent_ == kMaxUnsentPongs) {
    late_pong_ = std::make_unique<Slice>(Slice::copy_of(payload));
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
  if (!said.reason.empty()) peer_reason_ = std::make_unique<std::string>(said.reason);
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
  late_pong_.reset();
  sender_.drop_draft();
  sender_.control(Opcode::close, Bytes(body).first(size));
}

void Session::end_session(CloseCode code, Fault fault) {
  phase_ = Phase::closed;
  clean_ = fault == Fault::none;
  closed_waits_ = true;
  code_ = code;
  fault_ = fault;
  close_deadline_ = Time::min();
  late_pong_.reset();
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
  close_deadline_ = Time::min();
  return {};
}

void Session::transmitted(std::size_t count) {
  sender_.transmitted(count);
  if (pongs_unsent_ == 0 || sender_.sent() < pongs_end_) return;
  pongs_unsent_ = 0;
  if (const auto late = std::move(late_pong_)) queue_pong(late->bytes());
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
