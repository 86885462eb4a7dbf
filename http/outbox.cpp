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
  if (part.size > 0) items_.emplace_back(Reading{std::move(part), {}});
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
    owners_[count] = slice_of(items_[i]);
    pieces_[count++] = piece;
    total += piece.size();
    if (reads_on(items_[i])) break;  // its next piece comes first
  }
  return Gather(pieces_).first(count);
}

Slice Outbox::shared(std::size_t piece) const noexcept {
  return owners_[piece] && pieces_[piece].size() > kCopySize ? *owners_[piece] : Slice();
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
  broken_ = false;
}

std::size_t Outbox::held() const noexcept {
  std::size_t total = 0;
  for (std::size_t i = first_; i < items_.size(); ++i) total += loaded(items_[i]).size();
  return total;
}

/// The counted memory of an item that has such.
const Slice* Outbox::slice_of(const Item& item) noexcept {
  if (const Reading* reading = std::get_if<Reading>(&item)) return &reading->loaded;
  return std::get_if<Slice>(&item);
}

/// The bytes of an item that lie in memory and are not sent.
Bytes Outbox::loaded(const Item& item) noexcept {
  if (const Text* text = std::get_if<Text>(&item)) return as_bytes(text->bytes).subspan(text->sent);
  return slice_of(item)->bytes();
}

bool Outbox::reads_on(const Item& item) noexcept {
  const Reading* reading = std::get_if<Reading>(&item);
  return reading && reading->part.size > 0;
}

/// loaded(), after a read when a resource has nothing loaded and more to come.
Bytes Outbox::load(Item& item) {
  Reading* reading = std::get_if<Reading>(&item);
  if (reading && reading->loaded.empty() && reading->part.size > 0) read_on(*reading);
  return loaded(item);
}

void Outbox::read_on(Reading& reading) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kReadSize, reading.part.size));
  Slice next = reading.part.resource->share(reading.part.offset, size);
  if (next.empty()) {
    // The last block again, unless the stream still holds it.
    const Buffer& last = reading.loaded.buffer();
    const bool reusable = last.unique() && last.capacity() >= size;
    next = Slice(reusable ? last : Buffer::allocate(size), 0, size);
    if (reading.part.resource->read_at(reading.part.offset, next.mutable_bytes()) < size) {
      broken_ = true;
      return;
    }
  }
  reading.part.offset += next.size();
  reading.part.size -= next.size();
  reading.loaded = std::move(next);
}

void Outbox::drop_from(Item& item, std::size_t count) noexcept {
  if (Text* text = std::get_if<Text>(&item))
    text->sent += count;
  else if (Slice* slice = std::get_if<Slice>(&item))
    slice->remove_front(count);
  else
    std::get<Reading>(item).loaded.remove_front(count);
}

}  // namespace sluice::http
