// What flags mean: values with units, addresses and ports; each mistake is one sentence, and exit 2.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lab/units.hpp"
#include "stack/wire/address.hpp"
#include "tools/usage_error.hpp"

namespace sluice::tools {

/// A flag whose text goes through a parser that says what is wrong with it.
template <class T, class Value>
CLI::Option* add_value(CLI::App& app, const std::string& flag, T& target, lab::Parsed<Value> (*parse)(std::string_view),
                       const std::string& type, const std::string& description) {
  const auto take = [&target, parse, flag](const std::string& text) {
    lab::Parsed<Value> parsed = parse(text);
    if (!parsed) throw UsageError(flag, parsed.error);
    target = static_cast<T>(*parsed);
  };
  return app.add_option_function<std::string>(flag, take, description)->type_name(type);
}

lab::Parsed<IpAddress> parse_address(std::string_view text);
/// "10.0.0.1/24".
lab::Parsed<Prefix> parse_prefix(std::string_view text);
/// 1..65535.
lab::Parsed<std::uint16_t> parse_port(std::string_view text);
/// Bytes of one IP packet, 576..65535.
lab::Parsed<std::size_t> parse_mtu(std::string_view text);
/// 1..1000000000.
lab::Parsed<std::uint32_t> parse_count(std::string_view text);
/// Stacks of a host, 1..16.
lab::Parsed<std::uint8_t> parse_shards(std::string_view text);
/// Whole seconds, 0 to a year of them.
lab::Parsed<std::chrono::seconds> parse_age(std::string_view text);
/// A path of a URL: begins with '/'.
lab::Parsed<std::string> parse_url_path(std::string_view text);

}  // namespace sluice::tools
