// What golden captures are made of: two sockets that talk, or a bulk transfer, on a link that is recorded.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/support/fixed_buffers.hpp"
#include "tests/support/recording.hpp"

namespace sluice::test {

/// Reads and drops what is there.
inline void drain(tcp::Socket& socket) {
  for (MutableBytes run = socket.peek(); !run.empty(); run = socket.peek()) socket.consume(run.size());
}

inline void say(tcp::Socket& socket, std::string_view text) {
  REQUIRE(socket.write(as_bytes(text)).value_or(0) == text.size());
}

/// Two connected sockets that read at once, and time for everything to happen.
struct RecordedTalk {
  explicit RecordedTalk(const RecordedLink& link = {}, const WorldSettings& settings = {}) : recording(link, settings) {
    std::tie(client, server) = recording.world().connect(80, {.options = kFixedBuffers}, {.options = kFixedBuffers});
    recording.world().on_step = [this] {
      if (client) drain(client);
      if (server) drain(server);
      if (then) then();
    };
  }
  void run(Duration time = std::chrono::seconds(2)) { recording.world().run_for(time); }
  /// The same words again and again, and then time for everything to happen.
  void say_often(tcp::Socket& socket, std::string_view text, int times, Duration apart) {
    for (int i = 0; i < times; ++i) {
      say(socket, text);
      run(apart);
    }
    run();
  }

  Recording recording;
  tcp::Socket client;
  tcp::Socket server;
  std::function<void()> then;
};

/// `size` bytes from the client, which then finishes; the server closes at the end.
struct RecordedBulk {
  RecordedBulk(std::uint64_t size, const RecordedLink& link, const WorldSettings& settings = {})
      : recording(link, settings) {
    tcp::Socket client, server;
    std::tie(client, server) = recording.world().connect(80, {.options = kFixedBuffers}, {.options = kFixedBuffers});
    Transfer transfer(client, server, size);
    transfer.finish_when_sent = true;
    recording.world().on_step = [&] {
      transfer.step();
      if (server.at_eof()) server.finish();
      drain(client);
    };
    recording.world().run_for(std::chrono::seconds(5));
    REQUIRE(transfer.done());
    recording.world().on_step = nullptr;
  }
  Recording recording;
};

}  // namespace sluice::test
