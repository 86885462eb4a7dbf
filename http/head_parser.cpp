// What a head says: Boost.Beast reads the grammar, the gate around it refuses what Beast lets through.
#include "http/head_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>  // seen by this file only

namespace sluice::http {
namespace {

namespace beast_http = boost::beast::http;
using ErrorCode = boost::beast::error_code;
using BeastText = boost::beast::string_view;

std::string_view text_of(BeastText text) noexcept { return {text.data(), text.size()}; }

/// The fields that decide how a message is framed and routed, counted as Beast meets them.
struct Framing {
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  bool upgrade = false;
  bool expect = false;

  void note(beast_http::field name) noexcept {
    switch (name) {
      case beast_http::field::host: ++hosts; break;
      case beast_http::field::content_length: ++lengths; break;
      case beast_http::field::transfer_encoding: ++codings; break;
      case beast_http::field::upgrade: upgrade = true; break;
      case beast_http::field::expect: expect = true; break;
      default: break;
    }
  }
};

/// Beast's grammar, with its findings kept as our values. Bodies never reach it.
template <bool is_request>
class BeastHead final : public beast_http::basic_parser<is_request> {
 public:
  BeastHead() {
    this->header_limit(UINT32_MAX);  // HeadReader has judged the size
    this->body_limit(boost::none);
    this->skip(true);
    fields.reserve(8);
  }

  /// False when the head breaks the grammar.
  bool parse(Bytes head) {
    ErrorCode error;
    const std::size_t used = this->put(boost::asio::const_buffer(head.data(), head.size()), error);
    return !error && used == head.size() && this->is_header_done();
  }

  std::string method;
  std::string target;
  int status = 0;
  int version = 0;
  Fields fields;
  Framing framing;

