// What `sluice ws` says on standard output: messages one a line, or JSON lines.
#pragma once

#include <string>
#include <string_view>

#include "stack/base/bytes.hpp"
#include "stack/base/time.hpp"
#include "ws/assembler.hpp"
#include "ws/client.hpp"

namespace sluice::tools {

struct WsOutputOptions {
  bool hex = false;       ///< text messages, too
  bool raw = false;       ///< binary messages as their bytes, with nothing behind them
  bool json = false;      ///< one object an event
  bool terminal = false;  ///< control characters of text are shown, not sent
};

/// Collects what standard output has not taken yet.
class WsOutput {
 public:
  explicit WsOutput(const WsOutputOptions& options) noexcept : options_(options) {}

  void opened(std::string_view url, std::string_view subprotocol);
  /// A message shows when it is whole. True then.
  bool data(const ws::Data& piece);
  void ping(Bytes payload);
  /// `after`: since the Ping that it answers; negative: it answers none.
  void pong(Bytes payload, Duration after);
  void closed(const ws::Closed& closed);

  Bytes waiting() const noexcept { return as_bytes(std::string_view(text_).substr(begin_)); }
  void written(std::size_t count);
  /// Nothing should be added before some of it is written.
  bool full() const noexcept { return text_.size() - begin_ >= kEnough; }

 private:
  static constexpr std::size_t kEnough = 1u << 20;

  void show(const ws::Message& message);
  void show_json(const ws::Message& message);

  WsOutputOptions options_;
  ws::Assembler whole_;
  std::string text_;
  std::size_t begin_ = 0;  ///< what is before it is written
};

}  // namespace sluice::tools
