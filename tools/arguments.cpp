// The parsers of flags that are not quantities.
#include "tools/arguments.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "http/message.hpp"

namespace sluice::tools {
namespace {

/// A whole decimal number in [least, most].
template <class T>
std::optional<T> number_in(std::string_view text, T least, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

}  // namespace

lab::Parsed<IpAddress> parse_address(std::string_view text) {
  if (const auto address = IpAddress::parse(text)) return *address;
  return lab::Parsed<IpAddress>::failed(fmt::format("\"{}\" is not an IP address, such as 10.77.0.1 or fd77::1", text));
}

lab::Parsed<Prefix> parse_prefix(std::string_view text) {
  if (const auto prefix = Prefix::parse(text)) return *prefix;
  return lab::Parsed<Prefix>::failed(
      fmt::format("\"{}\" is not an address with its prefix length, such as 10.77.0.2/24 or fd77::2/64", text));
}

lab::Parsed<std::uint16_t> parse_port(std::string_view text) {
  if (const auto port = number_in<std::uint16_t>(text, 1, 65535)) return *port;
  return lab::Parsed<std::uint16_t>::failed(fmt::format("\"{}\" is not a port from 1 to 65535", text));
}

lab::Parsed<std::size_t> parse_mtu(std::string_view text) {
  if (const auto mtu = number_in<std::size_t>(text, 576, 65535)) return *mtu;
  return lab::Parsed<std::size_t>::failed(fmt::format("\"{}\" is not an MTU from 576 to 65535 bytes", text));
}

lab::Parsed<std::uint32_t> parse_count(std::string_view text) {
  if (const auto count = number_in<std::uint32_t>(text, 1, 1'000'000'000)) return *count;
  return lab::Parsed<std::uint32_t>::failed(fmt::format("\"{}\" is not a number from 1 to 1000000000", text));
}

lab::Parsed<std::uint8_t> parse_shards(std::string_view text) {
  const auto number = parse_count(text);
  if (number && *number <= 16) return static_cast<std::uint8_t>(*number);
  return lab::Parsed<std::uint8_t>::failed("is a number from 1 to 16");
}

lab::Parsed<std::chrono::seconds> parse_age(std::string_view text) {
  if (const auto seconds = number_in<std::int64_t>(text, 0, 31'536'000)) return std::chrono::seconds(*seconds);
  return lab::Parsed<std::chrono::seconds>::failed(fmt::format("\"{}\" is not 0 to 31536000 seconds", text));
}

lab::Parsed<std::string> parse_url_path(std::string_view text) {
  if (text.starts_with('/') && http::is_target(text) && text.find('?') == std::string_view::npos)
    return std::string(text);
  return lab::Parsed<std::string>::failed(fmt::format("\"{}\" is not a path, such as /echo", text));
}

}  // namespace sluice::tools
