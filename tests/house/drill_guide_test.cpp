// docs/drill.md against what it names: each row's scripts and tests exist and use what the row speaks of, and no call,
// setting, field or flag is without a row.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/house/tree.hpp"

namespace sluice::house {
namespace {

using Words = std::vector<std::string>;

const std::string kGuide = "docs/drill.md";

/// What stands in the guide for something else.
constexpr std::array<std::string_view, 16> kPlaceholders = {"N",    "E",       "NAME",   "TYPE", "CODE", "ERRNO",
                                                            "call", "result",  "words",  "code", "name", "value",
                                                            "text", "message", "packet", "tcpi_"};

/// The parts of `text` that match.
Words matches(const std::string& text, const std::regex& pattern, std::size_t group = 0) {
  Words found;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at)
    found.push_back((*at)[group].str());
  return found;
}

Words in_backticks(const std::string& cell) {
  static const std::regex kForm("`+ ?([^`]+?) ?`+");
  return matches(cell, kForm, 1);
}

bool is_name_sign(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// True if `word` stands in `text` and not as a part of a longer one.
bool has_word(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !is_name_sign(text[at - 1]);
    const std::size_t end = at + word.size();
    if (begins && (end == text.size() || !is_name_sign(text[end]))) return true;
  }
  return false;
}

struct Row {
  std::string line;
  std::string proof;  ///< the header's last cell: what the last cell names
  Words cells;
};

Words cells_of(const std::string& line) {
  Words cells(1);
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '\\' && line[i + 1] == '|')
      cells.back() += line[++i];
    else if (line[i] == '|')
      cells.emplace_back();
    else
      cells.back() += line[i];
  }
  cells.pop_back();
  for (std::string& cell : cells) cell = std::regex_replace(cell, std::regex("^ +| +$"), "");
  return cells;
}

/// The rows of all tables, without heads.
std::vector<Row> rows() {
  std::vector<Row> found;
  std::string proof;
  bool fenced = false;
  for (const std::string& line : lines_of(kGuide)) {
    fenced = line.starts_with("```") ? !fenced : fenced;
    if (fenced || !line.starts_with("|")) {
      proof.clear();
      continue;
    }
    const Words cells = cells_of(line);
    if (proof.empty())
      proof = cells.back();
    else if (!line.starts_with("|--"))
      found.push_back({line, proof, cells});
  }
  return found;
}

/// The names that a row is about: in its first cell, and errors in the others.
Words names_of(const Row& row) {
  static const std::regex kName(R"(\b[A-Za-z_][A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*)"), kConstant(R"(\b[A-Z][A-Z0-9_]+\b)"),
      kError(R"(\bE[A-Z]{4,}\b)");
  Words names;
  const Words forms = in_backticks(row.cells.front());
  for (const std::string& form : forms)
    for (std::string& name : matches(form, kName)) names.push_back(std::move(name));
  if (forms.empty()) names = matches(row.cells.front(), kConstant);
  for (std::size_t i = 1; i + 1 < row.cells.size(); ++i)
    for (std::string& name : matches(row.cells[i], kError)) names.push_back(std::move(name));
  std::erase_if(names, [](const std::string& name) {
    return std::find(kPlaceholders.begin(), kPlaceholders.end(), name) != kPlaceholders.end();
  });
  return names;
}

/// Forms of signs alone, such as `<...>` or `+ - *`, sign by sign.
Words signs_of(const Row& row) {
  static const std::regex kPart("[^ ]+");
  Words signs;
  for (const std::string& form : in_backticks(row.cells.front())) {
    const std::string bare = std::regex_replace(form, std::regex("…"), "");
    if (std::any_of(bare.begin(), bare.end(), is_name_sign)) continue;
    for (std::string& sign : matches(bare, kPart)) signs.push_back(std::move(sign));
  }
  return signs;
}

struct Script {
  std::string all;
  std::string used;  ///< without comments
};

Script read_script(const std::string& name) {
  Script script;
  for (const std::string& line : lines_of("tests/drill/" + name + ".pkt")) {
    script.all += line + "\n";
    script.used += line.substr(0, line.find("//")) + "\n";
  }
  return script;
}

