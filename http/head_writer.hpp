// Heads on their way out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace sluice::http {

/// Appends "name: value" and a line end. What would break the message apart (a name that is no token, a value with a
/// control byte) is left out whole.
void write_field(std::string& out, std::string_view name, std::string_view value);

/// Appends all fields but those that the session sets itself: Content-Length and Transfer-Encoding.
void write_fields(std::string& out, const Fields& fields);

/// Appends "GET /path HTTP/1.1" and a line end; nothing, and false, when the method is no token or the target not
/// visible ASCII without fragment.
[[nodiscard]] bool write_request_line(std::string& out, std::string_view method, std::string_view target);

/// Appends "HTTP/1.1 404 Not Found" and a line end.
void write_status_line(std::string& out, int status);

void write_content_length(std::string& out, std::uint64_t size);

}  // namespace sluice::http
