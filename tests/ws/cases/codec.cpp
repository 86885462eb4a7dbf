// The windows are the point here: which bytes a message may refer to.
#include "tests/ws/cases/codec.hpp"

#include <algorithm>
#include <stdexcept>

namespace sluice::ws::cases {
namespace {

/// What a sender leaves away and a receiver puts back (RFC 7692 7.2.1).
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);

void give(z_stream& stream, std::string_view input) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
}

void expect(bool fine) {
  if (!fine) throw std::runtime_error("zlib does not do what the judge needs");
}

}  // namespace

void Compressor::End::operator()(z_stream* stream) const {
  deflateEnd(stream);
  delete stream;
}

/// zlib has no raw deflate with 8 bits, but with 9 it refers to at most 250 bytes before, which is as good.
Compressor::Compressor(int bits, bool takeover) : stream_(new z_stream()), takeover_(takeover) {
  expect(deflateInit2(stream_.get(), Z_DEFAULT_COMPRESSION, Z_DEFLATED, -std::max(bits, 9), 8, Z_DEFAULT_STRATEGY) ==
         Z_OK);
}

std::string Compressor::message(std::string_view plain) {
  if (plain.empty()) return std::string(1, '\0');  // RFC 7692 7.2.3.6; zlib would have nothing to do
  std::string packed(deflateBound(stream_.get(), plain.size()) + 16, '\0');
  give(*stream_, plain);
  stream_->next_out = reinterpret_cast<Bytef*>(packed.data());
  stream_->avail_out = static_cast<uInt>(packed.size());
  expect(deflate(stream_.get(), Z_SYNC_FLUSH) == Z_OK && stream_->avail_out > 0);
  packed.resize(packed.size() - stream_->avail_out);
  expect(packed.ends_with(kTail));
  packed.resize(packed.size() - kTail.size());
  if (!takeover_) deflateReset(stream_.get());
  return packed;
}

void Decompressor::End::operator()(z_stream* stream) const {
  inflateEnd(stream);
  delete stream;
}

/// zlib lets a message refer to whatever it wrote in the same call, so a small window needs calls for a byte each.
Decompressor::Decompressor(int bits, bool takeover)
    : stream_(new z_stream()), takeover_(takeover), room_(bits < 15 ? 1 : 32768) {
  expect(inflateInit2(stream_.get(), -bits) == Z_OK);
}

std::optional<std::string> Decompressor::message(std::string_view packed) {
  if (!takeover_) inflateReset(stream_.get());
  const std::string input = std::string(packed).append(kTail);
  std::string plain;
  give(*stream_, input);
  for (bool more = true; more;) {
    const std::size_t before = plain.size();
    plain.resize(before + room_);
    stream_->next_out = reinterpret_cast<Bytef*>(plain.data() + before);
    stream_->avail_out = static_cast<uInt>(room_);
    const int result = inflate(stream_.get(), Z_SYNC_FLUSH);
    plain.resize(plain.size() - stream_->avail_out);
    more = stream_->avail_in > 0 || stream_->avail_out == 0;
    if (result == Z_BUF_ERROR) more = false;
    if (result != Z_OK && result != Z_BUF_ERROR) return std::nullopt;
  }
  return plain;
}

}  // namespace sluice::ws::cases
