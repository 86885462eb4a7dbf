// The judge's turn by turn: deliver, let it move, read, compare.
#include "tests/ws/cases/judge.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "tests/ws/cases/codec.hpp"
#include "tests/ws/cases/peer.hpp"

namespace sluice::ws::cases {
namespace {

std::string show(std::uint8_t opcode, const std::string& payload) {
  const std::string what = opcode == kText     ? "text"
                           : opcode == kBinary ? "binary"
                           : opcode == kPong   ? "Pong"
                                               : "opcode " + std::to_string(opcode);
  return what + (payload.size() > 40 ? " of " + std::to_string(payload.size()) + " bytes" : " \"" + payload + '"');
}

std::string show_code(const std::string& body) {
  if (body.empty()) return "no code";
  if (body.size() == 1) return "one byte";
  return std::to_string(static_cast<std::uint8_t>(body[0]) * 256 + static_cast<std::uint8_t>(body[1]));
}

class Run {
 public:
  Run(const Case& judged, Judged role, const MakeSubject& make)
      : case_(judged),
        role_(role),
        writer_(role == Judged::server),
        reader_(role == Judged::client, judged.deflate.has_value()),
        subject_(make(stream_, role, judged)) {
    if (!judged.deflate) return;
    packer_.emplace(judged.deflate->judge_bits, judged.deflate->judge_takeover);
    unpacker_.emplace(judged.deflate->judged_bits, judged.deflate->judged_takeover);
  }

  Verdict verdict();

 private:
  void play(const Step& step);
  void send(std::vector<std::uint8_t> bytes);
  void send_message(const Step& step, const std::string& payload);
  std::string next_sample(std::size_t length);
  void deliver(Bytes bytes);
  void turn();
  void unpack();
  void settle();
  void say_close();
  void check_close();
  void check_stream();
  void check_answers();
  void fail(const std::string& why) {
    if (why_.empty()) why_ = why;
  }

