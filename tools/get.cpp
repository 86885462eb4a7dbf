// `sluice get`: the flags, and curl's exit codes.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "lab/file_bytes.hpp"
#include "tools/arguments.hpp"
#include "tools/commands.hpp"
#include "tools/fetch.hpp"
#include "tools/resolve.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice get http://10.77.1.1:8000/             from a server of the kernel's on this machine
  sluice get -i -o page.html http://10.77.1.1:8000/page.html
  sluice get --json --loss 2% --delay 10ms http://10.77.1.1:8000/big | jq .tcp.retransmissions

  sluice get --cacert ca.pem https://10.77.1.1:8443/

SSLKEYLOGFILE names a file for the secrets of TLS.
Exit, as curl's: 0 done, 1 a scheme that is not spoken, 2 a wrong flag or value, 3 no URL, 6 an unknown host,
7 no connection, 18 the body broke off, 22 a status of 400 or more with --fail, 23 the output failed, 28 too slow,
35 no TLS, 52 no answer, 56 the connection failed, 60 a certificate that is not believed, 77 no certificates.)";

struct Options {
  LinkOptions link;
  FetchOptions fetch;
  std::string trusted_file;
};

int complain(int code, const std::string& sentence) {
  fmt::print(stderr, "sluice get: {}\n", sentence);
  return code;
}

int get(Options& options) {
  const auto parsed = http::parse_url(options.fetch.url);
  if (const auto* error = std::get_if<http::UrlError>(&parsed)) return complain(3, error->message);
  const http::Url& url = std::get<http::Url>(parsed);
  if (url.scheme != "http" && url.scheme != "https")
    return complain(1, fmt::format("{} is not spoken here, only http and https", url.scheme));
  if (!options.trusted_file.empty()) {
    const auto file = lab::FileBytes::load(options.trusted_file);
    if (!file || (*file).bytes().empty())
      return complain(77, file ? options.trusted_file + ": an empty file" : file.error);
    options.fetch.trusted = as_text((*file).bytes());
  }
  const std::vector<IpAddress> addresses = resolve(url.host);
  if (addresses.empty()) return complain(6, fmt::format("no address is known for {}", url.host));
  std::signal(SIGPIPE, SIG_IGN);
  Host host(options.link, Role::client);
  const Result<IpAddress> address = reachable(addresses, host);
  if (!address) return complain(7, "the stack has no address of this family (see --local6)");
  return run_fetch(host, url, *address, options.fetch);
}

}  // namespace

void add_get(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("get", "Fetch a URL, on a stack of its own");
  const auto options = std::make_shared<Options>();
  command->add_option("URL", options->fetch.url, "http://HOST[:PORT]/PATH, or https")->required();
  command->add_option("-o,--output", options->fetch.output, "write the body there [standard output]")
      ->type_name("FILE");
  command->add_flag("-i,--include", options->fetch.include, "the answer's head, too");
  command->add_flag("-f,--fail", options->fetch.fail, "a status of 400 or more is a failure: exit 22");
  command->add_option("--cacert", options->trusted_file, "PEM: believe these certificates, not the system's")
      ->type_name("FILE");
  command->add_flag("-k,--insecure", options->fetch.insecure, "believe any certificate");
  command->add_flag("--json", options->fetch.json,
                    "one line about the answer and its connection; the body only with -o");
  add_value(*command, "-m,--max-time", options->fetch.limit, lab::parse_time, "TIME", "for all of it [2min]");
  add_link_options(*command, options->link, Role::client);
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return get(*options); }; });
}

}  // namespace sluice::tools
