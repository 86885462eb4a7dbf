// Calendar arithmetic by <chrono>; the words and columns of HTTP's three date forms by hand.
#include "http/date.hpp"

#include <array>
#include <chrono>

#include "http/message.hpp"

namespace sluice::http {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

void put_number(std::string& out, unsigned value, std::size_t width) {
  std::string digits(width, '0');
  for (std::size_t i = width; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out += digits;
}

/// Takes pieces off the front of a date; one miss and ok() stays false.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_ && rest_.empty(); }
  bool accept(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void expect(std::string_view word) { ok_ &= accept(word); }
  unsigned number(std::size_t width) {
    const auto value = parse_decimal(rest_.substr(0, width));
    if (!value || rest_.size() < width) {
      ok_ = false;
      return 0;
    }
    rest_.remove_prefix(width);
    return static_cast<unsigned>(*value);
  }
  /// The index of a three-letter name in `names`.
  unsigned name(std::string_view names) {
    const std::string_view word = rest_.substr(0, 3);
    for (std::size_t i = 0; i < names.size(); i += 3) {
      if (word == names.substr(i, 3)) {
        rest_.remove_prefix(3);
        return static_cast<unsigned>(i / 3);
      }
    }
    ok_ = false;
    return 0;
  }
  void fail() { ok_ = false; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

struct Parts {
  unsigned year = 1970, month = 0, day = 1, hour = 0, minute = 0, second = 0;
};

void read_clock(DateReader& in, Parts& parts) {
  parts.hour = in.number(2);
  in.expect(":");
  parts.minute = in.number(2);
  in.expect(":");
  parts.second = in.number(2);
}

/// Behind "Sun, ": 06 Nov 1994 08:49:37 GMT
void read_fixdate(DateReader& in, Parts& parts) {
  parts.day = in.number(2);
  in.expect(" ");
  parts.month = in.name(kMonths);
  in.expect(" ");
  parts.year = in.number(4);
  in.expect(" ");
  read_clock(in, parts);
  in.expect(" GMT");
}

/// Behind "Sunday, ": 06-Nov-94 08:49:37 GMT
void read_long_form(DateReader& in, Parts& parts) {
  parts.day = in.number(2);
  in.expect("-");
  parts.month = in.name(kMonths);
  in.expect("-");
  parts.year = in.number(2);
  parts.year += parts.year < 70 ? 2000 : 1900;
  in.expect(" ");
  read_clock(in, parts);
  in.expect(" GMT");
}

/// Behind "Sun ": Nov  6 08:49:37 1994
void read_asctime(DateReader& in, Parts& parts) {
  parts.month = in.name(kMonths);
  in.expect(" ");
  parts.day = in.accept(" ") ? in.number(1) : in.number(2);
  in.expect(" ");
  read_clock(in, parts);
  in.expect(" ");
  parts.year = in.number(4);
}

bool read_any_form(DateReader& in, Parts& parts) {
  for (const std::string_view day : kLongDays) {
    if (!in.accept(day)) continue;
    in.expect(", ");
    read_long_form(in, parts);
    return in.ok();
  }
  in.name(kDays);
  if (in.accept(", "))
    read_fixdate(in, parts);
  else if (in.accept(" "))
    read_asctime(in, parts);
  else
    in.fail();
  return in.ok();
}

}  // namespace

std::string format_date(std::int64_t unix_seconds) {
  using namespace std::chrono;
  const sys_seconds when{seconds{unix_seconds}};
  const sys_days day = floor<days>(when);
  const year_month_day date{day};
  const hh_mm_ss clock{when - day};
  std::string out;
  out.reserve(29);
  out += kDays.substr(weekday{day}.c_encoding() * 3, 3);
  out += ", ";
  put_number(out, static_cast<unsigned>(date.day()), 2);
  out += ' ';
  out += kMonths.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3);
  out += ' ';
  put_number(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out += ' ';
  put_number(out, static_cast<unsigned>(clock.hours().count()), 2);
  out += ':';
  put_number(out, static_cast<unsigned>(clock.minutes().count()), 2);
  out += ':';
  put_number(out, static_cast<unsigned>(clock.seconds().count()), 2);
  out += " GMT";
  return out;
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  using namespace std::chrono;
  DateReader in(text);
  Parts parts;
  if (!read_any_form(in, parts)) return std::nullopt;
  const year_month_day date{year{static_cast<int>(parts.year)}, month{parts.month + 1}, day{parts.day}};
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  const sys_seconds when = sys_days{date} + hours{parts.hour} + minutes{parts.minute} + seconds{parts.second};
  return when.time_since_epoch().count();
}

}  // namespace sluice::http
