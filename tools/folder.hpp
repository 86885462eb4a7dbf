// Folders on command lines: the files below them.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tools {

/// Everything below the folder whose name ends in one of these (".pcap"), in the order of the names. Throws UsageError
/// for a folder that can't be read.
std::vector<std::string> files_below(const std::string& folder, std::initializer_list<std::string_view> endings);

}  // namespace sluice::tools
