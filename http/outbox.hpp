// What a session wants to send, in order: heads and small bodies run together, resources read one piece at a time.
#pragma once

#include <array>
#include <string>
#include <variant>
#include <vector>

#include "http/body.hpp"

namespace sluice::http {

/// A queue of bytes. Holds no memory while empty.
class Outbox {
 public:
  static constexpr std::size_t kPieces = 8;        ///< most pieces of one gather()
  static constexpr std::size_t kReadSize = 65536;  ///< bytes read from a resource at once
  static constexpr std::size_t kCopySize = 4096;   ///< what is smaller is copied behind its head
  static constexpr std::size_t kTextSize = 32768;  ///< a text that has grown so far is followed by another

  /// The text at the queue's end. REQUIRES that the caller appends to it at once.
  std::string& text();
  void add(std::string&& text);
  void add(Slice slice);
  /// REQUIRES offset + size <= resource size.
  void add(ResourceBody part);
  /// Any of these; nothing for no body and for a streamed one, whose bytes come later.
  void add_body(Body&& body);

  /// The queue's front, up to the piece that reaches `room` bytes; valid until the next call. Reads from a resource
  /// only when its bytes are next. Empty when the queue is, when room is 0, or when broken().
  Gather gather(std::size_t room);
  /// The memory of a piece of the last gather(), for whoever can take it without a copy; empty when it is ours
  /// alone, or so short that a copy costs less. REQUIRES that gather() gave that many pieces, and no call since.
  Slice shared(std::size_t piece) const noexcept;
  /// The first `count` bytes of the last gather() are sent.
  void drop(std::size_t count);
  void clear() noexcept;

  bool empty() const noexcept { return first_ == items_.size(); }
  /// Bytes queued in memory; of a resource none but what was read.
  std::size_t held() const noexcept;
  /// Entries in the queue, each of which may hold a resource open.
  std::size_t entries() const noexcept { return items_.size() - first_; }
  /// A resource gave fewer bytes than promised: the queue cannot go on until it is cleared.
  bool broken() const noexcept { return broken_; }

 private:
  /// A resource on its way: `part` is what is still to be read, `loaded` is read and not yet sent.
  struct Reading {
    ResourceBody part;
    Slice loaded;
  };
  struct Text {
    std::string bytes;
    std::size_t sent = 0;
  };
  using Item = std::variant<Text, Slice, Reading>;

  Bytes load(Item& item);
  void read_on(Reading& reading);
  static const Slice* slice_of(const Item& item) noexcept;
  static Bytes loaded(const Item& item) noexcept;
  static void drop_from(Item& item, std::size_t count) noexcept;
  static bool reads_on(const Item& item) noexcept;
  void pop() noexcept;

  std::vector<Item> items_;
  std::size_t first_ = 0;
  std::array<Bytes, kPieces> pieces_;
  std::array<const Slice*, kPieces> owners_{};  ///< of pieces_; nullptr: a text
  bool broken_ = false;
};

}  // namespace sluice::http
