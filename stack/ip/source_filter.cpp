// Sets of sources, and filters as one; see source_filter.hpp.
#include "stack/ip/source_filter.hpp"

#include <algorithm>
#include <iterator>

namespace sluice::ip {

Sources common(const Sources& left, const Sources& right) {
  Sources found;
  std::set_intersection(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(found));
  return found;
}

Sources united(const Sources& left, const Sources& right) {
  Sources found;
  std::set_union(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(found));
  return found;
}

Sources without(const Sources& left, const Sources& right) {
  Sources found;
  std::set_difference(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(found));
  return found;
}

Sources sorted(Sources list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

bool contains(const Sources& sources, const IpAddress& address) noexcept {
  return std::binary_search(sources.begin(), sources.end(), address);
}

SourceFilter SourceFilter::merged_with(const SourceFilter& other) const {
  const bool exclude = mode == FilterMode::exclude;
  const bool other_exclude = other.mode == FilterMode::exclude;
  if (exclude && other_exclude) return {FilterMode::exclude, common(sources, other.sources)};
  if (exclude) return {FilterMode::exclude, without(sources, other.sources)};
  if (other_exclude) return {FilterMode::exclude, without(other.sources, sources)};
  return {FilterMode::include, united(sources, other.sources)};
}

}  // namespace sluice::ip
