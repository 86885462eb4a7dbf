// Captures on disk, the tap on a device, and the bad link before a device.
#include "lab/capture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "lab/capture_reader.hpp"
#include "lab/capture_tap.hpp"
#include "lab/impaired_device.hpp"
#include "tests/support/bare_segment.hpp"
#include "tests/support/script_wire.hpp"
#include "tests/support/super_packet.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;

/// A device of packets in memory.
class MemoryDevice final : public tun::Device {
 public:
  int fd() const noexcept override { return -1; }
  std::size_t mtu() const noexcept override { return 1500; }
  tun::Offloads offloads() const noexcept override { return {.maximum_frame = 65535, .checksum = true}; }
  void begin_turn(Time) noexcept override { full_ = false; }
  bool receive_batch(std::vector<Packet>& into) noexcept override {
    for (const std::string& text : arriving) {
      into.push_back(Packet::copy_of(pool_, as_bytes(text)));
      into.back().gso_size = text.size() > gso_size ? gso_size : std::uint16_t{0};
      into.back().checksum_known_good = gso_size != 0;
    }
    arriving.clear();
    return false;
  }
  bool accept(const Frame& frame) noexcept override {
    full_ = sent.size() == room;
    if (full_) return false;
    std::string text(as_text(frame.head));
    for (const Slice& piece : frame.body) text += as_text(piece.bytes());
    sent.push_back(std::move(text));
    return true;
  }
  bool full() const noexcept override { return full_; }
  Errc error() const noexcept override { return Errc::none; }
  const Counters<tun::DeviceCounter>& counters() const noexcept override { return counters_; }

  std::vector<std::string> arriving;
  std::vector<std::string> sent;
  std::size_t room = 1000;
  std::uint16_t gso_size = 0;  ///< not 0: what arrives lacks its checksum and, if it is larger, is a super-segment

 private:
  BufferPool pool_;
  Counters<tun::DeviceCounter> counters_;
  bool full_ = false;
};

/// A folder that vanishes with the test.
struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / "sluice-capture-test") {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
  std::filesystem::path path;
};

std::unique_ptr<CaptureWriter> open(CaptureSettings settings) {
  auto writer = CaptureWriter::open(std::move(settings));
  REQUIRE_MESSAGE(writer, writer.error);
  return std::move(*writer);
}

std::string segment(std::uint32_t seq, std::uint32_t ack, std::uint8_t flags) {
  return std::string(as_text(test::bare_segment(seq, ack, flags)));
}

void tell_departure(CaptureNotes& notes, std::uint32_t seq, std::uint8_t flags, std::string_view reason) {
  const std::vector<TraceField> fields = {
      {"seq", seq}, {"ack", 7}, {"flags", flags}, {"reason", 0, reason}, {"clause", 0, "RFC 9293 3.8"}};
  notes.on_event({Time(), TraceKind::segment_out, 1, fields});
}

}  // namespace

TEST_CASE("writers of one file may be in threads of their own: no packet is lost or torn, each says its interface") {
  const Folder folder;
  constexpr int kEach = 2000;
  auto first = open({.path = folder.file("x.pcapng"), .interface_name = "tun0", .interfaces = 3});
  {
    std::vector<std::thread> threads;
    for (unsigned number = 1; number < 3; ++number)
      threads.emplace_back([writer = std::shared_ptr<CaptureWriter>(first->join(number)), number] {
        for (int i = 0; i < kEach; ++i)
          writer->add(Time(Duration(i)), Direction::in, as_bytes("E packet"), std::to_string(number));
      });
    for (int i = 0; i < kEach; ++i) first->add(Time(Duration(i)), Direction::in, as_bytes("E packet"), "0");
    for (std::thread& one : threads) one.join();
  }
  CHECK(first->packets() == 3 * kEach);
  first.reset();
  const Capture capture = load_capture(folder.file("x.pcapng"));
  CHECK(capture.error.empty());
  CHECK(capture.packets.size() == 3 * kEach);
  std::map<std::string, int> next;
  for (const CapturedPacket& packet : capture.packets) {
    CHECK(packet.time == std::chrono::nanoseconds(next[std::string(packet.comment)]++));
    CHECK(packet.bytes.size() == 8);
  }
  CHECK(next.size() == 3);
  std::ifstream in(folder.file("x.pcapng"), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  for (const char* const name : {"tun0.0", "tun0.1", "tun0.2"}) CHECK(bytes.find(name) != std::string::npos);
}

TEST_CASE("a capture holds packets and frames with wall-clock times, and is whole after each flush") {
  const Folder folder;
  const auto writer = open({.path = folder.file("x.pcapng"), .wall_offset = 1000s});
  const std::vector<Slice> body = {Slice::copy_of(as_bytes("bo")), Slice::copy_of(as_bytes("dy"))};
  writer->add(Time(1s), Direction::in, as_bytes("E packet"), "seen");
  writer->add(Time(2s), Direction::out, Frame{.head = as_bytes("E head"), .body = body});
  writer->flush();
  const Capture capture = load_capture(folder.file("x.pcapng"));
  CHECK(capture.error.empty());
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[0].time == 1001s);
  CHECK(capture.packets[0].comment == "seen");
  CHECK(as_text(capture.packets[1].bytes) == "E headbody");
  CHECK(writer->packets() == 2);
  CHECK(writer->error().empty());
}