 private:
  void on_request_impl(beast_http::verb, BeastText verb, BeastText where, int number, ErrorCode&) override {
    method = text_of(verb);
    target = text_of(where);
    version = number;
  }
  void on_response_impl(int code, BeastText, int number, ErrorCode&) override {
    status = code;
    version = number;
  }
  void on_field_impl(beast_http::field known, BeastText name, BeastText value, ErrorCode&) override {
    framing.note(known);
    fields.add(std::string(text_of(name)), std::string(text_of(value)));
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(BeastText, ErrorCode&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, BeastText, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText, ErrorCode&) override { return 0; }
  void on_finish_impl(ErrorCode&) override {}
};

/// The version at `text`'s front must be HTTP/1.0 or HTTP/1.1.
Refusal check_version(std::string_view text) noexcept {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() < 8 || !text.starts_with("HTTP/") || !digit(5) || text[6] != '.' || !digit(7))
    return {400, "the start line names no HTTP version"};
  if (text[5] != '1' || text[7] > '1') return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  return {};
}

std::string_view first_line(Bytes head) noexcept {
  const std::string_view text = as_text(head);
  return text.substr(0, text.find('\r'));
}

/// scheme "://" authority, without user information (RFC 9112 3.2.2, RFC 9110 4.2.4).
bool is_absolute_form(std::string_view target) noexcept {
  const std::size_t colon = target.find("://");
  if (colon == target.npos) return false;
  const std::string_view scheme = target.substr(0, colon);
  const std::string_view rest = target.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  return (iequals(scheme, "http") || iequals(scheme, "https")) && !authority.empty() &&
         authority.find('@') == authority.npos;
}

Refusal check_target(const Request& request, const HeadLimits& limits) noexcept {
  const std::string_view target = request.target;
  if (target.size() > limits.target) return {414, "the request target is too long"};
  if (!is_target(target)) return {400, "the request target holds a byte that has no place there"};
  if (request.method == "CONNECT") return {501, "this is no proxy"};
  if (target.starts_with('/') || is_absolute_form(target)) return {};
  if (target == "*" && request.method == "OPTIONS") return {};
  return {400, "the request target has none of the known forms"};
}

bool is_host_byte(char c) noexcept {
  const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return alphanumeric || std::string_view("-._~!$&'()*+,;=:[]%").find(c) != std::string_view::npos;
}

/// Exactly one Host on HTTP/1.1, at most one before (RFC 9112 3.2).
Refusal check_host(const Request& request, std::size_t hosts) noexcept {
  if (hosts > 1) return {400, "more than one Host field"};
  if (hosts == 0) return request.minor_version == 0 ? Refusal{} : Refusal{400, "no Host field"};
  const std::string_view host = *request.fields.find("Host");
  if (!std::all_of(host.begin(), host.end(), is_host_byte)) return {400, "the Host field names no host"};
  return {};
}

/// `chunked` exactly once and last is the only coding that is taken (RFC 9112 6.1, 6.3, 7).
Refusal check_codings(std::string_view list) noexcept {
  std::size_t count = 0;
  std::size_t chunked = 0;
  bool last_is_chunked = false;
  while (const auto coding = next_element(list)) {
    last_is_chunked = iequals(*coding, "chunked");
    chunked += last_is_chunked;
    ++count;
  }
  if (count == 0) return {400, "an empty Transfer-Encoding"};
  if (chunked > 1 || (chunked == 1 && !last_is_chunked)) return {400, "chunked is not the last transfer coding, once"};
  if (count != chunked) return {501, "an unknown transfer coding"};
  return {};
}

/// Fills chunked and content_length of a Request or ReceivedResponse, or refuses framing that could be read
/// in two ways.
template <class Message>
Refusal frame(Message& message, const Fields& fields, const Framing& framing) {
  if (framing.codings > 0 && framing.lengths > 0) return {400, "both Content-Length and Transfer-Encoding"};
  if (framing.codings > 0) {
    if (message.minor_version == 0) return {400, "Transfer-Encoding on HTTP/1.0"};
    message.chunked = true;
    return check_codings(fields.joined("Transfer-Encoding"));
  }
  if (framing.lengths == 0) return {};
  if (framing.lengths > 1) return {400, "more than one Content-Length field"};
  message.content_length = parse_decimal(*fields.find("Content-Length"));
  if (!message.content_length) return {400, "a malformed Content-Length"};
  return {};
}

bool keeps_alive(const Fields& fields, int minor_version) noexcept {
  if (fields.has_token("Connection", "close")) return false;
  return minor_version >= 1 || fields.has_token("Connection", "keep-alive");
}

/// 100-continue is the only expectation there is; HTTP/1.0's are ignored (RFC 9110 10.1.1).
Refusal check_expectation(Request& request) noexcept {
  if (request.minor_version == 0) return {};
  if (!iequals(request.fields.joined("Expect"), "100-continue")) return {417, "an unknown expectation"};
  request.expect_continue = request.has_body();
  return {};
}

Refusal judge(Request& request, const Framing& framing, const HeadLimits& limits) {
  if (const Refusal refusal = check_target(request, limits)) return refusal;
  if (const Refusal refusal = check_host(request, framing.hosts)) return refusal;
  if (const Refusal refusal = frame(request, request.fields, framing)) return refusal;
  request.keep_alive = keeps_alive(request.fields, request.minor_version);
  request.upgrade = framing.upgrade && request.minor_version == 1 && request.fields.has_token("Connection", "upgrade");
  return framing.expect ? check_expectation(request) : Refusal{};
}

}  // namespace

std::variant<Request, Refusal> parse_request(Bytes head, const HeadLimits& limits) {
  const std::string_view line = first_line(head);
  const std::size_t space = line.rfind(' ');
  const std::string_view version = space == line.npos ? std::string_view() : line.substr(space + 1);
  if (const Refusal refusal = check_version(version)) return refusal;

  BeastHead<true> parser;
  if (!parser.parse(head)) return Refusal{400, "a malformed request head"};
  Request request;
  request.method = std::move(parser.method);
  request.target = std::move(parser.target);
  request.minor_version = parser.version % 10;
  request.fields = std::move(parser.fields);
  if (const Refusal refusal = judge(request, parser.framing, limits)) return refusal;
  return request;
}

std::variant<ReceivedResponse, Refusal> parse_response(Bytes head) {
  if (check_version(first_line(head))) return Refusal{502, "the answer is not HTTP/1.x"};
  BeastHead<false> parser;
  if (!parser.parse(head) || parser.status < 100) return Refusal{502, "a malformed response head"};
  ReceivedResponse received;
  received.response.status = parser.status;
  received.response.fields = std::move(parser.fields);
  received.minor_version = parser.version % 10;
  received.keep_alive = keeps_alive(received.response.fields, received.minor_version);
  if (const Refusal refusal = frame(received, received.response.fields, parser.framing))
    return Refusal{502, refusal.reason};
  return received;
}

}  // namespace sluice::http
