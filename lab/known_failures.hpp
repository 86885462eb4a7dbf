// What is known to fail under some circumstances, by name and with a reason: a table that also says when it is out of
// date.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/host.hpp"
#include "lab/units.hpp"

namespace sluice::lab {

/// One line of the table, "offload ipv6 | name | reason".
struct KnownFailure {
  std::vector<std::string> when;  ///< it fails where all of these hold
  std::string name;
  std::string reason;
};

/// Reads a table; empty lines and those that begin with '#' say nothing. An error names its line.
Parsed<std::vector<KnownFailure>> parse_known_failures(std::string_view text);

/// The same of a file. An error names the file, too.
Parsed<std::vector<KnownFailure>> load_known_failures(const std::string& path);

/// What of the circumstances is a host's shape: "offload" and "shards".
std::vector<std::string> words_of(HostShape shape);

/// Why `name` fails where `words` hold; nullopt: it ought to pass. Of a path the end counts, from behind a '/'.
std::optional<std::string> known_reason(std::span<const KnownFailure> table, std::string_view name,
                                        std::span<const std::string> words);

}  // namespace sluice::lab
