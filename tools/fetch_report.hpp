// What became of one URL, as the line that --json prints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/message.hpp"
#include "stack/base/time.hpp"
#include "tools/fetch_connection.hpp"

namespace sluice::tools {

/// All times from the transfer's beginning, as curl's -w counts them.
struct FetchRecord {
  std::string url;        ///< as it was given
  std::string final_url;  ///< after redirects
  std::string method;
  std::string file;  ///< empty: standard output
  int code = 0;      ///< the exit code, curl's
  std::string error;
  std::optional<http::Response> response;  ///< the last one
  std::uint64_t bytes = 0;                 ///< of its body
  std::uint64_t head_bytes = 0;            ///< of all heads that came, as -i prints them
  std::uint64_t request_bytes = 0;         ///< of all requests
  std::uint64_t resumed_from = 0;          ///< bytes that were here before
  std::uint64_t redirects = 0;
  unsigned connects = 0;             ///< connections made for it; 0: an earlier one carried it
  std::optional<Duration> redirect;  ///< when the last request of several began
  std::optional<Duration> resolved;  ///< these three of the connection that was made last
  std::optional<Duration> connected;
  std::optional<Duration> secured;
  std::optional<Duration> first_byte;  ///< of the last answer
  Duration total{};
};

/// `connection` is nullptr when there is none any more.
std::string fetch_report(const FetchRecord& record, const FetchConnection* connection);

}  // namespace sluice::tools
