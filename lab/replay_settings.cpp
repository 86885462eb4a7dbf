// What a capture tells of the stack that was in it; see settings_from() in replay.hpp.
#include <algorithm>

#include "lab/replay_application.hpp"
#include "lab/replay_numbers.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

/// What one side said about itself, and what the other had acknowledged when it did.
class Portrait {
 public:
  Portrait(const Conversation& conversation, Side us) : conversation_(conversation) {
    for (const ConversationPacket& packet : conversation.packets)
      if (const auto view = view_datagram(packet.bytes)) look(*view, is_ours(packet, us));
  }

  ReplaySettings settings() const {
    ReplaySettings result;
    if (hop_limit_ != 0) result.stack.ip.hop_limit = hop_limit_;
    result.socket.dscp = dscp_;
    result.stack.ip.mtu = mtu();
    if (conversation_.kind != ConversationKind::tcp || !ours_) return result;
    const wire::tcp::Options none;
    const wire::tcp::Options& mine = ours_->options;
    const wire::tcp::Options& theirs = peers_ ? peers_->options : none;
    // An answer can't offer what the SYN did not, so silence then says nothing.
    const bool answered = ours_->has(flag::ack);
    result.stack.tcp.sack = mine.sack_permitted || (answered && !theirs.sack_permitted);
    result.stack.tcp.timestamps = mine.timestamps || (answered && !theirs.timestamps);
    result.stack.tcp.window_scaling = mine.window_scale || (answered && !theirs.window_scale);
    result.socket.receive_buffer = receive_buffer();
    set_ecn(result.socket);
    result.socket.no_delay = no_delay_;
    result.fast_open = mine.fast_open.present || (answered && peers_ && ours_->ack != peers_->seq + 1);
    return result;
  }

 private:
  /// Our SYN asked or did not; our SYN,ACK agreed to what it was asked, or to nothing.
  void set_ecn(tcp::Options& options) const {
    const std::uint8_t mine = ours_->ace();
    const bool agrees = ours_->has(flag::ack);
    const bool echoes = agrees && peers_ && peers_->ace() == mine;
    if (agrees && peers_ && peers_->ace() != 0) {
      options.ecn = mine == 0 || echoes ? tcp::EcnPolicy::off : tcp::EcnPolicy::passive;
      options.accurate_ecn = mine > tcp::ecn_bits::kClassicAnswer;
    } else if (!agrees && (mine == tcp::ecn_bits::kClassicRequest || mine == tcp::ecn_bits::kAccurateRequest)) {
      options.ecn = tcp::EcnPolicy::active;
      options.accurate_ecn = mine == tcp::ecn_bits::kAccurateRequest;
    }
  }

  void look(const DatagramView& view, bool ours) {
    if (ours && hop_limit_ == 0) {
      hop_limit_ = view.hop_limit;
      dscp_ = view.dscp;
    }
    if (ours) largest_ = std::max(largest_, view.transport_offset + view.transport.size());
    if (ours && view.fragment && view.fragment->more)
      fragment_ = std::max(fragment_, view.transport_offset + view.transport.size());
    const auto header = tcp_header(view);
    if (!header) return;
    if (ours)
      look_at_ours(*header, view.transport.size() - header->size);
    else
      look_at_peers(*header);
  }

  void look_at_ours(const wire::tcp::Header& header, std::size_t text) {
    if (header.has(flag::syn) && !ours_) ours_ = header;
    if (!header.has(flag::syn) && !header.has(flag::rst) && !window_) window_ = header.window;
    if (!ours_ || text == 0) return;
    const std::uint32_t at = header.seq - ours_->seq;
    const auto behind = static_cast<std::uint32_t>(at + text);
    const bool fresh = static_cast<std::int32_t>(at - sent_) >= 0;
    const bool small = text < full_size() && header.has(flag::psh) && !header.has(flag::fin);
    if (fresh && small && static_cast<std::int32_t>(sent_ - acked_) > 0) no_delay_ = true;
    if (static_cast<std::int32_t>(behind - sent_) > 0) sent_ = behind;
  }

  void look_at_peers(const wire::tcp::Header& header) {
    if (header.has(flag::syn) && !peers_) peers_ = header;
    if (!ours_ || !header.has(flag::ack)) return;
    const std::uint32_t acked = header.ack - ours_->seq;
    if (static_cast<std::int32_t>(acked - acked_) > 0) acked_ = acked;
  }

  /// Less than the text of a full segment, whatever its options.
  std::size_t full_size() const {
    const std::size_t mine = ours_->options.mss.value_or(536);
    const std::size_t theirs = peers_ ? peers_->options.mss.value_or(536) : 536;
    return std::max<std::size_t>(std::min(mine, theirs), 88) - 40;
  }

  std::size_t mtu() const {
    const bool v4 = conversation_.opener.address.is_v4();
    std::size_t mtu = std::max<std::size_t>(1500, largest_);
    if (fragment_ != 0) mtu = fragment_;  // up to 7 bytes less than it was, with the same cuts
    if (ours_ && ours_->options.mss) mtu = std::size_t{*ours_->options.mss} + (v4 ? 40 : 60);
    return std::clamp<std::size_t>(mtu, v4 ? 576 : 1280, 65535);
  }

  /// From the first window behind the SYN, if a buffer of this size leads to the scale that was offered. One that
  /// begins as small as ours do is taken to grow as ours do.
  std::size_t receive_buffer() const {
    const unsigned offered = std::min<unsigned>(ours_->options.window_scale.value_or(0), 14);
    const unsigned scale = peers_ && peers_->options.window_scale ? offered : 0;
    const std::size_t seen = std::size_t{window_.value_or(ours_->window)} << scale;
    const std::size_t most = std::size_t{65535} << offered;
    const std::size_t least = offered == 0 ? 2048 : std::size_t{65536} << (offered - 1);
    if (seen == tcp::kInitialBuffer && seen < least) return 0;
    return seen >= least && seen <= most ? seen : most;
  }

  const Conversation& conversation_;
  std::optional<wire::tcp::Header> ours_;   ///< with our SYN
  std::optional<wire::tcp::Header> peers_;  ///< with theirs
  std::optional<std::uint16_t> window_;
  std::uint32_t sent_ = 0;
  std::uint32_t acked_ = 0;
  bool no_delay_ = false;
  std::uint8_t hop_limit_ = 0;
  std::uint8_t dscp_ = 0;
  std::size_t largest_ = 0;   ///< packet of ours
  std::size_t fragment_ = 0;  ///< of ours that was not the last
};

}  // namespace

ReplaySettings settings_from(const Conversation& conversation, Side us) {
  return Portrait(conversation, us).settings();
}

}  // namespace sluice::lab