void check_scripts(const Row& row) {
  INFO(row.line);
  Script script;
  const Words named = in_backticks(row.cells.back());
  CHECK(!named.empty());
  for (const std::string& name : named) {
    REQUIRE_MESSAGE(std::filesystem::exists(root() / "tests/drill" / (name + ".pkt")), "there is no script " << name);
    const Script one = read_script(name);
    script.all += one.all;
    script.used += one.used;
  }
  for (const std::string& name : names_of(row)) CHECK_MESSAGE(has_word(script.used, name), name << " is not used");
  for (const std::string& sign : signs_of(row))
    CHECK_MESSAGE(script.all.find(sign) != std::string::npos, sign << " is not used");
}

/// The lines of the test whose name begins so, or "".
std::string test_text(const std::string& name) {
  std::string text;
  bool inside = false;
  for (const std::string& line : lines_of("tests/tools/drill_test.cpp")) {
    if (line.starts_with("TEST_CASE(")) inside = line.starts_with("TEST_CASE(\"" + name);
    if (inside) text += line + "\n";
  }
  return text;
}

void check_test(const Row& row) {
  static const std::regex kFlag("--?[A-Za-z][a-z-]*");
  INFO(row.line);
  const std::string text = test_text(row.cells.back());
  REQUIRE_MESSAGE(!text.empty(), "there is no test of this name");
  const std::string body = text.substr(text.find('\n'));
  for (const std::string& form : in_backticks(row.cells.front()))
    for (const std::string& flag : matches(form, kFlag)) CHECK_MESSAGE(has_word(body, flag), flag << " is not used");
}

/// What a source file lists, as the first group of `pattern`.
Words listed(const std::string& file, const std::string& pattern) {
  Words found;
  const std::regex compiled(pattern);
  for (const std::string& line : lines_of(file))
    for (std::string& one : matches(line, compiled, 1)) found.push_back(std::move(one));
  return found;
}

}  // namespace

TEST_CASE("each row of the guide to scripts names scripts or a test that use what it speaks of") {
  std::size_t by_script = 0, by_test = 0;
  for (const Row& row : rows()) {
    if (row.proof == "script") {
      ++by_script;
      check_scripts(row);
    } else if (row.proof == "test") {
      ++by_test;
      check_test(row);
    }
  }
  CHECK(by_script > 150);
  CHECK(by_test >= 14);
}

TEST_CASE("each table of the guide's reference names scripts") {
  const std::vector<std::string> lines = lines_of(kGuide);
  auto at = std::find(lines.begin(), lines.end(), "# Reference");
  REQUIRE(at != lines.end());
  for (; at + 1 != lines.end(); ++at)
    if ((at + 1)->starts_with("|--")) CHECK_MESSAGE(cells_of(*at).back() == "script", *at);
}

TEST_CASE("each call, setting, field of tcp_info and flag has a row in the guide to scripts") {
  std::string told;
  for (const Row& row : rows()) told += row.cells.front() + "\n";
  const auto check = [&told](const Words& names, std::size_t at_least) {
    CHECK(names.size() >= at_least);
    for (const std::string& name : names) CHECK_MESSAGE(has_word(told, name), name << " has no row");
  };
  check(listed("lab/drill/caller.cpp", R"re(\{"([a-z0-9_]+)", \d, \d, &Caller)re"), 35);
  check(listed("lab/drill/settings.cpp", R"re("net\.(?:ipv4|core)\.([a-z0-9_]+)")re"), 50);
  check(listed("lab/drill/settings.cpp", R"re(name == "([a-z0-9_]+)"(?!\) return tcp))re"), 10);
  check(listed("lab/drill/tcp_info.cpp", R"re(SLUICE_FIELD\((tcpi_[a-z0-9_]+)\))re"), 50);
  check(listed("tools/drill.cpp", R"re(add_(?:flag|option)\("(-[-A-Za-z]+))re"), 10);
}

}  // namespace sluice::house