  const Case& case_;
  Judged role_;
  Lane to_subject_;
  Lane to_judge_;
  Stream stream_{to_subject_, to_judge_};
  FrameWriter writer_;
  FrameReader reader_;
  std::unique_ptr<Subject> subject_;
  Time now_ = Time{} + std::chrono::hours(1);
  bool over_ = false;                  ///< the subject needs its stream no more
  bool said_close_ = false;            ///< the judge did
  std::vector<std::uint8_t> pending_;  ///< what goes together
  std::vector<Answer> due_;
  std::optional<Compressor> packer_;
  std::optional<Decompressor> unpacker_;
  std::size_t unpacked_ = 0;  ///< messages of the reader that are what they were before they were compressed
  bool compressed_ = false;   ///< some message came compressed
  std::size_t sampled_ = 0;
  std::string why_;
};

Verdict Run::verdict() {
  if (!subject_) return {Outcome::failed, "the handshake did not agree on what the case needs"};
  for (int round = 0; round < case_.rounds && why_.empty(); ++round) {
    for (const Step& step : case_.steps) play(step);
    due_.insert(due_.end(), case_.answers.begin(), case_.answers.end());
    settle();
    check_answers();
  }
  if (case_.deflate && !compressed_) fail("nothing came back compressed");
  if (why_.empty()) say_close();
  if (why_.empty()) check_close();
  if (why_.empty()) check_stream();
  if (!why_.empty()) return {Outcome::failed, why_};
  return {case_.informational ? Outcome::informational : Outcome::ok, {}};
}

void Run::play(const Step& step) {
  switch (step.kind) {
    case Step::Kind::frame:
      said_close_ = said_close_ || (step.first & 0x0f) == kClose;
      return send(writer_.frame(step.first, step.payload.bytes()));
    case Step::Kind::head: return send(writer_.head(step.first, step.length, step.payload.bytes()));
    case Step::Kind::more: return send(writer_.more(step.payload.bytes()));
    case Step::Kind::message: return send_message(step, step.payload.bytes());
    case Step::Kind::sample: return send_message(step, next_sample(step.length));
    case Step::Kind::answered:
      settle();
      if (reader_.heard.size() < step.length) fail("answer " + std::to_string(step.length) + " is late");
      return;
    case Step::Kind::alive:
      settle();
      if (reader_.close()) fail("it said Close " + show_code(reader_.close()->payload) + " too early");
      return;
    case Step::Kind::dead:
      settle();
      if (!reader_.close()) fail("it did not fail at once");
      return;
  }
}

void Run::send(std::vector<std::uint8_t> bytes) {
  if (case_.cut == kTogether) {
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
    return;
  }
  const std::size_t piece = case_.cut == kByFrame ? bytes.size() : case_.cut;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    deliver(Bytes(bytes).subspan(at, std::min(piece, bytes.size() - at)));
}

void Run::send_message(const Step& step, const std::string& payload) {
  due_.push_back({step.first, payload});
  const std::string packed = packer_ ? packer_->message(payload) : payload;
  const std::size_t size = step.fragment == 0 ? std::max<std::size_t>(packed.size(), 1) : step.fragment;
  auto first = static_cast<std::uint8_t>(step.first | (packer_ ? kRsv1 : 0));
  std::size_t at = 0;
  do {
    const bool last = packed.size() - at <= size;
    send(
        writer_.frame(static_cast<std::uint8_t>(first | (last ? kFin : 0)), std::string_view(packed).substr(at, size)));
    first = kContinuation;
    at += size;
  } while (at < packed.size());
}

std::string Run::next_sample(std::size_t length) {
  std::string bytes;
  while (bytes.size() < length) {
    bytes.append(*case_.sample, sampled_, length - bytes.size());
    sampled_ = (sampled_ + length) % case_.sample->size();
    if (bytes.size() < length) sampled_ = 0;
  }
  return bytes;
}

void Run::deliver(Bytes bytes) {
  to_subject_.put(bytes);
  turn();
}

/// Until neither side has anything to do.
void Run::turn() {
  bool moved = true;
  while (moved && !over_) {
    const std::size_t unread = to_subject_.size();
    over_ = subject_->pump(now_);
    const std::size_t used = reader_.read(to_judge_.waiting());
    to_judge_.take(used);
    moved = used > 0 || to_subject_.size() < unread;
  }
  if (!reader_.complaint().empty()) fail("it sent " + reader_.complaint());
  if (unpacker_) unpack();
}

void Run::unpack() {
  for (; unpacked_ < reader_.heard.size(); ++unpacked_) {
    Heard& heard = reader_.heard[unpacked_];
    if (!heard.rsv1) continue;
    compressed_ = true;
    auto plain = unpacker_->message(heard.payload);
    if (!plain) return fail("what it compressed needs more than was agreed, or is no deflate");
    heard.payload = std::move(*plain);
  }
}

/// A second later whatever could happen has happened.
void Run::settle() {
  if (!pending_.empty()) deliver(std::exchange(pending_, {}));
  now_ += std::chrono::seconds(1);
  turn();
}

void Run::check_answers() {
  for (std::size_t i = 0; i < std::max(due_.size(), reader_.heard.size()) && why_.empty(); ++i) {
    const std::string due = i < due_.size() ? due_[i].payload.bytes() : "";
    if (i >= reader_.heard.size()) return fail(show(due_[i].opcode, due) + " did not come back");
    const Heard& heard = reader_.heard[i];
    const std::string came = show(heard.opcode, heard.payload);
    if (i >= due_.size()) return fail(came + " came, and nothing was due");
    if (heard.opcode != due_[i].opcode || heard.payload != due)
      return fail(came + " came where " + show(due_[i].opcode, due) + " was due");
  }
  due_.clear();
  reader_.heard.clear();
  unpacked_ = 0;
}

void Run::say_close() {
  if (said_close_ || case_.end.failed) return;
  if (reader_.close()) return fail("it said Close " + show_code(reader_.close()->payload) + " by itself");
  deliver(writer_.frame(kFin | kClose, close(1000).payload.bytes()));
  settle();
  check_answers();
}

void Run::check_close() {
  if (!reader_.close()) return fail("it said no Close");
  const std::string& body = reader_.close()->payload;
  const std::string due = case_.end.code ? std::to_string(*case_.end.code) : "no code";
  if (show_code(body) != due) fail("its Close has " + show_code(body) + " where " + due + " was due");
}

/// RFC 6455 7.1.1: behind both Closes the server ends the stream; who fails it does so too. Then all is over.
void Run::check_stream() {
  if (to_judge_.aborted) return fail("it reset the stream");
  if (over_) return fail("it dropped the stream before its end");
  if ((role_ == Judged::server || case_.end.failed) && !to_judge_.finished) fail("it did not end the stream");
  to_subject_.finished = true;
  settle();
  check_answers();
  if (to_judge_.size() > 0) fail("a cut frame is its last");
  if (!over_ || !to_judge_.finished || to_judge_.aborted) fail("it did not end well when the judge's end came");
}

}  // namespace

Verdict judge(const Case& judged, Judged role, const MakeSubject& make) { return Run(judged, role, make).verdict(); }

}  // namespace sluice::ws::cases
