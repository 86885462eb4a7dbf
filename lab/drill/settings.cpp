// Profiles, options, sysctls; see settings.hpp.
#include "lab/drill/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace sluice::lab::drill {
namespace {

using namespace std::chrono_literals;

std::optional<std::int64_t> integer(std::string_view text) noexcept {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::vector<std::string_view> words(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> found;
  for (std::size_t at = 0; (at = text.find_first_not_of(separators, at)) != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    found.push_back(text.substr(at, end - at));
    at = end;
  }
  return found;
}

std::string not_a_number(std::string_view name, std::string_view value) {
  return std::string(name) + " is '" + std::string(value) + "', which is not a number in its range";
}

// --- sysctl ------------------------------------------------------------------------------------------------------

/// A setting of one number: what it does, and whether the number is one that it can be.
struct Number {
  std::string_view name;
  std::int64_t least;
  std::int64_t most;
  void (*apply)(std::int64_t, Settings&);
};

template <class T>
constexpr T as(std::int64_t value) noexcept {
  return static_cast<T>(value);
}

constexpr std::int64_t kMostSeconds = 1'000'000;
constexpr std::int64_t kLargestBuffer = std::int64_t{1} << 30;

void set_ecn(std::int64_t value, Settings& settings) {
  static constexpr std::array kPolicies = {tcp::EcnPolicy::off, tcp::EcnPolicy::active, tcp::EcnPolicy::passive,
                                           tcp::EcnPolicy::active, tcp::EcnPolicy::passive};
  settings.socket.ecn = kPolicies[as<std::size_t>(value)];
  settings.socket.accurate_ecn = value >= 3;
}

void set_fast_open(std::int64_t value, Settings& settings) {
  settings.fast_open_client = (value & 1) != 0;
  settings.fast_open_server = (value & 2) != 0;
}

constexpr Number kNumbers[] = {
    {"net.ipv4.tcp_sack", 0, 1, [](std::int64_t v, Settings& s) { s.config.tcp.sack = v != 0; }},
    {"net.ipv4.tcp_timestamps", 0, 2, [](std::int64_t v, Settings& s) { s.config.tcp.timestamps = v != 0; }},
    {"net.ipv4.tcp_window_scaling", 0, 1, [](std::int64_t v, Settings& s) { s.config.tcp.window_scaling = v != 0; }},
    {"net.ipv4.tcp_ecn", 0, 4, set_ecn},
    {"net.ipv4.tcp_fastopen", 0, 0xffff, set_fast_open},
    {"net.ipv4.tcp_syn_retries", 0, 127,
     [](std::int64_t v, Settings& s) { s.config.tcp.syn_retries = as<std::uint8_t>(v); }},
    {"net.ipv4.tcp_synack_retries", 0, 127,
     [](std::int64_t v, Settings& s) { s.config.tcp.syn_ack_retries = as<std::uint8_t>(v); }},
    {"net.ipv4.tcp_retries1", 0, 127, [](std::int64_t v, Settings& s) { s.config.tcp.r1 = as<std::uint8_t>(v); }},
    {"net.ipv4.tcp_retries2", 0, 127, [](std::int64_t v, Settings& s) { s.config.tcp.r2 = as<std::uint8_t>(v); }},
    {"net.ipv4.tcp_fin_timeout", 1, kMostSeconds,
     [](std::int64_t v, Settings& s) { s.config.tcp.fin_wait_2 = std::chrono::seconds(v); }},
    {"net.ipv4.tcp_keepalive_time", 1, kMostSeconds,
     [](std::int64_t v, Settings& s) { s.socket.keep_alive.idle = std::chrono::seconds(v); }},
    {"net.ipv4.tcp_keepalive_intvl", 1, kMostSeconds,
     [](std::int64_t v, Settings& s) { s.socket.keep_alive.interval = std::chrono::seconds(v); }},
    {"net.ipv4.tcp_keepalive_probes", 1, 127,
     [](std::int64_t v, Settings& s) { s.socket.keep_alive.probes = as<std::uint8_t>(v); }},
    {"net.ipv4.tcp_notsent_lowat", 0, 0xffff'ffff,
     [](std::int64_t v, Settings& s) { s.socket.unsent_low_water = v >= kLargestBuffer ? 0 : as<std::size_t>(v); }},
    {"net.ipv4.tcp_invalid_ratelimit", 0, 60000,
     [](std::int64_t v, Settings& s) { s.config.tcp.challenge_ack_interval = std::chrono::milliseconds(v); }},
    {"net.ipv4.tcp_mtu_probing", 0, 2,
     [](std::int64_t v, Settings& s) {
       static constexpr std::array kModes = {tcp::PathMtuProbing::off, tcp::PathMtuProbing::on_black_hole,
                                             tcp::PathMtuProbing::always};
       s.socket.path_mtu_probing = kModes[as<std::size_t>(v)];
     }},
    {"net.ipv4.tcp_syncookies", 0, 2,
     [](std::int64_t v, Settings& s) {
       static constexpr std::array kUses = {tcp::SynCookieUse::off, tcp::SynCookieUse::on, tcp::SynCookieUse::always};
       s.config.tcp.syn_cookies = kUses[as<std::size_t>(v)];
     }},
    {"net.ipv4.tcp_max_syn_backlog", 1, 1 << 20,
     [](std::int64_t v, Settings& s) { s.config.tcp.maximum_half_open = as<std::size_t>(v); }},
    {"net.ipv4.tcp_rto_min_us", 1, 100'000'000,
     [](std::int64_t v, Settings& s) { s.config.tcp.rto_variance_floor = std::chrono::microseconds(v); }},
    {"net.ipv4.tcp_rto_max_ms", 60'000, 120'000,
     [](std::int64_t v, Settings& s) { s.config.tcp.rto_ceiling = std::chrono::milliseconds(v); }},
    {"net.ipv4.ip_default_ttl", 1, 255,
     [](std::int64_t v, Settings& s) { s.config.ip.hop_limit = as<std::uint8_t>(v); }},
    {"net.ipv4.tcp_pacing", 0, 1, [](std::int64_t v, Settings& s) { s.socket.pacing = v != 0; }},
};

/// Settings that we have in one way only; another value is an error.
struct Fixed {
  std::string_view name;
  std::string_view values;  ///< those that change nothing, with spaces between them; "*": all
};

constexpr Fixed kFixed[] = {
    {"net.ipv4.tcp_slow_start_after_idle", "1"},
    {"net.ipv4.tcp_dsack", "1"},
    {"net.ipv4.tcp_recovery", "1 3"},
    {"net.ipv4.tcp_early_retrans", "3 4"},
    {"net.ipv4.tcp_fack", "0"},
    {"net.ipv4.tcp_no_metrics_save", "1"},
    {"net.ipv4.tcp_abort_on_overflow", "0"},
    {"net.ipv4.tcp_rfc1337", "1"},
    {"net.ipv4.tcp_stdurg", "0"},
    {"net.ipv4.tcp_tw_reuse", "0 1 2"},
    {"net.ipv4.tcp_thin_linear_timeouts", "0"},
    {"net.ipv4.tcp_min_tso_segs", "*"},
    {"net.ipv4.tcp_tso_win_divisor", "*"},
    {"net.ipv4.tcp_limit_output_bytes", "*"},
    {"net.ipv4.tcp_autocorking", "*"},
    {"net.ipv4.tcp_mem", "*"},
    {"net.core.rmem_max", "*"},
    {"net.core.wmem_max", "*"},
    {"net.core.somaxconn", "*"},
    {"net.core.optmem_max", "*"},
    {"net.core.default_qdisc", "*"},
    {"net.ipv4.tcp_low_latency", "*"},
    {"net.ipv4.tcp_fastopen_blackhole_timeout_sec", "*"},
    {"net.ipv4.tcp_fastopen_blackhole_detect_timeout_sec", "*"},
    {"net.ipv4.tcp_ecn_fallback", "*"},
    {"net.ipv4.tcp_pacing_ss_ratio", "200"},
    {"net.ipv4.tcp_pacing_ca_ratio", "120"},
    {"net.ipv4.tcp_comp_sack_nr", "0"},
    {"net.ipv4.tcp_backlog_ack_defer", "*"},
};

std::optional<tcp::CongestionControl> controller(std::string_view name) noexcept {
  if (name == "reno") return tcp::CongestionControl::reno;
  if (name == "cubic") return tcp::CongestionControl::cubic;
  if (name == "bbr") return tcp::CongestionControl::bbr;
  return std::nullopt;
}

// tcp_rmem, tcp_wmem: least, first and largest size. The first one is where the buffer begins; a buffer that can't grow
// has a fixed size.
std::string apply_memory(std::string_view name, std::string_view value, Settings& settings) {
  const std::vector<std::string_view> sizes = words(value, " \t,");
  if (sizes.size() != 3) return std::string(name) + " needs three sizes";
  const auto first = integer(sizes[1]), most = integer(sizes[2]);
  if (!first || !most || *first < 1 || *most < 1 || *first > kLargestBuffer || *most > kLargestBuffer)
    return not_a_number(name, value);
  const bool receives = name.ends_with("rmem");
  std::size_t& fixed = receives ? settings.socket.receive_buffer : settings.socket.send_buffer;
  std::size_t& largest = receives ? settings.socket.receive_buffer_maximum : settings.socket.send_buffer_maximum;
  fixed = as<std::size_t>(*first) == tcp::kInitialBuffer ? 0 : std::max<std::size_t>(as<std::size_t>(*first), 2048);
  largest = as<std::size_t>(std::max(*first, *most));
  return {};
}

std::string apply_sysctl(std::string name, std::string_view value, Settings& settings) {
  std::replace(name.begin(), name.end(), '/', '.');
  for (const Number& one : kNumbers) {
    if (one.name != name) continue;
    const auto number = integer(value);
    if (!number || *number < one.least || *number > one.most) return not_a_number(name, value);
    one.apply(*number, settings);
    return {};
  }
  for (const Fixed& one : kFixed) {
    if (one.name != name) continue;
    const std::vector<std::string_view> values = words(one.values, " ");
    if (one.values == "*" || std::find(values.begin(), values.end(), value) != values.end()) return {};
    return name + " can only be " + std::string(one.values) + " here";
  }
  if (name == "net.ipv4.tcp_rmem" || name == "net.ipv4.tcp_wmem") return apply_memory(name, value, settings);
  if (name == "net.ipv4.tcp_congestion_control" || name == "net.ipv4.tcp_allowed_congestion_control") {
    const auto chosen = controller(value);
    if (!chosen) return "there is no congestion control '" + std::string(value) + "' here: reno, cubic or bbr";
    settings.config.tcp.congestion = *chosen;
    return {};
  }
  return "there is no setting " + name + " here";
}

// --- commands ----------------------------------------------------------------------------------------------------

/// The words of a command, quotes taken off.
std::vector<std::string> command_words(std::string_view text) {
  std::vector<std::string> found;
  std::string word;
  char quote = 0;
  bool any = false;
  const auto finish = [&] {
    if (any) found.push_back(std::exchange(word, {}));
    any = false;
  };
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      any = true;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      finish();
    } else {
      word += c;
      any = true;
    }
  }
  finish();
  return found;
}

