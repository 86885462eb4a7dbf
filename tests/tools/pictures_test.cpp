// `sluice explain --svg` from outside: which files there are, that any XML parser reads them, and what fails how.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "tests/tools/said.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;

const std::string kCaptures = std::string(SLUICE_SOURCE_DIR) + "/pcaps/";

struct Folder {
  fs::path path;
  Folder() {
    std::string name = fs::temp_directory_path() / "sluice-pictures-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
};

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

TEST_CASE("a TCP conversation becomes two pictures, named after its capture and its number") {
  const Folder folder;
  const Said said = sluice("explain --svg " + (folder.path / "a/b").string() + " " + kCaptures + "loss-sender.pcapng");
  CHECK(said.status == 0);
  CHECK(said.text.find("a/b/loss-sender-1-ladder.svg\n") != std::string::npos);
  CHECK(names_in(folder.path / "a/b") ==
        std::set<std::string>{"loss-sender-1-ladder.svg", "loss-sender-1-time-sequence.svg"});
}

TEST_CASE("other conversations have a ladder alone, and captures of one name don't overwrite each other's pictures") {
  const Folder folder;
  const std::string capture = kCaptures + "udp-burst.pcapng";
  CHECK(sluice("explain --svg " + folder.path.string() + " " + capture + " " + capture).status == 0);
  CHECK(names_in(folder.path) == std::set<std::string>{"udp-burst-1-ladder.svg", "udp-burst-2-1-ladder.svg"});
}

TEST_CASE("pictures of all captures are well-formed XML") {
  const Folder folder;
  REQUIRE(sluice("explain --svg " + folder.path.string() + " " + kCaptures).status == 0);
  const Said said = shell(
      "python3 -c \"import pathlib, sys, xml.etree.ElementTree as xml\n"
      "print(len([xml.parse(path) for path in pathlib.Path(sys.argv[1]).glob('*.svg')]))\" " +
      folder.path.string());
  CHECK_MESSAGE(said.status == 0, said.text);
  CHECK(std::stoul(said.text) == names_in(folder.path).size());
}

TEST_CASE("--json names the pictures") {
  const Folder folder;
  const Said said = sluice("explain --json --svg " + folder.path.string() + " " + kCaptures + "refused.pcapng");
  const auto report = nlohmann::json::parse(said.text);
  CHECK(report["files"][0]["conversations"][0]["pictures"].size() == 2);
}

TEST_CASE("a folder that can't be made, or not be written to, is one sentence and exit 2") {
  const Folder folder;
  const std::string file = folder.path / "file";
  std::ofstream(file) << "x";
  for (const std::string& place : {file, file + "/below", std::string("''")}) {
    const Said said = sluice("explain --svg " + place + " " + kCaptures + "refused.pcapng");
    CHECK(said.status == 2);
    CHECK_MESSAGE(said.text.find("--svg: ") != std::string::npos, said.text);
  }
  fs::create_directories(folder.path / "refused-1-ladder.svg");
  const Said said = sluice("explain --svg " + folder.path.string() + " " + kCaptures + "refused.pcapng");
  CHECK(said.status == 2);
  CHECK(said.text.find("refused-1-ladder.svg: can't be written") != std::string::npos);
}

}  // namespace
}  // namespace sluice::tools
