// Programs in a network namespace of a test's own: started, listened to, ended; every wait has a deadline.
#pragma once

#include <sys/types.h>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tun/fd.hpp"
#include "tun/namespace.hpp"

namespace sluice::interop {

using Seconds = std::chrono::duration<double>;
using Words = std::vector<std::string>;

struct Finished {
  int status = -1;  ///< exit code; 128 + signal; -1 = it had to be killed at the deadline
  std::string out;
  std::string err;
};

/// A child process. Ends with this object, by SIGTERM; a test fails when it does not end well.
class Program {
 public:
  /// `input` is its standard input, from beginning to end.
  Program(const tun::Namespace& where, const Words& command, const std::string& input = "");
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t id() const noexcept { return process_; }
  /// Until `text` stands in its standard output; false when it ended before or the deadline passed.
  bool wait_for(const std::string& text, Seconds limit = Seconds(20));
  void signal(int number) const;
  Finished wait(Seconds limit = Seconds(20));
  const std::string& out() const noexcept { return result_.out; }

 private:
  bool listen(Seconds limit);

  pid_t process_ = -1;
  tun::Fd out_;
  tun::Fd err_;
  Finished result_;
};

/// A namespace without a name, a folder for files, and the command under test.
class Lab {
 public:
  Lab();
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  /// `sluice serve FLAGS` under the name name(), ready.
  std::unique_ptr<Program> serve(const Words& flags);
  std::unique_ptr<Program> start(const Words& command, const std::string& input = "");
  Finished run(const Words& command, const std::string& input = "", Seconds limit = Seconds(30));
  Finished sluice(const Words& words, const std::string& input = "");
  /// Debian's python3, which has the websockets package; `arguments` are sys.argv[1:].
  Finished python(const std::string& code, const Words& arguments = {});

  const tun::Namespace& network() const noexcept { return namespace_; }
  const std::string& name() const noexcept { return name_; }
  /// A path in the lab's folder; with `content` the file is written.
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  std::string file(const std::string& name, const std::string& content) const;
  static std::string read(const std::string& path);

 private:
  tun::Namespace namespace_;
  std::string name_;
  std::string folder_;
};

/// A network namespace beside the lab's, as long as this lives.
class OtherNamespace {
 public:
  explicit OtherNamespace(Lab& lab);
  /// Names it to `ip link … netns` and to `sluice --netns`.
  std::string process() const { return std::to_string(holder_->id()); }
  Finished run(const Words& command) { return lab_.run(inside(command)); }
  /// `command` as the lab runs it in there.
  Words inside(const Words& command) const;

 private:
  Lab& lab_;
  std::unique_ptr<Program> holder_;
};

/// node running `code`, in which require('ws') is at hand; `arguments` are process.argv[1...]. A test that has no such
/// module fails.
Words node_words(const std::string& code, const Words& arguments = {});

/// `size` bytes in which every part differs from every other.
std::string noise(std::size_t size);

}  // namespace sluice::interop
