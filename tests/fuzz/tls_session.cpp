// Both roles of TLS under any bytes in any split, and an open connection whose ciphertext is changed: nothing is read
// that was not said, what waits is bounded, and whatever is broken ends with a sentence.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "http/tls/session.hpp"
#include "tests/tls/identities.hpp"

using namespace sluice;
using namespace sluice::tls;

namespace {

using ByteVector = std::vector<std::uint8_t>;

void require(bool fact) {
  if (!fact) std::abort();
}

const ServerContext& servers() {
  static const ServerContext context = std::get<ServerContext>(ServerContext::make(tls::test::server()));
  return context;
}

const ClientContext& clients() {
  Settings settings;
  settings.resume = false;  // each run alike
  static const ClientContext context =
      std::get<ClientContext>(ClientContext::make({tls::test::authority().certificates}, settings));
  return context;
}

Session server() { return {servers(), Time{}}; }
Session client() { return {clients(), Target{"server.example", tls::test::kToday}, Time{}}; }

ByteVector out(Session& session) {
  const Bytes waiting = session.poll_transmit();
  require(waiting.size() <= Session::kAnswers + Session::kRecord);
  ByteVector bytes(waiting.begin(), waiting.end());
  session.transmitted(bytes.size());
  return bytes;
}

/// What is read of bytes that come in pieces of this size; what is answered goes into `answers`.
std::string in(Session& session, Bytes bytes, std::size_t piece, ByteVector& answers) {
  std::string text;
  while (!bytes.empty()) {
    const std::size_t taken = session.receive(bytes.first(std::min(piece, bytes.size())));
    require(taken > 0);
    text += as_text(session.peek());
    session.consume(session.peek().size());
    bytes = bytes.subspan(taken);
    const ByteVector more = out(session);
    answers.insert(answers.end(), more.begin(), more.end());
  }
  require(session.was_open() || text.empty());
  require(session.failure().sentence.empty() == !session.failure());
  return text;
}

/// The cut of the bytes changes nothing.
void play_anything(Bytes bytes, std::size_t piece) {
  for (const auto make : {server, client}) {
    Session whole = make();
    Session cut = make();
    ByteVector answers;
    require(in(whole, bytes, SIZE_MAX, answers).empty());
    require(in(cut, bytes, piece, answers).empty());
    require(whole.failure().fault == cut.failure().fault);
    whole.receive_eof();
    require(whole.state() == State::closed);
  }
}

/// Each three bytes of `edits` change one byte of all that a client says, handshake and text.
void play_changes(Bytes edits, std::size_t piece) {
  const std::string said(3000, 's');
  Session left = client();
  Session right = server();
  std::string heard;
  for (int round = 0; round < 4; ++round) {
    const Bytes text = as_bytes(said);
    left.write(Gather(&text, 1));
    ByteVector bytes = out(left);
    for (ByteReader reader(edits); !bytes.empty() && reader.remaining() >= 3;) {
      const std::size_t at = reader.u16();
      const std::uint8_t change = reader.u8();
      if (at / 8192 % 4 == static_cast<unsigned>(round)) bytes[at % 8192 % bytes.size()] ^= change;
    }
    ByteVector answers;
    heard += in(right, bytes, piece, answers);
    require(in(left, answers, piece, bytes).empty());
  }
  require(heard.find_first_not_of('s') == std::string::npos);
  require(heard.size() <= 4 * said.size());
  require(heard.empty() || left.was_open());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{data[1]} + 1;
  const Bytes rest(data + 2, size - 2);
  if (data[0] % 2 == 0)
    play_anything(rest, piece);
  else
    play_changes(rest, piece);
  return 0;
}
