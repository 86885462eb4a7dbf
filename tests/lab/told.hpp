// A conversation told in the notation, line by line, and explained.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "lab/exchange.hpp"
#include "lab/explain.hpp"
#include "lab/pcapng.hpp"

namespace sluice::lab {

inline const Endpoint kClient = *Endpoint::parse("10.0.0.1:40000"), kServer = *Endpoint::parse("10.0.0.2:80");

/// A conversation told line by line: "> " is the client's, "< " the server's, 10 ms apart. Numbers as written.
class Told {
 public:
  explicit Told(const std::vector<std::string>& lines) {
    PcapngWriter writer;
    std::chrono::nanoseconds at = std::chrono::seconds(1);
    for (const std::string& line : lines) {
      const bool client = line[0] == '>';
      const auto parsed = parse_packet(line.substr(2));
      REQUIRE_MESSAGE(parsed, parsed.error().to_string());
      const auto bytes =
          to_wire(*parsed, {.source = client ? kClient : kServer, .destination = client ? kServer : kClient});
      REQUIRE(bytes);
      writer.add({at += std::chrono::milliseconds(10)}, *bytes);
    }
    capture_ = parse_capture(writer.bytes());
    found_ = split(capture_);
    REQUIRE(found_.all.size() == 1);
    explanation_ = explain(found_.all[0]);
  }
  /// What is said of a packet, counted from 1.
  const std::string& note(std::size_t number) const { return explanation_.packets.at(number - 1).note; }
  const ExplainedSegment& segment(std::size_t number) const { return *explanation_.packets.at(number - 1).segment; }
  const Explanation& all() const { return explanation_; }

 private:
  Capture capture_;
  Conversations found_;
  Explanation explanation_;
};

inline const std::vector<std::string> kOpening = {"> S 100:100(0) win 1000 <mss 1000,sackOK>",
                                                  "< S. 900:900(0) ack 101 win 1000 <mss 1000,sackOK>",
                                                  "> . 101:101(0) ack 901 win 1000"};

inline std::vector<std::string> opened(std::vector<std::string> more) {
  std::vector<std::string> lines = kOpening;
  for (std::string& line : more) lines.push_back(std::move(line));
  return lines;
}

}  // namespace sluice::lab