TEST_CASE("a full file gives its name to the next one, and only so many are kept") {
  const Folder folder;
  auto writer = open({.path = folder.file("x.pcapng"), .maximum_size = 2000, .files = 3});
  for (int i = 0; i < 100; ++i) writer->add(Time(i * 1s), Direction::in, as_bytes(std::string(200, 'E')));
  CHECK(writer->packets() == 100);
  writer.reset();
  std::chrono::nanoseconds newest_of_older{};
  for (const char* name : {"x.2.pcapng", "x.1.pcapng", "x.pcapng"}) {
    CAPTURE(name);
    const Capture capture = load_capture(folder.file(name));
    CHECK(capture.error.empty());
    CHECK(capture.file.size() <= 2000);
    REQUIRE(!capture.packets.empty());
    CHECK(capture.packets.front().time > newest_of_older);
    newest_of_older = capture.packets.back().time;
  }
  CHECK(newest_of_older == 99s);
  CHECK(!std::filesystem::exists(folder.file("x.3.pcapng")));
}

TEST_CASE("one file alone begins anew when it is full, and a packet larger than the limit is kept") {
  const Folder folder;
  const auto writer = open({.path = folder.file("x.pcapng"), .maximum_size = 300});
  for (int i = 0; i < 3; ++i) writer->add(Time(i * 1s), Direction::in, as_bytes(std::string(1000, 'E')));
  writer->flush();
  const Capture capture = load_capture(folder.file("x.pcapng"));
  REQUIRE(capture.packets.size() == 1);
  CHECK(capture.packets[0].time == 2s);
}

TEST_CASE("a place that can't be written is said at once") {
  const Folder folder;
  const auto writer = CaptureWriter::open({.path = folder.file("no/such/x.pcapng")});
  CHECK(!writer);
  CHECK(writer.error == "cannot write " + folder.file("no/such/x.pcapng") + ": No such file or directory");
}

TEST_CASE("a disk that fills up ends the capture and nothing else") {
  const auto writer = CaptureWriter::open({.path = "/dev/full"});
  CHECK(!writer);
  CHECK(writer.error == "cannot write /dev/full: No space left on device");

  const Folder folder;
  const auto later = open({.path = folder.file("x.pcapng"), .maximum_size = 300, .files = 2});
  later->add(Time(), Direction::in, as_bytes("E"));
  std::filesystem::remove_all(folder.path);
  later->add(Time(), Direction::in, as_bytes(std::string(500, 'E')));
  later->add(Time(), Direction::in, as_bytes("E"));
  CHECK(later->missed() == 2);
  CHECK(later->packets() == 1);
  CHECK(later->error().starts_with("cannot write"));
}

TEST_CASE("much traffic is written before a flush asks for it") {
  const Folder folder;
  const auto writer = open({.path = folder.file("x.pcapng")});
  for (int i = 0; i < 100; ++i) writer->add(Time(), Direction::in, as_bytes(std::string(1000, 'E')));
  CHECK(std::filesystem::file_size(folder.file("x.pcapng")) > 65536);
}

