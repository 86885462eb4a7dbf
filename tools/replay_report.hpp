// What `sluice replay` says of a file: for people, and as JSON.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "lab/conversation.hpp"
#include "lab/replay.hpp"
#include "tools/blessing.hpp"
#include "tools/json.hpp"

namespace sluice::tools {

/// What all files together came to.
struct ReplayTotals {
  std::size_t files = 0, unreadable = 0, replays = 0, same = 0, not_played = 0, blessed = 0;
  std::size_t known = 0;  ///< of those that differ, as --known says
  std::size_t stale = 0;  ///< captures that are the same, though --known says otherwise
  lab::HostCounts counts = {};
};

/// The table of --list.
void print_list(const lab::Conversations& found);

/// A verdict: the first line says it all, green when it is as it should be; the rest follows unless `quiet`. `kept`:
/// how the replay differs from its blessing, if it has one; then that decides.
void print_verdict(const lab::Verdict& verdict, const std::optional<lab::Verdict>& kept, bool quiet);
Json verdict_json(const Play& play, const std::optional<lab::Verdict>& kept);

void print_totals(const ReplayTotals& totals);

}  // namespace sluice::tools
