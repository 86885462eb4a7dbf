// Lines with two bars; see known_failures.hpp.
#include "lab/known_failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "lab/file_bytes.hpp"

namespace sluice::lab {
namespace {

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") + 1 - first));
}

std::vector<std::string> words_in(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// The whole, or a path's last parts.
bool names(std::string_view path, std::string_view name) noexcept {
  if (!path.ends_with(name)) return false;
  return path.size() == name.size() || path[path.size() - name.size() - 1] == '/';
}

}  // namespace

Parsed<std::vector<KnownFailure>> parse_known_failures(std::string_view text) {
  std::vector<KnownFailure> table;
  std::istringstream in{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (const std::string all = trimmed(line); all.empty() || all.front() == '#') continue;
    const std::size_t first = line.find('|'), last = line.rfind('|');
    KnownFailure one;
    if (first < last && last != line.npos) {
      one = {words_in(line.substr(0, first)), trimmed(std::string_view(line).substr(first + 1, last - first - 1)),
             trimmed(std::string_view(line).substr(last + 1))};
    }
    if (one.when.empty() || one.name.empty() || one.reason.empty())
      return Parsed<std::vector<KnownFailure>>::failed(fmt::format("line {} is not 'when | name | reason'", number));
    table.push_back(std::move(one));
  }
  return table;
}

Parsed<std::vector<KnownFailure>> load_known_failures(const std::string& path) {
  const auto file = FileBytes::load(path);
  if (!file) return Parsed<std::vector<KnownFailure>>::failed(file.error);
  auto table = parse_known_failures(as_text((*file).bytes()));
  if (!table) table.error = path + ": " + table.error;
  return table;
}

std::vector<std::string> words_of(HostShape shape) {
  std::vector<std::string> words;
  if (shape.offload) words.emplace_back("offload");
  if (shape.shards > 1) words.emplace_back("shards");
  return words;
}

std::optional<std::string> known_reason(std::span<const KnownFailure> table, std::string_view name,
                                        std::span<const std::string> words) {
  const auto holds = [&](const std::string& word) { return std::ranges::find(words, word) != words.end(); };
  for (const KnownFailure& one : table)
    if (names(name, one.name) && std::ranges::all_of(one.when, holds)) return one.reason;
  return std::nullopt;
}

}  // namespace sluice::lab
