// The inside of `sluice get`: one request over one connection.
#pragma once

#include <chrono>
#include <string>

#include "http/url.hpp"
#include "tools/host.hpp"

namespace sluice::tools {

struct FetchOptions {
  std::string url;
  std::string output;  ///< empty: standard output
  bool include = false;
  bool fail = false;
  bool json = false;
  std::string trusted;    ///< PEM text: whom to believe; empty: whom the system believes
  bool insecure = false;  ///< believe everybody
  Duration limit = std::chrono::minutes(2);
};

/// Answers the exit code, as `sluice get --help` lists them.
int run_fetch(Host& host, const http::Url& url, const IpAddress& address, const FetchOptions& options);

}  // namespace sluice::tools
