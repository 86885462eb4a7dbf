// Media types by the ending of a name.
#include <array>

#include "http/message.hpp"
#include "http/static_files.hpp"

namespace sluice::http {
namespace {

struct MediaType {
  std::string_view ending;
  std::string_view type;
};

constexpr std::array kMediaTypes = {
    MediaType{"html", "text/html; charset=utf-8"},
    MediaType{"htm", "text/html; charset=utf-8"},
    MediaType{"css", "text/css; charset=utf-8"},
    MediaType{"js", "text/javascript; charset=utf-8"},
    MediaType{"mjs", "text/javascript; charset=utf-8"},
    MediaType{"txt", "text/plain; charset=utf-8"},
    MediaType{"md", "text/markdown; charset=utf-8"},
    MediaType{"csv", "text/csv; charset=utf-8"},
    MediaType{"json", "application/json"},
    MediaType{"map", "application/json"},
    MediaType{"xml", "application/xml"},
    MediaType{"svg", "image/svg+xml"},
    MediaType{"png", "image/png"},
    MediaType{"jpg", "image/jpeg"},
    MediaType{"jpeg", "image/jpeg"},
    MediaType{"gif", "image/gif"},
    MediaType{"webp", "image/webp"},
    MediaType{"avif", "image/avif"},
    MediaType{"ico", "image/x-icon"},
    MediaType{"woff", "font/woff"},
    MediaType{"woff2", "font/woff2"},
    MediaType{"ttf", "font/ttf"},
    MediaType{"pdf", "application/pdf"},
    MediaType{"wasm", "application/wasm"},
    MediaType{"zip", "application/zip"},
    MediaType{"gz", "application/gzip"},
    MediaType{"tar", "application/x-tar"},
    MediaType{"mp3", "audio/mpeg"},
    MediaType{"ogg", "audio/ogg"},
    MediaType{"wav", "audio/wav"},
    MediaType{"mp4", "video/mp4"},
    MediaType{"webm", "video/webm"},
    MediaType{"pcapng", "application/vnd.tcpdump.pcap"},
    MediaType{"pcap", "application/vnd.tcpdump.pcap"},
};

}  // namespace

std::string_view media_type(std::string_view path) noexcept {
  const std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  const std::size_t dot = name.rfind('.');
  if (dot != name.npos) {
    for (const MediaType& known : kMediaTypes) {
      if (iequals(known.ending, name.substr(dot + 1))) return known.type;
    }
  }
  return "application/octet-stream";
}

}  // namespace sluice::http
