// Pieces with and without an owner, written in order to streams that do and don't take owned memory.
#include "stack/base/shared_stream.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace sluice {
namespace {

/// Takes `room` bytes, then nothing; fails instead once `failure` is set and the room is used up.
struct Copying {
  MutableBytes peek() { return {}; }
  void consume(std::size_t) {}
  bool at_eof() const { return false; }
  Result<std::size_t> write(Gather pieces) {
    log += 'c';
    if (room == 0 && failure != Errc::none) return failure;
    std::size_t taken = 0;
    for (const Bytes piece : pieces) {
      const Bytes fits = piece.first(std::min(piece.size(), room));
      text += as_text(fits);
      room -= fits.size();
      taken += fits.size();
    }
    return taken;
  }
  std::size_t writable() const { return room; }
  void finish() {}
  void abort() {}
  Errc error() const { return Errc::none; }

  std::size_t room = 1000;
  Errc failure = Errc::none;
  std::string text;
  std::string log;  ///< a letter for each write
};

struct Sharing : Copying {
  using Copying::write;
  Result<std::size_t> write(const Slice& shared) {
    const Bytes bytes = shared.bytes();
    const Result<std::size_t> taken = Copying::write(Gather(&bytes, 1));
    log.back() = 's';
    return taken;
  }
};

static_assert(ByteStream<Copying> && !SharedStream<Copying>);
static_assert(SharedStream<Sharing>);

/// "ab" and "cd" of its own, "EFG" and "HI" with owners, "jk" of its own.
struct Message {
  std::array<Slice, 2> owned = {Slice::copy_of(as_bytes(std::string("EFG"))),
                                Slice::copy_of(as_bytes(std::string("HI")))};
  std::array<std::string, 3> own = {"ab", "cd", "jk"};
  std::array<Bytes, 5> pieces = {as_bytes(own[0]), as_bytes(own[1]), owned[0].bytes(), owned[1].bytes(),
                                 as_bytes(own[2])};
  Slice memory_of(std::size_t piece) const { return piece == 2 || piece == 3 ? owned[piece - 2] : Slice(); }
};

template <class Stream>
Result<std::size_t> send(Stream& stream) {
  const Message message;
  return write_pieces(stream, message.pieces, [&](std::size_t piece) { return message.memory_of(piece); });
}

}  // namespace

TEST_CASE("pieces with an owner go by themselves, those between them together") {
  Sharing sharing;
  CHECK(send(sharing).value_or(0) == 11);
  CHECK(sharing.text == "abcdEFGHIjk");
  CHECK(sharing.log == "cssc");
}

TEST_CASE("a stream that takes no owned memory gets everything in one write") {
  Copying copying;
  CHECK(send(copying).value_or(0) == 11);
  CHECK(copying.text == "abcdEFGHIjk");
  CHECK(copying.log == "c");
}

TEST_CASE("a stream that has no more room gets nothing from behind the gap") {
  for (std::size_t room = 0; room <= 11; ++room) {
    Sharing sharing;
    sharing.room = room;
    CHECK(send(sharing).value_or(99) == room);
    CHECK(sharing.text == std::string("abcdEFGHIjk").substr(0, room));
  }
}

TEST_CASE("an error after some bytes is the next write's to tell") {
  Sharing sharing;
  sharing.room = 4;
  sharing.failure = Errc::connection_reset;
  CHECK(send(sharing).value_or(0) == 4);
  CHECK(send(sharing).error() == Errc::connection_reset);
}

}  // namespace sluice