TEST_CASE("a tap captures both directions while it has a writer, and passes everything on always") {
  const Folder folder;
  MemoryDevice device;
  CaptureTap tap(device);
  std::vector<Packet> batch;
  device.arriving = {"E before"};
  tap.begin_turn(Time(1s));
  tap.receive_batch(batch);
  CHECK(tap.accept({.head = as_bytes("E unseen"), .body = {}}));
  CHECK(tap.stop() == nullptr);

  tap.start(open({.path = folder.file("x.pcapng")}));
  device.arriving = {"E in one", "E in two"};
  tap.begin_turn(Time(2s));
  CHECK(!tap.receive_batch(batch));
  CHECK(tap.accept({.head = as_bytes("E out"), .body = {}}));
  device.room = device.sent.size();
  CHECK(!tap.accept({.head = as_bytes("E refused"), .body = {}}));
  tap.flush();
  CHECK(batch.size() == 3);
  CHECK(device.sent == std::vector<std::string>{"E unseen", "E out"});
  CHECK(tap.writer()->packets() == 3);
  const auto writer = tap.stop();
  CHECK(writer->packets() == 3);
  const Capture capture = load_capture(folder.file("x.pcapng"));
  REQUIRE(capture.packets.size() == 3);
  CHECK(capture.packets[1].direction == Direction::in);
  CHECK(as_text(capture.packets[2].bytes) == "E out");
  CHECK(capture.packets[2].direction == Direction::out);
  CHECK(capture.packets[2].time == 2s);
}

TEST_CASE("each segment's reason stands in the capture, whether told after it left or before") {
  struct Count final : Observer {
    int events = 0;
    void on_event(const TraceEvent&) noexcept override { ++events; }
  } count;
  const Folder folder;
  MemoryDevice device;
  CaptureTap tap(device);
  CaptureNotes notes(tap, &count);
  tell_departure(notes, 99, 0x10, "nobody_listens");
  tap.start(open({.path = folder.file("x.pcapng")}));
  tap.begin_turn(Time());

  tell_departure(notes, 3, 0x14, "reset_no_connection");
  const std::vector<Slice> body = {Slice::copy_of(as_bytes("text"))};
  CHECK(tap.accept({.head = as_bytes(segment(1, 7, 0x10)), .body = body}));
  tell_departure(notes, 1, 0x10, "new_data");
  CHECK(tap.accept({.head = as_bytes(segment(2, 7, 0x10)), .body = {}}));
  CHECK(tap.accept({.head = as_bytes(segment(3, 7, 0x14)), .body = {}}));
  CHECK(tap.accept({.head = as_bytes("not even IP"), .body = {}}));
  notes.on_event({Time(), TraceKind::drop, 1, {}});
  notes.on_event({Time(), TraceKind::segment_out, 1, {}});
  tap.stop();

  const Capture capture = load_capture(folder.file("x.pcapng"));
  REQUIRE(capture.packets.size() == 4);
  CHECK(capture.packets[0].comment == "new_data: text that goes for the first time (RFC 9293 3.8)");
  CHECK(capture.packets[1].comment.empty());
  CHECK(capture.packets[2].comment == "reset_no_connection: RST: nobody is here (RFC 9293 3.8)");
  CHECK(capture.packets[3].comment.empty());
  CHECK(count.events == 5);
}

TEST_CASE("a super-segment is captured as the packets that it stands for, each with the note of why it left") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const Folder folder;
    MemoryDevice device;
    CaptureTap tap(device);
    CaptureNotes notes(tap);
    tap.start(open({.path = folder.file("x.pcapng")}));
    const auto whole = test::super_packet(family, "P. 1:3501(3500) ack 7 win 500");
    const std::size_t head = test::network_size(whole) + 20;
    const std::vector<Slice> body = {Slice::copy_of(Bytes(whole).subspan(head))};
    CHECK(tap.accept({.head = Bytes(whole).first(head),
                      .body = body,
                      .gso_size = 1000,
                      .transport_offset = static_cast<std::uint16_t>(test::network_size(whole)),
                      .checksum_partial = true}));
    tell_departure(notes, 1, 0x18, "new_data");
    tap.stop();
    CHECK(device.sent == std::vector<std::string>{std::string(as_text(whole))});
    const Capture capture = load_capture(folder.file("x.pcapng"));
    REQUIRE(capture.packets.size() == 4);
    for (const auto& packet : capture.packets) {
      CHECK(test::disagreement(packet.bytes) == "");
      CHECK(packet.comment == "new_data: text that goes for the first time (RFC 9293 3.8)");
    }
    CHECK(capture.packets[3].bytes.size() == head + 500);
  }
}

