// pcapng and pcap: what we write is read by us and by libpcap, what libpcap writes is read by us, and damage is one
// sentence.
#include "lab/pcapng.hpp"

#include <doctest/doctest.h>
#include <pcap/pcap.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "lab/capture_reader.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;
using Out = std::vector<std::uint8_t>;

constexpr std::chrono::nanoseconds kThen = 1'700'000'000'123'456'789ns;

/// 10.0.0.1 -> 10.0.0.2, ICMP: enough for a reader to see IPv4.
Out ip_bytes(std::size_t size = 28) {
  Out bytes(size, 0);
  bytes[0] = 0x45;
  bytes[3] = static_cast<std::uint8_t>(size);
  bytes[9] = 1;
  return bytes;
}

/// Blocks of either byte order, written by hand.
class Blocks {
 public:
  explicit Blocks(bool little) : little_(little) {}

  Blocks& block(std::uint32_t type, const Out& body) {
    u32(type);
    u32(static_cast<std::uint32_t>(body.size() + 12));
    bytes.insert(bytes.end(), body.begin(), body.end());
    u32(static_cast<std::uint32_t>(body.size() + 12));
    return *this;
  }
  Blocks& section(std::uint16_t major = 1) {
    Blocks body(little_);
    body.u32(0x1a2b3c4d).u16(major).u16(0).u32(0xffffffff).u32(0xffffffff);
    return block(0x0a0d0d0a, body.bytes);
  }
  Blocks& interface(std::uint16_t link, std::uint32_t snap, const Out& options = {}) {
    Blocks body(little_);
    body.u16(link).u16(0).u32(snap);
    body.bytes.insert(body.bytes.end(), options.begin(), options.end());
    return block(1, body.bytes);
  }
  /// A packet of four bytes.
  Blocks& packet(std::uint32_t interface, std::uint64_t ticks, const Out& options = {}) {
    Blocks body(little_);
    body.u32(interface).u32(static_cast<std::uint32_t>(ticks >> 32)).u32(static_cast<std::uint32_t>(ticks));
    body.u32(4).u32(60);
    body.bytes.insert(body.bytes.end(), {0x45, 0, 0, 1});
    body.bytes.insert(body.bytes.end(), options.begin(), options.end());
    return block(6, body.bytes);
  }
  Out option(std::uint16_t code, const Out& value) {
    Blocks option(little_);
    option.u16(code).u16(static_cast<std::uint16_t>(value.size()));
    option.bytes.insert(option.bytes.end(), value.begin(), value.end());
    option.bytes.resize((option.bytes.size() + 3) / 4 * 4);
    return option.bytes;
  }
  Blocks& u16(std::uint32_t value) { return number(value, 2); }
  Blocks& u32(std::uint32_t value) { return number(value, 4); }

  Out bytes;

 private:
  Blocks& number(std::uint32_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i)
      bytes.push_back(static_cast<std::uint8_t>(value >> 8 * (little_ ? i : width - 1 - i)));
    return *this;
  }
  bool little_;
};

