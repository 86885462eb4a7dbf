// getsockopt() and setsockopt(): a script's values as the bytes that the kernel's interface has; see caller.hpp.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "lab/drill/caller.hpp"
#include "lab/drill/tcp_info.hpp"

namespace sluice::lab::drill {
namespace {

template <class T>
std::vector<std::uint8_t> bytes_of(const T& value) {
  std::vector<std::uint8_t> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

template <class T>
T value_of(const std::vector<std::uint8_t>& bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

std::int64_t item(const Value& value, std::string_view name, std::size_t place) {
  const Value* found = value.find(name, place);
  return found && found->is_number() ? found->number : 0;
}

bool is_time(std::int64_t level, std::int64_t name) noexcept {
  return level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO);
}

bool is_text(std::int64_t level, std::int64_t name) noexcept {
  return level == IPPROTO_TCP && (name == TCP_CONGESTION || name == TCP_ULP);
}

std::vector<std::uint8_t> option_bytes(std::int64_t level, std::int64_t name, const Value& value) {
  if (value.kind == Value::Kind::text) return {value.text.begin(), value.text.end()};
  if (value.kind == Value::Kind::structure && level == SOL_SOCKET && name == SO_LINGER)
    return bytes_of(linger{static_cast<int>(item(value, "onoff", 0)), static_cast<int>(item(value, "linger", 1))});
  if (value.kind == Value::Kind::structure && is_time(level, name))
    return bytes_of(timeval{item(value, "tv_sec", 0), item(value, "tv_usec", 1)});
  if (value.kind == Value::Kind::list && value.items.size() == 1 && value.items[0].is_number())
    return bytes_of(static_cast<int>(value.items[0].number));
  if (value.is_number()) return bytes_of(static_cast<int>(value.number));
  return {};
}

}  // namespace

using posix::Answer;

Answer Caller::do_setsockopt() {
  const std::int64_t level = number(1), name = number(2);
  std::vector<std::uint8_t> bytes = option_bytes(level, name, argument(3));
  if (bytes.empty() && argument(3).kind != Value::Kind::text)
    complain("'" + to_text(argument(3)) + "' is no value for this option: [1], {1, 5} or \"text\"");
  const auto length = static_cast<std::size_t>(std::clamp<std::int64_t>(number(4), 0, 256));
  bytes.resize(is_text(level, name) ? std::min(length, bytes.size()) : length);
  return calls().setsockopt(descriptor(0), static_cast<int>(level), static_cast<int>(name), bytes);
}

Answer Caller::do_getsockopt() {
  const auto level = static_cast<int>(number(1)), name = static_cast<int>(number(2));
  const Value* length = &argument(4);
  if (length->kind == Value::Kind::list && !length->items.empty()) length = &length->items[0];
  const bool info = level == IPPROTO_TCP && name == TCP_INFO;
  const std::size_t room = info ? tcp_info_size()
                           : length->is_number()
                               ? static_cast<std::size_t>(std::clamp<std::int64_t>(length->number, 0, 256))
                               : 64;
  std::vector<std::uint8_t> bytes(room);
  std::size_t used = room;
  const Answer answer = calls().getsockopt(descriptor(0), level, name, bytes, used);
  if (answer.error != 0) return answer;
  bytes.resize(std::min(used, room));
  const Value& expected = argument(3);
  if (info) {
    for (std::size_t i = 0; i < expected.items.size() && i < expected.names.size(); ++i) {
      const auto field = tcp_info_field(bytes, expected.names[i]);
      if (!field) complain("struct tcp_info has no field " + expected.names[i]);
      expect_number(expected.names[i].c_str(), &expected.items[i], static_cast<std::int64_t>(*field));
    }
  } else if (is_text(level, name)) {
    const std::string text(bytes.begin(), std::find(bytes.begin(), bytes.end(), std::uint8_t{0}));
    if (expected.kind == Value::Kind::text && expected.text != text)
      trouble_ = "the value is \"" + text + "\", not " + to_text(expected);
  } else if (level == SOL_SOCKET && name == SO_LINGER) {
    const auto got = value_of<linger>(bytes);
    expect_number("onoff", expected.find("onoff", 0), got.l_onoff);
    expect_number("linger", expected.find("linger", 1), got.l_linger);
  } else if (is_time(level, name)) {
    const auto got = value_of<timeval>(bytes);
    expect_number("tv_sec", expected.find("tv_sec", 0), got.tv_sec);
    expect_number("tv_usec", expected.find("tv_usec", 1), got.tv_usec);
  } else {
    const Value* one =
        expected.kind == Value::Kind::list && expected.items.size() == 1 ? &expected.items[0] : &expected;
    expect_number("the value", one, value_of<int>(bytes));
  }
  return answer;
}

std::optional<long double> Caller::tcp_info(std::string_view field) {
  if (current_ < 0) return std::nullopt;
  std::vector<std::uint8_t> bytes(tcp_info_size());
  std::size_t used = bytes.size();
  if (calls().getsockopt(current_, IPPROTO_TCP, TCP_INFO, bytes, used).error != 0) return std::nullopt;
  const auto value = tcp_info_field(bytes, field);
  if (!value) return std::nullopt;
  return static_cast<long double>(*value);
}

}  // namespace sluice::lab::drill
