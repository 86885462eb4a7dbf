// Packets in are written as they come; a frame out waits until it is known why it left.
#include "lab/capture_tap.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace sluice::lab {
namespace {

constexpr std::size_t kMaximumEarlyNotes = 256;

/// The TCP header of a packet that begins with an IP header, or empty.
Bytes tcp_header(Bytes packet) noexcept {
  constexpr std::uint8_t kTcp = 6;
  if (packet.size() < 20) return {};
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t size = v4 ? (packet[0] & 15u) * 4 : 40;
  if (packet.size() < size + 20 || packet[v4 ? 9 : 6] != kTcp) return {};
  return packet.subspan(size);
}

std::optional<CaptureTap::SegmentName> name_of(Bytes packet) noexcept {
  ByteReader reader(tcp_header(packet));
  reader.skip(4);
  CaptureTap::SegmentName name;
  name.seq = reader.u32();
  name.ack = reader.u32();
  reader.skip(1);
  name.flags = reader.u8();
  if (!reader.ok()) return std::nullopt;
  return name;
}

}  // namespace

CaptureTap::~CaptureTap() { stop(); }

void CaptureTap::start(std::unique_ptr<CaptureWriter> writer) {
  stop();
  writer_ = std::move(writer);
}

std::unique_ptr<CaptureWriter> CaptureTap::stop() {
  write_pending();
  early_.clear();
  if (writer_) writer_->flush();
  return std::exchange(writer_, nullptr);
}

void CaptureTap::annotate(const SegmentName& segment, std::string_view comment) {
  if (!writer_) return;
  if (pending_ && comment_.empty() && name_of(frame_) == segment) {
    comment_ = comment;
    return;
  }
  if (early_.size() == kMaximumEarlyNotes) early_.pop_front();
  early_.push_back({segment, std::string(comment)});
}

void CaptureTap::begin_turn(Time now) noexcept {
  now_ = now;
  inner().begin_turn(now);
}

bool CaptureTap::receive_batch(std::vector<Packet>& into) noexcept {
  const std::size_t before = into.size();
  const bool more = inner().receive_batch(into);
  if (!writer_) return more;
  write_pending();
  for (std::size_t i = before; i < into.size(); ++i) writer_->add(now_, Direction::in, std::as_const(into[i]).bytes());
  return more;
}

bool CaptureTap::accept(const Frame& frame) noexcept {
  if (!inner().accept(frame)) return false;
  if (!writer_) return true;
  write_pending();
  frame_.assign(frame.head.begin(), frame.head.end());
  for (const Slice& slice : frame.body) frame_.insert(frame_.end(), slice.bytes().begin(), slice.bytes().end());
  pending_ = true;
  take_early_note();
  return true;
}

void CaptureTap::take_early_note() {
  if (early_.empty()) return;
  const auto name = name_of(frame_);
  const auto found = std::find_if(early_.begin(), early_.end(), [&](const Note& note) { return note.segment == name; });
  if (found == early_.end()) return;
  comment_ = std::move(found->text);
  early_.erase(found);
}

void CaptureTap::flush() noexcept {
  inner().flush();
  write_pending();
  if (writer_) writer_->flush();
}

void CaptureTap::write_pending() noexcept {
  if (pending_ && writer_) writer_->add(now_, Direction::out, Bytes(frame_), comment_);
  pending_ = false;
  comment_.clear();
}

void CaptureNotes::on_event(const TraceEvent& event) noexcept {
  if (next_) next_->on_event(event);
  if (event.kind != TraceKind::segment_out || !tap_.writer()) return;
  std::string_view reason;
  std::string_view clause;
  CaptureTap::SegmentName segment;
  for (const TraceField& field : event.fields) {
    if (field.key == "reason") reason = field.text;
    if (field.key == "clause") clause = field.text;
    if (field.key == "seq") segment.seq = static_cast<std::uint32_t>(field.number);
    if (field.key == "ack") segment.ack = static_cast<std::uint32_t>(field.number);
    if (field.key == "flags") segment.flags = static_cast<std::uint8_t>(field.number);
  }
  if (reason.empty()) return;
  std::string note(reason);
  if (!clause.empty()) note.append(" (").append(clause).append(")");
  tap_.annotate(segment, note);
}

}  // namespace sluice::lab
