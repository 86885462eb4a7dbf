// The judge judged: what answers wrongly fails, and the judge says why.
#include "tests/ws/cases/judge.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/ws/cases/sections.hpp"
#include "tests/ws/wire.hpp"
#include "ws/connection.hpp"

namespace sluice::ws::cases {
namespace {

using test::hex;
using Replies = std::vector<const char*>;

/// Answers each delivery with the next of its replies, whatever came, and ends its stream after a Close.
class Canned : public Subject {
 public:
  Canned(Stream& stream, Replies replies) : stream_(stream), replies_(std::move(replies)) {}

  bool pump(Time) override {
    const bool came = !stream_.peek().empty();
    while (!stream_.peek().empty()) stream_.consume(stream_.peek().size());
    if (came && next_ < replies_.size()) say(hex(replies_[next_++]));
    if (!stream_.at_eof()) return false;
    stream_.finish();
    return true;
  }

 private:
  void say(const std::vector<std::uint8_t>& bytes) {
    const Bytes pieces[] = {bytes};
    (void)stream_.write(pieces);
    if (!bytes.empty() && (bytes[0] & 0x0f) == kClose) stream_.finish();
  }

  Stream& stream_;
  Replies replies_;
  std::size_t next_ = 0;
};

std::string why(const Case& judged, Replies replies, Judged role = Judged::server) {
  const auto make = [&](Stream& stream, Judged, const Case&) { return std::make_unique<Canned>(stream, replies); };
  return judge(judged, role, make).why;
}

const Case kEcho = {.number = "x", .sentence = "", .steps = {text("abc")}, .answers = {echo("abc")}};

TEST_CASE("the right answer passes") {
  CHECK(why(kEcho, {"81 03 616263", "88 02 03e8"}) == "");
  CHECK(why(kEcho, {"01 01 61 80 02 6263", "88 02 03e8"}) == "");
  CHECK(why(kEcho, {"81 83 00000000 616263", "88 82 00000000 03e8"}, Judged::client) == "");
}

TEST_CASE("a wrong echo fails") {
  CHECK(why(kEcho, {"81 03 616264", "88 02 03e8"}) == "text \"abd\" came where text \"abc\" was due");
  CHECK(why(kEcho, {"82 03 616263", "88 02 03e8"}) == "binary \"abc\" came where text \"abc\" was due");
  CHECK(why(kEcho, {"81 03 616263 81 00", "88 02 03e8"}) == "text \"\" came, and nothing was due");
  CHECK(why(kEcho, {"81 03 616263", "81 00 88 02 03e8"}) == "text \"\" came, and nothing was due");
  CHECK(why(kEcho, {""}) == "text \"abc\" did not come back");
  CHECK(why(kEcho, {"01 03 616263"}) == "text \"abc\" did not come back");
}

TEST_CASE("a wrong Close fails") {
  CHECK(why(kEcho, {"81 03 616263", "88 02 03e9"}) == "its Close has 1001 where 1000 was due");
  CHECK(why(kEcho, {"81 03 616263", "88 00"}) == "its Close has no code where 1000 was due");
  CHECK(why(kEcho, {"81 03 616263"}) == "it said no Close");
  CHECK(why(kEcho, {"81 03 616263 88 02 03e8"}) == "it said Close 1000 by itself");
  CHECK(why(kEcho, {"81 03 616263", "88 02 03e8 8a 00"}) == "it sent a frame behind its Close");
  const Case without = {.number = "x", .sentence = "", .steps = {close_body("")}, .end = clean_without_code()};
  CHECK(why(without, {"88 00"}) == "");
  CHECK(why(without, {"88 01 61"}) == "its Close has one byte where no code was due");
  CHECK(why(without, {"88 02 03ed"}) == "its Close has 1005 where no code was due");
}

TEST_CASE("frames that break a rule fail") {
  CHECK(why(kEcho, {"81 83 00000000 616263"}) == "it sent a server's frame with a mask");
  CHECK(why(kEcho, {"81 03 616263"}, Judged::client) == "it sent a client's frame without a mask");
  CHECK(why(kEcho, {"81 7e 0003 616263"}) == "it sent a length that is not in its shortest form");
  CHECK(why(kEcho, {"91 03 616263"}) == "it sent a reserved bit");
  CHECK(why(kEcho, {"c1 03 616263"}) == "it sent RSV1 where it must not be");
  CHECK(why(kEcho, {"83 03 616263"}) == "it sent a reserved opcode");
  CHECK(why(kEcho, {"8b 00"}) == "it sent a reserved opcode");
  CHECK(why(kEcho, {"80 03 616263"}) == "it sent a continuation of nothing");
  CHECK(why(kEcho, {"01 01 61 81 00"}) == "it sent a message inside another");
  CHECK(why(kEcho, {"0a 00"}) == "it sent a fragmented control frame");
}

TEST_CASE("who notices too late fails, and who notices too early") {
  const Cases all = utf8();
  const auto case_of = [&](const char* number) {
    return *std::find_if(all.begin(), all.end(), [&](const Case& one) { return one.number == number; });
  };
  for (const char* number : {"6.4.1", "6.4.2", "6.4.3", "6.4.4"}) {
    CHECK(why(case_of(number), {"", "88 02 03ef"}) == "");
    CHECK(why(case_of(number), {"", "", "88 02 03ef"}) == "it did not fail at once");
    CHECK(why(case_of(number), {"88 02 03ef"}) == "it said Close 1007 too early");
    CHECK(why(case_of(number), {"", "88 02 03ea"}) == "its Close has 1002 where 1007 was due");
  }
}

TEST_CASE("an answer that waits for the end of the message is late") {
  const Cases all = fragmentation();
  CHECK(all[18].number == "5.19");
  CHECK(why(all[18], {"", "8a 05 6669727374"}) == "answer 1 is late");
}

/// A session of ours with an application that is wrong.
template <class Handler>
class WrongSession : public Subject {
 public:
  explicit WrongSession(Stream& stream) : connection_(stream, Role::server, settings_) {}
  bool pump(Time now) override { return connection_.pump(now, Handler()); }

 private:
  Settings settings_;
  Connection<Stream> connection_;
};

template <class Handler>
std::string why_session(const Case& judged) {
  const auto make = [](Stream& stream, Judged, const Case&) { return std::make_unique<WrongSession<Handler>>(stream); };
  return judge(judged, Judged::server, make).why;
}

struct Shouts {
  void operator()(const Event& event, Session& session) const {
    if (const Data* data = std::get_if<Data>(&event)) {
      for (std::uint8_t& byte : data->bytes) byte = static_cast<std::uint8_t>(byte & ~0x20);
      (void)session.send(data->type, data->bytes);
    }
  }
};

struct Leaves {
  void operator()(const Event& event, Session& session) const {
    if (std::holds_alternative<Data>(event)) (void)session.close(CloseCode::going_away);
  }
};

TEST_CASE("a real session with a wrong application fails") {
  CHECK(why_session<Shouts>(kEcho) == "text \"ABC\" came where text \"abc\" was due");
  CHECK(why_session<Leaves>(kEcho) == "text \"abc\" did not come back");
  const Case silent = {.number = "x", .sentence = "", .steps = {text("abc")}};
  CHECK(why_session<Leaves>(silent) == "it said Close 1001 by itself");
}

TEST_CASE("a handshake that did not agree fails") {
  const auto refuse = [](Stream&, Judged, const Case&) { return std::unique_ptr<Subject>(); };
  CHECK(judge(kEcho, Judged::server, refuse).outcome == Outcome::failed);
}

}  // namespace
}  // namespace sluice::ws::cases
