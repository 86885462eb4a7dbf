// Where `serve --https` and `get https://…` have certificates from, and where the secrets of connections may go.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/tls/context.hpp"

namespace sluice::tools {

/// A whole text file. Throws tun::Error.
std::string read_text(const std::string& path);

/// Appends to the file that SSLKEYLOGFILE names, as browsers and curl do, so that Wireshark reads the capture of a
/// connection. Empty without that variable. Throws tun::Error when the file can't be written.
std::function<void(std::string_view)> key_log_of_environment();

/// Whom a command's client believes: `--cacert` and `--insecure`.
struct ClientTrust {
  std::string certificates = {};  ///< PEM text; empty: whom the system believes
  bool insecure = false;          ///< everybody
};

/// For connections that speak HTTP/1.1 first. Throws tun::Error as key_log_of_environment().
std::variant<tls::ClientContext, tls::Failure> make_client_context(const ClientTrust& trust, Duration handshake_time);

/// The certificate of a server: read from two files or made on the spot, and again whenever asked.
class ServerCertificate {
 public:
  struct Source {
    std::string certificates;        ///< PEM file; empty: self-signed, valid for 30 days
    std::string key;                 ///< PEM file
    std::vector<std::string> hosts;  ///< of a self-signed one
  };

  /// `now`: seconds since 1970. Throws tun::Error when the files are no certificate with its key.
  ServerCertificate(Source source, std::int64_t now);

  /// For connections that begin now. After a tun::Error the old one stays.
  void renew(std::int64_t now);
  /// A self-signed one is made anew for these hosts if one of them is not in it. Answers whether it was.
  bool cover(const std::vector<std::string>& hosts, std::int64_t now);
  /// For one thread's connections. Tickets are of one context: who comes to another thread shakes hands in full.
  tls::ServerContext make_context() const;
  bool self_signed() const noexcept { return source_.certificates.empty(); }
  /// SHA-256, "AB:CD:…".
  const std::string& fingerprint() const noexcept { return fingerprint_; }

 private:
  tls::Identity identity(std::int64_t now) const;
  tls::ServerContext context_of(const tls::Identity& server) const;

  Source source_;
  std::function<void(std::string_view)> key_log_;
  tls::Identity identity_;
  std::string fingerprint_;
};

}  // namespace sluice::tools