/// Commands that prepare a kernel for scripts, or tidy up behind them: a stack that was just made needs neither.
bool changes_nothing(const std::vector<std::string>& command) {
  const std::string& program = command[0];
  const std::string file = program.substr(program.rfind('/') + 1);
  static constexpr std::array<std::string_view, 9> kFiles = {
      "defaults.sh", "set_sysctls.py", "clean.sh", "sleep", "sync", "true", "echo", ":", "ethtool"};
  if (std::find(kFiles.begin(), kFiles.end(), file) != kFiles.end()) return true;
  const bool metrics = file == "ip" && command.size() > 1 && command[1] == "tcp_metrics";
  const bool queue = file == "tc" && command.size() > 1 && command[1] == "qdisc";
  return metrics || queue;
}

std::string apply_sysctls(const std::vector<std::string>& command, Settings& settings) {
  for (std::size_t i = 1; i < command.size(); ++i) {
    const std::string& word = command[i];
    if (word.starts_with("-")) continue;
    const std::size_t equals = word.find('=');
    if (equals == word.npos) return "sysctl needs NAME=VALUE, and '" + word + "' has no '='";
    std::string trouble = apply_sysctl(word.substr(0, equals), word.substr(equals + 1), settings);
    if (!trouble.empty()) return trouble;
  }
  return {};
}

