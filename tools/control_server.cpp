// Non-blocking, bounded, and deaf to a client that does not read its answers.
#include "tools/control_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/control_client.hpp"
#include "tun/error.hpp"

namespace sluice::tools {
namespace {

constexpr std::size_t kMaximumClients = 64;

/// Binds with mode 0600 from the first moment on.
int bind_private(int fd, const sockaddr_un& address) {
  const mode_t before = ::umask(0177);
  const int result = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(before);
  errno = error;
  return result;
}

}  // namespace

ControlServer::ControlServer(tun::EventLoop& loop, std::string path, Answer answer)
    : loop_(loop), path_(std::move(path)), answer_(std::move(answer)) {
  listen();
  loop_.watch(listener_.number(), Readiness::readable, [this](Readiness) { accept(); });
}

ControlServer::~ControlServer() {
  loop_.unwatch(listener_.number());
  for (const auto& [fd, client] : clients_) loop_.unwatch(fd);
  ::unlink(path_.c_str());
}

void ControlServer::listen() {
  if (somebody_answers(path_))
    throw tun::Error(Errc::address_in_use,
                     fmt::format("another sluice answers at {}: choose a name of your own with --name", path_));
  // Made under another name and moved: whoever sees the socket may connect to it.
  const std::string draft = fmt::format("{}.{}", path_, ::getpid());
  const sockaddr_un address = control_address(draft);
  ::unlink(draft.c_str());
  listener_ = tun::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const bool made = bind_private(listener_.number(), address) == 0 && ::listen(listener_.number(), 16) == 0 &&
                    ::rename(draft.c_str(), path_.c_str()) == 0;
  if (!made)
    throw tun::Error(tun::from_errno(errno),
                     fmt::format("cannot make the control socket {}: {}", path_, tun::errno_text(errno)));
}

void ControlServer::accept() {
  for (;;) {
    tun::Fd fd(::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    if (clients_.size() >= kMaximumClients) continue;  // and the descriptor closes
    const int number = fd.number();
    clients_[number].fd = std::move(fd);
    loop_.watch(number, Readiness::readable, [this, number](Readiness) { serve(number); });
  }
}

void ControlServer::serve(int fd) {
  Client& client = clients_.at(fd);
  const bool alive = write_answers(client) && (!client.out.empty() || read_requests(client)) && write_answers(client);
  if (!alive) {
    loop_.unwatch(fd);
    clients_.erase(fd);
    return;
  }
  const Readiness interest = client.out.empty() ? Readiness::readable : Readiness::writable;
  loop_.watch(fd, interest, [this, fd](Readiness) { serve(fd); });
}

/// False: the client is gone, or sends what is no request.
bool ControlServer::read_requests(Client& client) {
  std::array<char, 4096> bytes;
  const ssize_t count = ::read(client.fd.number(), bytes.data(), bytes.size());
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;
  client.in.append(bytes.data(), static_cast<std::size_t>(count));
  for (std::size_t end = client.in.find('\n'); end != std::string::npos; end = client.in.find('\n')) {
    client.out += answer_line(client.in.substr(0, end)).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    client.in.erase(0, end + 1);
  }
  return client.in.size() <= kMaximumRequest;
}

bool ControlServer::write_answers(Client& client) {
  while (!client.out.empty()) {
    const ssize_t count = ::send(client.fd.number(), client.out.data(), client.out.size(), MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    client.out.erase(0, static_cast<std::size_t>(count));
  }
  return true;
}

Json ControlServer::answer_line(const std::string& line) const {
  const auto failed = [](const std::string& why) { return Json{{"ok", false}, {"error", why}}; };
  const Json request = Json::parse(line, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string())
    return failed("a request is one JSON object with a \"command\", on one line");
  try {
    Json answer{{"ok", true}};
    answer.update(answer_(request));
    return answer;
  } catch (const tun::Error& error) {
    return failed(error.what());
  } catch (const Json::exception&) {
    return failed("a value of the request has the wrong type");
  }
}

}  // namespace sluice::tools
