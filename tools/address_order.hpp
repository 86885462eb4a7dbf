// Which of a name's addresses is tried first (RFC 6724 section 6).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "stack/stack.hpp"
#include "stack/wire/address.hpp"

namespace sluice::tools {

/// What packets to a destination would come from.
struct SourceAddress {
  IpAddress address;
  bool deprecated = false;  ///< RFC 4862 2
};
/// Nullopt: there is no address or no way for this destination.
using SourceOf = std::function<std::optional<SourceAddress>(const IpAddress& destination)>;
SourceOf sources_of(Stack& stack);

/// RFC 6724 section 6, rules 1, 2, 3, 5, 6, 8 and 10, the best first. Rule 1 goes further here: what has no source is
/// left out. Rules 4 and 7 know no difference on one interface. Rule 9 stays out: it would undo the order of a server
/// that spreads load.
std::vector<IpAddress> order_addresses(const std::vector<IpAddress>& addresses, const SourceOf& source_of);

/// RFC 8305 section 4: from the second on, the families take turns. The first stays first.
std::vector<IpAddress> interleave_families(const std::vector<IpAddress>& addresses);

}  // namespace sluice::tools
