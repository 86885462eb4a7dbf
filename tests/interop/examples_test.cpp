// The examples, each against the kernel's TCP in a namespace of its own.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "tun/kernel_stream.hpp"
#include "tun/namespace.hpp"

namespace sluice::tun {
namespace {

using namespace std::chrono_literals;

#ifdef SLUICE_EXAMPLES
constexpr const char* kExamples = SLUICE_EXAMPLES;
#else
constexpr const char* kExamples = nullptr;  // a build without examples
#endif

/// A program of build/.../examples, running in a namespace; it gets SIGTERM and is waited for at the end.
class Example {
 public:
  Example(const Namespace& lab, const std::string& name) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    Fd output(ends[0]);
    Fd input(ends[1]);
    const std::string path = std::string(kExamples) + "/" + name;
    lab.run([&] {
      child_ = ::fork();
      if (child_ != 0) return;
      ::dup2(input.number(), STDOUT_FILENO);
      ::execl(path.c_str(), name.c_str(), "echo0", nullptr);
      ::_exit(127);
    });
    input.reset();  // so that an example that dies early ends the read
    std::array<char, 200> line{};
    const ssize_t size = ::read(output.number(), line.data(), line.size());
    greeting_.assign(line.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  }
  ~Example() {
    if (child_ > 0) (void)stop();
  }

  const std::string& greeting() const { return greeting_; }
  /// The exit status after SIGTERM.
  int stop() {
    ::kill(child_, SIGTERM);
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t child_ = -1;
  std::string greeting_;
};

std::string echoed(KernelStream& stream, const std::string& text) {
  std::size_t written = 0;
  std::string back;
  while (!stream.at_eof() && stream.error() == Errc::none) {
    if (written < text.size()) written += stream.write(as_bytes(text).subspan(written)).value_or(0);
    if (written == text.size()) stream.finish();
    const MutableBytes bytes = stream.peek();
    back += as_text(bytes);
    stream.consume(bytes.size());
    if (bytes.empty() && !stream.wait(5s)) break;
  }
  return back;
}

}  // namespace

TEST_CASE("each example answers the kernel's TCP and ends in good order on SIGTERM") {
  REQUIRE_MESSAGE(kExamples != nullptr, "this build has no examples: configure with SLUICE_BUILD_EXAMPLES=ON");
  for (const char* name : {"echo_loop", "echo_coroutine"}) {
    CAPTURE(name);
    const Namespace lab = Namespace::create();
    Example example(lab, name);
    CHECK(example.greeting() == "echo on 10.9.0.2 port 7, through echo0\n");
    lab.run([&] {
      auto stream = KernelStream::connect(*Endpoint::parse("10.9.0.2:7"));
      REQUIRE(stream);
      std::string text(300000, 'e');
      for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
      CHECK(echoed(*stream, text) == text);

      auto idle = KernelStream::connect(*Endpoint::parse("10.9.0.2:7"));
      REQUIRE(idle);
      REQUIRE(idle->write(as_bytes("x")));
      while (idle->peek().empty()) REQUIRE(idle->wait(5s));
      idle->consume(1);
      CHECK(example.stop() == 0);
      CHECK(idle->wait(5s));
      CHECK(idle->peek().empty());
      CHECK(idle->at_eof());
      CHECK(idle->error() == Errc::none);
    });
  }
}

}  // namespace sluice::tun
