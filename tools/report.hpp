// What a running instance tells about itself, as JSON, and that JSON as text for people and for Prometheus.
#pragma once

#include <string>
#include <vector>

#include "stack/tcp/info.hpp"
#include "tools/host.hpp"
#include "tools/json.hpp"
#include "tun/hand_over.hpp"

namespace sluice::tools {

/// What a device was granted by the kernel: "checksum", "tcp4", "tcp6", "ecn", "udp"; none at all without offloads.
std::vector<std::string> offload_names(const tun::Offloads& offloads);

/// {"offloads":["checksum",…],"counters":{"tcp":{"segments_in":…},…},"gauges":{…}}. Counters only grow; gauges are as
/// of now.
Json stats_report(Host& host);

/// {"strays":…,"handed_over":…}: what a stack and its loop, of several that are one host, count of each other's
/// packets.
Json shard_report(const Stack& stack, const Counters<tun::HandOverCounter>& hand_over);
/// Adds the numbers of `more` to those of the same names in `sum`, objects within objects.
void add_up(Json& sum, const Json& more);

/// {"addresses":[…],"routes":[…],"neighbours":[…]}: what `sluice ip` lists; neighbours only where there is a link.
Json ip_report(Host& host);
/// Tables of an ip_report().
std::string ip_text(const Json& report);

/// One socket as `sluice ss` lists it.
Json socket_report(const tcp::Info& info);
/// {"sockets":[…]}: TCP as the stack keeps it, and those that `udp` names.
Json sockets_report(Host& host, const std::vector<Endpoint>& udp);

/// What `sluice stats` prints of a stats_report(), with a line for each shard of several. Without `all` counters that
/// are 0 are left out.
std::string stats_text(const Json& report, bool all);
/// The text exposition format 0.0.4; each sample has the label name="NAME".
std::string stats_prometheus(const Json& report);

/// A table of a sockets_report(). With `info` each TCP connection has a second line.
std::string sockets_text(const Json& report, bool info);

}  // namespace sluice::tools
