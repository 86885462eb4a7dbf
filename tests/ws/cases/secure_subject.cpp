// Two TLS sessions over a pair of lanes: the judge's, which feeds and reads the judge's stream, and our session's.
#include "tests/ws/cases/secure_subject.hpp"

#include <utility>

#include "http/tls/stream.hpp"
#include "tests/tls/couple.hpp"
#include "tests/ws/cases/our_session.hpp"

namespace sluice::ws::cases {
namespace {

using tls::Version;
using ByteVector = std::vector<std::uint8_t>;
using Secure = tls::Stream<Stream>;

/// Who knows both roles of a version. Made once: they keep the tickets.
struct Contexts {
  explicit Contexts(Version version)
      : servers(tls::test::server_context(tls::test::only(version))),
        clients(tls::test::client_context(tls::test::only(version))) {}

  tls::Session session(bool server) const {
    if (server) return tls::Session(servers, tls::test::kStart);
    return tls::Session(clients, {"server.example", tls::test::kToday}, tls::test::kStart);
  }

  tls::ServerContext servers;
  tls::ClientContext clients;
};

const Contexts& contexts_for(const Case& judged) {
  static const Contexts old(Version::tls12), present(Version::tls13);
  return !judged.number.empty() && judged.number.back() % 2 == 1 ? old : present;
}

/// The judge's end of TLS. What the judge wrote into its stream leaves as records; what comes is written there as text.
class JudgeEnd {
 public:
  JudgeEnd(tls::Session session, Lane& in, Lane& out) : session_(std::move(session)), in_(in), out_(out) {}

  bool open() const { return session_.state() == tls::State::open; }
  bool ended() const { return ended_; }

  /// True when something moved. A piece of the judge's is a record, unless it is too long for one.
  bool forward(Stream& plain) {
    const Bytes text = plain.peek();
    const bool room = out_.size() < kRoom;
    const std::size_t taken = room && !text.empty() ? session_.write(Gather(&text, 1)) : 0;
    plain.consume(taken);
    if (plain.at_eof()) session_.finish();
    return send() || taken > 0;
  }

  bool back(Stream& plain) {
    bool moved = receive();
    for (Bytes text = session_.peek(); !text.empty() && plain.writable() > 0; text = session_.peek()) {
      session_.consume(plain.write(Gather(&text, 1)).value_or(0));
      receive();
      moved = true;
    }
    return pass_end(plain) || moved;
  }

  bool receive() {
    const std::size_t taken = session_.receive(in_.waiting());
    in_.take(taken);
    return send() || taken > 0;
  }

 private:
  static constexpr std::size_t kRoom = 256u << 10;

  bool send() {
    const std::size_t count = session_.poll_transmit().size();
    out_.put(session_.poll_transmit());
    session_.transmitted(count);
    out_.finished = session_.finished() || session_.failure();
    return count > 0;
  }

  /// The judge hears of an end when TLS and the stream below it have ended, and of a reset when one ended alone.
  bool pass_end(Stream& plain) {
    const bool silent = in_.finished && in_.size() == 0 && session_.peek().empty();
    if (ended_ || !(silent || in_.aborted || session_.failure())) return false;
    ended_ = true;
    if (silent && session_.at_eof())
      plain.finish();
    else
      plain.abort();
    return true;
  }

  tls::Session session_;
  Lane& in_;
  Lane& out_;
  bool ended_ = false;
};

/// Without the last of these records.
void drop_record(ByteVector& records) {
  std::size_t last = 0;
  for (std::size_t next = 0; next + 5 <= records.size(); next += 5 + records[next + 3] * 256u + records[next + 4])
    last = next;
  records.resize(last);
}

class SecureSubject : public Subject {
 public:
  SecureSubject(Stream& plain, Judged role, const Case& judged, const Agreed& agreed, SecureFault fault)
      : plain_(plain),
        fault_(fault),
        judge_(contexts_for(judged).session(role == Judged::client), to_judge_, to_subject_),
        secure_(lower_, contexts_for(judged).session(role == Judged::server)) {
    if (fault == SecureFault::plain_text)
      session_ = std::make_unique<OurSession<Stream>>(lower_, role, agreed);
    else
      session_ = std::make_unique<OurSession<Secure>>(secure_, role, agreed);
  }

  /// Tickets too have come when it ends. False: it did not end well.
  bool shake_hands() {
    judge_.receive();
    secure_.peek();
    while (to_judge_.size() + to_subject_.size() > 0) {
      judge_.receive();
      secure_.peek();
    }
    return judge_.open() && secure_.session().state() == tls::State::open;
  }

  bool pump(Time now) override {
    for (bool moved = true; moved;) {
      moved = judge_.forward(plain_);
      const std::size_t unread = to_subject_.size();
      if (!over_) over_ = session_->pump(now);
      spoil();
      moved = judge_.back(plain_) || to_subject_.size() < unread || moved;
    }
    return over_ && judge_.ended();
  }

 private:
  void spoil() {
    if (fault_ == SecureFault::still_open) to_judge_.finished = false;
    if (fault_ == SecureFault::none || to_judge_.size() == 0) return;
    const MutableBytes waiting = to_judge_.waiting();
    ByteVector records(waiting.begin(), waiting.end());
    if (fault_ == SecureFault::other_bit && !spoiled_) records.back() ^= 1;
    if (fault_ == SecureFault::lost_byte && !spoiled_) records.pop_back();
    if (fault_ == SecureFault::cut_off && to_judge_.finished) drop_record(records);
    spoiled_ = true;
    to_judge_.take(waiting.size());
    to_judge_.put(records);
  }

  Stream& plain_;
  SecureFault fault_;
  Lane to_subject_;
  Lane to_judge_;
  Stream lower_{to_subject_, to_judge_};
  JudgeEnd judge_;
  Secure secure_;
  std::unique_ptr<Subject> session_;
  bool over_ = false;
  bool spoiled_ = false;
};

}  // namespace

MakeSubject make_faulty_session(SecureFault fault) {
  return [fault](Stream& stream, Judged role, const Case& judged) -> std::unique_ptr<Subject> {
    const auto agreed = agree_on(role, judged);
    if (!agreed) return nullptr;
    auto subject = std::make_unique<SecureSubject>(stream, role, judged, *agreed, fault);
    if (!subject->shake_hands()) return nullptr;
    return subject;
  };
}

std::unique_ptr<Subject> make_secure_session(Stream& stream, Judged role, const Case& judged) {
  return make_faulty_session(SecureFault::none)(stream, role, judged);
}

}  // namespace sluice::ws::cases
