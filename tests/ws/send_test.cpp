// RFC 6455 5.1, 5.3, 5.4, 6.1: what a session puts on the wire.
#include <doctest/doctest.h>

#include <set>

#include "tests/ws/end.hpp"

namespace sluice::ws::test {
namespace {

Bytes bytes_of(const std::string& text) { return as_bytes(text); }

ByteVector client_hello() {
  End client(Role::client);
  CHECK(client.session.send_text("Hello"));
  return client.out_bytes();
}

TEST_CASE("a server never masks, a client always does [WS-5.1-1] [WS-5.1-3]") {
  End server(Role::server);
  CHECK(server.session.send_text("Hello"));
  CHECK(server.session.ping());
  CHECK(server.out_bytes() == hex("81 05 48656c6c6f 89 00"));
  End client(Role::client);
  CHECK(client.session.send_text("Hello"));
  CHECK(client.session.ping(bytes_of("p")));
  CHECK(client.session.close());
  CHECK(client.out() == "81* Hello | 89* p | 88* 1000");
}

TEST_CASE(
    "each frame of a client has a mask of its own, which depends on the key alone [WS-5.3-1] [A-WS-08] [A-WS-09]") {
  End client(Role::client);
  std::set<ByteVector> masks;
  for (int i = 0; i < 100; ++i) {
    CHECK(client.session.send_text("same"));
    const ByteVector bytes = client.out_bytes();
    masks.insert(ByteVector(bytes.begin() + 2, bytes.begin() + 6));
  }
  CHECK(masks.size() == 100);
  CHECK(client_hello() == client_hello());
}

TEST_CASE("lengths take their shortest form, and long payloads arrive whole, masked or not [WS-5.2-3]") {
  for (std::size_t size : {0u, 1u, 125u, 126u, 1009u, 1010u, 1024u, 1025u, 5000u, 65535u, 65536u, 300000u}) {
    std::string payload(size, 'x');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i % 251);
    for (Role role : {Role::server, Role::client}) {
      End sender(role);
      CHECK(sender.session.send(MessageType::binary, bytes_of(payload)));
      const ByteVector bytes = sender.out_bytes();
      CHECK(bytes.size() == header_size(size, role == Role::client) + size);
      if (role == Role::server) REQUIRE(bytes == from_server(0x82, payload));
      End receiver(role == Role::server ? Role::client : Role::server);
      std::string got;
      ByteVector copy = bytes;
      MutableBytes input = copy;
      while (!input.empty()) {
        input = input.subspan(receiver.session.receive(input));
        const auto event = receiver.session.poll_event();
        REQUIRE(event);
        got += as_text(std::get<Data>(*event).bytes);
      }
      REQUIRE(got == payload);
    }
  }
}

TEST_CASE("many small messages are one run of bytes") {
  End server(Role::server);
  for (int i = 0; i < 100; ++i) CHECK(server.session.send_text("0123456789"));
  CHECK(server.session.poll_transmit().size() == 1);
  CHECK(server.session.poll_transmit()[0].size() == 1200);
}

TEST_CASE("sending goes on behind what the stream took [WS-6.1-2]") {
  End server(Role::server);
  CHECK(server.session.send_text("Hello"));
  ByteVector sent;
  while (!server.session.poll_transmit().empty()) {
    sent.push_back(server.session.poll_transmit()[0].bytes()[0]);
    server.session.transmitted(1);
    if (sent.size() == 3) CHECK(server.session.send_text("you"));
  }
  CHECK(show_frames(sent) == "81 Hello | 81 you");
}

TEST_CASE("a message sent in pieces is one frame if it is short, and frames of the chosen size if not [WS-6.1-2]") {
  End server(Role::server, {.fragment_size = 4});
  CHECK(server.session.begin(MessageType::text));
  CHECK(server.session.append(bytes_of("He")));
  CHECK(server.session.append(bytes_of("y")));
  CHECK(server.out().empty());
  CHECK(server.session.end());
  CHECK(server.out() == "81 Hey");
  CHECK(server.session.begin(MessageType::binary));
  CHECK(server.session.append(bytes_of("0123456789ab")));
  CHECK(server.out() == "02 0123 | 00 4567");
  CHECK(server.session.end());
  CHECK(server.out() == "80 89ab");
  CHECK(server.session.begin(MessageType::text));
  CHECK(server.session.end());
  CHECK(server.out() == "81");
}

TEST_CASE("long pieces are handed on as they lie, masked by a client [WS-5.1-1]") {
  for (Role role : {Role::server, Role::client}) {
    End sender(role);
    const std::string piece(50000, 'p');
    CHECK(sender.session.begin(MessageType::binary));
    for (int i = 0; i < 3; ++i) CHECK(sender.session.append(bytes_of(piece)));
    CHECK(sender.session.end());
    End receiver(role == Role::server ? Role::client : Role::server);
    receiver.in(sender.out_bytes());
    CHECK(receiver.events() == "binary (150000)");
  }
}

TEST_CASE("control frames overtake the unfinished fragment of a message [WS-5.4-2]") {
  End server(Role::server, {.fragment_size = 4});
  CHECK(server.session.begin(MessageType::text));
  CHECK(server.session.append(bytes_of("012345")));
  server.in(from_client(0x89, "now"));
  CHECK(server.session.ping());
  CHECK(server.session.append(bytes_of("6")));
  CHECK(server.session.end());
  CHECK(server.out() == "01 0123 | 8a now | 89 | 80 456");
}

TEST_CASE("messages do not interleave: a second one is refused until the first ends [WS-5.4-4] [WS-5.4-3]") {
  End server(Role::server);
  CHECK(server.session.append(bytes_of("x")).error() == Errc::invalid_argument);
  CHECK(server.session.end().error() == Errc::invalid_argument);
  CHECK(server.session.begin(MessageType::text));
  CHECK(server.session.begin(MessageType::text).error() == Errc::invalid_argument);
  CHECK(server.session.send_text("x").error() == Errc::invalid_argument);
  CHECK(server.session.end());
  CHECK(server.session.send_text("x"));
  CHECK(server.out() == "81 | 81 x");
}

TEST_CASE("text that is not UTF-8 is not sent, unless the caller vouches for it [WS-5.6-1]") {
  End server(Role::server);
  CHECK(server.session.send_text("\xff").error() == Errc::invalid_argument);
  CHECK(server.session.send(MessageType::binary, bytes_of("\xff")));
  CHECK(server.session.begin(MessageType::text));
  CHECK(server.session.append(bytes_of("\xe2\x82")));
  CHECK(server.session.end().error() == Errc::invalid_argument);
  CHECK(server.session.append(bytes_of("x")).error() == Errc::invalid_argument);
  CHECK(server.out() == "82 \xff");
  End trusting(Role::server, {.check_sent_text = false});
  CHECK(trusting.session.send_text("\xff"));
  CHECK(trusting.out() == "81 \xff");
}

TEST_CASE("a character may straddle appended pieces [WS-5.6-2]") {
  End server(Role::server);
  CHECK(server.session.begin(MessageType::text));
  CHECK(server.session.append(bytes_of("\xe2\x82")));
  CHECK(server.session.append(bytes_of("\xac")));
  CHECK(server.session.end());
  CHECK(server.out() == "81 \xe2\x82\xac");
}

TEST_CASE("above the high-water mark nothing is taken, until enough has left [A-WS-19]") {
  End server(Role::server, {.high_water = 100});
  CHECK(server.session.writable() == 100);
  CHECK(server.session.send(MessageType::binary, ByteVector(90, 1)));
  CHECK(server.session.writable() == 8);
  CHECK(server.session.send(MessageType::binary, ByteVector(90, 2)));
  CHECK(server.session.writable() == 0);
  CHECK(server.session.send_text("no").error() == Errc::would_block);
  CHECK(server.session.begin(MessageType::text).error() == Errc::would_block);
  CHECK(server.session.ping().error() == Errc::would_block);
  server.session.transmitted(100);
  CHECK(server.session.send_text("yes"));
  CHECK(server.out_bytes().size() == 84 + 5);
}

TEST_CASE("an unfinished message counts against the mark, too [A-WS-19]") {
  End server(Role::server, {.high_water = 10});
  CHECK(server.session.begin(MessageType::text));
  CHECK(server.session.append(bytes_of("0123456789")));
  CHECK(server.session.append(bytes_of("x")).error() == Errc::would_block);
  CHECK(server.session.end());
  CHECK(server.out() == "81 0123456789");
}

TEST_CASE("a large slice is sent without a copy by a server, and shared by many") {
  const std::string text(10000, 's');
  const Slice slice = Slice::copy_of(as_bytes(text));
  End first(Role::server);
  End second(Role::server);
  End client(Role::client);
  for (End* end : {&first, &second, &client}) CHECK(end->session.send(MessageType::text, slice));
  CHECK(first.session.poll_transmit()[1].bytes().data() == slice.bytes().data());
  CHECK(first.out_bytes() == from_server(0x81, text));
  CHECK(second.out_bytes() == from_server(0x81, text));
  CHECK(client.out_bytes().size() == text.size() + 8);
  CHECK(as_text(slice.bytes()) == text);
  CHECK(first.session.send(MessageType::text, Slice::copy_of(bytes_of("small"))));
  CHECK(first.out() == "81 small");
}

TEST_CASE("a large slice obeys the same rules as bytes [WS-5.6-1] [WS-6.1-1]") {
  End server(Role::server);
  CHECK(server.session.send(MessageType::text, Slice::copy_of(ByteVector(5000, 0xff))).error() ==
        Errc::invalid_argument);
  CHECK(server.session.close());
  CHECK(server.session.send(MessageType::binary, Slice::copy_of(ByteVector(5000, 0xff))).error() ==
        Errc::connection_closing);
}

TEST_CASE("after close() nothing more is sent: every call says so [WS-6.1-1] [WS-5.5.1-3]") {
  End server(Role::server);
  CHECK(server.session.begin(MessageType::text));
  CHECK(server.session.append(bytes_of("cut off")));
  CHECK(server.session.close());
  CHECK(!server.session.open());
  CHECK(server.session.writable() == 0);
  CHECK(server.session.send_text("x").error() == Errc::connection_closing);
  CHECK(server.session.begin(MessageType::text).error() == Errc::connection_closing);
  CHECK(server.session.append(bytes_of("x")).error() == Errc::connection_closing);
  CHECK(server.session.end().error() == Errc::connection_closing);
  CHECK(server.session.ping().error() == Errc::connection_closing);
  CHECK(server.session.close().error() == Errc::connection_closing);
  CHECK(server.out() == "88 1000");
}

TEST_CASE("chunks come from the pool and are all back when everything left") {
  BufferPool pool;
  Settings settings;
  settings.pool = &pool;
  End server(Role::server, settings);
  CHECK(server.session.send(MessageType::binary, ByteVector(100000, 1)));
  CHECK(server.session.begin(MessageType::binary));
  CHECK(server.session.append(ByteVector(5000, 1)));
  CHECK(pool.in_use() >= 2);
  CHECK(server.session.end());
  server.out_bytes();
  CHECK(pool.in_use() == 0);
}

TEST_CASE("many messages of two small pieces do not pin a chunk each [A-WS-19]") {
  BufferPool pool;
  Settings settings;
  settings.pool = &pool;
  End server(Role::server, settings);
  for (int i = 0; i < 1000; ++i) {
    CHECK(server.session.begin(MessageType::binary));
    CHECK(server.session.append(ByteVector(2, 1)));
    CHECK(server.session.end());
  }
  CHECK(pool.in_use() <= 3);
  CHECK(server.out_bytes().size() == 4000);
}

}  // namespace
}  // namespace sluice::ws::test
