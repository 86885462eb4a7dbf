// Parts of the docs that are made by tests, so that they stay true.
#pragma once

#include <string>

namespace sluice::test {

/// Compares what stands in docs/`file` between the lines "<!-- begin NAME -->" and "<!-- end NAME -->" with `expected`;
/// with SLUICE_UPDATE_DOCS set it is written instead.
void expect_doc_block(const std::string& file, const std::string& name, const std::string& expected);

}  // namespace sluice::test
