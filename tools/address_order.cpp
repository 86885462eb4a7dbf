// A key for each address, and a stable sort.
#include "tools/address_order.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "stack/ip/addresses.hpp"

namespace sluice::tools {
namespace {

/// The greater is the better, field by field in the order of the rules.
auto rank(const IpAddress& destination, const SourceAddress& source) {
  const unsigned scope = ip::scope_of(destination);
  return std::tuple(ip::scope_of(source.address) == scope,                      // rule 2
                    !source.deprecated,                                         // rule 3
                    ip::label_of(source.address) == ip::label_of(destination),  // rule 5
                    ip::precedence_of(destination), -static_cast<int>(scope));  // rules 6 and 8
}

}  // namespace

SourceOf sources_of(Stack& stack) {
  return [&stack](const IpAddress& destination) -> std::optional<SourceAddress> {
    const Result<IpAddress> source = stack.ip().select_source(destination);
    if (!source) return std::nullopt;
    const ip::OwnAddress* const own = stack.ip().addresses().find(*source);
    return SourceAddress{*source, own && own->state == ip::AddressState::deprecated};
  };
}

std::vector<IpAddress> order_addresses(const std::vector<IpAddress>& addresses, const SourceOf& source_of) {
  using Ranked = std::pair<decltype(rank({}, {})), IpAddress>;
  std::vector<Ranked> ranked;
  for (const IpAddress& address : addresses)
    if (const auto source = source_of(address)) ranked.emplace_back(rank(address, *source), address);
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) { return a.first > b.first; });
  std::vector<IpAddress> ordered;
  ordered.reserve(ranked.size());
  for (const Ranked& one : ranked) ordered.push_back(one.second);
  return ordered;
}

std::vector<IpAddress> interleave_families(const std::vector<IpAddress>& addresses) {
  std::vector<IpAddress> firsts, others, turns;
  for (const IpAddress& one : addresses) (one.family() == addresses.front().family() ? firsts : others).push_back(one);
  for (std::size_t i = 0; i < std::max(firsts.size(), others.size()); ++i) {
    if (i < firsts.size()) turns.push_back(firsts[i]);
    if (i < others.size()) turns.push_back(others[i]);
  }
  return turns;
}

}  // namespace sluice::tools
