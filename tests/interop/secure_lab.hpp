// A lab with an authority of its own, for servers and clients that speak TLS.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "http/tls/identity.hpp"
#include "tests/interop/command.hpp"

namespace sluice::interop {

inline constexpr std::int64_t kDay = 86400;

inline tls::Identity make_identity(std::vector<std::string> hosts, const tls::Identity* issuer,
                                   std::int64_t days = 10) {
  const std::int64_t now = std::time(nullptr);
  return tls::issue({.hosts = std::move(hosts),
                     .from = now - 20 * kDay,
                     .until = now + days * kDay,
                     .authority = issuer == nullptr,
                     .issuer = issuer});
}

/// Files of an authority, ca.pem, and of who it vouches for.
struct SecureLab : Lab {
  tls::Identity authority = make_identity({"Lab Authority"}, nullptr);
  std::string trusted = file("ca.pem", authority.certificates);

  /// Writes NAME.pem and NAME.key.
  void issue(const std::string& name, std::vector<std::string> hosts, std::int64_t days = 10) {
    const tls::Identity made = make_identity(std::move(hosts), &authority, days);
    file(name + ".pem", made.certificates);
    file(name + ".key", made.key);
  }
};

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace sluice::interop
