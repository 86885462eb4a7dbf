// JSON both ways; what people write is passed on as text and never as markup.
#include "tools/chat_room.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "http/message.hpp"
#include "tools/json.hpp"

namespace sluice::tools {
namespace {

ws::Settings settings_of(const ChatLimits& limits) {
  ws::Settings settings;
  settings.max_frame = settings.max_message = limits.message;
  settings.high_water = limits.unread;
  settings.idle_ping = std::chrono::seconds(30);
  settings.message_timeout = std::chrono::seconds(10);
  return settings;
}

/// What a member's message holds; what it does not, is empty.
struct Spoken {
  std::string name;
  std::string text;
};

std::string string_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Spoken parse(std::string_view message, bool wants_name) {
  const Json json = Json::parse(message, nullptr, false);
  if (json.is_object()) return {string_at(json, "name"), string_at(json, "text")};
  if (wants_name) return {std::string(message), {}};
  return {{}, std::string(message)};
}

/// Without control characters and blanks at the ends, at most `size` bytes, cut between characters.
std::string clean_name(std::string_view wish, std::size_t size) {
  std::string name;
  for (const char c : wish)
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) name += c;
  if (name.size() > size) {
    while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) --size;
    name.resize(size);
  }
  return std::string(http::trim(name));
}

}  // namespace

ChatRoom::ChatRoom(const ChatLimits& limits) : limits_(limits), settings_(settings_of(limits)) {}

std::string ChatRoom::free_name(std::string_view wish) const {
  std::string name = clean_name(wish, limits_.name);
  if (name.empty() || !names_.contains(name)) return name;
  for (int number = 2;; ++number) {
    std::string numbered = name + " " + std::to_string(number);
    if (!names_.contains(numbered)) return numbered;
  }
}

ws::Prepared ChatRoom::event(std::string_view type, std::string_view name, std::string_view text, bool counted) const {
  const auto time = std::chrono::floor<std::chrono::milliseconds>(wall_).count();
  Json json{{"type", type}, {"name", name}, {"text", text}, {"time", time}};
  if (counted) json["present"] = present();
  return *ws::Prepared::text(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

/// The others hear of it before the newcomer is among them; that one gets a welcome and what was said before.
ws::Subscription ChatRoom::join(const std::string& name, ws::Session& session, std::function<void()> wake) {
  names_.insert(name);
  topic_.publish(event("join", name, "", true));
  (void)session.send(event("welcome", name, "", true));
  for (const ws::Prepared& message : history_) (void)session.send(message);
  return topic_.subscribe(session, std::move(wake));
}

void ChatRoom::leave(const std::string& name) {
  names_.erase(name);
  topic_.publish(event("leave", name, "", true));
}

void ChatRoom::say(const std::string& name, std::string_view text) {
  const ws::Prepared message = event("message", name, text, false);
  remember(message);
  said_ += message.frame().size();
  topic_.publish(message);
}

void ChatRoom::remember(const ws::Prepared& message) {
  history_.push_back(message);
  history_size_ += message.frame().size();
  while (history_.size() > limits_.history || (history_size_ > limits_.history_bytes && !history_.empty())) {
    history_size_ -= history_.front().frame().size();
    history_.pop_front();
  }
}

void ChatMember::begin(ws::Session& session) {
  if (!wish_.empty()) enter(wish_, session);
}

void ChatMember::operator()(const ws::Event& event, ws::Session& session) {
  if (std::holds_alternative<ws::Closed>(event)) return leave();
  const auto* data = std::get_if<ws::Data>(&event);
  if (!data) return;
  const auto message = whole_.add(*data);
  if (!message) return;
  if (message->type == ws::MessageType::binary)
    (void)session.close(ws::CloseCode::unsupported_data, "this is a chat of text");
  else
    hear(as_text(message->bytes), session);
}

void ChatMember::hear(std::string_view text, ws::Session& session) {
  const Spoken spoken = parse(text, name_.empty());
  if (name_.empty()) enter(spoken.name, session);
  if (name_.empty()) return;
  if (!spoken.text.empty())
    room_.say(name_, spoken.text);
  else if (spoken.name.empty())
    complain(session, "a message has a text");
}

void ChatMember::enter(std::string_view wish, ws::Session& session) {
  name_ = room_.free_name(wish);
  if (name_.empty()) return complain(session, "say your name first");
  place_ = room_.join(name_, session, wake_);
}

void ChatMember::leave() {
  if (name_.empty()) return;
  place_ = ws::Subscription();
  room_.leave(std::exchange(name_, {}));
}

void ChatMember::complain(ws::Session& session, std::string_view sentence) const {
  (void)session.send(room_.event("error", "", sentence, false));
}

}  // namespace sluice::tools
