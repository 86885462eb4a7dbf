// RFC 6455 5 and 6.2: what a session makes of the bytes that it receives.
#include <doctest/doctest.h>

#include "tests/ws/end.hpp"

namespace sluice::ws::test {
namespace {

// --- 5.7, the RFC's examples ---

TEST_CASE("the examples of the RFC are understood, masked by a server and plain by a client [WS-6.2-1] [WS-5.4-5]") {
  End client(Role::client);
  client.in(hex("81 05 48656c6c6f"));
  CHECK(client.events() == "text Hello");
  client.in(hex("01 03 48656c 80 02 6c6f"));
  CHECK(client.events() == "text Hello");
  client.in(hex("89 05 48656c6c6f"));
  CHECK(client.events() == "ping Hello");
  client.in(hex("82 7e 0100") + ByteVector(256, 7));
  CHECK(client.events() == "binary (256)");
  client.in(hex("82 7f 0000000000010000") + ByteVector(65536, 7));
  CHECK(client.events() == "binary (65536)");
  End server(Role::server);
  server.in(hex("81 85 37fa213d 7f9f4d5158"));
  CHECK(server.events() == "text Hello");
  server.in(hex("8a 85 37fa213d 7f9f4d5158"));
  CHECK(server.events() == "pong Hello");
}

// --- 5.1 ---

TEST_CASE("a server fails a client that does not mask, with 1002 and the clause [WS-5.1-2] [A-WS-07]") {
  End server(Role::server);
  server.in(from_server(0x81, "Hello"));
  CHECK(server.events() == "failed 1002 unclean RFC 6455 5.1: a client's frame is not masked");
  CHECK(server.out() == "88 1002 RFC 6455 5.1: a client's frame is not masked");
  CHECK(server.session.stream_step() == StreamStep::finish);
}

TEST_CASE("a client fails a server that masks [WS-5.1-4]") {
  End client(Role::client);
  client.in(from_client(0x81, "Hello"));
  CHECK(client.events() == "failed 1002 unclean RFC 6455 5.1: a server's frame is masked");
  CHECK(client.out() == "88* 1002 RFC 6455 5.1: a server's frame is masked");
}

// --- 5.2 ---

TEST_CASE("faults of the header end the session with 1002 [WS-5.2-1] [WS-5.2-2] [WS-5.2-3] [WS-5.2-4]") {
  const auto events_of = [](std::string_view digits) {
    End server(Role::server);
    server.in(hex(digits));
    CHECK(server.out().starts_with("88 1002 "));
    return server.events();
  };
  CHECK(events_of("c1") == "failed 1002 unclean RFC 6455 5.2: a reserved bit is set");
  CHECK(events_of("83") == "failed 1002 unclean RFC 6455 5.2: a reserved opcode");
  CHECK(events_of("82 fe 0001") == "failed 1002 unclean RFC 6455 5.2: the length is not in its shortest form");
  CHECK(events_of("82 ff 8000000000000000") == "failed 1002 unclean RFC 6455 5.2: the length's top bit is set");
}

TEST_CASE("payload is unmasked in place, in the bytes that were given [WS-6.2-1]") {
  End server(Role::server);
  ByteVector input = from_client(0x82, "abcdefgh");
  CHECK(server.session.receive(input) == input.size());
  const auto event = server.session.poll_event();
  REQUIRE(event);
  const Data& data = std::get<Data>(*event);
  CHECK(data.bytes.data() == input.data() + 6);
  CHECK(as_text(data.bytes) == "abcdefgh");
  CHECK(data.first);
  CHECK(data.last);
}

TEST_CASE("a frame that arrives in parts is given out in parts, first and last marked [WS-5.4-3]") {
  End client(Role::client);
  ByteVector input = from_server(0x82, "abcdef");
  CHECK(client.session.receive(MutableBytes(input).first(4)) == 4);
  auto event = client.session.poll_event();
  REQUIRE(event);
  CHECK(as_text(std::get<Data>(*event).bytes) == "ab");
  CHECK(std::get<Data>(*event).first);
  CHECK(!std::get<Data>(*event).last);
  CHECK(client.session.receive(MutableBytes(input).subspan(4)) == 4);
  event = client.session.poll_event();
  REQUIRE(event);
  CHECK(!std::get<Data>(*event).first);
  CHECK(std::get<Data>(*event).last);
}

TEST_CASE("receive() stops behind each event and takes nothing of nothing") {
  End client(Role::client);
  ByteVector input = from_server(0x81, "a") + from_server(0x81, "b");
  CHECK(client.session.receive({}) == 0);
  CHECK(client.session.receive(input) == 3);
  client.poll();
  CHECK(client.session.receive(MutableBytes(input).subspan(3)) == 3);
  client.poll();
  CHECK(client.events() == "text a | text b");
}

// --- 5.4 ---

TEST_CASE("a message may come in any number of frames, empty ones among them [WS-5.4-5] [WS-5.4-3]") {
  End server(Role::server);
  server.in(from_client(0x01, "") + from_client(0x00, "He") + from_client(0x00, "") + from_client(0x00, "llo") +
            from_client(0x80, ""));
  CHECK(server.events() == "text Hello");
  server.in(from_client(0x82, ""));
  CHECK(server.events() == "binary");
}

TEST_CASE("control frames come between fragments, and are answered there [WS-5.4-2]") {
  End server(Role::server);
  server.in(from_client(0x01, "Hel") + from_client(0x89, "now") + from_client(0x8a, "") + from_client(0x80, "lo"));
  CHECK(server.events() == "ping now | pong | text Hello");
  CHECK(server.out() == "8a now");
}

TEST_CASE("a continuation without a message, and a message inside another, fail [WS-5.4-6] [WS-5.4-4]") {
  End server(Role::server);
  server.in(from_client(0x80, "x"));
  CHECK(server.events() == "failed 1002 unclean RFC 6455 5.4: a continuation of no message");
  End second(Role::server);
  second.in(from_client(0x01, "x") + from_client(0x82, "y"));
  CHECK(second.events() == "failed 1002 unclean RFC 6455 5.4: a message inside another");
  End third(Role::server);
  third.in(from_client(0x81, "x") + from_client(0x00, "y"));
  CHECK(third.events() == "text x | failed 1002 unclean RFC 6455 5.4: a continuation of no message");
}

// --- 5.5 ---

TEST_CASE("fragmented or long control frames fail [WS-5.4-1] [WS-5.5-1] [A-WS-16]") {
  End server(Role::server);
  server.in(from_client(0x09, "x"));
  CHECK(server.events() == "failed 1002 unclean RFC 6455 5.5: a fragmented control frame");
  End second(Role::server);
  second.in(from_client(0x89, std::string(126, 'x')));
  CHECK(second.events() == "failed 1002 unclean RFC 6455 5.5: a control frame longer than 125 bytes");
}

// --- 5.6, 8.1 ---

TEST_CASE("text that is not UTF-8 fails with 1007, binary does not care [WS-5.6-1] [WS-8.1-1]") {
  End server(Role::server);
  server.in(from_client(0x82, "\xff\xfe"));
  CHECK(server.events() == "binary \xff\xfe");
  server.in(from_client(0x81, "ok \xed\xa0\x80"));
  CHECK(server.events() == "failed 1007 unclean RFC 6455 8.1: text that is not UTF-8");
  CHECK(server.out() == "88 1007 RFC 6455 8.1: text that is not UTF-8");
}

TEST_CASE("a character may straddle fragments, with a Ping in between [WS-5.6-2]") {
  End server(Role::server);
  server.in(from_client(0x01, "\xe2") + from_client(0x89, "\x82") + from_client(0x00, "\x82") +
            from_client(0x80, "\xac"));
  CHECK(server.events() == "ping \x82 | text \xe2\x82\xac");
}

TEST_CASE("text that ends inside a character fails only at its end [WS-5.6-1]") {
  End server(Role::server);
  server.in(from_client(0x01, "\xe2\x82"));
  CHECK(server.events().empty());
  server.in(from_client(0x80, ""));
  CHECK(server.events() == "failed 1007 unclean RFC 6455 8.1: text that is not UTF-8");
}

TEST_CASE("the first impossible byte fails the session, before frame or message end [WS-8.1-1] [A-WS-14]") {
  End server(Role::server);
  ByteVector input = from_client(0x01, "abc\xf4\x90 and much more");
  const std::size_t bad = 6 + 4;
  server.give(MutableBytes(input).first(bad));
  CHECK(server.events().empty());
  server.give(MutableBytes(input).subspan(bad, 1));
  CHECK(server.events() == "failed 1007 unclean RFC 6455 8.1: text that is not UTF-8");
}

TEST_CASE("each message is judged afresh [WS-5.6-1]") {
  End server(Role::server);
  server.in(from_client(0x81, "\xc3\xa9") + from_client(0x82, "\xc3") + from_client(0x81, "ok"));
  CHECK(server.events() == "text \xc3\xa9 | binary \xc3 | text ok");
}

// --- 10.4 ---

TEST_CASE("a frame over the limit fails with 1009 by its header alone [WS-10.4-1] [A-WS-03]") {
  End server(Role::server, {.max_frame = 1000});
  server.in(from_client(0x82, std::string(1000, 'x')));
  CHECK(server.events() == "binary (1000)");
  server.in(hex("82 fe 03e9 00000000"));
  CHECK(server.events() == "failed 1009 unclean RFC 6455 10.4: the frame is too big");
  CHECK(server.out().starts_with("88 1009"));
  End huge(Role::server);
  huge.in(hex("82 ff 7fffffffffffffff 00000000"));
  CHECK(huge.events() == "failed 1009 unclean RFC 6455 10.4: the frame is too big");
}

TEST_CASE("a message over the limit fails with 1009 though its frames are small [WS-10.4-2] [A-WS-04]") {
  End server(Role::server, {.max_message = 10});
  server.in(from_client(0x02, "12345") + from_client(0x80, "67890"));
  CHECK(server.events() == "binary 1234567890");
  server.in(from_client(0x02, "12345") + from_client(0x80, "678901"));
  CHECK(server.events() == "failed 1009 unclean RFC 6455 10.4: the message is too big");
  CHECK(server.out().starts_with("88 1009"));
}

TEST_CASE("sums of lengths do not overflow [A-WS-03, A-PRS-25]") {
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  End server(Role::server, {.max_frame = kAll, .max_message = kAll >> 1});
  server.in(from_client(0x02, "1") + hex("80 ff 7fffffffffffffff 00000000"));
  CHECK(server.events() == "failed 1009 unclean RFC 6455 10.4: the message is too big");
}

TEST_CASE("too many fragments fail with 1008, empty ones counted [WS-10.4-1] [A-WS-05]") {
  End server(Role::server, {.max_fragments = 3});
  server.in(from_client(0x01, "a") + from_client(0x00, "") + from_client(0x80, "b"));
  CHECK(server.events() == "text ab");
  server.in(from_client(0x01, "a") + from_client(0x00, "") + from_client(0x00, "") + from_client(0x00, ""));
  CHECK(server.events() == "failed 1008 unclean RFC 6455 10.4: too many fragments");
  CHECK(server.out().starts_with("88 1008"));
}

// --- all cuts ---

struct Exchange {
  const char* name;
  ByteVector bytes;
};

std::vector<Exchange> exchanges() {
  const std::string long_text = std::string(130, 'a') + "\xe2\x82\xac";
  return {
      {"hello", from_client(0x81, "Hello")},
      {"fragments", from_client(0x01, "H\xe2") + from_client(0x89, "p") + from_client(0x00, "") +
                        from_client(0x80, "\x82\xac!") + from_client(0x82, "bin")},
      {"16-bit length", from_client(0x81, long_text) + from_client(0x81, "next")},
      {"64-bit length", from_client(0x82, std::string(65536, 'z')) + from_client(0x8a, "pong")},
      {"close", from_client(0x81, "bye") + from_client(0x88, close_body(1001, "going")) + from_client(0x81, "ignored")},
      {"bad utf-8", from_client(0x81, "fine") + from_client(0x01, "abcd\xff") + from_client(0x80, "e")},
      {"bad header", from_client(0x81, "fine") + from_client(0xc1, "x")},
      {"bad length", from_client(0x81, "fine") + hex("82 fe 0010 00000000")},
      {"unmasked", from_client(0x89, "ping") + from_server(0x81, "x")},
      {"bad close", from_client(0x88, "\x03")},
  };
}

TEST_CASE("whatever the cut of the bytes, the same happens [WS-5.4-5] [WS-5.2-5]") {
  for (const Exchange& exchange : exchanges()) {
    CAPTURE(exchange.name);
    End whole(Role::server);
    whole.in(exchange.bytes);
    const std::string events = whole.events();
    const std::string out = whole.out();
    CHECK(!events.empty());
    End single(Role::server);
    single.in(exchange.bytes, 1);
    CHECK(single.events() == events);
    CHECK(single.out() == out);
    for (std::size_t cut = 1; cut < std::min<std::size_t>(exchange.bytes.size(), 400); ++cut) {
      End cut_once(Role::server);
      ByteVector bytes = exchange.bytes;
      cut_once.give(MutableBytes(bytes).first(cut));
      cut_once.give(MutableBytes(bytes).subspan(cut));
      REQUIRE(cut_once.events() == events);
      REQUIRE(cut_once.out() == out);
    }
  }
}

}  // namespace
}  // namespace sluice::ws::test
