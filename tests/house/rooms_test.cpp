// The dependency rule, read from rooms.txt and held against every #include of the tree.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/house/tree.hpp"

namespace sluice::house {
namespace {

struct Room {
  std::set<std::string> may_include;  // "*" for all
  std::vector<std::string> foreign;   // header patterns; a * at the end stands for any rest
};

/// The table, and its rooms in the order in which they stand there.
struct Table {
  std::map<std::string, Room> rooms;
  std::vector<std::string> order;
};

/// "" when the room may have this include, otherwise why not.
using Complaint = std::string;

constexpr std::string_view kStandardHeaders =
    " algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono "
    "cinttypes climits "
    "clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg "
    "cstddef cstdint "
    "cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution filesystem format "
    "forward_list fstream "
    "functional future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list "
    "locale map memory "
    "memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex "
    "scoped_allocator "
    "semaphore set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string "
    "string_view "
    "strstream syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map "
    "unordered_set utility "
    "valarray variant vector version ";

/// Standard, but a way to I/O, to a clock, to threads or to randomness that no key governs.
constexpr std::string_view kNotInStack =
    " barrier condition_variable csignal csetjmp ctime execution filesystem fstream future iostream latch "
    "mutex random "
    "semaphore shared_mutex stop_token syncstream thread ";

constexpr std::string_view kKernelHeaders =
    " arpa/* dirent.h errno.h fcntl.h ifaddrs.h linux/* malloc.h net/* netdb.h netinet/* poll.h pthread.h pwd.h "
    "sched.h signal.h "
    "stdio.h stdlib.h string.h sys/* syscall.h termios.h time.h unistd.h ";

bool has_word(std::string_view words, const std::string& word) {
  return words.find(" " + word + " ") != std::string_view::npos;
}

std::vector<std::string> split(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

bool matches(const std::string& header, const std::string& pattern) {
  if (!pattern.ends_with('*')) return header == pattern;
  return header.starts_with(pattern.substr(0, pattern.size() - 1));
}

Table read_table() {
  Table table;
  for (const std::string& line : lines_of("tests/house/rooms.txt")) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(':');
    const std::size_t bar = line.find('|');
    REQUIRE_MESSAGE(colon < bar, "rooms.txt: " << line);
    Room room;
    for (std::string& name : split(line.substr(colon + 1, bar - colon - 1))) room.may_include.insert(std::move(name));
    for (std::string& pattern : split(line.substr(bar + 1))) {
      if (pattern != "@kernel") {
        room.foreign.push_back(std::move(pattern));
        continue;
      }
      for (std::string& header : split(kKernelHeaders)) room.foreign.push_back(std::move(header));
    }
    table.order.push_back(line.substr(0, colon));
    table.rooms[table.order.back()] = std::move(room);
  }
  return table;
}

/// The room of a path from the root: its folder in stack/, http/tls, its first folder elsewhere.
std::string room_of(const std::string& path) {
  const std::size_t first = path.find('/');
  if (first == std::string::npos) return "";
  const std::size_t second = path.find('/', first + 1);
  const bool nested = path.starts_with("stack/") || path.starts_with("http/tls/");
  return path.substr(0, nested && second != std::string::npos ? second : first);
}

Complaint check_own(const Table& table, const std::string& room, const std::string& target) {
  if (!std::filesystem::exists(root() / target)) return "no such file from the root";
  const std::string other = room_of(target);
  const auto& may = table.rooms.at(room).may_include;
  if (other == room || may.contains("*") || may.contains(other)) return "";
  return room + " may not include " + other;
}

Complaint check_foreign(const Table& table, const std::string& room, const std::string& target) {
  const bool in_stack = room.starts_with("stack");
  if (has_word(kStandardHeaders, target)) {
    return in_stack && has_word(kNotInStack, target) ? "stack/ does no I/O, reads no clock, starts no thread" : "";
  }
  const auto& patterns = table.rooms.at(room).foreign;
  const bool allowed = std::any_of(patterns.begin(), patterns.end(),
                                   [&](const std::string& pattern) { return matches(target, pattern); });
  return allowed ? "" : room + " may not include this header from outside";
}

Complaint check(const Table& table, const Include& include) {
  const std::string room = room_of(include.file);
  if (!table.rooms.contains(room)) return "the folder is not a room of rooms.txt";
  return include.angled ? check_foreign(table, room, include.target) : check_own(table, room, include.target);
}

}  // namespace

TEST_CASE("each room of the table includes only rooms that stand above it") {
  const Table table = read_table();
  std::set<std::string> above = {"*"};
  for (const std::string& name : table.order) {
    for (const std::string& other : table.rooms.at(name).may_include) {
      CHECK_MESSAGE(above.contains(other), name << " names " << other << ", which does not stand above it");
    }
    above.insert(name);
  }
  CHECK(table.order.size() == table.rooms.size());
}

TEST_CASE("every include of the tree keeps the dependency rule") {
  const Table table = read_table();
  int seen = 0;
  for (const std::string& file : cpp_files()) {
    if (file.starts_with("tests/house/consumer/")) continue;  // it stands outside the tree, as a stranger would
    for (const Include& include : includes_of(file)) {
      ++seen;
      const Complaint complaint = check(table, include);
      CHECK_MESSAGE(complaint.empty(),
                    include.file << ":" << include.line << ": " << include.target << ": " << complaint);
    }
  }
  CHECK(seen > 0);
}

TEST_CASE("an include against the rule would be seen") {
  const Table table = read_table();
  const auto complains = [&](const std::string& file, const std::string& target, bool angled) {
    return !check(table, {file, 1, target, angled}).empty();
  };
  const std::string own = "tests/house/tree.hpp";
  CHECK(complains("stack/base/a.hpp", own, false));             // back
  CHECK(complains("stack/udp/a.hpp", "tests/missing", false));  // nowhere
  CHECK(complains("stack/tcp/a.cpp", "thread", true));          // standard, but not for the stack
  CHECK(complains("stack/tcp/a.cpp", "sys/socket.h", true));    // the system, in the stack
  CHECK(complains("tun/a.cpp", "boost/asio.hpp", true));        // another room's library
  CHECK(complains("elsewhere/a.cpp", "vector", true));          // no such room
  CHECK(complains("http/tls/a.cpp", "http/url.hpp", false));    // a room within another is not that other
  CHECK_FALSE(complains("tests/base/a.cpp", own, false));
  CHECK_FALSE(complains("stack/tcp/a.cpp", "vector", true));
  CHECK_FALSE(complains("tun/a.cpp", "sys/socket.h", true));
}

}  // namespace sluice::house
