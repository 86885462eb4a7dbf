// Which format a capture has, and all of its packets at once.
#include "lab/capture_reader.hpp"

#include <utility>

#include "lab/file_bytes.hpp"

namespace sluice::lab {

CaptureReader::CaptureReader(Bytes file) {
  if (PcapngReader::recognizes(file))
    reader_.emplace<PcapngReader>(file);
  else if (PcapReader::recognizes(file))
    reader_.emplace<PcapReader>(file);
  else
    reader_.emplace<Neither>(Neither{"this is neither a pcapng nor a pcap file"});
}

std::optional<CapturedPacket> CaptureReader::next() {
  if (auto* pcapng = std::get_if<PcapngReader>(&reader_)) return pcapng->next();
  if (auto* pcap = std::get_if<PcapReader>(&reader_)) return pcap->next();
  return std::nullopt;
}

const std::string& CaptureReader::error() const noexcept {
  if (const auto* pcapng = std::get_if<PcapngReader>(&reader_)) return pcapng->error();
  if (const auto* pcap = std::get_if<PcapReader>(&reader_)) return pcap->error();
  return std::get_if<Neither>(&reader_)->error;
}

Capture parse_capture(std::vector<std::uint8_t> file) {
  Capture capture;
  capture.file = std::move(file);
  CaptureReader reader(capture.file);
  while (auto packet = reader.next()) capture.packets.push_back(std::move(*packet));
  capture.error = reader.error();
  return capture;
}

Capture load_capture(const std::string& path) {
  Capture capture;
  auto file = FileBytes::load(path);
  if (!file) {
    capture.error = file.error;
    return capture;
  }
  const Bytes bytes = (*file).bytes();
  capture = parse_capture({bytes.begin(), bytes.end()});
  if (!capture.error.empty()) capture.error = path + ": " + capture.error;
  return capture;
}

}  // namespace sluice::lab
