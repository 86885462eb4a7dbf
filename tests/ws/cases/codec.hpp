// permessage-deflate as the judge does it: zlib directly, one message a call (RFC 7692 7.2).
#pragma once

#include <zlib.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::ws::cases {

/// Messages to payloads of frames with RSV1.
class Compressor {
 public:
  /// `bits`: of the window, 8 to 15. Without `takeover` each message begins with an empty one.
  Compressor(int bits, bool takeover);
  std::string message(std::string_view plain);

 private:
  struct End {
    void operator()(z_stream* stream) const;
  };
  std::unique_ptr<z_stream, End> stream_;
  bool takeover_;
};

/// And back, with a window of no byte more than was agreed.
class Decompressor {
 public:
  Decompressor(int bits, bool takeover);
  /// The message, or nothing if it needs another window or is no deflate.
  std::optional<std::string> message(std::string_view packed);

 private:
  struct End {
    void operator()(z_stream* stream) const;
  };
  std::unique_ptr<z_stream, End> stream_;
  bool takeover_;
  std::size_t room_;  ///< bytes that zlib may write at once
};

}  // namespace sluice::ws::cases
