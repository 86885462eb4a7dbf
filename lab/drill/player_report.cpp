// What a failure tells: the two packets, the exchange so far, the connection; see player.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "lab/drill/player.hpp"

namespace sluice::lab::drill {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostRungs = 40;

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> found;
  for (std::string word; in >> word;) found.push_back(word);
  return found;
}

// The words of a line, padded to the width of those of the other.
std::string padded(const std::vector<std::string>& these, const std::vector<std::string>& others) {
  std::string line;
  for (std::size_t i = 0; i < these.size(); ++i) {
    const std::size_t width = i < others.size() ? std::max(these[i].size(), others[i].size()) : these[i].size();
    line += (i == 0 ? "" : " ") + these[i] + std::string(width - these[i].size(), ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::string side_by_side(const std::string& expected, const std::string& actual) {
  const std::vector<std::string> left = words(expected), right = words(actual);
  std::string marks;
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    const std::string a = i < left.size() ? left[i] : "", b = i < right.size() ? right[i] : "";
    marks += (i == 0 ? "" : " ") + std::string(std::max(a.size(), b.size()), a == b ? ' ' : '^');
  }
  marks.erase(marks.find_last_not_of(' ') + 1);
  std::string text = "  expected  " + padded(left, right) + "\n  actual    " + padded(right, left) + "\n";
  return marks.empty() ? text : text + "            " + marks + "\n";
}

void Player::fail(const std::string& sentence, std::string detail) const {
  throw Deviation(sentence, std::move(detail));
}

void Player::note(Rung::Kind kind, std::string text, std::string why) {
  rungs_.push_back({stage().now(), kind, std::move(text), std::move(why)});
}

std::string Player::state_text() {
  tcp::Socket* socket = caller_ ? caller_->socket() : nullptr;
  const auto info = socket ? socket->info() : Result<tcp::Info>(Errc::stale_handle);
  if (!info) return {};
  return fmt::format(
      "  connection: {}, cwnd {}, ssthresh {}, in the network {}, unacknowledged {}, unsent {}, unread {}, RTO {:g} "
      "ms, "
      "SRTT {:g} ms\n",
      name(info->state), info->cwnd,
      info->ssthresh == 0xffff'ffff ? std::string("unlimited") : std::to_string(info->ssthresh), info->pipe,
      info->unacked, info->unsent, info->unread, std::chrono::duration<double, std::milli>(info->rto).count(),
      std::chrono::duration<double, std::milli>(info->srtt).count());
}

void Player::describe(Outcome& outcome, const Deviation& deviation) {
  if (index_ < script_.steps.size()) {
    outcome.line = script_.steps[index_].line;
    outcome.column = 1;
  }
  outcome.detail = deviation.detail;
  std::vector<Rung> rungs = rungs_;
  if (rungs.size() > kMostRungs) {
    outcome.detail += fmt::format("  … {} steps before\n", rungs.size() - kMostRungs);
    rungs.erase(rungs.begin(), rungs.end() - static_cast<std::ptrdiff_t>(kMostRungs));
  }
  if (!rungs.empty()) outcome.detail += ladder(rungs);
  outcome.detail += state_text();
}

}  // namespace sluice::lab::drill
