// RFC 6455 5.2 to 5.6 in the order in which the bytes come: header, start of frame, payload.
#include "ws/receiver.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::ws {
namespace {

void report(Fault fault, Received& out) noexcept {
  out.kind = Received::Kind::fault;
  out.fault = fault;
}

/// How much compressed payload is unmasked at a time, in case that most of it has to wait.
constexpr std::size_t kInflateAhead = 4096;

Received::Kind kind_of(Opcode control) noexcept {
  if (control == Opcode::ping) return Received::Kind::ping;
  return control == Opcode::pong ? Received::Kind::pong : Received::Kind::close;
}

}  // namespace

Receiver::Receiver(Role role, const Settings& settings, const std::optional<DeflateWindow>& deflate)
    : settings_(settings), rules_{role == Role::server, deflate ? kRsv1 : std::uint8_t{0}} {
  if (deflate) inflation_ = std::make_unique<Inflation>(*deflate, settings);
}

std::size_t Receiver::receive(MutableBytes input, Received& out) {
  out = Received();
  std::size_t used = 0;
  while (used < input.size() && out.kind == Received::Kind::nothing) {
    const MutableBytes rest = input.subspan(used);
    used += in_frame_ ? take_payload(rest, out) : take_header(rest, out);
  }
  return used;
}

/// A header may come in pieces; the bytes so far wait in partial_. Returns how many were taken now.
std::size_t Receiver::take_header(MutableBytes input, Received& out) {
  Bytes source = input;
  const std::size_t before = partial_size_;
  if (before > 0) {
    const std::size_t more = std::min(input.size(), partial_.size() - before);
    std::memcpy(partial_.data() + before, input.data(), more);
    source = Bytes(partial_).first(before + more);
  }
  const ParsedHeader parsed = parse_header(source, rules_);
  if (parsed.fault != Fault::none) {
    report(parsed.fault, out);
    return input.size();
  }
  if (parsed.size == 0) {
    std::memmove(partial_.data(), source.data(), source.size());
    partial_size_ = static_cast<std::uint8_t>(source.size());
    return input.size();
  }
  partial_size_ = 0;
  begin_frame(parsed.header, out);
  return parsed.size - before;
}

void Receiver::begin_frame(const FrameHeader& header, Received& out) {
  if (!is_control(header.opcode)) {
    if (const Fault fault = begin_data(header); fault != Fault::none) return report(fault, out);
  }
  control_.reset();
  in_frame_ = true;
  fin_ = header.fin;
  opcode_ = header.opcode;
  key_ = header.key;
  left_ = header.length;
  if (left_ == 0) take_payload({}, out);  // no byte will come to close the frame
}

/// RFC 6455 5.4: what may follow what, and 10.4: how much of it.
Fault Receiver::begin_data(const FrameHeader& header) noexcept {
  const bool continues = header.opcode == Opcode::continuation;
  if (continues && !in_message_) return Fault::stray_continuation;
  if (!continues && in_message_) return Fault::message_interleaved;
  if (!continues) {
    type_ = header.opcode == Opcode::text ? MessageType::text : MessageType::binary;
    compressed_ = header.rsv != 0;  // else as it is, whatever was agreed on [WSD-6.2-1]
    if (compressed_) inflation_->begin_message();
    fresh_ = true;
    text_.reset();
    fragments_ = 0;
    message_size_ = 0;
  }
  in_message_ = true;
  progress_ = true;
  if (++fragments_ > settings_.max_fragments) return Fault::too_many_fragments;
  if (header.length > settings_.max_frame) return Fault::frame_too_big;
  if (compressed_) return Fault::none;  // what counts is what comes out
  if (header.length > settings_.max_message - message_size_) return Fault::message_too_big;
  message_size_ += header.length;
  return Fault::none;
}

/// Takes what there is of the frame's payload and closes the frame with its last byte.
std::size_t Receiver::take_payload(MutableBytes input, Received& out) {
  if (compressed_ && !is_control(opcode_)) return take_compressed(input, out);
  const MutableBytes piece = input.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
  if (rules_.masked) {
    apply_mask(piece, key_);
    key_ = rotated(key_, piece.size());
  }
  left_ -= piece.size();
  in_frame_ = left_ > 0;
  if (is_control(opcode_))
    take_control(piece, out);
  else
    take_data(piece, fin_ && !in_frame_, out);
  return piece.size();
}

/// RFC 7692 7.2.2. A buffer of text may come of the first few bytes: what is not used up is masked again and stays.
std::size_t Receiver::take_compressed(MutableBytes input, Received& out) {
  const std::size_t ahead = std::min(input.size(), kInflateAhead);
  const MutableBytes piece = input.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, ahead)));
  if (rules_.masked) apply_mask(piece, key_);
  const Inflation::Output output = inflation_->fill(piece, fin_ && piece.size() == left_);
  if (rules_.masked) {
    key_ = rotated(key_, output.used);
    apply_mask(piece.subspan(output.used), key_);
  }
  left_ -= output.used;
  in_frame_ = left_ > 0;
  take_inflated(output, out);
  return output.used;
}

void Receiver::resume(Received& out) {
  out = Received();
  take_inflated(inflation_->fill_more(), out);
}

void Receiver::take_inflated(const Inflation::Output& output, Received& out) noexcept {
  if (output.fault == Fault::none) return take_data(output.bytes, output.done, out);
  // Text is judged up to the fault, so that which of two faults is reported doesn't depend on how the bytes arrived.
  const bool text_fine = type_ != MessageType::text || text_.feed(output.bytes);
  report(text_fine ? output.fault : Fault::text_not_utf8, out);
}

void Receiver::take_data(MutableBytes piece, bool last, Received& out) noexcept {
  progress_ = true;
  if (type_ == MessageType::text && (!text_.feed(piece) || (last && !text_.complete())))
    return report(Fault::text_not_utf8, out);
  in_message_ = !last;
  if (piece.empty() && !last) return;  // an empty fragment says nothing yet
  out.kind = Received::Kind::data;
  out.type = type_;
  out.first = std::exchange(fresh_, false);
  out.last = last;
  out.bytes = piece;
}

void Receiver::take_control(MutableBytes piece, Received& out) {
  const bool whole = !in_frame_;
  if (whole && !control_) {
    out.kind = kind_of(opcode_);
    out.bytes = piece;
    return;
  }
  if (!control_) control_ = std::make_unique<Control>();
  std::memcpy(control_->bytes.data() + control_->size, piece.data(), piece.size());
  control_->size += piece.size();
  if (!whole) return;
  out.kind = kind_of(opcode_);
  out.bytes = MutableBytes(control_->bytes).first(control_->size);
}

}  // namespace sluice::ws
