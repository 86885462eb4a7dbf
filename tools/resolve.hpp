// Host names for the clients among the subcommands.
#pragma once

#include <string>
#include <vector>

#include "stack/base/result.hpp"
#include "stack/wire/address.hpp"
#include "tools/host.hpp"

namespace sluice::tools {

/// An address as it is written, or what the system's resolver knows of a name; empty when that is nothing. To be called
/// before a Host is made: in a namespace of its own the process reaches no name server.
std::vector<IpAddress> resolve(const std::string& name);

/// The first of them that the stack has an address of the same family for; address_family when there is none.
Result<IpAddress> reachable(const std::vector<IpAddress>& addresses, const Host& host);

}  // namespace sluice::tools
