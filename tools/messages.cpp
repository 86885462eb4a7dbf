// HTTP exchanges, then perhaps WebSocket frames; see messages.hpp.
#include "tools/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include "http/body_decoder.hpp"
#include "http/head_parser.hpp"
#include "lab/replay_application.hpp"
#include "tools/sha256.hpp"
#include "ws/extensions.hpp"
#include "ws/handshake.hpp"
#include "ws/key.hpp"
#include "ws/receiver.hpp"

namespace sluice::tools {
namespace {

/// Larger heads than any server takes: a capture is to be read, not served.
constexpr http::HeadLimits kHead{1u << 20, 1u << 16, 1000};

/// What a peer said, safe for terminals and JSON.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c >= ' ' && c <= '~')
      out += c;
    else
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(c));
  return out;
}

std::string bytes_text(std::uint64_t count) { return fmt::format("{} byte{}", count, count == 1 ? "" : "s"); }

/// Content as it passes: its size and digest.
class Content {
 public:
  void add(Bytes bytes) {
    size_ += bytes.size();
    digest_.add(bytes);
  }
  /// "5 bytes #2cf24dba".
  std::string text() {
    if (size_ == 0) return "0 bytes";
    return bytes_text(size_) + " #" + digest_.finish().substr(0, 8);
  }

 private:
  std::uint64_t size_ = 0;
  Sha256 digest_;
};

/// One direction of the connection, read from its front.
struct Side {
  char mark = '>';
  MutableBytes left;
  bool finished = true;
  bool lost = false;  ///< something was refused: the rest means nothing

  bool empty() const noexcept { return lost || left.empty(); }
};

std::string body_text(Side& side, http::BodyDecoder body) {
  const bool to_the_end = body.ends_with_connection(), chunked = !to_the_end && !body.length_known();
  Content content;
  while (!body.done() && !body.refusal() && !side.left.empty()) {
    const auto step = body.decode(side.left);
    content.add(step.content);
    side.left = side.left.subspan(step.consumed);
  }
  std::string text = content.text() + (chunked ? " (chunked)" : to_the_end ? " (to the end)" : "");
  if (body.refusal()) {
    side.lost = true;
    return fmt::format("{}, then refused: {}", text, body.refusal().reason);
  }
  if (body.done() || (to_the_end && side.finished)) return text;
  if (!body.length_known()) return text + ", cut off";
  return fmt::format("{}, and {} missing", text, bytes_text(body.remaining()));
}

http::BodyDecoder decoder_for(bool chunked, const std::optional<std::uint64_t>& length) {
  return chunked ? http::BodyDecoder::chunked() : http::BodyDecoder::with_length(length.value_or(0));
}

/// Has the first line, behind empty ones, a version of HTTP? Then it is a request, be it one that is refused.
bool begins_a_request(Bytes text) {
  const auto is_end = [](std::uint8_t byte) { return byte == '\r' || byte == '\n'; };
  const auto begin = std::find_if_not(text.begin(), text.end(), is_end);
  const auto end = std::find_if(begin, text.end(), is_end);
  static constexpr std::string_view kVersion = " HTTP/";
  return std::search(begin, end, kVersion.begin(), kVersion.end()) != end;
}

class Reader {
 public:
  Reader(Side opener, Side other) : opener_(opener), other_(other) {}

  std::vector<std::string> run() {
    if (!begins_a_request(opener_.left)) return {};
    while (!opener_.empty()) {
      const auto request = read_request();
      if (!request) break;
      if (read_answers(*request)) return std::move(lines_);
    }
    for (Side* side : {&opener_, &other_})
      if (!side->left.empty()) tell(*side, bytes_text(side->left.size()) + (side->lost ? " more" : " unasked"));
    return std::move(lines_);
  }

 private:
  void tell(const Side& side, std::string_view text) { lines_.push_back(fmt::format("{} {}", side.mark, text)); }

  /// What stands behind the end.
  void tell_rest(const Side& side) {
    if (!side.left.empty()) tell(side, bytes_text(side.left.size()) + " more");
  }

