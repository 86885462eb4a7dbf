// Our captures in the eyes of tshark: read whole, and with the comments that we wrote.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lab/capture_reader.hpp"
#include "tests/tools/tshark.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;

/// What tshark escapes in a field, put back.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool newline = text[i] == '\\' && i + 1 < text.size() && text[i + 1] == 'n';
    out += newline ? '\n' : text[i];
    i += newline ? 1 : 0;
  }
  return out;
}

/// Comments by the packets' numbers, as tshark shows them.
std::map<std::size_t, std::string> comments_by_tshark(const std::string& path) {
  std::map<std::size_t, std::string> comments;
  for (const std::vector<std::string>& row : fields_by_tshark(path, {"frame.number", "frame.comment"}))
    comments[std::stoul(row[0])] = unescaped(row[1]);
  return comments;
}

TEST_CASE("tshark reads every capture of ours to its end and shows each comment as it was written") {
  require_tshark();
  std::size_t files = 0, shown = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(std::string(SLUICE_SOURCE_DIR) + "/pcaps")) {
    if (entry.path().extension() != ".pcapng") continue;
    CAPTURE(entry.path().string());
    const lab::Capture capture = lab::load_capture(entry.path());
    REQUIRE(capture.error.empty());
    const auto comments = comments_by_tshark(entry.path());
    REQUIRE(comments.size() == capture.packets.size());
    for (std::size_t i = 0; i < capture.packets.size(); ++i) {
      CHECK(comments.at(i + 1) == capture.packets[i].comment);
      shown += capture.packets[i].comment.empty() ? 0u : 1u;
    }
    ++files;
  }
  CHECK(files >= 20);
  CHECK(shown > 100);
}

}  // namespace
}  // namespace sluice::tools
