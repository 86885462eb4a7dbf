// Follows both sides of a TCP connection through a capture and says of each segment what it does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lab/explained_segment.hpp"
#include "stack/base/time.hpp"
#include "stack/tcp/seq.hpp"
#include "stack/wire/tcp.hpp"

namespace sluice::lab {

class ConnectionWatch {
 public:
  /// The next segment with so many bytes of text. `note`: what it does, in a few words, or nothing.
  ExplainedSegment take(bool from_opener, std::size_t number, Time at, const wire::tcp::Header& header,
                        std::size_t text, std::string& note);

 private:
  /// One side as its segments show it.
  struct Half {
    bool known = false;
    tcp::Seq first;                                    ///< its SYN, or where the capture found it
    tcp::Seq nxt;                                      ///< behind the highest number seen from it
    tcp::Seq acked;                                    ///< the highest number that the other side acknowledged
    std::map<tcp::Seq, tcp::Seq> seen;                 ///< numbers seen from it, as ranges that don't touch
    std::map<tcp::Seq, std::size_t> retransmitted_in;  ///< begin of a repeated range: the packet that repeated it
    Time sent_at{};                                    ///< when text last left
    tcp::Seq last_ack;                                 ///< the latest number that it acknowledged
    std::uint64_t window = 0;                          ///< it offers, scaled
    std::optional<std::uint8_t> scale;                 ///< from its SYN
    Time heard_at{};                                   ///< when it last acknowledged anything
    bool acks = false;
    bool sacks = false;              ///< its latest ACK had SACK blocks
    std::optional<tcp::Seq> probed;  ///< begin of the text that probed a closed window last
    bool syn = false;
    bool fin = false;
    unsigned duplicates = 0;  ///< duplicate ACKs in a row
    Deeds latest;             ///< of its latest segment

    bool closed() const noexcept { return acks && window == 0; }
  };
  struct Arrival;

  Half& half(bool opener) noexcept { return opener ? opener_ : other_; }
  void place(Arrival& arrival) const;
  void explain(Arrival& arrival);
  ExplainedSegment told(const Arrival& arrival) const;
  void explain_syn(Arrival& arrival);
  void explain_text(Arrival& arrival);
  void explain_old_text(Arrival& arrival);
  static void explain_left_of_all(Arrival& arrival);
  void explain_ack(Arrival& arrival);
  void explain_plain_ack(Arrival& arrival, std::uint64_t window);
  void explain_sacks(Arrival& arrival);
  static std::uint64_t add_seen(Half& us, tcp::SeqRange range);
  static void say_why_again(Arrival& arrival);

  Half opener_;
  Half other_;
  bool scaled_ = false;  ///< both SYNs had the option
};

}  // namespace sluice::lab
