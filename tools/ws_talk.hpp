// What `sluice ws` does with a session, apart from sockets and descriptors: lines in, lines out, when to close.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "stack/base/time.hpp"
#include "tools/ws_input.hpp"
#include "tools/ws_output.hpp"
#include "ws/client.hpp"

namespace sluice::tools {

struct WsTalkOptions {
  std::string url = {};  ///< for the output alone
  WsForm form = WsForm::text;
  std::size_t chunk = 65536;
  WsOutputOptions output = {};
  bool one = false;                            ///< closes after the first message
  bool close_at_end = true;                    ///< of the input; else the peer has to
  Duration wait{};                             ///< silence after the input's end before the Close
  ws::CloseCode code = ws::CloseCode::normal;  ///< what our Close says
  std::string reason = {};
  std::function<void(const std::string&)> say = {};       ///< what -v tells; may be empty
  std::function<void(const std::string&)> complain = {};  ///< what is wrong with the input
};

/// The handler of a ws::Client, and of the next one when that ended: input that was not sent waits for it.
class WsTalk {
 public:
  /// `options` outlive it.
  explicit WsTalk(const WsTalkOptions& options)
      : options_(options), input_(options.form, options.chunk), output_(options.output) {}

  /// A turn begins. Before pump() and speak().
  void at(Time now) noexcept { now_ = now; }

  // --- as a handler
  void operator()(const ws::Opened& opened, ws::Session& session);
  void operator()(const ws::Event& event, ws::Session& session);
  bool ready(const ws::Session&) const noexcept { return !output_.full(); }

  /// Sends what the input has, as far as there is room, and closes when that is due.
  void speak(ws::Session& session);
  /// How many bytes of input have a use now.
  std::size_t wanted(const ws::Session& session) const noexcept;
  void ping(ws::Session& session);
  /// Closes as the options say.
  void close(ws::Session& session);
  /// When speak() is to be called again.
  Time next_timeout() const noexcept { return closing_ ? kNever : close_at_; }

  WsInput& input() noexcept { return input_; }
  WsOutput& output() noexcept { return output_; }

  /// How the last session ended; nullopt while it goes on.
  struct End {
    bool clean = false;
    bool ours = false;  ///< we said Close first
    ws::CloseCode code = ws::CloseCode::abnormal;
    std::string reason;
  };
  const std::optional<End>& end() const noexcept { return end_; }
  /// Lines of input that made no message, and so were not sent.
  std::uint64_t complaints() const noexcept { return complaints_; }

 private:
  void on_data(const ws::Data& data, ws::Session& session);
  void on_pong(Bytes payload);
  void on_closed(const ws::Closed& closed);
  void send_input(ws::Session& session);
  void say(const std::string& sentence) const {
    if (options_.say) options_.say(sentence);
  }

  const WsTalkOptions& options_;
  WsInput input_;
  WsOutput output_;
  Time now_{};
  Time close_at_ = kNever;  ///< kNever: the input goes on
  bool closing_ = false;
  bool enough_ = false;  ///< the one message came
  std::optional<End> end_;
  std::uint64_t pings_ = 0;
  Time pinged_at_{};
  std::uint64_t complaints_ = 0;
};

}  // namespace sluice::tools
