// The control socket of a running instance: JSON lines in, JSON lines out, answered between two turns of the loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tools/json.hpp"
#include "tun/event_loop.hpp"
#include "tun/fd.hpp"

namespace sluice::tools {

/// A request is one object with a "command". The answer to it is one line: {"ok":true,…} or {"ok":false,"error":"…"}.
class ControlServer {
 public:
  /// What `answer` throws as tun::Error becomes the error's sentence.
  using Answer = std::function<Json(const Json& request)>;

  /// Requests longer than this end their connection, bytes.
  static constexpr std::size_t kMaximumRequest = 65536;

  /// Listens at `path`, mode 0600. A socket that a dead instance left there is replaced. Throws tun::Error:
  /// address_in_use when a living one answers there.
  ControlServer(tun::EventLoop& loop, std::string path, Answer answer);
  /// Removes the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  const std::string& path() const noexcept { return path_; }

 private:
  struct Client {
    tun::Fd fd;
    std::string in;
    std::string out;
  };

  void listen();
  void accept();
  void serve(int fd);
  bool read_requests(Client& client);
  static bool write_answers(Client& client);
  Json answer_line(const std::string& line) const;

  tun::EventLoop& loop_;
  std::string path_;
  Answer answer_;
  tun::Fd listener_;
  std::map<int, Client> clients_;
};

}  // namespace sluice::tools