// "set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0": the same settings by their paths.
std::string apply_paths(const std::vector<std::string>& command, Settings& settings) {
  static constexpr std::string_view kRoot = "/proc/sys/";
  for (const std::string& word : command) {
    if (!word.starts_with(kRoot)) continue;
    const std::size_t equals = word.find('=');
    if (equals == word.npos) continue;
    std::string trouble = apply_sysctl(word.substr(kRoot.size(), equals - kRoot.size()),
                                       std::string_view(word).substr(equals + 1), settings);
    if (!trouble.empty()) return trouble;
  }
  return {};
}

std::string apply_one(std::string_view text, Settings& settings) {
  const std::vector<std::string> command = command_words(text);
  if (command.empty()) return {};
  if (command[0] == "sysctl" || command[0].ends_with("/sysctl")) return apply_sysctls(command, settings);
  if (changes_nothing(command)) return apply_paths(command, settings);
  return "the command '" + command[0] + "' means nothing here";
}

std::string apply_version(std::string_view value, Settings& settings) {
  if (value == "ipv4")
    settings.version = IpVersion::v4;
  else if (value == "ipv6")
    settings.version = IpVersion::v6;
  else if (value == "ipv4-mapped-ipv6")
    settings.version = IpVersion::mapped;
  else
    return "ip_version is ipv4, ipv6 or ipv4-mapped-ipv6";
  return {};
}

