// The peer's compressed messages: a piece of payload in, a buffer of text out, limits checked on the way.
#pragma once

#include <cstdint>
#include <memory>

#include "stack/base/buffer.hpp"
#include "stack/base/bytes.hpp"
#include "ws/deflate.hpp"
#include "ws/deflate_parameters.hpp"
#include "ws/fault.hpp"
#include "ws/settings.hpp"

namespace sluice::ws {

/// Between messages it holds a window if the peer keeps one, and nothing else.
class Inflation {
 public:
  /// `settings` outlives it; `window` is the peer's.
  Inflation(const DeflateWindow& window, const Settings& settings) noexcept : settings_(settings), window_(window) {}
  ~Inflation();
  Inflation(const Inflation&) = delete;
  Inflation& operator=(const Inflation&) = delete;

  void begin_message();

  struct Output {
    std::size_t used = 0;  ///< bytes of the input; what is not used is to be given again
    MutableBytes bytes;    ///< valid until the next call; at a fault those before it
    bool done = false;     ///< the message is complete
    Fault fault = Fault::none;
  };
  /// Inflates one buffer's worth. `last`: with the end of `input` the message ends.
  Output fill(Bytes input, bool last);
  /// More of what was put in waits, or may: fill() without input.
  bool waiting() const noexcept { return waiting_; }
  Output fill_more() { return fill({}, last_); }

  /// Gives the buffer back. REQUIRES that nobody looks at its bytes any more.
  void rest() noexcept { buffer_ = Buffer(); }

 private:
  Fault check_limits() const noexcept;
  void end_message();

  const Settings& settings_;
  DeflateWindow window_;
  bool last_ = false;  ///< all of the message was put in
  bool waiting_ = false;
  std::unique_ptr<Inflater> inflater_;
  Buffer buffer_;
  std::uint64_t compressed_ = 0;  ///< bytes of the message that came
  std::uint64_t inflated_ = 0;    ///< and what became of them
};

}  // namespace sluice::ws
