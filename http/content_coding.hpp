// Which codings of a representation a client takes, and which of them best (RFC 9110 12.5.3).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace sluice::http {

enum class Coding : std::uint8_t { brotli, gzip, identity };

/// "br", "gzip", or "identity", as Content-Encoding has them.
std::string_view coding_name(Coding coding) noexcept;

/// Those of the three that the request accepts, best first: by weight, and among equals as listed above. Without
/// Accept-Encoding identity alone, though anything would do. A weight that can't be read takes its coding out.
std::vector<Coding> accepted_codings(const Fields& request);

}  // namespace sluice::http
