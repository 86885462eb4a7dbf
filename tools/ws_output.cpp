// JSON is written with one order of members, so that people can read it, too.
#include "tools/ws_output.hpp"

#include <nlohmann/json.hpp>

#include "lab/units.hpp"
#include "tools/hex.hpp"
#include "tools/json.hpp"

namespace sluice::tools {
namespace {

std::string line_of(const Json& event) { return event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

void WsOutput::opened(std::string_view url, std::string_view subprotocol) {
  if (options_.json) text_ += line_of({{"type", "open"}, {"url", url}, {"subprotocol", subprotocol}});
}

bool WsOutput::data(const ws::Data& piece) {
  const auto message = whole_.add(piece);
  if (message) show(*message);
  return message.has_value();
}

void WsOutput::show(const ws::Message& message) {
  if (options_.json) return show_json(message);
  const bool binary = message.type == ws::MessageType::binary;
  if (binary && options_.raw) {
    text_.append(as_text(message.bytes));
  } else if (binary || options_.hex) {
    text_.append(hex_text(message.bytes)) += '\n';
  } else {
    text_.append(options_.terminal ? printable(as_text(message.bytes)) : std::string(as_text(message.bytes))) += '\n';
  }
}

void WsOutput::show_json(const ws::Message& message) {
  if (message.type == ws::MessageType::text)
    text_ += line_of({{"type", "message"}, {"kind", "text"}, {"text", as_text(message.bytes)}});
  else
    text_ += line_of(
        {{"type", "message"}, {"kind", "binary"}, {"bytes", message.bytes.size()}, {"hex", hex_text(message.bytes)}});
}

void WsOutput::ping(Bytes payload) {
  if (options_.json) text_ += line_of({{"type", "ping"}, {"hex", hex_text(payload)}});
}

void WsOutput::pong(Bytes payload, Duration after) {
  if (!options_.json) return;
  Json event{{"type", "pong"}, {"hex", hex_text(payload)}};
  if (after >= Duration{}) event["ms"] = lab::milliseconds(after);
  text_ += line_of(event);
}

void WsOutput::closed(const ws::Closed& closed) {
  if (!options_.json) return;
  text_ += line_of(
      {{"type", "close"}, {"code", ws::number(closed.code)}, {"reason", closed.reason}, {"clean", closed.clean}});
}

void WsOutput::written(std::size_t count) {
  begin_ += count;
  if (begin_ < text_.size() && begin_ < kEnough) return;
  text_.erase(0, begin_);
  begin_ = 0;
}

}  // namespace sluice::tools
