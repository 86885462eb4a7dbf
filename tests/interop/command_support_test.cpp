// The labs of the command's tests, and a test that they see what programs do.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/interop/command.hpp"

namespace sluice::interop {
namespace {

using Steady = std::chrono::steady_clock;

tun::Fd input_file(const std::string& text) {
  tun::Fd fd(::memfd_create("input", MFD_CLOEXEC));
  REQUIRE(::write(fd.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::lseek(fd.number(), 0, SEEK_SET);
  return fd;
}

std::array<tun::Fd, 2> make_pipe() {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  return {tun::Fd(ends[0]), tun::Fd(ends[1])};
}

[[noreturn]] void become(const tun::Namespace& where, const Words& command, int in, int out, int err) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  if (::setns(where.fd(), CLONE_NEWNET) == 0) ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

/// False at the end.
bool take(const tun::Fd& from, std::string& into) {
  std::array<char, 65536> bytes;
  const ssize_t count = ::read(from.number(), bytes.data(), bytes.size());
  if (count > 0) into.append(bytes.data(), static_cast<std::size_t>(count));
  return count > 0;
}

}  // namespace

Program::Program(const tun::Namespace& where, const Words& command, const std::string& input) {
  const tun::Fd in = input_file(input);
  auto [out_end, out] = make_pipe();
  auto [err_end, err] = make_pipe();
  process_ = ::fork();
  REQUIRE(process_ >= 0);
  if (process_ == 0) become(where, command, in.number(), out.number(), err.number());
  out_ = std::move(out_end);
  err_ = std::move(err_end);
}

Program::~Program() {
  if (process_ < 0) return;
  signal(SIGTERM);
  const Finished ended = wait(Seconds(10));
  // A program that says at its end what is wrong (a sanitizer does) must not go unheard.
  CHECK_MESSAGE((ended.status == 0 || ended.status == 128 + SIGTERM || ended.status == 128 + SIGPIPE),
                "status " << ended.status << ": " << ended.err);
}

void Program::signal(int number) const {
  if (process_ > 0) ::kill(process_, number);
}

/// Waits for more output; false when both ends are closed or nothing came in time.
bool Program::listen(Seconds limit) {
  std::array<pollfd, 2> ends{pollfd{out_.number(), POLLIN, 0}, pollfd{err_.number(), POLLIN, 0}};
  if (!out_ && !err_) return false;
  if (::poll(ends.data(), ends.size(), static_cast<int>(limit.count() * 1000)) <= 0) return false;
  if (ends[0].revents != 0 && !take(out_, result_.out)) out_.reset();
  if (ends[1].revents != 0 && !take(err_, result_.err)) err_.reset();
  return true;
}

bool Program::wait_for(const std::string& text, Seconds limit) {
  const auto deadline = Steady::now() + limit;
  while (result_.out.find(text) == std::string::npos) {
    const Seconds left = deadline - Steady::now();
    if (left.count() <= 0 || !listen(left)) return false;
  }
  return true;
}

Finished Program::wait(Seconds limit) {
  const auto deadline = Steady::now() + limit;
  while (out_ || err_) {
    const Seconds left = deadline - Steady::now();
    if (left.count() <= 0 || !listen(left)) break;
  }
  const bool late = out_ || err_;
  if (late) signal(SIGKILL);
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = -1;
  result_.status = late ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result_;
}

Lab::Lab() : namespace_(tun::Namespace::create()) {
  static std::atomic<int> number = 0;
  name_ = "test-" + std::to_string(::getpid()) + "-" + std::to_string(++number);
  std::string pattern = (std::filesystem::temp_directory_path() / "sluice-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
}

Lab::~Lab() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::unique_ptr<Program> Lab::start(const Words& command, const std::string& input) {
  return std::make_unique<Program>(namespace_, command, input);
}

std::unique_ptr<Program> Lab::serve(const Words& flags) {
  Words command{SLUICE_COMMAND, "serve", "--name", name_};
  command.insert(command.end(), flags.begin(), flags.end());
  auto program = start(command);
  const bool ready = program->wait_for("ready");
  INFO("it said: ", program->out());
  REQUIRE(ready);
  return program;
}

Finished Lab::run(const Words& command, const std::string& input, Seconds limit) {
  return Program(namespace_, command, input).wait(limit);
}

Finished Lab::sluice(const Words& words, const std::string& input) {
  Words command{SLUICE_COMMAND};
  command.insert(command.end(), words.begin(), words.end());
  return run(command, input);
}

Finished Lab::python(const std::string& code, const Words& arguments) {
  const char* debian = "/usr/bin/python3";
  Words command{::access(debian, X_OK) == 0 ? debian : "python3", "-c", code};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(command);
}

std::string Lab::file(const std::string& name, const std::string& content) const {
  std::ofstream(file(name), std::ios::binary) << content;
  return file(name);
}

std::string Lab::read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

OtherNamespace::OtherNamespace(Lab& lab)
    : lab_(lab),
      holder_(lab.start({"unshare", "-n", "sh", "-c",
                         "trap 'exit 0' TERM; ip link set lo up; echo up; while :; do sleep 0.2; done"})) {
  REQUIRE(holder_->wait_for("up"));
}

Words OtherNamespace::inside(const Words& command) const {
  Words words{"nsenter", "-n", "-t", process(), "--"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

Words node_words(const std::string& code, const Words& arguments) {
  const std::string modules = SLUICE_SOURCE_DIR "/tests/interop/node_modules";
  REQUIRE_MESSAGE(std::filesystem::exists(modules + "/ws"),
                  "tests/interop/node_modules/ws is missing: run tools/setup test --with-npm");
  Words command{"env", "NODE_PATH=" + modules, "node", "-e", code};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

std::string noise(std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t state = 88172645463325252U;
  for (char& one : text) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    one = static_cast<char>(state);
  }
  return text;
}

TEST_CASE("a lab has a network of its own, and sees output, status and deadlines") {
  Lab lab;
  CHECK(lab.run({"sh", "-c", "ip -o link | wc -l; echo bad >&2; exit 3"}).status == 3);
  CHECK(lab.run({"sh", "-c", "ip -o link | wc -l"}).out == "1\n");
  CHECK(lab.run({"cat"}, "hello").out == "hello");
  CHECK(lab.run({"sleep", "30"}, "", Seconds(0.2)).status == -1);
}

}  // namespace sluice::interop
