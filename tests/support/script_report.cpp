// Captures of failing scripts; see script_report.hpp.
#include "tests/support/script_report.hpp"

#include <doctest/doctest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "lab/pcapng.hpp"

namespace sluice::test {
namespace {

std::filesystem::path capture_folder() {
  if (const char* wish = std::getenv("SLUICE_CAPTURE_DIR")) return wish;
  std::error_code none;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", none);
  return program.parent_path() / "captures";
}

std::string file_name() {
  const auto* running = doctest::getContextOptions()->currentTest;
  std::string name = running ? running->m_name : "script";
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
  return name.substr(0, 100) + ".pcapng";
}

}  // namespace

std::vector<std::uint8_t> capture_of(std::span<const ScriptRecord> records) {
  lab::PcapngWriter writer(lab::LinkType::raw, "script");
  for (const ScriptRecord& record : records)
    writer.add({.time = record.at.time_since_epoch(),
                .direction = record.inbound ? lab::Direction::in : lab::Direction::out,
                .comment = record.note},
               record.bytes);
  return std::move(writer.bytes());
}

std::string save_capture(std::span<const ScriptRecord> records) {
  const char* seed = std::getenv("SLUICE_SEED");
  const std::string run = std::string(" (SLUICE_SEED=") + (seed ? seed : "default") + ")";
  std::error_code error;
  const std::filesystem::path folder = capture_folder();
  std::filesystem::create_directories(folder, error);
  const std::filesystem::path path = folder / file_name();
  const std::vector<std::uint8_t> bytes = capture_of(records);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) return "no capture could be written to " + path.string() + run;
  return "capture: " + path.string() + run;
}

}  // namespace sluice::test
