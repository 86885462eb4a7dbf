// The command from outside: help, versions, mistakes. Nothing here needs a privilege.
#include <doctest/doctest.h>

#include <string>

#include "tests/tools/said.hpp"

namespace sluice::tools {
namespace {

void refuses(const std::string& words, const std::string& sentence) {
  const Said said = sluice(words);
  INFO(words);
  CHECK(said.status == 2);
  CHECK(said.text.starts_with("sluice"));
  CHECK(said.text.find(sentence) != std::string::npos);
  CHECK(said.text.find('\n') == said.text.size() - 1);
}

}  // namespace

TEST_CASE("every subcommand has help with examples, and the command a version") {
  CHECK(sluice("--version").text == "sluice " SLUICE_VERSION "\n");
  for (const char* words : {"", "serve ", "get ", "nc ", "ws ", "ping ", "ss ", "stats ", "capture ", "capture start ",
                            "replay ", "explain ", "drill "}) {
    const Said said = sluice(std::string(words) + "--help");
    INFO(words);
    CHECK(said.status == 0);
    CHECK(said.text.find("Examples:") != std::string::npos);
  }
}

TEST_CASE("what does not go with several shards is refused by name") {
  refuses("serve --shards 2 --tap", "--shards: above 1 does not go with --tap");
  refuses("serve --shards 2 --also '--dev other0'", "--shards: above 1 does not go with --also");
  refuses("serve --shards 2 --trace x", "--shards: above 1 does not go with --trace");
  refuses("serve --shards 2 --http 80 --ws-chat /chat", "--shards: above 1 does not go with --ws-chat");
  refuses("serve --shards 2 --loss 1%", "--shards: above 1 does not go with a bad link");
}

TEST_CASE("a wrong flag or value is one sentence and exit 2") {
  refuses("", "A subcommand is required");
  refuses("srve", "there is no subcommand srve");
  refuses("serve --bogus", "--bogus");
  refuses("serve --loss 200%", "--loss: \"200%\" is not a probability");
  refuses("serve --delay 20", "--delay: ");
  refuses("serve --http 70000", "--http: \"70000\" is not a port from 1 to 65535");
  refuses("serve --mtu 12", "--mtu: ");
  refuses("serve --dev interface-name-too-long", "--dev: ");
  refuses("serve --busy-poll-share 120%", "--busy-poll-share: \"120%\" is no share");
  refuses("serve --backend dpdk", "--backend: \"dpdk\" is neither epoll nor uring");
  refuses("serve --congestion vegas", "--congestion: \"vegas\" is none of cubic, reno and bbr");
  refuses("serve --local 10.0.0.1", "--local: ");
  refuses("serve --local fd00::1/64", "--local: takes an IPv4 address");
  refuses("serve --peer 10.0.0.1", "--peer: needs --local");
  refuses("serve --local 10.0.0.1/24 --peer fd00::1", "--peer: takes an IPv4 address");
  refuses("serve --local 10.0.0.1/24 --peer 10.0.0.1", "--peer: is the kernel's end");
  refuses("serve --local6 fd00::1/64 --mtu 1000", "--mtu: IPv6 needs 1280 bytes or more");
  refuses("serve --root .", "--root: needs --http or --https");
  refuses("serve --http 80 --cache 60", "--cache: needs --root");
  refuses("serve --http 80 --root . --cache 1h", "--cache: \"1h\" is not 0 to 31536000 seconds");
  refuses("serve --http 80 --no-precompressed", "--no-precompressed: needs --root");
  refuses("serve --http 80 --idle-time 0", "--idle-time: is at least 1ms");
  refuses("serve --http 80 --idle-time 5", "--idle-time: ");
  refuses("serve --keep-alive-requests 5", "--keep-alive-requests: needs --http or --https");
  refuses("serve --http 80 --keep-alive-requests 0", "--keep-alive-requests: \"0\" is not a number");
  refuses("serve --https 443 --tls-cert x", "--tls-cert: and --tls-key need each other");
  refuses("serve --http 80 --tls-cert x --tls-key y", "--tls-cert: needs --https");
  refuses("serve --http 80 --https 80", "--https: has the port of --http");
  refuses("serve --https 443 --tcp-echo 443", "--https: has the port of another service");
  refuses("serve --ws-echo /x", "--ws-echo: needs --http");
  refuses("serve --http 80 --ws-echo x", "--ws-echo: \"x\" is not a path");
  refuses("serve --ws-chat /x", "--ws-chat: needs --http");
  refuses("serve --http 80 --ws-chat /x/", "--ws-chat: is a path such as /chat");
  refuses("serve --http 80 --ws-chat /x --ws-echo /x/ws", "--ws-chat: has the path of --ws-echo");
  refuses("serve --http 80 --tcp-echo 80", "--tcp-echo: has the port of --http");
  refuses("serve --tcp-echo 7 --tcp-discard 7", "--tcp-discard: has the port of another service");
  refuses("serve --name a/b", "--name: ");
  for (const char* count : {"0", "17", "-1", "two"})
    refuses(std::string("serve --tcp-echo 7 --shards ") + count, "--shards: ");
  refuses("stats --format xml", "--format: \"xml\" is none of text, json and prometheus");
  refuses("nc 10.0.0.1", "give HOST and PORT");
  refuses("nc -l", "WHERE");
  refuses("nc 10.0.0.1 http", "\"http\" is not a port");
  refuses("ws", "URL");
  refuses("ws http://10.0.0.1/", "http:// is no WebSocket");
  refuses("ws 'ws://10.0.0.1/#x'", "fragment");
  refuses("ws --close 1005 ws://10.0.0.1/", "--close: \"1005\" does not begin with a code");
  refuses("ws --close 1000:" + std::string(124, 'x') + " ws://10.0.0.1/", "--close: a reason is UTF-8 of at most 123");
  refuses("ws --binary --hex ws://10.0.0.1/", "--binary and --hex exclude each other");
  refuses("ws --chunk 0 ws://10.0.0.1/", "--chunk: is 1 byte to 16 MiB");
  refuses("ws --ping 0 ws://10.0.0.1/", "--ping: is at least 1ms");
  refuses("ws --user ann ws://10.0.0.1/", "--user: is NAME:PASSWORD");
  refuses("ws --reconnect=0 ws://10.0.0.1/", "--reconnect: \"0\" is not a number");
  refuses("ws -H nonsense ws://10.0.0.1/", "--header: \"nonsense\" is not a field");
  refuses("ws -H 'Host: x' ws://10.0.0.1/", "not for --header");
  refuses("ws --subprotocol 'a b' ws://10.0.0.1/", "a subprotocol is a token");
  refuses("ping --interval 0 10.0.0.1", "--interval: is at least 1ms");
  refuses("get", "URL");
  refuses("capture", "A subcommand is required");
  refuses("capture start", "FILE");
}

TEST_CASE("a name nobody has is a failure, not a wrong flag") {
  const Said said = sluice("ss no-instance-of-this-name");
  CHECK(said.status == 1);
  CHECK(said.text == "sluice ss: no sluice named no-instance-of-this-name runs here\n");
}

}  // namespace sluice::tools
