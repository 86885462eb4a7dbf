// A server under any bytes in any split: what it reports and answers depends on the bytes alone, and it ends.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "http/server_session.hpp"

using namespace sluice;
using namespace sluice::http;

namespace {

void require(bool fact) {
  if (!fact) std::abort();
}

ServerLimits small_limits() {
  ServerLimits limits;
  limits.head = {512, 256, 10};
  limits.body = 1000;
  limits.drain = 100;
  limits.queued = 2000;
  return limits;
}

/// A server whose owner decides by the target what to answer, and when.
class Server {
 public:
  void feed(Bytes bytes) {
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
    for (std::size_t calls = 0; step(); ++calls) require(calls < 10000);
  }
  void end() {
    if (waiting_.empty()) session_.receive_eof();
    for (std::size_t calls = 0; step(); ++calls) require(calls < 10000);
    for (int i = 0; i < 8 && session_.next_timeout() != kNever; ++i) {
      now_ = session_.next_timeout();
      session_.handle_timeout(now_);
      while (step()) continue;
    }
    require(session_.next_timeout() == kNever || session_.phase() == Phase::serving);
  }
  std::string log, sent;

 private:
  bool step() {
    const std::vector<std::uint8_t> copy = waiting_;  // a view kept too long is a fault
    const std::size_t taken = session_.receive(copy, now_);
    require(taken <= copy.size());
    bool moved = taken > 0;
    while (auto event = session_.poll_event()) {
      handle(*event);
      moved = true;
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
    const Gather pieces = session_.poll_transmit(100, now_);
    for (const Bytes piece : pieces) sent += as_text(piece);
    if (!pieces.empty()) session_.transmitted(gather_size(pieces), now_);
    return moved || !pieces.empty();
  }

  void handle(const ServerEvent& event) {
    if (const auto* head = std::get_if<RequestHead>(&event)) {
      log += "H" + head->request.target;
      content_.clear();
      answer_head(head->request);
    } else if (const auto* part = std::get_if<BodyPart>(&event)) {
      content_ += as_text(part->bytes);
      require(content_.size() <= 1000);
    } else if (const auto* failed = std::get_if<Failed>(&event)) {
      log += "F" + std::to_string(failed->status);
    } else {
      log += "E" + content_;
      if (streaming_) {
        session_.write_body(as_bytes(content_));
        session_.finish_body();
      }
      session_.respond(Response{}, content_);
    }
  }
  void answer_head(const Request& request) {
    const std::string_view target = request.target;
    streaming_ = target.starts_with("/s");
    Response response;
    response.fields.add("X", request.target);
    if (streaming_) session_.respond(response, StreamedBody{});
    if (target.starts_with("/u")) session_.respond(Response{101, {}});
    if (target.starts_with("/e")) session_.respond(Response{404, {}}, Slice::copy_of(as_bytes("none")));
    if (target.starts_with("/n")) session_.respond(Response{304, {}});
  }

  ServerSession session_{small_limits()};
  Time now_{};
  std::vector<std::uint8_t> waiting_;
  std::string content_;
  bool streaming_ = false;
};

}  // namespace

/// The first byte says how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(data + 1, size - 1);
  Server whole;
  whole.feed(bytes);
  whole.end();
  Server cut;
  const std::size_t step = data[0] % 64 + 1u;
  for (std::size_t i = 0; i < bytes.size(); i += step) cut.feed(bytes.subspan(i, std::min(step, bytes.size() - i)));
  cut.end();
  require(whole.log == cut.log);
  require(whole.sent == cut.sent);
  return 0;
}