std::string apply_address(std::string_view name, std::string_view value, std::optional<IpAddress>& target) {
  const auto address = IpAddress::parse(value);
  if (!address) return std::string(name) + " is '" + std::string(value) + "', which is no address";
  target = *address;
  return {};
}

}  // namespace

// What Linux does differently as far as we have a setting for it. What we don't have stands in docs/drill.md.
Settings settings_of(Profile profile) {
  Settings settings;
  settings.config.key = Key{};
  if (profile == Profile::sluice) return settings;
  settings.config.tcp.syn_retries = 6;
  settings.config.tcp.rto_variance_floor = 200ms;
  settings.config.tcp.delayed_ack = 40ms;
  settings.config.tcp.challenge_ack_interval = 500ms;
  settings.socket.path_mtu_probing = tcp::PathMtuProbing::off;
  return settings;
}

std::string apply_option(std::string_view name, std::string_view value, Settings& settings) {
  const auto number = integer(value);
  const auto in = [&](std::int64_t least, std::int64_t most) { return number && *number >= least && *number <= most; };
  if (name == "ip_version") return apply_version(value, settings);
  if (name == "tolerance_usecs") {
    if (!in(0, 1'000'000'000)) return not_a_number(name, value);
    settings.tolerance = std::chrono::microseconds(*number);
  } else if (name == "mtu") {
    if (!in(576, 65535)) return not_a_number(name, value);
    settings.mtu = as<std::size_t>(*number);
  } else if (name == "bind_port" || name == "connect_port") {
    if (!in(1, 65535)) return not_a_number(name, value);
    (name == "bind_port" ? settings.bind_port : settings.connect_port) = as<std::uint16_t>(*number);
  } else if (name == "local_ip" || name == "local_ipv4" || name == "local_ipv6") {
    return apply_address(name, value, settings.local);
  } else if (name == "remote_ip" || name == "remote_ipv4" || name == "remote_ipv6") {
    return apply_address(name, value, settings.remote);
  } else if (name == "strict") {
    settings.strict = true;
  } else if (name == "profile") {
    return "the profile is chosen on the command line";
  } else {
    static constexpr std::array<std::string_view, 12> kNothing = {
        "dry_run",     "verbose",    "so_filename", "send_omit_free", "speed", "persistent_tun_dev",
        "wire_client", "netmask_ip", "gateway_ip",  "non_fatal",      "debug", "init_scripts"};
    if (std::find(kNothing.begin(), kNothing.end(), name) == kNothing.end())
      return "there is no option --" + std::string(name) + " for scripts";
  }
  return {};
}

std::string apply_command(std::string_view command, Settings& settings) {
  std::string text(command);
  std::replace(text.begin(), text.end(), '\n', ';');
  std::size_t at = 0;
  while ((at = text.find("&&", at)) != text.npos) text.replace(at, 2, ";;");
  for (const std::string_view one : words(text, ";")) {
    std::string trouble = apply_one(one, settings);
    if (!trouble.empty() && !settings.ignore_shell) return trouble;
  }
  return {};
}

}  // namespace sluice::lab::drill