TEST_CASE("a super-segment that comes in passes a capture whole, and is in it as packets with right checksums") {
  const Folder folder;
  MemoryDevice device;
  CaptureTap tap(device);
  tap.start(open({.path = folder.file("x.pcapng")}));
  const auto whole = test::super_packet(Family::ipv4, "P. 1:2501(2500) ack 7 win 500");
  device.arriving = {std::string(as_text(whole)), std::string(as_text(test::super_packet(Family::ipv6, "udp (100)")))};
  device.gso_size = 1000;
  std::vector<Packet> batch;
  tap.receive_batch(batch);
  tap.stop();
  REQUIRE(batch.size() == 2);
  CHECK(std::ranges::equal(std::as_const(batch[0]).bytes(), whole));
  CHECK(batch[0].gso_size == 1000);
  const Capture capture = load_capture(folder.file("x.pcapng"));
  REQUIRE(capture.packets.size() == 4);
  for (const auto& packet : capture.packets) CHECK(test::disagreement(packet.bytes) == "");
  CHECK(capture.packets[2].bytes.size() == 540);
}

TEST_CASE("a bad link loses packets of a super-segment, not the whole") {
  MemoryDevice device;
  ImpairedDevice bad(device, {.drop = {2}}, {}, Key{});
  device.arriving = {std::string(as_text(test::super_packet(Family::ipv4, "P. 1:2501(2500) ack 7 win 500")))};
  device.gso_size = 1000;
  std::vector<Packet> batch;
  bad.begin_turn(Time());
  bad.receive_batch(batch);
  REQUIRE(batch.size() == 2);
  for (const Packet& packet : batch) {
    CHECK(packet.gso_size == 0);
    CHECK(test::disagreement(packet.bytes()) == "");
  }
  CHECK(batch[1].size() == 540);
}

TEST_CASE("notes about frames that never leave don't pile up") {
  const Folder folder;
  MemoryDevice device;
  CaptureTap tap(device);
  CaptureNotes notes(tap);
  tap.start(open({.path = folder.file("x.pcapng")}));
  for (std::uint32_t i = 0; i < 300; ++i) tell_departure(notes, i, 0x10, "never");
  CHECK(tap.accept({.head = as_bytes(segment(43, 7, 0x10)), .body = {}}));
  CHECK(tap.accept({.head = as_bytes(segment(44, 7, 0x10)), .body = {}}));
  tap.stop();
  const Capture capture = load_capture(folder.file("x.pcapng"));
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[0].comment.empty());
  CHECK(!capture.packets[1].comment.empty());
}

TEST_CASE("a bad link delays both directions of a device, each by its own settings") {
  MemoryDevice device;
  ImpairedDevice bad(device, {.delay = 10ms}, {.delay = 5ms}, Key{});
  std::vector<Packet> batch;
  device.arriving = {"E in"};
  bad.begin_turn(Time(0s));
  bad.receive_batch(batch);
  CHECK(bad.accept({.head = as_bytes("E out"), .body = {}}));
  bad.flush();
  CHECK(batch.empty());
  CHECK(device.sent.empty());
  CHECK(bad.next_timeout() == Time(5ms));
  CHECK(bad.offloads().maximum_frame == 0);

  bad.begin_turn(Time(5ms));
  bad.flush();
  CHECK(device.sent == std::vector<std::string>{"E out"});
  CHECK(bad.next_timeout() == Time(10ms));
  bad.begin_turn(Time(10ms));
  bad.receive_batch(batch);
  CHECK(batch.size() == 1);
  CHECK(bad.next_timeout() == kNever);
  CHECK(bad.in().counters()[ImpairmentCounter::released] == 1);
  CHECK(bad.out().counters()[ImpairmentCounter::released] == 1);
}

TEST_CASE("behind a bad link packets wait in order for a full device, and its descriptor wakes the loop") {
  MemoryDevice device;
  device.room = 1;
  ImpairedDevice bad(device, {}, {}, Key{});
  bad.begin_turn(Time(0s));
  for (const char* text : {"E 1", "E 2", "E 3"}) CHECK(bad.accept({.head = as_bytes(text), .body = {}}));
  bad.flush();
  CHECK(bad.full());
  CHECK(bad.next_timeout() == kNever);
  device.room = 10;
  bad.begin_turn(Time(1s));
  CHECK(!bad.full());
  bad.flush();
  CHECK(device.sent == std::vector<std::string>{"E 1", "E 2", "E 3"});
}

}  // namespace sluice::lab
