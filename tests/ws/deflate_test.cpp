// RFC 7692 6 and 7.2: compressed messages, both ways.
#include "ws/deflate.hpp"

#include <doctest/doctest.h>

#include "tests/ws/end.hpp"

namespace sluice::ws::test {
namespace {

constexpr DeflateParameters kTakeover = {};
constexpr DeflateParameters kNoTakeover = {{15, false}, {15, false}};

/// Hello as the RFC compresses it (7.2.3.1).
const ByteVector kHello = hex("f2 48 cd c9 c9 07 00");

std::string text_of(const ByteVector& bytes) { return std::string(as_text(bytes)); }

/// Text that compresses, but not to nothing: its words come in no order.
std::string prose(std::size_t size, std::uint32_t seed = 1) {
  constexpr std::array<std::string_view, 8> kWords = {"the ",  "stream ", "of ", "words ",
                                                      "that ", "flows ",  "in ", "a "};
  std::string text;
  while (text.size() < size) {
    seed = seed * 1664525 + 1013904223;
    text += kWords[seed >> 29];
    text += static_cast<char>('a' + (seed >> 16) % 26);
  }
  text.resize(size);
  return text;
}

Settings small_frames() {
  Settings settings;
  settings.fragment_size = 100;
  return settings;
}

/// The messages that `to` makes of everything that `from` has queued.
std::string pass(End& from, End& to, std::size_t piece = SIZE_MAX) {
  to.in(from.out_bytes(), piece);
  return to.events();
}

// --- 7.2.2 and 7.2.3: what is received ---

TEST_CASE(
    "the RFC's examples inflate: one block, stored, with the window of before, two blocks [WSD-7.2.2-1] "
    "[WSD-7.2.2-2] [WSD-7.2.1-3]") {
  End client(Role::client, {}, kTakeover);
  client.in(from_server(0xc1, text_of(kHello)));
  CHECK(client.events() == "text Hello");
  client.in(from_server(0xc1, text_of(hex("f2 00 11 00 00"))));  // the same word again, out of the window
  CHECK(client.events() == "text Hello");
  client.in(from_server(0xc1, text_of(hex("00 05 00 fa ff 48 65 6c 6c 6f 00"))));
  CHECK(client.events() == "text Hello");
  client.in(from_server(0xc1, text_of(hex("f3 48 cd c9 c9 07 00 00"))));  // BFINAL, then an empty block
  CHECK(client.events() == "text Hello");
  client.in(from_server(0xc1, text_of(hex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"))));
  CHECK(client.events() == "text Hello");
}

TEST_CASE("after a final block the window is still there [WSD-7.2.1-3] [WSD-7.2.2-2]") {
  End client(Role::client, {}, kTakeover);
  client.in(from_server(0xc1, text_of(hex("f3 48 cd c9 c9 07 00 00"))));
  client.in(from_server(0xc1, text_of(hex("f2 00 11 00 00"))));
  CHECK(client.events() == "text Hello | text Hello");
}

TEST_CASE("an empty message may be the lone byte of an empty block [WSD-7.2.3-1]") {
  End client(Role::client, {}, kTakeover);
  client.in(from_server(0xc2, std::string(1, '\0')));
  CHECK(client.events() == "binary");
}

TEST_CASE("without RSV1 a message is as it is, whatever was agreed on [WSD-6.2-1]") {
  End client(Role::client, {}, kTakeover);
  client.in(from_server(0x81, "plain") + from_server(0xc1, text_of(kHello)) + from_server(0x81, "plain"));
  CHECK(client.events() == "text plain | text Hello | text plain");
}

TEST_CASE("a message is compressed as a whole and cut anywhere, control frames between [WSD-6.1-3] [WSD-6-1]") {
  End server(Role::server, {}, kTakeover);
  const std::string hello = text_of(kHello);
  ByteVector bytes = from_client(0x41, hello.substr(0, 3)) + from_client(0x89, "p") + from_client(0x00, "") +
                     from_client(0x80, hello.substr(3));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, SIZE_MAX}) {
    server.in(bytes, piece);
    CHECK(server.events() == "ping p | text Hello");
  }
}

TEST_CASE("RSV1 on a control or continuation frame, or unagreed, fails the connection [WSD-6.1-1] [WSD-6.1-2]") {
  const auto failure = [](const ByteVector& bytes, const std::optional<DeflateParameters>& agreed) {
    End server(Role::server, {}, agreed);
    server.in(bytes);
    return server.events();
  };
  const std::string misplaced = "failed 1002 unclean RFC 7692 6.1: RSV1 where no message begins";
  CHECK(failure(from_client(0xc9, ""), kTakeover) == misplaced);
  CHECK(failure(from_client(0xc8, ""), kTakeover) == misplaced);
  CHECK(failure(from_client(0x41, text_of(kHello)) + from_client(0xc0, ""), kTakeover).ends_with(misplaced));
  const std::string reserved = "failed 1002 unclean RFC 6455 5.2: a reserved bit is set";
  CHECK(failure(from_client(0xc1, text_of(kHello)), {}) == reserved);
  CHECK(failure(from_client(0xa1, "x"), kTakeover) == reserved);
  CHECK(failure(from_client(0x91, "x"), kTakeover) == reserved);
}

TEST_CASE("payload that is no DEFLATE, ends inside a block or refers beyond the window fails with 1007 [A-WS-17]") {
  const std::string fault = "failed 1007 unclean RFC 7692 7.2.2: compressed payload that does not inflate";
  const auto failure = [](const ByteVector& payload, const DeflateParameters& agreed) {
    End server(Role::server, {}, agreed);
    server.in(from_client(0xc1, text_of(payload)));
    return server.events();
  };
  CHECK(failure(hex("ff ff ff"), kTakeover) == fault);
  CHECK(failure(hex("00 05 00 fa ff 48 65"), kTakeover).ends_with(fault));  // a stored block that is cut short
  CHECK(failure(hex("f2 00 11 00 00"), kTakeover).ends_with(fault));        // a reference to a message of before
  End server(Role::server, {}, kNoTakeover);
  server.in(from_client(0xc1, text_of(kHello)) + from_client(0xc1, text_of(hex("f2 00 11 00 00"))));
  CHECK(server.events().ends_with(fault));
}

TEST_CASE("text that is not UTF-8 is found out before the message ends, compressed or not [WS-8.1-1]") {
  Settings settings;
  settings.deflate_min = 0;
  settings.check_sent_text = false;
  End client(Role::client, settings, kNoTakeover);
  End server(Role::server, {}, kNoTakeover);
  CHECK(client.session.begin(MessageType::text));
  CHECK(client.session.append(as_bytes("abc\xff" + std::string(300'000, 'x'))));
  CHECK(client.session.end());
  ByteVector bytes = client.out_bytes();
  bytes.resize(bytes.size() - 1);
  server.in(bytes);
  CHECK(server.events() == "failed 1007 unclean RFC 6455 8.1: text that is not UTF-8");
}

TEST_CASE(
    "which fault a message has doesn't depend on how its bytes arrive: the first one in its text counts [WS-8.1-1]") {
  Settings settings;
  settings.max_message = 300;
  const auto failure = [&](const ByteVector& bytes, std::size_t piece) {
    End server(Role::server, settings, kNoTakeover);
    server.in(bytes, piece);
    const std::string events = server.events();
    return events.substr(events.find("failed"));
  };
  const auto compressed = [](const std::string& text) {
    Settings sending;
    sending.deflate_min = 0;
    sending.check_sent_text = false;
    End client(Role::client, sending, kNoTakeover);
    CHECK(client.session.begin(MessageType::text));
    CHECK(client.session.append(as_bytes(text)));
    CHECK(client.session.end());
    return client.out_bytes();
  };
  const std::string not_text = "failed 1007 unclean RFC 6455 8.1: text that is not UTF-8";
  const std::string too_big = "failed 1009 unclean RFC 6455 10.4: the message is too big";
  const std::string not_deflate = "failed 1007 unclean RFC 7692 7.2.2: compressed payload that does not inflate";
  const ByteVector bad_text_then_bad_block = from_client(0xc1, text_of(hex("fb a6 ff 00 fb 7f ff ff")));
  const ByteVector bad_block = from_client(0xc1, text_of(hex("f2 48 cd c9 c9 07 ff ff ff ff")));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
    CAPTURE(piece);
    CHECK(failure(bad_text_then_bad_block, piece) == not_text);
    CHECK(failure(bad_block, piece) == not_deflate);
    CHECK(failure(compressed("abc\xff" + prose(400)), piece) == not_text);
    CHECK(failure(compressed(prose(300) + "\xff"), piece) == too_big);
  }
}

// --- 8, limits ---

/// A frame whose payload inflates to `size` zeros.
ByteVector bomb(std::size_t size) {
  ChunkQueue queue(nullptr);
  Deflater deflater(15, {9, 9});
  const std::string zeros(std::min<std::size_t>(size, 1u << 20), '\0');
  for (std::size_t done = 0; done < size; done += zeros.size()) deflater.add(as_bytes(zeros), queue);
  deflater.end(queue);
  std::string payload;
  for (const Slice& slice : queue.slices()) payload += as_text(slice.bytes());
  return from_client(0xc2, payload);
}

TEST_CASE("a bomb goes off at the limit of a message, not after it was inflated [A-WS-02] [WSD-8-2]") {
  Settings settings;
  settings.max_message = 1 << 20;
  End server(Role::server, settings, kNoTakeover);
  std::size_t seen = 0;
  ByteVector bytes = bomb(64 << 20);
  CHECK(bytes.size() < 70'000);
  MutableBytes input = bytes;
  while (!input.empty() && !server.session.closed()) {
    input = input.subspan(server.session.receive(input));
    while (const auto event = server.session.poll_event())
      if (const Data* data = std::get_if<Data>(&*event)) {
        CHECK(data->bytes.size() <= 16384);
        seen += data->bytes.size();
      }
  }
  CHECK(seen <= settings.max_message);
  CHECK(seen > settings.max_message - 16384);
  CHECK(server.out() == "88 1009 RFC 6455 10.4: the message is too big");
}

TEST_CASE("a message of just the limit is taken, of one byte more not [A-WS-02]") {
  Settings settings;
  settings.max_message = 100'000;
  End good(Role::server, settings, kNoTakeover);
  good.in(bomb(100'000));
  CHECK(good.events() == "binary (100000)");
  End bad(Role::server, settings, kNoTakeover);
  bad.in(bomb(100'001));
  CHECK(bad.events() == "failed 1009 unclean RFC 6455 10.4: the message is too big");
}

TEST_CASE("a message that grows beyond the agreed ratio is refused, short ones are not judged [A-WS-02]") {
  Settings settings;
  settings.max_inflate_ratio = 100;
  End server(Role::server, settings, kNoTakeover);
  server.in(bomb(60'000));
  CHECK(server.events() == "binary (60000)");
  server.in(bomb(1 << 20));
  CHECK(server.events() == "failed 1009 unclean RFC 7692 8: the message inflates too much");
}

TEST_CASE("blocks that come to nothing do not go on for ever [A-WS-02]") {
  Settings settings;
  settings.max_message = 10'000;
  settings.max_frame = 1 << 20;
  End server(Role::server, settings, kNoTakeover);
  std::string nothing;
  for (int i = 0; i < 20'000; ++i) nothing += std::string("\x00\x00\x00\xff\xff", 5);
  server.in(from_client(0x42, nothing));
  CHECK(server.events() == "failed 1009 unclean RFC 6455 10.4: the message is too big");
}

// --- 7.2.1: what is sent ---

TEST_CASE("a sent message has RSV1, no tail, and refers to the one before it [WSD-7.2.1-1] [WSD-7.2.2-2]") {
  Settings settings;
  settings.deflate_min = 0;
  End server(Role::server, settings, kTakeover);
  CHECK(server.session.send_text("Hello"));
  CHECK(server.out_bytes() == hex("c1 07") + kHello);
  CHECK(server.session.send_text("Hello"));
  CHECK(server.out_bytes() == hex("c1 05 f2 00 11 00 00"));
}

TEST_CASE("where no window is kept, each message stands alone [WSD-7.2.1-5] [WSD-7.1.1.2-1]") {
  Settings settings;
  settings.deflate_min = 0;
  End server(Role::server, settings, kNoTakeover);
  for (int i = 0; i < 3; ++i) {
    CHECK(server.session.send_text("Hello"));
    CHECK(server.out_bytes() == hex("c1 07") + kHello);
  }
}

TEST_CASE("an empty message that is sent in pieces is the lone byte [WSD-7.2.3-1]") {
  End server(Role::server, {}, kTakeover);
  End client(Role::client, {}, kTakeover);
  for (int i = 0; i < 2; ++i) {
    CHECK(server.session.begin(MessageType::text));
    CHECK(server.session.append({}));
    CHECK(server.session.end());
    const ByteVector bytes = server.out_bytes();
    CHECK(bytes == hex("c1 01 00"));
    client.in(bytes);
    CHECK(client.events() == "text");
  }
}

TEST_CASE("short messages leave as they are, and so does everything that is no message [WSD-6.1-1]") {
  End client(Role::client, {}, kTakeover);
  CHECK(client.session.send_text("short"));
  CHECK(client.session.ping(as_bytes(std::string(125, 'p'))));
  CHECK(client.session.close(CloseCode::normal, std::string(100, 'r')));
  const std::string out = client.out();
  CHECK(out == "81* short | 89* (125) | 88* 1000 (100)");
}

TEST_CASE(
    "of a message in frames only the first has RSV1, and only the end loses four bytes [WSD-7.2.1-2] [WSD-6.1-1]") {
  End server(Role::server, small_frames(), kTakeover);
  End client(Role::client, {}, kTakeover);
  const std::string text = prose(100'000);
  CHECK(server.session.begin(MessageType::text));
  CHECK(server.session.append(as_bytes(text)));
  CHECK(server.session.end());
  ByteVector bytes = server.out_bytes();
  const std::string frames = show_frames(bytes);
  CAPTURE(frames);
  CHECK(frames.starts_with("41 ("));
  CHECK(frames.find("| 00 (") != frames.npos);
  CHECK(frames.find("| 80 ") != frames.npos);
  CHECK(frames.find("| 40") == frames.npos);
  client.in(bytes, 7);
  CHECK(client.events() == "text (100000)");
}

TEST_CASE(
    "messages of all sizes cross with every window, kept or not, whole or byte by byte [WSD-7.2.1-4] "
    "[WSD-7.2.2-3]") {
  for (std::uint8_t bits = 8; bits <= 15; ++bits) {
    for (const bool takeover : {true, false}) {
      CAPTURE(bits);
      const DeflateParameters agreed = {{bits, takeover}, {bits, takeover}};
      End client(Role::client, {}, agreed);
      End server(Role::server, {}, agreed);
      for (const std::size_t size : {64u, 300u, 5'000u, 100'000u}) {
        const std::string text = prose(size, bits);
        CHECK(client.session.send_text(text));
        CHECK(server.session.send_text(text));
        client.in(server.out_bytes(), size < 1000 ? 1 : 4999);
        CHECK((client.log.last() == text));
        server.in(client.out_bytes(), size < 1000 ? 1 : 5001);
        CHECK((server.log.last() == text));
      }
      CHECK(client.events() == server.events());
    }
  }
}

TEST_CASE("a window of 8 bits is kept to by references and by memory of long runs [WSD-7.2.1-4]") {
  const DeflateParameters agreed = {{8, true}, {8, true}};
  Settings settings;
  settings.deflate_effort.level = 9;
  End client(Role::client, settings, agreed);
  End server(Role::server, settings, agreed);
  std::string text;
  for (std::size_t distance = 200; distance < 600; ++distance) {  // repeats at every distance around the window's size
    const std::string word = prose(40, static_cast<std::uint32_t>(distance));
    text += word + prose(distance - 40, static_cast<std::uint32_t>(distance) + 7) + word;
  }
  CHECK(client.session.send_text(text));
  CHECK(pass(client, server) == "text (" + std::to_string(text.size()) + ")");
  CHECK((server.log.last() == text));
}

TEST_CASE("a message with a secret may leave as it is, and enters no window [A-WS-18] [WSD-6.2-1]") {
  Settings settings;
  settings.deflate_min = 0;
  End server(Role::server, settings, kTakeover);
  End client(Role::client, {}, kTakeover);
  CHECK(server.session.send_text("the secret is plum", Compress::no));
  CHECK(server.session.begin(MessageType::text, Compress::no));
  CHECK(server.session.append(as_bytes("the secret is plum")));
  CHECK(server.session.end());
  CHECK(server.session.send_text("Hello"));
  const ByteVector bytes = server.out_bytes();
  CHECK((bytes ==
         from_server(0x81, "the secret is plum") + from_server(0x81, "the secret is plum") + hex("c1 07") + kHello));
  client.in(bytes);
  CHECK(client.events() == "text the secret is plum | text the secret is plum | text Hello");
}

TEST_CASE("sessions share streams between messages, and never each other's words [WSD-7.2.1-5]") {
  DeflatePool pool;
  Settings settings;
  settings.deflate_pool = &pool;
  End a(Role::server, settings, kNoTakeover);
  End b(Role::server, settings, kNoTakeover);
  End client_a(Role::client, settings, kNoTakeover);
  End client_b(Role::client, settings, kNoTakeover);
  const std::string text = prose(5000);
  CHECK(a.session.begin(MessageType::text));
  CHECK(b.session.begin(MessageType::text));
  for (std::size_t at = 0; at < text.size(); at += 500) {  // both in the middle of a message
    CHECK(a.session.append(as_bytes(text.substr(at, 500))));
    CHECK(b.session.append(as_bytes(text.substr(at, 500))));
  }
  CHECK(a.session.end());
  CHECK(b.session.end());
  const ByteVector out_a = a.out_bytes();
  CHECK((out_a == b.out_bytes()));
  client_a.in(out_a);
  CHECK((client_a.log.last() == text));
  CHECK(a.session.send_text(text));
  client_b.in(a.out_bytes());
  CHECK((client_b.log.last() == text));
}

}  // namespace
}  // namespace sluice::ws::test
