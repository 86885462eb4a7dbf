// The control socket: requests, mistakes, and a place of its own.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/control_client.hpp"
#include "tools/control_paths.hpp"
#include "tools/control_server.hpp"
#include "tun/error.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;

/// A device to which nothing comes and from which nothing leaves.
class NoDevice final : public tun::Device {
 public:
  int fd() const noexcept override { return -1; }
  std::size_t mtu() const noexcept override { return 1500; }
  void begin_turn(Time) noexcept override {}
  bool receive_batch(std::vector<Packet>&) noexcept override { return false; }
  bool accept(const Frame&) noexcept override { return true; }
  bool full() const noexcept override { return false; }
  Errc error() const noexcept override { return Errc::none; }
  const Counters<tun::DeviceCounter>& counters() const noexcept override { return counters_; }

 private:
  Counters<tun::DeviceCounter> counters_;
};

struct Room {
  fs::path folder;
  Room() {
    std::string pattern = (fs::temp_directory_path() / "sluice-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
  }
  ~Room() { fs::remove_all(folder); }
  std::string path() const { return (folder / "x.sock").string(); }
};

/// A server that answers {"twice":2*n} to {"command":"double","n":n}, while `client` talks to it on another thread.
template <class Client>
void while_served(const std::string& path, Client client) {
  NoDevice device;
  Stack stack{Config{}};
  tun::EventLoop loop(stack, device);
  ControlServer server(loop, path, [](const Json& request) -> Json {
    if (request.at("command") != "double") throw tun::Error(Errc::not_supported, "no such command");
    return {{"twice", 2 * request.at("n").get<int>()}};
  });
  std::thread talker([&] {
    client();
    loop.post([&loop] { loop.stop(); });
  });
  CHECK(loop.run());
  talker.join();
}

/// Sends bytes as they are and reads a line; "" when the server hangs up.
std::string raw(const std::string& path, const std::string& bytes) {
  const tun::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = control_address(path);
  if (::connect(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return "no connection";
  (void)::send(fd.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  std::string line;
  char one = 0;
  while (::read(fd.number(), &one, 1) == 1 && one != '\n') line += one;
  return line;
}

void leave_dead_socket(const std::string& path) {
  const tun::Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = control_address(path);
  REQUIRE(::bind(dead.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(fs::exists(path));
}

std::string error_of(const std::string& path, const Json& request) {
  try {
    (void)ask(path, request);
  } catch (const tun::Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("requests are answered, mistakes are told, and the server goes on") {
  const Room room;
  int twice = 0;
  std::string unknown, wrong_type, no_object, too_long;
  while_served(room.path(), [&] {
    unknown = error_of(room.path(), {{"command", "nonsense"}});
    wrong_type = error_of(room.path(), {{"command", "double"}, {"n", "two"}});
    no_object = raw(room.path(), "[1]\n");
    too_long = raw(room.path(), std::string(ControlServer::kMaximumRequest + 5000, 'x'));
    twice = ask(room.path(), {{"command", "double"}, {"n", 21}}).at("twice").get<int>();
  });
  CHECK(unknown == "no such command");
  CHECK(wrong_type == "a value of the request has the wrong type");
  CHECK(Json::parse(no_object).at("ok") == false);
  CHECK(too_long.empty());
  CHECK(twice == 42);
  CHECK_FALSE(fs::exists(room.path()));
}

TEST_CASE("a dead instance's socket is replaced, a living one's is not") {
  const Room room;
  leave_dead_socket(room.path());
  REQUIRE(fs::exists(room.path()));
  CHECK_FALSE(somebody_answers(room.path()));
  NoDevice device;
  Stack stack{Config{}};
  tun::EventLoop loop(stack, device);
  const auto nothing = [](const Json&) -> Json { return Json::object(); };
  const ControlServer server(loop, room.path(), nothing);
  struct stat status {};
  REQUIRE(::stat(room.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK_THROWS_AS(ControlServer(loop, room.path(), nothing), tun::Error);
  CHECK(fs::exists(room.path()));
}

TEST_CASE("a path is found by name, alone, or not at all") {
  const Room room;
  const char* before = std::getenv("XDG_RUNTIME_DIR");
  const std::string kept = before ? before : "";
  ::setenv("XDG_RUNTIME_DIR", room.folder.c_str(), 1);
  const std::vector<std::string> ours{(room.folder / "sluice").string()};
  const std::string path = make_control_path(ours, "lab");
  CHECK(path == (room.folder / "sluice/lab.sock").string());
  CHECK(fs::status(room.folder / "sluice").permissions() == fs::perms::owner_all);
  CHECK_THROWS_AS((void)find_control_socket("no-instance-of-this-name"), tun::Error);
  const std::string dead = (room.folder / "sluice/dead.sock").string();
  leave_dead_socket(dead);
  CHECK_THROWS_AS((void)find_control_socket("dead"), tun::Error);
  CHECK_FALSE(fs::exists(dead));
  while_served(path, [&] { CHECK(find_control_socket("lab") == path); });
  // A folder that others may write to is no place.
  fs::permissions(room.folder / "sluice", fs::perms::all);
  CHECK_THROWS_AS((void)make_control_path(ours, "lab"), tun::Error);
  if (before)
    ::setenv("XDG_RUNTIME_DIR", kept.c_str(), 1);
  else
    ::unsetenv("XDG_RUNTIME_DIR");
}

TEST_CASE("a path that no socket can have is refused") {
  CHECK_THROWS_AS((void)control_address(std::string(200, 'a')), tun::Error);
}

}  // namespace sluice::tools