Out operator+(Out a, const Out& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::filesystem::path temporary(const std::string& name) {
  const auto folder = std::filesystem::temp_directory_path() / "sluice-pcapng-test";
  std::filesystem::create_directories(folder);
  return folder / name;
}

void save(const std::filesystem::path& path, const Out& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  REQUIRE(file);
  REQUIRE(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  std::fclose(file);
}

std::chrono::nanoseconds time_with(std::uint8_t resolution, std::uint64_t ticks, const Out& more = {}) {
  Blocks file(true);
  file.section().interface(101, 0, file.option(9, {resolution}) + more).packet(0, ticks);
  const Capture capture = parse_capture(file.bytes);
  REQUIRE(capture.packets.size() == 1);
  return capture.packets[0].time;
}

}  // namespace

TEST_CASE("what is written comes back: bytes, nanoseconds, direction, comment") {
  PcapngWriter writer;
  const Out packet = ip_bytes(29);
  writer.add({kThen, Direction::out, "new_data (RFC 9293 3.8)"}, packet);
  const std::array<Bytes, 2> pieces = {Bytes(packet).first(20), Bytes(packet).subspan(20)};
  writer.add({kThen + 1ns, Direction::in}, pieces);
  writer.add({kThen + 2ns}, Bytes());

  const Capture capture = parse_capture(writer.bytes());
  CHECK(capture.error.empty());
  REQUIRE(capture.packets.size() == 3);
  CHECK(capture.packets[0].time == kThen);
  CHECK(capture.packets[0].direction == Direction::out);
  CHECK(capture.packets[0].comment == "new_data (RFC 9293 3.8)");
  CHECK(capture.packets[0].link == LinkType::raw);
  CHECK(as_text(capture.packets[1].bytes) == as_text(packet));
  CHECK(capture.packets[1].time == kThen + 1ns);
  CHECK(capture.packets[1].direction == Direction::in);
  CHECK(capture.packets[2].bytes.empty());
  CHECK(capture.packets[2].direction == Direction::unknown);
}

TEST_CASE("a snapshot length cuts packets across their pieces and keeps the original size") {
  PcapngWriter writer(LinkType::raw, "cut", 24);
  const Out packet = ip_bytes(40);
  const std::array<Bytes, 3> pieces = {Bytes(packet).first(20), Bytes(packet).subspan(20, 10),
                                       Bytes(packet).subspan(30)};
  writer.add({}, pieces);
  const Capture capture = parse_capture(writer.bytes());
  REQUIRE(capture.packets.size() == 1);
  CHECK(capture.packets[0].bytes.size() == 24);
  CHECK(capture.packets[0].original_size == 40);
}

TEST_CASE("a comment longer than the format allows is cut, not broken") {
  PcapngWriter writer;
  writer.add({kThen, Direction::in, std::string(70000, 'c')}, ip_bytes());
  const Capture capture = parse_capture(writer.bytes());
  CHECK(capture.error.empty());
  REQUIRE(capture.packets.size() == 1);
  CHECK(capture.packets[0].comment.size() == 65535);
}

TEST_CASE("libpcap reads our files to the nanosecond") {
  PcapngWriter writer;
  const Out packet = ip_bytes(61);
  for (int i = 0; i < 3; ++i) writer.add({kThen + i * 1ns, Direction::out, "why"}, packet);
  const auto path = temporary("ours.pcapng");
  save(path, writer.bytes());

  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* pcap = pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data());
  REQUIRE_MESSAGE(pcap, error.data());
  CHECK(pcap_datalink(pcap) == DLT_RAW);
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(pcap_next_ex(pcap, &header, &bytes) == 1);
    CHECK(std::chrono::seconds(header->ts.tv_sec) + std::chrono::nanoseconds(header->ts.tv_usec) == kThen + i * 1ns);
    CHECK(header->len == 61);
    CHECK(as_text({bytes, header->caplen}) == as_text(packet));
  }
  CHECK(pcap_next_ex(pcap, &header, &bytes) == PCAP_ERROR_BREAK);
  pcap_close(pcap);
}

TEST_CASE("we read what libpcap writes, in microseconds and in nanoseconds") {
  const Out packet = ip_bytes(33);
  for (const int precision : {PCAP_TSTAMP_PRECISION_MICRO, PCAP_TSTAMP_PRECISION_NANO}) {
    const auto path = temporary("theirs.pcap");
    pcap_t* pcap = pcap_open_dead_with_tstamp_precision(DLT_RAW, 65535, static_cast<unsigned>(precision));
    pcap_dumper_t* dumper = pcap_dump_open(pcap, path.c_str());
    REQUIRE(dumper);
    pcap_pkthdr header{};
    header.ts = {1'700'000'000, 123456};
    header.caplen = 33;
    header.len = 99;
    pcap_dump(reinterpret_cast<u_char*>(dumper), &header, packet.data());
    pcap_dump_close(dumper);
    pcap_close(pcap);

    const Capture capture = load_capture(path.string());
    CHECK(capture.error.empty());
    REQUIRE(capture.packets.size() == 1);
    const auto fraction = precision == PCAP_TSTAMP_PRECISION_NANO ? 123456ns : 123456us;
    CHECK(capture.packets[0].time == 1'700'000'000s + fraction);
    CHECK(capture.packets[0].original_size == 99);
    CHECK(capture.packets[0].link == LinkType::raw);
    CHECK(as_text(ip_packet(capture.packets[0])) == as_text(packet));
  }
}

TEST_CASE("files of both byte orders say the same") {
  for (const bool little : {true, false}) {
    CAPTURE(little);
    Blocks file(little);
    Blocks flags(little);
    flags.u32(2);
    const Out options = file.option(1, {'o', 'n', 'e'}) + file.option(99, {1, 2, 3, 4, 5}) +
                        file.option(1, {'t', 'w', 'o'}) + file.option(2, flags.bytes) + file.option(0, {});
    file.section().interface(1, 0).interface(101, 0, file.option(9, {9})).packet(1, 5, options).packet(0, 7);
    const Capture capture = parse_capture(file.bytes);
    CHECK(capture.error.empty());
    REQUIRE(capture.packets.size() == 2);
    CHECK(capture.packets[0].link == LinkType::raw);
    CHECK(capture.packets[0].time == 5ns);
    CHECK(capture.packets[0].comment == "one\ntwo");
    CHECK(capture.packets[0].direction == Direction::out);
    CHECK(capture.packets[0].original_size == 60);
    CHECK(capture.packets[1].link == LinkType::ethernet);
    CHECK(capture.packets[1].time == 7us);
  }
}

TEST_CASE("sections follow each other in different byte orders, each with interfaces of its own") {
  Blocks first(true);
  first.section().interface(101, 0).packet(0, 1);
  Blocks second(false);
  second.section().interface(1, 0).packet(0, 2);
  const Capture capture = parse_capture(first.bytes + second.bytes);
  CHECK(capture.error.empty());
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[1].link == LinkType::ethernet);
}

TEST_CASE("simple and old packet blocks are read, unknown blocks skipped") {
  Blocks file(true);
  Blocks simple(true);
  simple.u32(100);
  simple.bytes.resize(4 + 16, 0x45);
  Blocks old(true);
  old.u16(0).u16(7).u32(0).u32(9).u32(2).u32(50);
  old.bytes.insert(old.bytes.end(), {0x45, 0x46, 0, 0});
  file.section().interface(101, 16).block(0xbad, {1, 2, 3, 4}).block(3, simple.bytes).block(2, old.bytes);
  const Capture capture = parse_capture(file.bytes);
  CHECK(capture.error.empty());
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[0].bytes.size() == 16);
  CHECK(capture.packets[0].original_size == 100);
  CHECK(capture.packets[1].bytes.size() == 2);
  CHECK(capture.packets[1].time == 9us);
}