  /// The next head, or nullopt and why it is none told.
  std::optional<std::vector<std::uint8_t>> read_head(Side& side) {
    http::HeadReader reader(kHead);
    const std::size_t used = reader.receive(side.left);
    if (reader.state() == http::HeadReader::State::complete) {
      const Bytes head = reader.head();
      side.left = side.left.subspan(used);
      return std::vector<std::uint8_t>(head.begin(), head.end());
    }
    const bool refused = reader.state() == http::HeadReader::State::refused;
    refuse(side, refused ? reader.refusal().reason : "the head does not end");
    return std::nullopt;
  }

  void refuse(Side& side, std::string_view why) {
    side.lost = true;
    tell(side, fmt::format("refused: {}", why));
  }

  std::optional<http::Request> read_request() {
    const auto head = read_head(opener_);
    if (!head) return std::nullopt;
    auto parsed = http::parse_request(*head, kHead);
    if (const auto* refusal = std::get_if<http::Refusal>(&parsed)) {
      refuse(opener_, refusal->reason);
      return std::nullopt;
    }
    http::Request request = std::move(std::get<http::Request>(parsed));
    std::string text = fmt::format("{} {} HTTP/1.{}", request.method, printable(request.target), request.minor_version);
    if (request.upgrade) text += ", upgrade " + printable(request.fields.joined("Upgrade"));
    if (request.upgrade && request.fields.has_token("Upgrade", "websocket"))
      if (const auto answer = ws::answer_handshake(request, {ws::any_origin, {}, {}}); !answer.accepted())
        text += fmt::format(" (refused: {})", answer.reason);
    if (request.has_body()) text += ", " + body_text(opener_, decoder_for(request.chunked, request.content_length));
    tell(opener_, text);
    return request;
  }

  /// The interim answers and the final one. True when the connection is another protocol's from here on, and all told.
  bool read_answers(const http::Request& request) {
    while (!other_.empty()) {
      const auto head = read_head(other_);
      if (!head) return false;
      const auto parsed = http::parse_response(*head);
      if (const auto* refusal = std::get_if<http::Refusal>(&parsed)) {
        refuse(other_, refusal->reason);
        return false;
      }
      const auto& received = std::get<http::ReceivedResponse>(parsed);
      const int status = received.response.status;
      const std::string text = fmt::format("{} {}", status, http::reason_phrase(status));
      if (status == 101) {
        upgrade(request, received.response, text);
        return true;
      }
      if (status < 200) {
        tell(other_, text);
        continue;
      }
      tell(other_, text + answer_body(request, received));
      return false;
    }
    if (!other_.lost) tell(other_, "no answer");
    return false;
  }

  std::string answer_body(const http::Request& request, const http::ReceivedResponse& received) {
    const int status = received.response.status;
    if (request.method == "HEAD" || status == 204 || status == 304) return ", no body";
    const bool to_the_end = !received.chunked && !received.content_length;
    return ", " + body_text(other_, to_the_end ? http::BodyDecoder::until_close()
                                               : decoder_for(received.chunked, received.content_length));
  }

  // --- WebSocket ---

  void upgrade(const http::Request& request, const http::Response& response, const std::string& text) {
    if (!http::iequals(response.fields.joined("Upgrade"), "websocket")) {
      tell(other_, fmt::format("{}, upgrade {}", text, printable(response.fields.joined("Upgrade"))));
      for (const Side* side : {&opener_, &other_})
        if (!side->left.empty()) tell(*side, bytes_text(side->left.size()) + " of it");
      return;
    }
    const std::string extensions = response.fields.joined("Sec-WebSocket-Extensions");
    tell(other_, text + handshake_text(request.fields, response.fields) + extensions_text(request.fields, extensions));
    const auto deflate = agreed_deflate(extensions);
    for (Side* side : {&opener_, &other_}) {
      if (extensions.empty() || deflate)
        read_messages(*side, deflate);
      else
        read_frames(*side);
    }
  }

