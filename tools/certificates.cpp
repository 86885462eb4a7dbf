// Files and the environment around http/tls, which knows neither.
#include "tools/certificates.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include "lab/file_bytes.hpp"
#include "tun/error.hpp"
#include "tun/fd.hpp"

namespace sluice::tools {

std::string read_text(const std::string& path) {
  const auto file = lab::FileBytes::load(path);
  if (!file) throw tun::Error(Errc::not_found, file.error);
  return std::string(as_text((*file).bytes()));
}

std::function<void(std::string_view)> key_log_of_environment() {
  const char* path = std::getenv("SSLKEYLOGFILE");
  if (path == nullptr || *path == '\0') return nullptr;
  const auto file = std::make_shared<tun::Fd>(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!*file) throw tun::Error(Errc::io_error, fmt::format("cannot write {}: {}", path, tun::errno_text(errno)));
  return [file](std::string_view line) {
    const std::string text = fmt::format("{}\n", line);
    [[maybe_unused]] const ssize_t written = ::write(file->number(), text.data(), text.size());  // one line, one call
  };
}

std::variant<tls::ClientContext, tls::Failure> make_client_context(const ClientTrust& trust, Duration handshake_time) {
  tls::Settings settings;
  settings.protocols = {"http/1.1"};
  settings.key_log = key_log_of_environment();
  settings.handshake_time = handshake_time;
  return tls::ClientContext::make({.certificates = trust.certificates, .verify = !trust.insecure}, settings);
}

ServerCertificate::ServerCertificate(Source source, std::int64_t now)
    : source_(std::move(source)), key_log_(key_log_of_environment()) {
  renew(now);
}

tls::Identity ServerCertificate::identity(std::int64_t now) const {
  constexpr std::int64_t kHour = 3600;
  if (!self_signed()) return {read_text(source_.certificates), read_text(source_.key)};
  return tls::issue({.hosts = source_.hosts, .from = now - kHour, .until = now + 30 * 24 * kHour});
}

tls::ServerContext ServerCertificate::make_context() const { return context_of(identity_); }

tls::ServerContext ServerCertificate::context_of(const tls::Identity& server) const {
  tls::Settings settings;
  settings.protocols = {"http/1.1"};
  settings.key_log = key_log_;
  auto made = tls::ServerContext::make(server, settings);
  if (const auto* failure = std::get_if<tls::Failure>(&made))
    throw tun::Error(Errc::invalid_argument, self_signed() ? failure->sentence
                                                           : fmt::format("{} and {}: {}", source_.certificates,
                                                                         source_.key, failure->sentence));
  return std::get<tls::ServerContext>(std::move(made));
}

void ServerCertificate::renew(std::int64_t now) {
  tls::Identity fresh = identity(now);
  (void)context_of(fresh);  // it can be used
  fingerprint_ = tls::fingerprint(fresh.certificates);
  identity_ = std::move(fresh);
}

bool ServerCertificate::cover(const std::vector<std::string>& hosts, std::int64_t now) {
  const auto is_in = [&](const std::string& host) {
    return std::find(source_.hosts.begin(), source_.hosts.end(), host) != source_.hosts.end();
  };
  if (!self_signed() || std::all_of(hosts.begin(), hosts.end(), is_in)) return false;
  source_.hosts = hosts;
  renew(now);
  return true;
}

}  // namespace sluice::tools