TEST_CASE("clocks of any resolution become nanoseconds, and what no clock can show the last moment") {
  CHECK(time_with(0, 3) == 3s);
  CHECK(time_with(3, 1500) == 1500ms);
  CHECK(time_with(6, 1500) == 1500us);
  CHECK(time_with(9, 1500) == 1500ns);
  CHECK(time_with(12, 1500) == 1ns);
  CHECK(time_with(19, 10'000'000'000'000'000'000u) == 1s);
  CHECK(time_with(60, ~std::uint64_t{0}) == 0s);
  CHECK(time_with(0x80, 3) == 3s);
  CHECK(time_with(0x80 | 1, 3) == 1500ms);
  CHECK(time_with(0x80 | 32, std::uint64_t{1} << 31) == 500ms);
  CHECK(time_with(0x80 | 40, std::uint64_t{3} << 39) == 1500ms);
  CHECK(time_with(0x80 | 64, std::uint64_t{1} << 63) == 500ms);
  CHECK(time_with(0x80 | 127, ~std::uint64_t{0}) == 0s);
  CHECK(time_with(0, ~std::uint64_t{0}) == std::chrono::nanoseconds::max());
  Blocks option(true);
  CHECK(time_with(6, 1500, option.option(14, {10, 0, 0, 0, 0, 0, 0, 0})) == 10s + 1500us);
  CHECK(time_with(6, 1500, option.option(14, {0, 0, 0, 0, 0, 0, 0, 0x7f})) == std::chrono::nanoseconds::max());
}

TEST_CASE("damage is one sentence, and the packets before it are there") {
  Blocks good(true);
  good.section().interface(101, 0).packet(0, 1);
  const auto error_after = [&](const Out& more) {
    const Capture capture = parse_capture(good.bytes + more);
    CHECK(capture.packets.size() == 1);
    return capture.error.substr(capture.error.find(": ") + 2);
  };
  Blocks other(true);
  CHECK(error_after(other.packet(3, 1).bytes) == "a packet of interface 3, which has no description");
  CHECK(error_after(Blocks(true).section(2).bytes) == "version 2, only version 1 is known");
  CHECK(error_after({6, 0, 0, 0}) == "it ends within a block");
  CHECK(error_after({6, 0, 0, 0, 200, 0, 0, 0, 1, 2, 3, 4}) == "it ends within a block");
  CHECK(error_after({6, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0}) == "a block has an impossible length");
  CHECK(error_after({6, 0, 0, 0, 12, 0, 0, 0, 13, 0, 0, 0}) == "a block has an impossible length");
  CHECK(error_after({0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4}) == "no byte-order mark");
  CHECK(error_after(Blocks(true).block(0x0a0d0d0a, {0x4d, 0x3c, 0x2b, 0x1a}).bytes) == "a section header is too short");
  CHECK(error_after(Blocks(true).block(1, {0, 0, 0, 0}).bytes) == "an interface block is too short");
  CHECK(error_after(Blocks(true).interface(101, 0, {9, 0, 50, 0}).bytes) == "an option is longer than its block");
  CHECK(error_after(Blocks(true).packet(0, 1, {1, 0, 50, 0}).bytes) == "an option is longer than its block");
  CHECK(error_after(Blocks(true).block(6, Out(24, 0xff)).bytes) == "a packet is longer than its block");
  CHECK(error_after(Blocks(true).block(3, {9, 0, 0, 0}).bytes) == "a packet is longer than its block");
  CHECK(error_after(Blocks(true).block(2, Out(20, 0xff)).bytes) == "a packet is longer than its block");
}

