// See explained_segment.hpp.
#include "lab/explained_segment.hpp"

#include <array>

namespace sluice::lab {

std::string_view name(Deed deed) noexcept {
  static constexpr std::array<std::string_view, kDeeds> kNames = {
      "retransmission", "fast",          "needless",    "out_of_order", "behind_gap", "acks_unseen",
      "duplicate_ack",  "window_update", "zero_window", "fills_window", "keep_alive", "keeps_alive",
      "window_probe",   "answers_probe", "reset",       "syn",          "fin"};
  return kNames[static_cast<std::size_t>(deed)];
}

std::vector<std::string_view> names(Deeds deeds) {
  std::vector<std::string_view> all;
  for (std::size_t i = 0; i < kDeeds; ++i)
    if (const auto deed = static_cast<Deed>(i); deeds.has(deed)) all.push_back(name(deed));
  return all;
}

}  // namespace sluice::lab
