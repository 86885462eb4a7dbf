// Reading and writing of the files beside a capture; see blessing.hpp.
#include "tools/blessing.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "lab/file_bytes.hpp"
#include "tools/usage_error.hpp"
#include "tools/whole_file.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kVerdictEnding = ".verdict";
constexpr std::string_view kRecordingEnding = ".replayed.pcapng";

std::string beside(const std::string& capture, std::string_view ending) {
  return fs::path(capture).replace_extension().string() + std::string(ending);
}

lab::FileBytes read_file(const std::string& path) {
  auto file = lab::FileBytes::load(path);
  if (!file) throw UsageError(file.error);
  return std::move(*file);
}

std::optional<std::size_t> number_of(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// "== conversation 2 as client --level acks, packets 1 to 40".
std::string heading(const Play& play) {
  return fmt::format("== conversation {} as {} {}, packets {} to {}\n", play.number, role(play.side),
                     play.flags.to_text(), play.first, play.first + play.packets - 1);
}

std::optional<Play> parse_heading(const std::string& line) {
  const std::size_t comma = line.find(',');
  if (comma == std::string::npos) return std::nullopt;
  std::istringstream words(line.substr(0, comma)), rest(line.substr(comma + 1));
  std::string mark, noun, number, as, side, flags;
  words >> mark >> noun >> number >> as >> side;
  std::getline(words >> std::ws, flags);
  std::string packets, first, to, last;
  rest >> packets >> first >> to >> last;
  const auto conversation = number_of(number), from = number_of(first), until = number_of(last);
  const auto how = PlayFlags::parse(flags);
  const bool good =
      conversation && from && until && how && *until + 1 >= *from && (side == "client" || side == "server");
  if (!good) return std::nullopt;
  const lab::Side us = side == "client" ? lab::Side::opener : lab::Side::other;
  return Play{*conversation, us, *how, {}, *from, *until + 1 - *from};
}

}  // namespace

std::string PlayFlags::to_text() const {
  std::string text = fmt::format("--level {}", lab::name(level));
  if (!windows) text += " --no-windows";
  if (stamps > 0) text += fmt::format(" --stamps {}", stamps);
  return text;
}

std::optional<PlayFlags> PlayFlags::parse(const std::string& text) {
  PlayFlags flags;
  std::istringstream words(text);
  for (std::string word, value; words >> word;) {
    if (word == "--no-windows") {
      flags.windows = false;
    } else if (word == "--stamps" && words >> value) {
      const auto ticks = number_of(value);
      if (!ticks) return std::nullopt;
      flags.stamps = static_cast<std::uint32_t>(*ticks);
    } else if (word == "--level" && words >> value) {
      const auto level = lab::level_of(value);
      if (!level) return std::nullopt;
      flags.level = *level;
    } else {
      return std::nullopt;
    }
  }
  return flags;
}

const char* role(lab::Side side) noexcept { return side == lab::Side::opener ? "client" : "server"; }

std::string verdict_text(const std::vector<Play>& plays) {
  std::string text;
  for (const Play& play : plays) text += heading(play) + lab::to_text(play.verdict);
  return text;
}

bool is_recording(const std::string& path) { return path.ends_with(kRecordingEnding); }

Blessing::Blessing(const std::string& capture)
    : verdict_path(beside(capture, kVerdictEnding)), recording_path(beside(capture, kRecordingEnding)) {}

bool Blessing::exists() const {
  std::error_code ignored;
  return fs::exists(verdict_path, ignored) || fs::exists(recording_path, ignored);
}

void Blessing::keep(const std::vector<Play>& plays, const std::vector<std::uint8_t>& recording) const {
  write_file(verdict_path, as_bytes(verdict_text(plays)));
  write_file(recording_path, recording);
}

Blessing::Kept Blessing::load() const {
  Kept kept;
  kept.text = as_text(read_file(verdict_path).bytes());
  const lab::FileBytes recording = read_file(recording_path);
  kept.recording.assign(recording.bytes().begin(), recording.bytes().end());
  std::istringstream lines(kept.text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("== ")) continue;
    const auto play = parse_heading(line);
    if (!play) throw UsageError(fmt::format("{}: can't make sense of \"{}\"", verdict_path, line));
    kept.plays.push_back(*play);
  }
  return kept;
}

}  // namespace sluice::tools
