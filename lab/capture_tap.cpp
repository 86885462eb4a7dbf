// Packets in are written as they come; a frame out waits until it is known why it left.
#include "lab/capture_tap.hpp"

#include <utility>

#include "tun/segmentation.hpp"

namespace sluice::lab {

CaptureTap::CaptureTap(tun::Device& device, LinkType link)
    : DeviceLayer(device),
      link_(link),
      departures_(
          [this](Time at, Bytes packet, const DepartureNote& note) {
            if (writer_) writer_->add(at, Direction::out, packet, note.comment);
          },
          link) {}

CaptureTap::~CaptureTap() { stop(); }

void CaptureTap::start(std::unique_ptr<CaptureWriter> writer) {
  stop();
  writer_ = std::move(writer);
}

std::unique_ptr<CaptureWriter> CaptureTap::stop() {
  departures_.clear();
  if (writer_) writer_->flush();
  return std::exchange(writer_, nullptr);
}

void CaptureTap::told(const TraceEvent& event) {
  if (writer_) departures_.told(event);
}

void CaptureTap::begin_turn(Time now) noexcept {
  now_ = now;
  inner().begin_turn(now);
}

bool CaptureTap::receive_batch(std::vector<Packet>& into) noexcept {
  const std::size_t before = into.size();
  const bool more = inner().receive_batch(into);
  if (!writer_) return more;
  departures_.flush();
  for (std::size_t i = before; i < into.size(); ++i) write_arrival(into[i]);
  return more;
}

void CaptureTap::write_arrival(const Packet& packet) {
  if (!packet.checksum_known_good || link_ != LinkType::raw) return writer_->add(now_, Direction::in, packet.bytes());
  tun::Segments segments(packet.bytes(), packet.gso_size);
  for (Bytes piece = segments.next(); !piece.empty(); piece = segments.next()) writer_->add(now_, Direction::in, piece);
}

bool CaptureTap::accept(const Frame& frame) noexcept {
  if (!inner().accept(frame)) return false;
  if (writer_) departures_.left(now_, frame);
  return true;
}

void CaptureTap::flush() noexcept {
  inner().flush();
  departures_.flush();
  if (writer_) writer_->flush();
}

void CaptureNotes::on_event(const TraceEvent& event) noexcept {
  if (next_) next_->on_event(event);
  tap_.told(event);
}

}  // namespace sluice::lab
