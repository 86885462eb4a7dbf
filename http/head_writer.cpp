// Heads as text; nothing that comes from elsewhere can smuggle a line into them.
#include "http/head_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice::http {
namespace {

bool is_field_value(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

void put_decimal(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto written = std::to_chars(digits.begin(), digits.end(), value);
  out.append(digits.begin(), written.ptr);
}

}  // namespace

void write_field(std::string& out, std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_field_value(value)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

void write_fields(std::string& out, const Fields& fields) {
  for (const Field& field : fields) {
    if (iequals(field.name, "Content-Length") || iequals(field.name, "Transfer-Encoding")) continue;
    write_field(out, field.name, field.value);
  }
}

bool write_request_line(std::string& out, std::string_view method, std::string_view target) {
  if (!is_token(method) || !is_target(target)) return false;
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  return true;
}

void write_status_line(std::string& out, int status) {
  out += "HTTP/1.1 ";
  put_decimal(out, static_cast<std::uint64_t>(status));
  out.append(" ").append(reason_phrase(status)).append("\r\n");
}

void write_content_length(std::string& out, std::uint64_t size) {
  out += "Content-Length: ";
  put_decimal(out, size);
  out += "\r\n";
}

}  // namespace sluice::http
