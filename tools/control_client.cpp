// A blocking client with a deadline.
#include "tools/control_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tools/control_paths.hpp"
#include "tun/error.hpp"
#include "tun/fd.hpp"

namespace sluice::tools {
namespace {

constexpr time_t kPatience = 5;  // seconds

tun::Fd connect_to(const std::string& path) {
  const sockaddr_un address = control_address(path);
  tun::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{kPatience, 0};
  ::setsockopt(fd.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.number(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int error = errno;
  fd.reset();
  errno = error;
  return fd;
}

[[noreturn]] void fail(const std::string& path) {
  throw tun::Error(tun::from_errno(errno), fmt::format("no answer at {}: {}", path, tun::errno_text(errno)));
}

std::string read_line(const tun::Fd& fd, const std::string& path) {
  std::string line;
  std::array<char, 65536> bytes;
  while (line.find('\n') == std::string::npos) {
    const ssize_t count = ::read(fd.number(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path);
    if (count == 0) throw tun::Error(Errc::truncated, "the running sluice broke the answer off");
    line.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return line;
}

}  // namespace

sockaddr_un control_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw tun::Error(Errc::invalid_argument, fmt::format("the path {} is too long for a socket", path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

bool somebody_answers(const std::string& path) { return static_cast<bool>(connect_to(path)); }

Json ask(const std::string& path, const Json& request) {
  const tun::Fd fd = connect_to(path);
  if (!fd) fail(path);
  const std::string line = request.dump() + "\n";
  if (::send(fd.number(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) fail(path);
  Json answer = Json::parse(read_line(fd, path), nullptr, false);
  if (!answer.is_object()) throw tun::Error(Errc::malformed, "the running sluice answered something that is no JSON");
  if (!answer.value("ok", false)) throw tun::Error(Errc::invalid_argument, answer.value("error", "refused"));
  return answer;
}

Json ask_instance(const std::string& name, const Json& request) { return ask(find_control_socket(name), request); }

}  // namespace sluice::tools
