// Moves bytes between any ByteStream and a session until neither side can go on. Buffers nothing itself.
#pragma once

#include <concepts>
#include <utility>

#include "http/events.hpp"
#include "stack/base/shared_stream.hpp"
#include "stack/base/time.hpp"

namespace sluice::http {

/// What ServerSession and ClientSession have in common.
template <class S>
concept Session = requires(S session, const S& view, Bytes bytes, std::size_t count, Time now) {
  { session.receive(bytes, now) } -> std::same_as<std::size_t>;
  { session.receive_eof() } -> std::same_as<void>;
  {*session.poll_event()};
  { session.poll_transmit(count, now) } -> std::same_as<Gather>;
  { view.shared(count) } -> std::same_as<Slice>;
  { session.transmitted(count, now) } -> std::same_as<void>;
  { session.take_finish() } -> std::same_as<bool>;
  { session.handle_timeout(now) } -> std::same_as<void>;
  { view.next_timeout() } -> std::same_as<Time>;
  { view.phase() } -> std::same_as<Phase>;
};

namespace detail {

/// True if bytes, an end or an event moved.
template <ByteStream Stream, Session S, class OnEvent>
bool pump_in(Stream& stream, S& session, Time now, OnEvent& on_event) {
  const MutableBytes bytes = stream.peek();
  const std::size_t taken = session.receive(bytes, now);
  if (bytes.empty() && stream.at_eof()) session.receive_eof();
  bool moved = taken > 0;
  while (auto event = session.poll_event()) {  // before consume(): a BodyPart lies in these bytes
    on_event(std::move(*event));
    moved = true;
  }
  stream.consume(taken);
  return moved;
}

/// True if bytes moved; the error of a stream that takes no more.
template <ByteStream Stream, Session S>
Result<bool> pump_out(Stream& stream, S& session, Time now) {
  const Gather pieces = session.poll_transmit(stream.writable(), now);
  if (pieces.empty()) return false;
  const auto memory_of = [&](std::size_t piece) { return session.shared(piece); };
  const Result<std::size_t> written = write_pieces(stream, pieces, memory_of);
  if (!written) return written.error();
  session.transmitted(*written, now);
  return *written > 0;
}

}  // namespace detail

/// One turn: call it when the stream is readable or writable, when session.next_timeout() is due, and after the session
/// was given an answer or body from outside `on_event`. on_event(ServerEvent&&) or (ClientEvent&&) may call every
/// method of the session but receive, receive_eof, poll_event, poll_transmit and transmitted; a BodyPart is valid
/// during the call. Calls finish() and abort() on the stream as due. Afterwards: `upgraded` hands the stream to the
/// next protocol; `closed` and `aborted` mean that the owner drops the stream (a stream that failed gives `aborted`).
template <ByteStream Stream, Session S, class OnEvent>
Phase drive(Stream& stream, S& session, Time now, OnEvent&& on_event) {
  session.handle_timeout(now);
  for (bool moved = true; moved;) {
    moved = false;
    while (detail::pump_in(stream, session, now, on_event)) moved = true;  // all that waits: its answers leave together
    Result<bool> sent = detail::pump_out(stream, session, now);
    for (; sent && *sent; sent = detail::pump_out(stream, session, now)) moved = true;
    if (!sent || stream.error() != Errc::none) return Phase::aborted;
  }
  if (session.take_finish()) stream.finish();
  if (session.phase() == Phase::aborted) stream.abort();
  return session.phase();
}

}  // namespace sluice::http
