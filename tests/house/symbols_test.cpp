// The stack library does no I/O, reads no clock, starts no thread and keeps no globals: asked of its symbols.
// Only an uninstrumented build can be asked; there CMake says where the library is.
#ifdef SLUICE_STACK_LIBRARY
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace sluice::house {
namespace {

std::string output_of(const std::string& command) {
  const auto close = [](std::FILE* pipe) { return pclose(pipe); };
  const std::unique_ptr<std::FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 4096> chunk{};
  for (std::size_t count = 1; count > 0;) {
    count = std::fread(chunk.data(), 1, chunk.size(), pipe.get());
    text.append(chunk.data(), count);
  }
  return text;
}

/// The last field of nm's lines whose type letter is one of `types`; C++ names come demangled.
std::set<std::string> symbols(const std::string& types) {
  const std::regex line_of(R"(^[0-9a-f ]*\s)"
                           "([" +
                           types + R"(]) (.+)$)");
  std::istringstream lines(output_of("nm -C \"" SLUICE_STACK_LIBRARY "\""));
  std::set<std::string> found;
  for (std::string line; std::getline(lines, line);) {
    if (std::smatch match; std::regex_match(line, match, line_of)) found.insert(match[2]);
  }
  return found;
}

/// What a stack may ask of C: memory, arithmetic, text into a buffer, and the ends of the world.
bool is_fair_c(const std::string& name) {
  static const std::regex kFair(
      "mem(cpy|move|set|cmp|chr)|calloc|free|bcmp|strlen|strn?cmp|v?snprintf|abort|__assert_fail|__stack_chk_fail|"
      "_GLOBAL_OFFSET_TABLE_|_Unwind_Resume|__gxx_personality_v0|__cxa_(pure_virtual|guard_\\w+|atexit)|__"
      "dso_handle|"
      "__(add|sub|mul|u?div|u?mod)[a-z0-9]*|a?cosh?|cbrtf?|powf?|sqrtf?|log2?f?|exp2?f?|l?l?roundf?|ceilf?|"
      "floorf?|"
      "__(memcpy|memmove|memset|snprintf|vsnprintf)_chk");
  return std::regex_match(name, kFair);
}

/// A C++ name: nm has demangled it, so it has a scope, an argument list or a space.
bool is_cpp(const std::string& name) { return name.find_first_of(":( ") != std::string::npos; }

bool is_forbidden_cpp(const std::string& name) {
  static const std::regex kForbidden(
      ".*std::(thread|jthread|mutex|condition_variable|future|random_device|filesystem|this_thread|chrono::_"
      "V2|"
      "basic_(i|o|f|if|of|io)(stream|filebuf)|cout|cerr|clog|cin|ios_base).*");
  return std::regex_match(name, kForbidden);
}

/// g++ keeps some constants out of the read-only sections: an error_category for its virtual destructor, a constexpr
/// std::array of deduced type. Their names tell; clang-tidy lets nothing but constants be named so.
bool is_constant(const std::string& name) {
  static const std::regex kConstant(R"((.*::)?k[A-Z]\w*)");
  return std::regex_match(name, kConstant);
}

}  // namespace

TEST_CASE("the stack library asks the system for no I/O, no clock and no thread") {
  const auto defined = symbols("TtWwVvRrDdBbu");
  REQUIRE_MESSAGE(!defined.empty(), "nm finds nothing in " SLUICE_STACK_LIBRARY);
  for (const std::string& name : symbols("U")) {
    if (defined.contains(name)) continue;
    CHECK_MESSAGE((is_cpp(name) ? !is_forbidden_cpp(name) : is_fair_c(name)), "the stack calls " << name);
  }
}

TEST_CASE("the stack library keeps no state of its own between calls") {
  // Writable sections with something in them; .data.rel.ro is constant once relocated.
  std::istringstream lines(output_of("objdump -t -C \"" SLUICE_STACK_LIBRARY "\""));
  static const std::regex kObject(R"(^[0-9a-f]+ .{7} (\.t?bss|\.t?data)(?!\.rel\.ro)\S*\s+([0-9a-f]+)\s+(.*)$)");
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, kObject) || std::stoul(match[2], nullptr, 16) == 0) continue;
    CHECK_MESSAGE(is_constant(match[3]), "a global: " << match[3]);
  }
}

TEST_CASE("forbidden symbols would be seen") {
  for (const char* name : {"open", "read", "socket", "sendto", "clock_gettime", "time", "pthread_create", "rand",
                           "getrandom", "printf", "usleep"}) {
    CHECK_FALSE_MESSAGE(is_fair_c(name), name);
  }
  CHECK(is_forbidden_cpp("std::chrono::_V2::steady_clock::now()"));
  CHECK(is_forbidden_cpp("std::thread::join()"));
  CHECK(is_forbidden_cpp("std::basic_ostream<char, std::char_traits<char> >& std::endl<char>()"));
  CHECK_FALSE(is_forbidden_cpp("operator new(unsigned long)"));
  CHECK(is_fair_c("memcpy"));
  CHECK(is_constant("sluice::tcp::(anonymous namespace)::kEdges"));
  CHECK_FALSE(is_constant("sluice::tcp::(anonymous namespace)::count"));
  CHECK_FALSE(is_constant("known"));
}

}  // namespace sluice::house
#endif
