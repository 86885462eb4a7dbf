// Pieces in order; see stream_text.hpp.
#include "lab/stream_text.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace sluice::lab {
namespace {

constexpr std::array<std::uint8_t, 4096> kZeros{};

}  // namespace

bool StreamText::place(std::uint64_t at, Bytes text) {
  if (text.empty()) return false;
  const std::uint64_t end = at + text.size();
  if (at >= size_) {  // as nearly always
    pieces_.push_back({at, text});
    size_ = end;
    return true;
  }
  bool fresh = false;
  auto next = std::partition_point(pieces_.begin(), pieces_.end(), [at](const Piece& one) { return one.end() <= at; });
  while (at < end) {
    const std::uint64_t known = next == pieces_.end() ? end : std::min(next->at, end);
    if (at < known) {
      next = pieces_.insert(next, {at, text.subspan(text.size() - static_cast<std::size_t>(end - at),
                                                    static_cast<std::size_t>(known - at))});
      fresh = true;
    }
    at = std::max(at, next->end());
    ++next;
  }
  size_ = std::max(size_, end);
  return fresh;
}

Bytes StreamText::run_at(std::uint64_t at) const noexcept {
  const auto next =
      std::partition_point(pieces_.begin(), pieces_.end(), [at](const Piece& one) { return one.end() <= at; });
  if (next == pieces_.end()) return {};
  if (next->at <= at) return next->text.subspan(static_cast<std::size_t>(at - next->at));
  return Bytes(kZeros).first(static_cast<std::size_t>(std::min<std::uint64_t>(next->at - at, kZeros.size())));
}

std::size_t StreamText::agreement(std::uint64_t at, Bytes text) const noexcept {
  std::size_t done = 0;
  while (done < text.size()) {
    Bytes run = run_at(at + done);
    run = run.first(std::min(run.size(), text.size() - done));
    if (run.empty()) return done;
    if (std::memcmp(run.data(), text.data() + done, run.size()) == 0) {
      done += run.size();
      continue;
    }
    const auto wrong = std::mismatch(run.begin(), run.end(), text.begin() + static_cast<std::ptrdiff_t>(done)).first;
    return done + static_cast<std::size_t>(wrong - run.begin());
  }
  return done;
}

std::vector<std::uint8_t> StreamText::copy() const {
  std::vector<std::uint8_t> all;
  all.reserve(static_cast<std::size_t>(size_));
  while (all.size() < size_) {
    const Bytes run = run_at(all.size());
    all.insert(all.end(), run.begin(), run.end());
  }
  return all;
}

}  // namespace sluice::lab
