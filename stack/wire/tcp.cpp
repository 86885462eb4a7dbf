// Reading and writing TCP headers; see tcp.hpp.
#include "stack/wire/tcp.hpp"

#include <algorithm>

namespace sluice::wire::tcp {
namespace {

enum Kind : std::uint8_t {
  end_of_list = 0,
  no_operation = 1,
  mss = 2,
  window_scale = 3,
  sack_permitted = 4,
  sack = 5,
  timestamps = 8,
  user_timeout = 28,
  fast_open = 34,
  experiment = 254
};

// RFC 7413 appendix A: what marks Fast Open among the experiments.
constexpr std::uint16_t kFastOpenExperiment = 0xf989;

// What nearly every segment of an established connection carries: two NOPs and timestamps.
constexpr std::uint32_t kPaddedTimestamps = 0x0101080a;

void read_sack(Bytes body, Options& options) noexcept {
  if (body.empty() || body.size() % 8 != 0 || body.size() / 8 > options.sacks.size()) return;
  ByteReader in(body);
  options.sack_count = static_cast<std::uint8_t>(body.size() / 8);
  for (std::uint8_t i = 0; i < options.sack_count; ++i) {
    options.sacks[i].left = in.u32();
    options.sacks[i].right = in.u32();
  }
}

// A cookie of odd or impossible length is no cookie [R7413-4.1.1-1, R7413-4.1.1-2].
void read_fast_open(Bytes cookie, bool experimental, Options& options) noexcept {
  const bool possible = cookie.size() % 2 == 0 && cookie.size() <= 16 && (cookie.empty() || cookie.size() >= 4);
  if (!possible) return;
  options.fast_open = {
      .present = true, .experimental = experimental, .size = static_cast<std::uint8_t>(cookie.size()), .cookie = {}};
  std::copy(cookie.begin(), cookie.end(), options.fast_open.cookie.begin());
}

// Whole fields count, whatever the length; what is left over is padding (RFC 9768 3.2.3).
void read_accurate_ecn(std::uint8_t kind, Bytes body, AccurateEcn& option) noexcept {
  ByteReader in(body);
  option = {.kind = kind, .fields = static_cast<std::uint8_t>(std::min<std::size_t>(body.size() / 3, 3)), .bytes = {}};
  for (std::uint8_t i = 0; i < option.fields; ++i) {
    const std::uint32_t high = in.u8();
    option.bytes[i] = high << 16 | in.u16();
  }
}

// A known kind with a wrong length is skipped like an unknown one: its length still says where the next begins.
void read_option(std::uint8_t kind, Bytes body, Options& options) noexcept {
  ByteReader in(body);
  switch (kind) {
    case Kind::mss:
      if (body.size() == 2) options.mss = in.u16();
      break;
    case Kind::window_scale:
      if (body.size() == 1) options.window_scale = in.u8();
      break;
    case Kind::sack_permitted:
      if (body.empty()) options.sack_permitted = true;
      break;
    case Kind::sack: read_sack(body, options); break;
    case Kind::timestamps:
      if (body.size() != 8) break;
      options.timestamps = true;
      options.ts_value = in.u32();
      options.ts_echo = in.u32();
      break;
    case Kind::user_timeout:
      if (body.size() == 2) options.user_timeout = in.u16();  // [R5482-3.3-1]
      break;
    case Kind::fast_open: read_fast_open(body, false, options); break;
    case Kind::experiment:
      if (body.size() >= 2 && in.u16() == kFastOpenExperiment) read_fast_open(body.subspan(2), true, options);
      break;
    case AccurateEcn::kOrder0:
    case AccurateEcn::kOrder1: read_accurate_ecn(kind, body, options.accurate_ecn); break;
    default: break;  // [9293 MUST-6]
  }
}

// RFC 9293 3.2: kind; or kind, length, body. False when a length is impossible [9293 MUST-7, MUST-68].
bool read_options(Bytes bytes, Options& options) noexcept {
  if (bytes.size() == 12 && ByteReader(bytes).u32() == kPaddedTimestamps) {
    read_option(Kind::timestamps, bytes.subspan(4), options);
    return true;
  }
  while (!bytes.empty()) {
    const std::uint8_t kind = bytes[0];
    if (kind == Kind::end_of_list) return true;  // the rest is padding [9293 MUST-69]
    if (kind == Kind::no_operation) {
      bytes = bytes.subspan(1);
      continue;
    }
    if (bytes.size() < 2 || bytes[1] < 2 || bytes[1] > bytes.size()) return false;
    read_option(kind, bytes.subspan(2, bytes[1] - 2u), options);
    bytes = bytes.subspan(bytes[1]);
  }
  return true;
}

void write_timestamps(ByteWriter& out, const Options& options) noexcept {
  out.u8(Kind::timestamps);
  out.u8(10);
  out.u32(options.ts_value);
  out.u32(options.ts_echo);
}

void write_fast_open(ByteWriter& out, const FastOpen& option) noexcept {
  for (std::size_t size = option.written_size(); size % 4 != 0; ++size) out.u8(Kind::no_operation);
  out.u8(option.experimental ? Kind::experiment : Kind::fast_open);
  out.u8(static_cast<std::uint8_t>(option.written_size()));
  if (option.experimental) out.u16(kFastOpenExperiment);
  out.bytes(Bytes(option.cookie).first(option.size));
}

void write_accurate_ecn(ByteWriter& out, const AccurateEcn& option) noexcept {
  const std::size_t size = 2u + 3u * option.fields;
  for (std::size_t i = size; i < option.padded_size(); ++i) out.u8(Kind::no_operation);
  out.u8(option.kind);
  out.u8(static_cast<std::uint8_t>(size));
  for (std::uint8_t i = 0; i < option.fields; ++i) {
    out.u8(static_cast<std::uint8_t>(option.bytes[i] >> 16));
    out.u16(static_cast<std::uint16_t>(option.bytes[i]));
  }
}

// Each branch keeps the running length a multiple of 4.
void write_options(ByteWriter& out, const Options& options) noexcept {
  if (options.mss) {
    out.u8(Kind::mss);
    out.u8(4);
    out.u16(*options.mss);
  }
  if (options.sack_permitted) {
    if (!options.timestamps) out.u16(Kind::no_operation << 8 | Kind::no_operation);
    out.u8(Kind::sack_permitted);
    out.u8(2);
  } else if (options.timestamps) {
    out.u16(Kind::no_operation << 8 | Kind::no_operation);
  }
  if (options.timestamps) write_timestamps(out, options);
  if (options.window_scale) {
    out.u8(Kind::no_operation);
    out.u8(Kind::window_scale);
    out.u8(3);
    out.u8(*options.window_scale);
  }
  if (options.user_timeout != 0) {
    out.u8(Kind::user_timeout);
    out.u8(4);
    out.u16(options.user_timeout);
  }
  if (options.fast_open.present) write_fast_open(out, options.fast_open);
  if (options.accurate_ecn.kind != 0) write_accurate_ecn(out, options.accurate_ecn);
  if (options.sack_count > 0) {
    out.u16(Kind::no_operation << 8 | Kind::no_operation);
    out.u8(Kind::sack);
    out.u8(static_cast<std::uint8_t>(2 + 8 * options.sack_count));
    for (std::uint8_t i = 0; i < options.sack_count; ++i) {
      out.u32(options.sacks[i].left);
      out.u32(options.sacks[i].right);
    }
  }
}

}  // namespace

ParseError parse(Bytes segment, Header& header) noexcept {
  if (segment.size() < kMinimumHeader) return ParseError::truncated;
  ByteReader in(segment);
  header.source_port = in.u16();
  header.destination_port = in.u16();
  header.seq = in.u32();
  header.ack = in.u32();
  const std::uint8_t offset = in.u8();
  header.size = static_cast<std::uint8_t>((offset >> 4) * 4);
  header.ae = (offset & 1) != 0;
  header.flags = in.u8();
  header.window = in.u16();
  header.checksum = in.u16();
  header.urgent = in.u16();
  if (header.size < kMinimumHeader || header.size > segment.size()) return ParseError::bad_data_offset;
  header.options = {};
  header.malformed_options =
      !read_options(segment.subspan(kMinimumHeader, header.size - kMinimumHeader), header.options);
  return ParseError::none;
}

std::size_t written_size(const Options& options) noexcept {
  std::size_t size = kMinimumHeader;
  if (options.mss) size += 4;
  if (options.timestamps) size += 12;
  if (options.sack_permitted && !options.timestamps) size += 4;
  if (options.window_scale) size += 4;
  if (options.user_timeout != 0) size += 4;
  size += (options.fast_open.written_size() + 3) / 4 * 4;
  size += options.accurate_ecn.padded_size();
  if (options.sack_count > 0) size += 4u + 8u * options.sack_count;
  return size;
}

std::size_t write(MutableBytes room, const Header& header) noexcept {
  const std::size_t size = written_size(header.options);
  assert(size <= kMaximumHeader);
  ByteWriter out(room);
  out.u16(header.source_port);
  out.u16(header.destination_port);
  out.u32(header.seq);
  out.u32(header.ack);
  out.u8(static_cast<std::uint8_t>(size / 4 << 4 | (header.ae ? 1u : 0u)));
  out.u8(header.flags);
  out.u16(header.window);
  out.u16(header.checksum);
  out.u16(header.urgent);
  write_options(out, header.options);
  assert(out.used() == size);
  return size;
}

void set_checksum(MutableBytes header, std::uint16_t checksum) noexcept {
  ByteWriter out(header.subspan(16, 2));
  out.u16(checksum);
}

}  // namespace sluice::wire::tcp
