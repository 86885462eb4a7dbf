// Hellos written and read byte by byte (RFC 5246 7.4.1, RFC 8446 4.1): for what no library would say.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stack/base/bytes.hpp"
#include "tests/tls/couple.hpp"

namespace sluice::tls::test {

using Numbers = std::vector<std::uint16_t>;

inline constexpr std::uint16_t kSsl3 = 0x0300, kTls10 = 0x0301, kTls11 = 0x0302, kTls12 = 0x0303, kTls13 = 0x0304;

enum Extension : std::uint16_t {
  kServerName = 0,
  kGroups = 10,
  kPointFormats = 11,
  kSignatures = 13,
  kProtocols = 16,
  kVersions = 43,
  kKeyShare = 51,
  kRenegotiation = 0xff01
};

/// Of either side: a server's has one suite and one compression.
struct Hello {
  std::uint16_t version = kTls12;
  Numbers suites = {};
  std::string compressions = std::string(1, '\0');
  std::map<std::uint16_t, std::string> extensions = {};
  std::string random = std::string(32, 'r');
};

/// `value` in `width` bytes.
inline std::string number(std::uint64_t value, int width) {
  std::string text;
  while (width-- > 0) text += static_cast<char>(value >> (8 * width));
  return text;
}

/// `text` behind its length in `width` bytes.
inline std::string counted(int width, const std::string& text) { return number(text.size(), width) + text; }

inline std::string joined(const Numbers& numbers) {
  std::string text;
  for (const std::uint16_t one : numbers) text += number(one, 2);
  return text;
}

/// A client's of TLS 1.2 or older that could agree to any suite.
inline Hello old_client(Numbers suites, std::uint16_t version = kTls12) {
  return {.version = version,
          .suites = std::move(suites),
          .extensions = {{kGroups, counted(2, joined({0x001d, 0x0017}))},
                         {kPointFormats, counted(1, std::string(1, '\0'))},
                         {kSignatures, counted(2, joined({0x0403, 0x0804, 0x0401, 0x0203, 0x0201}))},
                         {kRenegotiation, counted(1, "")}}};
}

/// A client's of TLS 1.3 that has no key for the server's group yet.
inline Hello new_client(Numbers suites) {
  Hello hello = old_client(std::move(suites));
  hello.extensions[kVersions] = counted(1, joined({kTls13}));
  hello.extensions[kKeyShare] = counted(2, "");
  return hello;
}

/// A handshake message in a record. REQUIRES that one is enough.
inline std::string record_of(std::uint8_t kind, const Hello& hello, const std::string& choices) {
  std::string extensions;
  for (const auto& [name, value] : hello.extensions) extensions += number(name, 2) + counted(2, value);
  const std::string body = number(hello.version, 2) + hello.random + counted(1, "") + choices + counted(2, extensions);
  return number(22, 1) + number(kTls12, 2) + counted(2, number(kind, 1) + counted(3, body));
}

inline std::string written_by_client(const Hello& hello) {
  return record_of(1, hello, counted(2, joined(hello.suites)) + counted(1, hello.compressions));
}

inline std::string written_by_server(const Hello& hello) {
  return record_of(2, hello, joined(hello.suites) + hello.compressions);
}

/// The first thing that a peer said.
struct Said {
  std::optional<Hello> hello = std::nullopt;
  int alert = -1;  ///< RFC 8446 6; negative: none
};

inline Numbers numbers_in(Bytes bytes) {
  Numbers numbers;
  for (ByteReader reader(bytes); !reader.empty();) numbers.push_back(reader.u16());
  return numbers;
}

inline Said read_hello(Bytes bytes, bool client) {
  ByteReader reader(bytes);
  const std::uint8_t type = reader.u8();
  reader.skip(4);
  if (type == 21) {
    reader.skip(1);
    return {.alert = reader.u8()};
  }
  if (type != 22 || reader.u8() != (client ? 1 : 2)) return {};
  reader.skip(3);
  Hello hello{.version = reader.u16()};
  hello.random = as_text(reader.take(32));
  reader.skip(reader.u8());
  hello.suites = numbers_in(reader.take(client ? reader.u16() : 2));
  hello.compressions = as_text(reader.take(client ? reader.u8() : 1));
  ByteReader extensions(reader.take(reader.u16()));
  while (!extensions.empty()) {
    const std::uint16_t name = extensions.u16();
    hello.extensions[name] = as_text(extensions.take(extensions.u16()));
  }
  if (!reader.ok() || !extensions.ok()) return {};
  return {.hello = std::move(hello)};
}

/// What our server says first to a client that says `hello`, and why it gave up if it did.
inline Said answer_to(const ServerContext& servers, const Hello& hello, Fault* fault = nullptr) {
  Session session(servers, kStart);
  in(session, as_bytes(written_by_client(hello)));
  if (fault) *fault = session.failure().fault;
  return read_hello(out(session), false);
}

inline constexpr int kHandshakeFailure = 40, kIllegalParameter = 47, kProtocolVersion = 70, kInappropriateFallback = 86,
                     kNoProtocol = 120;

}  // namespace sluice::tls::test
