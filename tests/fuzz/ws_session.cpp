// A session fed with anything, either role: no cut of the bytes changes what happens, what it sends is good WebSocket,
// and what an echo returns is what came.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ws/echo.hpp"
#include "ws/session.hpp"

using namespace sluice;
using namespace sluice::ws;

namespace {

using ByteVector = std::vector<std::uint8_t>;

void require(bool fact) {
  if (!fact) std::abort();
}

/// What a session said, with the pieces of a message joined.
struct Story {
  std::string messages;
  std::string others;
  std::string message;
  bool open = false;
  bool failed = false;
  bool over = false;

  void operator()(const Event& event) {
    require(!over);
    if (const Data* data = std::get_if<Data>(&event)) {
      require(data->first != open);
      open = !data->last;
      if (data->first) message = data->type == MessageType::text ? "t" : "b";
      message += as_text(data->bytes);
      if (data->last) messages += message + '\n';
    } else if (const Ping* ping = std::get_if<Ping>(&event)) {
      others.append("ping ").append(as_text(ping->payload)).append("\n");
    } else if (const Pong* pong = std::get_if<Pong>(&event)) {
      others.append("pong ").append(as_text(pong->payload)).append("\n");
    } else {
      const Closed& closed = std::get<Closed>(event);
      over = true;
      failed = closed.fault != Fault::none;
      require(closed.clean != failed);
      others.append(std::to_string(number(closed.code))).append(" ").append(closed.reason);
    }
  }
};

struct Run {
  Story story;
  ByteVector sent;
};

/// Sizes of pieces from a linear congruence: any cut can occur.
struct Cuts {
  std::uint32_t state;
  std::size_t next(std::size_t most) {
    state = state * 1664525 + 1013904223;
    return 1 + (state >> 16) % most;
  }
};

using Agreed = std::optional<DeflateParameters>;

Run run(Role role, const Settings& settings, const Agreed& deflate, Bytes input, std::size_t longest,
        std::uint32_t seed, bool echo) {
  Random random(Key{1}, KeyUse::websocket_mask);
  Session session(role, settings, &random, deflate);
  Run result;
  const auto poll = [&] {
    while (const auto event = session.poll_event()) {
      result.story(*event);
      if (echo) Echo()(*event, session);
    }
  };
  Cuts cuts{seed};
  while (!input.empty()) {
    const std::size_t size = std::min(input.size(), cuts.next(longest));
    ByteVector piece(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));  // its own: edges are guarded
    MutableBytes rest = piece;
    while (!rest.empty()) {
      const std::size_t used = session.receive(rest);
      require(used > 0 && used <= rest.size());
      rest = rest.subspan(used);
      poll();
    }
    input = input.subspan(size);
  }
  session.receive_eof();
  poll();
  require(result.story.over && session.closed());
  for (const Slice& slice : session.poll_transmit())
    result.sent.insert(result.sent.end(), slice.bytes().begin(), slice.bytes().end());
  session.transmitted(result.sent.size());
  require(session.poll_transmit().empty());
  require(session.stream_step() == StreamStep::done);
  return result;
}

/// The other end must find no fault with what was sent; what it understood is returned.
Story understood(Role role, const Settings& settings, const Agreed& deflate, const ByteVector& sent) {
  Settings generous = settings;
  generous.max_fragments = 1u << 30;
  const Run heard = run(role, generous, deflate, sent, sent.size() + 1, 1, false);
  require(!heard.story.failed || heard.story.others.ends_with("RFC 6455 7.1.5: the stream ended without a Close"));
  return heard.story;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const Role role = data[0] & 1 ? Role::client : Role::server;
  const Role other = role == Role::server ? Role::client : Role::server;
  Settings settings;
  settings.max_frame = data[0] & 2 ? 200 : 100000;
  settings.max_message = data[0] & 4 ? 300 : 100000;
  settings.max_fragments = data[0] & 8 ? 4 : 1000;
  settings.fragment_size = std::size_t{1} + data[1];
  settings.check_sent_text = (data[0] & 16) != 0;
  settings.high_water = 16u << 20;
  settings.deflate_min = data[1] % 32;
  Agreed deflate;
  if (data[0] & 32) deflate = DeflateParameters{{10, (data[0] & 64) != 0}, {9, (data[0] & 128) != 0}};
  const std::uint32_t seed = std::uint32_t{data[2]} << 8 | data[3];
  const Bytes input = Bytes(data, size).subspan(4);

  const Run whole = run(role, settings, deflate, input, input.size() + 1, 0, false);
  for (const std::size_t longest : {std::size_t{1}, std::size_t{1} + data[1] % 16, std::size_t{300}}) {
    const Run cut = run(role, settings, deflate, input, longest, seed, false);
    require(cut.story.messages == whole.story.messages);
    require(cut.story.others == whole.story.others);
    require(cut.sent == whole.sent);
  }
  understood(other, settings, deflate, whole.sent);

  const Run echoed = run(role, settings, deflate, input, 1 + seed % 100, seed, true);
  require(echoed.story.messages == whole.story.messages);
  require(understood(other, settings, deflate, echoed.sent).messages == whole.story.messages);
  return 0;
}
