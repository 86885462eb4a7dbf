// Matching of packets and notes, and their words; see departures.hpp.
#include "lab/departures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lab/replay_numbers.hpp"
#include "stack/tcp/send_reason.hpp"
#include "tun/segmentation.hpp"

namespace sluice::lab {
namespace {

constexpr std::size_t kMostEarly = 256;

const TraceField* field(const TraceEvent& event, std::string_view key) noexcept {
  const auto found =
      std::find_if(event.fields.begin(), event.fields.end(), [key](const TraceField& one) { return one.key == key; });
  return found == event.fields.end() ? nullptr : &*found;
}

std::int64_t number(const TraceEvent& event, std::string_view key) noexcept {
  const TraceField* const found = field(event, key);
  return found ? found->number : 0;
}

std::string_view text(const TraceEvent& event, std::string_view key) noexcept {
  const TraceField* const found = field(event, key);
  return found ? found->text : std::string_view();
}

std::string milliseconds(std::int64_t microseconds) {
  return fmt::format("{}.{:03} ms", microseconds / 1000, microseconds % 1000);
}

}  // namespace

DepartureNote departure_note(const TraceEvent& event) {
  const std::string_view reason = text(event, "reason"), clause = text(event, "clause");
  DepartureNote note{std::string(reason), std::string(reason)};
  if (const std::string_view words = tcp::sentence(reason); !words.empty()) note.comment.append(": ").append(words);
  if (!clause.empty()) note.comment.append(" (").append(clause).append(")");
  const std::string_view state = text(event, "state");
  if (state.empty()) return note;
  const auto of = [&event](std::string_view key) { return number(event, key); };
  note.comment += fmt::format("\n{}: snd.una {} nxt {} wnd {}, rcv.nxt {} wnd {}, cwnd {}", state, of("una"), of("nxt"),
                              of("wnd"), of("rcv_nxt"), of("rcv_wnd"), of("cwnd"));
  if (of("ssthresh") >= 0) note.comment += fmt::format(" ssthresh {}", of("ssthresh"));
  note.comment += fmt::format(" pipe {}", of("pipe"));
  if (of("srtt_us") > 0) note.comment += fmt::format(", srtt {}", milliseconds(of("srtt_us")));
  note.comment += fmt::format(", rto {}", milliseconds(of("rto_us")));
  return note;
}

std::optional<Departures::Name> Departures::name_of(Bytes packet) const noexcept {
  const auto view = view_datagram(ip_packet(link_, packet));
  const auto header = view ? tcp_header(*view) : std::nullopt;
  return header ? std::optional(Name{header->seq, header->ack, header->flags}) : std::nullopt;
}

void Departures::left(Time at, const Frame& frame) {
  flush();
  packet_.assign(frame.head.begin(), frame.head.end());
  for (const Slice& slice : frame.body) packet_.insert(packet_.end(), slice.bytes().begin(), slice.bytes().end());
  gso_size_ = frame.gso_size;
  partial_ = frame.checksum_partial && link_ == LinkType::raw;
  wait(at);
}

void Departures::left(Time at, Bytes packet) {
  flush();
  packet_.assign(packet.begin(), packet.end());
  partial_ = false;
  wait(at);
}

void Departures::wait(Time at) {
  pending_ = true;
  at_ = at;
  if (early_.empty()) return;
  const auto name = name_of(packet_);
  const auto found = std::find_if(early_.begin(), early_.end(), [&](const Early& one) { return one.name == name; });
  if (found == early_.end()) return;
  note_ = std::move(found->note);
  early_.erase(found);
}

void Departures::told(const TraceEvent& event) {
  if (event.kind != TraceKind::segment_out || text(event, "reason").empty()) return;
  const Name told{static_cast<std::uint32_t>(number(event, "seq")), static_cast<std::uint32_t>(number(event, "ack")),
                  static_cast<std::uint8_t>(number(event, "flags"))};
  if (pending_ && note_.reason.empty() && name_of(packet_) == told) {
    note_ = departure_note(event);
    return;
  }
  if (early_.size() == kMostEarly) early_.pop_front();
  early_.push_back({told, departure_note(event)});
}

void Departures::flush() {
  if (!std::exchange(pending_, false)) return;
  const DepartureNote note = std::exchange(note_, {});
  if (!partial_) return write_(at_, packet_, note);
  tun::Segments segments(packet_, gso_size_);
  for (Bytes piece = segments.next(); !piece.empty(); piece = segments.next()) write_(at_, piece, note);
}

void Departures::clear() {
  flush();
  early_.clear();
}

}  // namespace sluice::lab