  /// What the messages are compressed by, if the answer agreed on permessage-deflate and nothing else (RFC 7692 5.1).
  static std::optional<ws::DeflateParameters> agreed_deflate(const std::string& list) {
    static constexpr ws::DeflatePolicy kAny{{15, true}, {15, true}};
    const auto chosen = ws::parse_extensions(list);
    if (!chosen || chosen->size() != 1) return std::nullopt;
    return ws::judge_deflate(chosen->front(), kAny);
  }

  /// What a client looks at (RFC 6455 4.1), but for the extensions.
  static std::string handshake_text(const http::Fields& asked, const http::Fields& answered) {
    const std::string accept = answered.joined("Sec-WebSocket-Accept");
    const std::string right = ws::accept_for(asked.find("Sec-WebSocket-Key").value_or(""));
    std::string text = ", accept right";
    if (accept != right)
      text = fmt::format(", accept {} instead of {}", accept.empty() ? "missing" : printable(accept), right);
    if (!answered.has_token("Connection", "upgrade")) text += ", Connection does not list upgrade";
    if (answered.count("Sec-WebSocket-Protocol") == 0) return text;
    const std::string chosen = answered.joined("Sec-WebSocket-Protocol");
    const std::string list = asked.joined("Sec-WebSocket-Protocol");
    const auto offers = ws::parse_subprotocols(list);
    const bool offered = offers && std::find(offers->begin(), offers->end(), chosen) != offers->end();
    return text + fmt::format(", protocol {}{}", printable(chosen), offered ? "" : " (not offered)");
  }

  static std::string extensions_text(const http::Fields& asked, const std::string& list) {
    if (list.empty()) return "";
    const auto offers = ws::parse_extensions(asked.joined("Sec-WebSocket-Extensions"));
    const auto chosen = ws::parse_extensions(list);
    const auto is_offered = [&](const ws::Extension& one) {
      return offers && std::any_of(offers->begin(), offers->end(),
                                   [&](const ws::Extension& offer) { return offer.name == one.name; });
    };
    const char* remark = "";
    if (!chosen)
      remark = " (malformed)";
    else if (!std::all_of(chosen->begin(), chosen->end(), is_offered))
      remark = " (not offered)";
    return fmt::format(", extensions {}{}", printable(list), remark);
  }

  void read_messages(Side& side, const std::optional<ws::DeflateParameters>& deflate) {
    ws::Settings settings;
    settings.max_frame = settings.max_message = std::numeric_limits<std::int64_t>::max();
    settings.max_fragments = std::numeric_limits<std::uint32_t>::max();
    const ws::Role reader = side.mark == '>' ? ws::Role::server : ws::Role::client;
    const ws::Role writer = side.mark == '>' ? ws::Role::client : ws::Role::server;
    ws::Receiver receiver(reader, settings, deflate ? std::optional(deflate->sent_by(writer)) : std::nullopt);
    Content message;
    while (receiver.waiting() || !side.left.empty()) {
      const MutableBytes before = side.left;
      const ws::Received got = receive(receiver, side);
      if (got.kind == ws::Received::Kind::nothing && !side.left.empty()) continue;  // nothing more inflates
      if (got.kind == ws::Received::Kind::nothing) return tell_cut(side, receiver, message);
      if (got.kind == ws::Received::Kind::fault) side.left = before;
      if (got.kind != ws::Received::Kind::data) {
        if (tell_control(side, got)) continue;
        return tell_rest(side);
      }
      message.add(got.bytes);
      if (got.last) tell(side, message_text(receiver, got.type, std::exchange(message, {})));
    }
    receiver.in_message() ? tell_cut(side, receiver, message) : tell_lost(side);
  }

  static ws::Received receive(ws::Receiver& receiver, Side& side) {
    ws::Received got;
    if (receiver.waiting())
      receiver.resume(got);
    else
      side.left = side.left.subspan(receiver.receive(side.left, got));
    return got;
  }

  /// The stream ended in a frame, or behind one that was not a message's last.
  void tell_cut(const Side& side, const ws::Receiver& receiver, Content& message) {
    if (!receiver.in_message()) return tell(side, "a frame that does not end");
    tell(side, fmt::format("a message that does not end, {} so far", message.text()));
  }

