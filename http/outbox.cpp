// The sending queue: a vector with a moving front, freed when it runs dry.
#include "http/outbox.hpp"

#include <algorithm>
#include <cassert>

namespace sluice::http {

std::string& Outbox::text() {
  if (!empty()) {
    Text* last = std::get_if<Text>(&items_.back());
    if (last && last->bytes.size() < kTextSize) return last->bytes;
  }
  return std::get<Text>(items_.emplace_back(Text{})).bytes;
}

void Outbox::add(std::string&& bytes) {
  if (bytes.size() <= kCopySize)
    text() += bytes;
  else
    items_.emplace_back(Text{std::move(bytes), 0});
}

void Outbox::add(Slice slice) {
  if (slice.size() <= kCopySize)
    text() += as_text(slice.bytes());
  else
    items_.emplace_back(std::move(slice));
}

void Outbox::add(ResourceBody part) {
  assert(part.size == 0 || part.offset + part.size <= part.resource->size());
  if (part.size > 0) items_.emplace_back(Reading{std::move(part), {}, 0, 0});
}

void Outbox::add_body(Body&& body) {
  if (std::string* bytes = std::get_if<std::string>(&body)) {
    if (!bytes->empty()) add(std::move(*bytes));
  } else if (Slice* slice = std::get_if<Slice>(&body)) {
    if (!slice->empty()) add(std::move(*slice));
  } else if (ResourceBody* part = std::get_if<ResourceBody>(&body)) {
    add(std::move(*part));
  }
}

Gather Outbox::gather(std::size_t room) {
  std::size_t count = 0;
  std::size_t total = 0;
  for (std::size_t i = first_; i < items_.size() && count < kPieces && total < room && !broken_; ++i) {
    const Bytes piece = load(items_[i]);
    if (piece.empty()) continue;
    pieces_[count++] = piece;
    total += piece.size();
    if (reads_on(items_[i])) break;  // its next piece comes first
  }
  return Gather(pieces_).first(count);
}

void Outbox::drop(std::size_t count) {
  while (count > 0) {
    const std::size_t here = std::min(count, loaded(items_[first_]).size());
    drop_from(items_[first_], here);
    count -= here;
    if (loaded(items_[first_]).empty() && !reads_on(items_[first_])) pop();
  }
}

void Outbox::pop() noexcept {
  constexpr std::size_t kTidyAfter = 16;
  items_[first_++] = Text{};
  if (empty()) {
    clear();
  } else if (first_ == kTidyAfter) {
    items_.erase(items_.begin(), items_.begin() + kTidyAfter);
    first_ = 0;
  }
}

void Outbox::clear() noexcept {
  std::vector<Item>().swap(items_);
  first_ = 0;
}

std::size_t Outbox::held() const noexcept {
  std::size_t total = 0;
  for (std::size_t i = first_; i < items_.size(); ++i) total += loaded(items_[i]).size();
  return total;
}

/// The bytes of an item that lie in memory and are not sent.
Bytes Outbox::loaded(const Item& item) noexcept {
  if (const Text* text = std::get_if<Text>(&item)) return as_bytes(text->bytes).subspan(text->sent);
  if (const Slice* slice = std::get_if<Slice>(&item)) return slice->bytes();
  const Reading& reading = std::get<Reading>(item);
  return Bytes(reading.buffer.data(), reading.end).subspan(reading.begin);
}

bool Outbox::reads_on(const Item& item) noexcept {
  const Reading* reading = std::get_if<Reading>(&item);
  return reading && reading->part.size > 0;
}

/// loaded(), after a read when an unread resource's buffer is empty.
Bytes Outbox::load(Item& item) {
  Reading* reading = std::get_if<Reading>(&item);
  if (reading && reading->begin == reading->end && reading->part.size > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kReadSize, reading->part.size));
    if (!reading->buffer) reading->buffer = Buffer::allocate(size);
    const MutableBytes into(reading->buffer.data(), size);
    if (reading->part.resource->read_at(reading->part.offset, into) < size) {
      broken_ = true;
      return {};
    }
    reading->part.offset += size;
    reading->part.size -= size;
    reading->begin = 0;
    reading->end = size;
  }
  return loaded(item);
}

void Outbox::drop_from(Item& item, std::size_t count) noexcept {
  if (Text* text = std::get_if<Text>(&item))
    text->sent += count;
  else if (Slice* slice = std::get_if<Slice>(&item))
    slice->remove_front(count);
  else
    std::get<Reading>(item).begin += count;
}

}  // namespace sluice::http
