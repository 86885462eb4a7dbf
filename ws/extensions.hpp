// Sec-WebSocket-Extensions and -Protocol as values: the grammar of RFC 6455 9.1 and 4.3, in one pass each.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ws {

/// One parameter of an extension. A quoted value is unquoted; what it holds is a token either way.
struct ExtensionParameter {
  std::string name;
  std::optional<std::string> value;
};

/// One element of the list: an extension that a client offers or a server accepts.
struct Extension {
  std::string name;
  std::vector<ExtensionParameter> parameters;
};

/// The list of one header, or of several joined by commas. nullopt when it breaks the grammar [WS-9.1-1].
/// An empty list is good for an absent header only: the caller tells the two apart.
std::optional<std::vector<Extension>> parse_extensions(std::string_view list);

/// The subprotocols in their order: tokens, none twice [WS-4.1-12]. nullopt when one of that is not so.
/// The views point into `list`.
std::optional<std::vector<std::string_view>> parse_subprotocols(std::string_view list);

}  // namespace sluice::ws
