// AccECN's counters (RFC 9768 3.2): what the receiver feeds back, and what the sender makes of three bits and an
// option.
#include <algorithm>

#include "stack/tcp/ecn.hpp"

namespace sluice::tcp {
namespace {

using wire::tcp::AccurateEcn;

constexpr std::uint32_t kField = (1u << 24) - 1;

}  // namespace

// --- the receiver ------------------------------------------------------------------------------------------------

// Control packets and retransmissions count like all others [9768 3.2].
bool AccurateEcnReceiver::take(Ecn mark, std::uint32_t packets, std::uint32_t text, bool unacknowledged) noexcept {
  const bool ce = mark == Ecn::ce;
  const bool turned = ce && !last_was_ce_ && text > 0;  // change-triggered [9768 3.2.2.5.1]
  last_was_ce_ = ce;
  if (mark == Ecn::not_ect) return false;
  (ce ? ce_ : mark == Ecn::ect0 ? ect0_ : ect1_) += text;
  option_due_ = option_due_ || text > 0;
  if (!ce) return false;
  packets_ += packets;
  marks_untold_ = static_cast<std::uint8_t>(std::min<std::uint32_t>(marks_untold_ + packets, 255));
  return turned || marks_untold_ >= (unacknowledged ? 2 : 3);  // increment-triggered
}

void AccurateEcnReceiver::on_ack_sent(bool with_option) noexcept {
  marks_untold_ = 0;
  if (with_option) option_due_ = false;
}

AccurateEcn AccurateEcnReceiver::whole_option() const noexcept {
  return {.kind = AccurateEcn::kOrder0, .fields = 3, .bytes = {ect0_ & kField, ce_ & kField, ect1_ & kField}};
}

AccurateEcn AccurateEcnReceiver::option() const noexcept {
  AccurateEcn option = whole_option();
  const bool ect0 = ect0_ != 1, ect1 = ect1_ != 1, ce = ce_ != 0;
  if (ect0 && ect1) return option;
  if (ect1) {
    option.kind = AccurateEcn::kOrder1;
    std::swap(option.bytes[0], option.bytes[2]);
  }
  option.fields = ce ? 2 : 1;
  option.bytes[2] = 0;
  if (!ce) option.bytes[1] = 0;
  return option;
}

// --- the sender --------------------------------------------------------------------------------------------------

void AccurateEcnSender::check_first(const AccurateEcn& option) noexcept {
  if (!first_ || option.kind == 0) return;
  first_ = false;
  const bool zeroed = (option.fields >= 1 && option.bytes[0] == 0) || (option.fields == 3 && option.bytes[2] == 0);
  if (zeroed)
    ignores_options_ = true;
  else
    options_come_ = true;
}

// The field that did not come did not change. Without options an ACK of more packets than the three bits can count is
// taken for the worst that it may mean (RFC 9768 3.2.2.5.2, A.2); where options come, one without says that no more
// than the bits tell was marked.
AccurateEcnSender::Heard AccurateEcnSender::hear(std::uint8_t ace, const AccurateEcn& option, std::uint64_t delivered,
                                                 std::uint32_t mss) noexcept {
  const auto packets = static_cast<std::uint32_t>((delivered + mss - 1) / mss);
  std::uint32_t marked = (ace - packets_) & 7;
  packets_delivered_ += packets;
  Heard heard;
  check_first(option);
  if (option.kind != 0 && !ignores_options_) {
    options_come_ = true;
    const std::uint32_t bytes = option.fields >= 2 ? (option.bytes[1] - ce_) & kField : 0;
    const std::uint32_t known = packets_marked_ + marked;
    const std::uint32_t likely = (bytes + mss - 1) / mss;
    if (likely > known) marked += (likely - known + 3) / 8 * 8;  // the bits came around
    heard.contradiction = bytes > 0 && known == 0 && packets_delivered_ <= 7;
    heard.marked = bytes > guessed_ ? bytes - guessed_ : 0;
    ce_ = (ce_ + bytes) & kField;
    guessed_ = packets_marked_ = packets_delivered_ = 0;
  } else {
    if (!options_come_ && packets > 7) marked = packets - ((packets - marked) & 7);
    heard.marked = std::uint64_t{marked} * mss;
    guessed_ += marked * mss;
    packets_marked_ += marked;
  }
  packets_ += marked;
  return heard;
}

}  // namespace sluice::tcp
