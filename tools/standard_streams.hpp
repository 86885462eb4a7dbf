// Standard input and output in an event loop, without making them non-blocking: others share them.
#pragma once

#include <cstddef>
#include <functional>

#include "stack/base/bytes.hpp"
#include "stack/base/result.hpp"
#include "tun/event_loop.hpp"

namespace sluice::tools {

/// Terminals, pipes, sockets and files; the last are always ready and read on the loop's thread.
class Input {
 public:
  /// `ready` is called once for each want(), when read() has something to do. `loop` outlives this.
  Input(tun::EventLoop& loop, int fd, std::function<void()> ready);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  /// 0: nothing now (want() tells when), or the end. An unreadable descriptor counts as its end.
  std::size_t read(MutableBytes room);
  bool at_eof() const noexcept { return eof_; }
  void want();

 private:
  tun::EventLoop& loop_;
  int fd_;
  std::function<void()> ready_;
  bool eof_ = false;
};

class Output {
 public:
  /// As Input.
  Output(tun::EventLoop& loop, int fd, std::function<void()> ready);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// How many of the first bytes were taken; 0 = not now. io_error: nobody reads it any more.
  Result<std::size_t> write(Bytes bytes);
  void want();

 private:
  tun::EventLoop& loop_;
  int fd_;
  std::function<void()> ready_;
  std::size_t portion_;  ///< bytes that a ready descriptor takes without blocking
};

}  // namespace sluice::tools
