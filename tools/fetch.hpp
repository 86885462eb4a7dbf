// The inside of `sluice get`: URLs one after another, over one connection as long as they stay with an origin.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "http/message.hpp"
#include "http/url.hpp"
#include "tools/host.hpp"

namespace sluice::tools {

struct FetchOptions {
  LinkOptions link;  ///< whom to ask for names
  bool include = false;
  bool head = false;  ///< HEAD instead of GET, and the answer's head as output
  bool fail = false;
  bool json = false;
  bool quiet = false;         ///< no progress and no notes
  bool quiet_errors = false;  ///< and nothing said of failures
  bool location = false;      ///< follow redirects
  unsigned max_redirects = 10;
  bool resume = false;                       ///< go on with files that are here in part
  std::string range;                         ///< "0-99", of Range; empty: none
  http::Fields fields;                       ///< of the request, in place of those of the same name
  std::vector<std::string> without;          ///< names of fields that are not sent
  std::string trusted;                       ///< PEM text: whom to believe; empty: whom the system believes
  bool insecure = false;                     ///< believe everybody
  Duration limit = std::chrono::minutes(2);  ///< for each URL
};

struct FetchTarget {
  std::string text;  ///< the URL as it was given
  http::Url url;
  std::string file;                  ///< empty: standard output
  std::vector<IpAddress> addresses;  ///< of the URL's host
  std::string fault;                 ///< why there are none, if that is known
  Duration resolving{};              ///< how long it took to find them
};

/// Answers the exit code of the last of them, as `sluice get --help` lists them and as curl does. REQUIRES a target.
int run_fetch(Host& host, const std::vector<FetchTarget>& targets, const FetchOptions& options);

}  // namespace sluice::tools
