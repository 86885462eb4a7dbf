// Bodies on their way out: in memory, of a resource that is read as room appears, or written bit by bit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "stack/base/buffer.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::http {

/// Bytes at rest of which any part can be read: a file, a mapped region, something computed. Where they come from is
/// not HTTP's business.
class Resource {
 public:
  Resource() = default;
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;
  virtual ~Resource() = default;

  /// In bytes; the same at every call.
  virtual std::uint64_t size() const = 0;
  /// Reads from `offset` on into `into`, and says how many bytes. Fewer than asked means that the resource became
  /// shorter than size(): the message that carries it is then broken off. REQUIRES offset + into.size() <= size().
  virtual std::size_t read_at(std::uint64_t offset, MutableBytes into) = 0;
  /// Some of the bytes from `offset` on, at most `most`, in memory that never changes again: a stream may queue it
  /// without a copy and keep it for as long as it likes. Empty: there is none, or the resource became shorter;
  /// read_at() serves. REQUIRES offset < size().
  virtual Slice share([[maybe_unused]] std::uint64_t offset, [[maybe_unused]] std::size_t most) { return {}; }
};

struct NoBody {};

/// `size` bytes of a resource from `offset` on.
struct ResourceBody {
  std::unique_ptr<Resource> resource;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// The session's owner writes the body later, with write_body() and finish_body(). Without a size it goes out in
/// chunks.
struct StreamedBody {
  std::optional<std::uint64_t> size;
};

using Body = std::variant<NoBody, std::string, Slice, ResourceBody, StreamedBody>;

/// A whole resource as a body.
inline Body body_of(std::unique_ptr<Resource> resource) {
  const std::uint64_t size = resource->size();
  return ResourceBody{std::move(resource), 0, size};
}

/// nullopt for a streamed body without size.
inline std::optional<std::uint64_t> body_size(const Body& body) noexcept {
  struct Size {
    std::optional<std::uint64_t> operator()(const NoBody&) const noexcept { return 0; }
    std::optional<std::uint64_t> operator()(const std::string& text) const noexcept { return text.size(); }
    std::optional<std::uint64_t> operator()(const Slice& slice) const noexcept { return slice.size(); }
    std::optional<std::uint64_t> operator()(const ResourceBody& part) const noexcept { return part.size; }
    std::optional<std::uint64_t> operator()(const StreamedBody& stream) const noexcept { return stream.size; }
  };
  return std::visit(Size{}, body);
}

}  // namespace sluice::http
