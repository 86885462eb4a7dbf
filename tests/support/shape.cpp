// Reads the environment, and the table of test cases that can't pass; see shape.hpp.
#include "tests/support/shape.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "lab/known_failures.hpp"
#include "tests/support/listener.hpp"

namespace sluice::test {
namespace {

int number_from(const char* name) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : 0;
}

std::vector<lab::KnownFailure> known_failures() {
  auto table = lab::load_known_failures("tests/shapes.txt");
  if (!table) throw std::runtime_error(table.error);
  return *std::move(table);
}

/// Marks the test cases of the table; doctest then fails one that passes.
class Exceptions : public Listener {
 public:
  explicit Exceptions(const doctest::ContextOptions&) {}

  void test_run_start() override {
    words_ = lab::words_of(shape_of_run());
    if (words_.empty()) return;
    const char* family = std::getenv("SLUICE_SCRIPT_FAMILY");
    words_.emplace_back(family && family[0] == '6' ? "ipv6" : "ipv4");
    table_ = known_failures();
  }
  void test_case_start(const doctest::TestCaseData& test) override {
    if (lab::known_reason(table_, test.m_name, words_)) const_cast<doctest::TestCaseData&>(test).m_should_fail = true;
  }

 private:
  std::vector<std::string> words_;
  std::vector<lab::KnownFailure> table_;
};

REGISTER_LISTENER("exceptions", 1, Exceptions);

}  // namespace

lab::HostShape shape_of_run() {
  const int shards = number_from("SLUICE_SHARDS");
  return {.offload = number_from("SLUICE_OFFLOAD") > 0,
          .shards = static_cast<std::uint8_t>(shards > 1 && shards <= 16 ? shards : 1)};
}

}  // namespace sluice::test
