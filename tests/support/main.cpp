// The one main() of all doctest programs. With SLUICE_TEST_RESULTS=DIR each leaves a file there that says which of its
// test cases passed: tools/conformance reads them.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/listener.hpp"

namespace {

/// A line a test case: passed or failed, its file, its name.
class Results : public sluice::test::Listener {
 public:
  explicit Results(const doctest::ContextOptions&) {}

  void test_run_start() override {
    const char* folder = std::getenv("SLUICE_TEST_RESULTS");
    if (folder == nullptr) return;
    std::filesystem::create_directories(folder);
    out_.open(std::string(folder) + "/" + std::to_string(getpid()) + ".tsv");
  }
  void test_case_start(const doctest::TestCaseData& test) override { test_ = &test; }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (!out_.is_open()) return;
    out_ << (stats.testCaseSuccess ? "passed" : "failed") << '\t' << test_->m_file.c_str() << '\t' << test_->m_name
         << std::endl;
  }

 private:
  std::ofstream out_;
  const doctest::TestCaseData* test_ = nullptr;
};

REGISTER_LISTENER("results", 1, Results);

}  // namespace