  /// No Close came. Of a capture that stops earlier than the connection that means nothing.
  void tell_lost(const Side& side) {
    if (side.finished) tell(side, ws::describe(ws::Fault::lost).text);
  }

  static std::string message_text(const ws::Receiver& receiver, ws::MessageType type, Content content) {
    const char* const name = type == ws::MessageType::text ? "text" : "binary";
    const std::string frames = receiver.fragments() > 1 ? fmt::format(" in {} frames", receiver.fragments()) : "";
    return fmt::format("{}{}, {}{}", name, receiver.compressed() ? ", compressed" : "", content.text(), frames);
  }

  /// False when nothing may follow.
  bool tell_control(Side& side, const ws::Received& got) {
    using Kind = ws::Received::Kind;
    Content content;
    content.add(got.bytes);
    if (got.kind == Kind::ping) tell(side, "ping, " + content.text());
    if (got.kind == Kind::pong) tell(side, "pong, " + content.text());
    if (got.kind == Kind::close) tell(side, close_text(got.bytes));
    if (got.kind == Kind::fault) tell(side, fmt::format("refused: {}", ws::describe(got.fault).text));
    return got.kind != Kind::close && got.kind != Kind::fault;
  }

  static std::string close_text(Bytes payload) {
    const ws::CloseBody body = ws::parse_close_body(payload);
    if (body.fault != ws::Fault::none) return fmt::format("close, refused: {}", ws::describe(body.fault).text);
    if (body.code == ws::CloseCode::no_status) return "close";
    return fmt::format("close {} {}", number(body.code), printable(body.reason));
  }

  /// With an extension that we don't know, which may own a bit: frame by frame, by their headers.
  void read_frames(Side& side) {
    static constexpr const char* kNames[] = {"continuation", "text", "binary"};
    const ws::HeaderRules rules{side.mark == '>', ws::kRsv1};
    while (!side.left.empty()) {
      const ws::ParsedHeader parsed = ws::parse_header(side.left, rules);
      const std::uint64_t length = parsed.header.length;
      if (parsed.fault != ws::Fault::none)
        return tell(side, fmt::format("refused: {}", ws::describe(parsed.fault).text));
      if (parsed.size == 0 || length > side.left.size() - parsed.size) return tell(side, "a frame that does not end");
      MutableBytes payload = side.left.subspan(parsed.size, static_cast<std::size_t>(length));
      if (parsed.header.masked) ws::apply_mask(payload, parsed.header.key);
      side.left = side.left.subspan(parsed.size + payload.size());
      Content content;
      content.add(payload);
      const bool control = is_control(parsed.header.opcode);
      const char* const coded = (parsed.header.rsv & ws::kRsv1) != 0 ? " frame, compressed" : " frame";
      const auto opcode = static_cast<std::size_t>(parsed.header.opcode);
      if (parsed.header.opcode == ws::Opcode::close) {
        tell(side, close_text(payload));
        return tell_rest(side);
      }
      tell(side, fmt::format("{}{}, {}{}", control ? opcode == 9 ? "ping" : "pong" : kNames[opcode],
                             control ? "" : coded, content.text(), parsed.header.fin ? "" : ", to be continued"));
    }
  }

  Side opener_;
  Side other_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> messages_of(const Spoken& opener, const Spoken& other) {
  std::vector<std::uint8_t> first(opener.text.begin(), opener.text.end()), second(other.text.begin(), other.text.end());
  return Reader({'>', first, opener.finished}, {'<', second, other.finished}).run();
}

std::vector<std::string> messages_of(const lab::Conversation& conversation) {
  const lab::BothStreams streams = lab::both_streams(conversation);
  std::vector<std::uint8_t> first = streams.opener.text.copy(), second = streams.other.text.copy();
  return Reader({'>', first, streams.opener.finished}, {'<', second, streams.other.finished}).run();
}

}  // namespace sluice::tools
