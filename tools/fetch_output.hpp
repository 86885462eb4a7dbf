// Where a body goes: standard output, or a file that is opened when its first byte is due.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "stack/base/bytes.hpp"
#include "tools/resume.hpp"
#include "tools/standard_streams.hpp"
#include "tun/fd.hpp"

namespace sluice::tools {

class FetchOutput {
 public:
  /// `path` empty: standard output. `ready` is called when what waited may be written.
  FetchOutput(tun::EventLoop& loop, std::string path, std::function<void()> ready);

  bool is_file() const noexcept { return !path_.empty(); }
  const std::string& path() const noexcept { return path_; }
  /// What is here of the file already.
  Partial partial() const;
  /// To be called before the first take(); again: no effect. False: error() says why it can't be written.
  bool open(bool append);
  int descriptor() const noexcept { return file_.number(); }

  void take(Bytes bytes) { waiting_.insert(waiting_.end(), bytes.begin(), bytes.end()); }
  /// True when nothing waits; else `ready` will be called, or it failed().
  bool flush();
  bool failed() const noexcept { return !error_.empty(); }
  /// One sentence.
  const std::string& error() const noexcept { return error_; }

 private:
  tun::EventLoop& loop_;
  std::string path_;
  std::function<void()> ready_;
  tun::Fd file_;
  std::unique_ptr<Output> output_;
  std::vector<std::uint8_t> waiting_;  ///< at most what the receive buffer held
  std::string error_;
};

}  // namespace sluice::tools