TEST_CASE("what is no capture at all is said") {
  CHECK(parse_capture({}).error == "this is neither a pcapng nor a pcap file");
  CHECK(parse_capture({'G', 'I', 'F', '8'}).error == "this is neither a pcapng nor a pcap file");
  CHECK(load_capture(temporary("none-such").string()).error.ends_with("No such file or directory"));
  CHECK(PcapReader(as_bytes("GIF89a and so on, it goes")).error() == "this is not a pcap file");
  PcapngReader reader(as_bytes("GIF89a and so on, it goes"));
  CHECK(!reader.next());
  CHECK(reader.error() == "this is not a pcapng file");
  const auto path = temporary("gif");
  save(path, {'G', 'I', 'F', '8'});
  CHECK(load_capture(path.string()).error == path.string() + ": this is neither a pcapng nor a pcap file");
}

TEST_CASE("classic files of both byte orders, and their damage") {
  for (const bool little : {true, false}) {
    Blocks file(little);
    file.u32(0xa1b2c3d4).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(12);
    const Out header = file.bytes;
    file.u32(5).u32(7).u32(4).u32(4);
    file.bytes.insert(file.bytes.end(), {0x45, 0, 0, 0});
    const Capture capture = parse_capture(file.bytes);
    REQUIRE(capture.packets.size() == 1);
    CHECK(capture.packets[0].time == 5s + 7us);
    CHECK(capture.packets[0].link == LinkType::raw);
    Out cut = file.bytes;
    cut.pop_back();
    CHECK(parse_capture(cut).error == "the pcap file ends within the packet at byte 24");
    CHECK(parse_capture(Out(header.begin(), header.begin() + 20)).error == "the pcap file ends within its header");
  }
  Blocks old(true);
  old.u32(0xa1b23c4d).u16(1).u16(4).u32(0).u32(0).u32(0).u32(1);
  CHECK(parse_capture(old.bytes).error == "this is pcap version 1, only version 2 is known");
}

TEST_CASE("the IP packet is found behind every link header that we know") {
  const Out ip = ip_bytes();
  const Out six(40, 0x60);
  const auto found = [](LinkType link, const Out& bytes) { return ip_packet(link, bytes).size(); };
  CHECK(found(LinkType::raw, ip) == 28);
  CHECK(found(LinkType::ipv4, ip) == 28);
  CHECK(found(LinkType::ipv6, six) == 40);
  CHECK(found(LinkType::null, Out{2, 0, 0, 0} + ip) == 28);
  CHECK(found(LinkType::ethernet, Out(12, 0) + Out{8, 0} + ip) == 28);
  CHECK(found(LinkType::ethernet, Out(12, 0) + Out{0x86, 0xdd} + six) == 40);
  CHECK(found(LinkType::ethernet, Out(12, 0) + Out{0x88, 0xa8, 0, 1, 0x81, 0, 0, 5, 8, 0} + ip) == 28);
  CHECK(found(LinkType::linux_sll, Out(14, 0) + Out{8, 0} + ip) == 28);
  CHECK(found(LinkType::linux_sll2, Out{8, 0} + Out(18, 0) + ip) == 28);

  CHECK(found(LinkType::raw, {}) == 0);
  CHECK(found(LinkType::raw, {0x50, 0}) == 0);
  CHECK(found(LinkType::null, {2, 0}) == 0);
  CHECK(found(LinkType::ethernet, Out(12, 0) + Out{8, 6} + ip) == 0);
  CHECK(found(LinkType::ethernet, Out(9, 0)) == 0);
  CHECK(found(LinkType::linux_sll, Out(15, 0)) == 0);
  CHECK(found(LinkType::linux_sll2, Out{0x08, 0x06} + Out(18, 0) + ip) == 0);
  CHECK(found(static_cast<LinkType>(105), ip) == 0);
}

}  // namespace sluice::lab
