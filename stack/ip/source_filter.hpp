// From whom datagrams to a multicast group are wanted (RFC 3376 3.1, RFC 3810 4.1).
#pragma once

#include <cstdint>
#include <vector>

#include "stack/wire/address.hpp"

namespace sluice::ip {

/// A set of addresses, in ascending order, each once.
using Sources = std::vector<IpAddress>;

Sources common(const Sources& left, const Sources& right);
Sources united(const Sources& left, const Sources& right);
Sources without(const Sources& left, const Sources& right);
/// Makes a set of any list.
Sources sorted(Sources list);
bool contains(const Sources& sources, const IpAddress& address) noexcept;

enum class FilterMode : std::uint8_t { include, exclude };

/// The listed sources alone, or all but them.
struct SourceFilter {
  FilterMode mode = FilterMode::include;
  Sources sources = {};

  static SourceFilter everybody() { return {FilterMode::exclude, {}}; }
  /// INCLUDE of nobody: not a member.
  bool is_nobody() const noexcept { return mode == FilterMode::include && sources.empty(); }
  bool admits(const IpAddress& source) const noexcept {
    return contains(sources, source) == (mode == FilterMode::include);
  }
  /// The filter that admits whatever this or `other` admits: one EXCLUDE makes the whole EXCLUDE, of what all of them
  /// exclude and nobody includes [R3376-3.2-1].
  SourceFilter merged_with(const SourceFilter& other) const;
  friend bool operator==(const SourceFilter&, const SourceFilter&) noexcept = default;
};

}  // namespace sluice::ip
