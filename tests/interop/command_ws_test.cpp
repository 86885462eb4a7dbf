// `sluice ws` as the client, python3-websockets as the server.
#include <doctest/doctest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/interop/command.hpp"

namespace sluice::interop {
namespace {

using Json = nlohmann::json;

constexpr const char* kUrl = "ws://10.77.1.1:8000/";

/// A server on port 8000 whose connections do what `body` says; it says "up" when it listens.
struct Server {
  std::unique_ptr<Program> program;

  Server(Lab& lab, const std::string& body, const std::string& arguments = "") {
    const std::string code = "import asyncio, websockets\nasync def talk(ws, path=''):\n" + body +
                             "async def main():\n"
                             "    async with websockets.serve(talk, ['0.0.0.0', '::'], 8000, max_size=None" +
                             arguments +
                             "):\n        print('up')\n        await asyncio.Future()\nasyncio.run(main())\n";
    program = lab.start({"/usr/bin/python3", "-uc", code});
    const bool up = program->wait_for("up");
    REQUIRE(up);
  }
};

constexpr const char* kEcho = "    async for message in ws: await ws.send(message)\n";

std::vector<Json> events_of(const Finished& ended) {
  std::vector<Json> events;
  std::istringstream lines(ended.out);
  for (std::string line; std::getline(lines, line);) events.push_back(Json::parse(line));
  return events;
}

}  // namespace

TEST_CASE("ws: lines are echoed by python3-websockets, over both families, and the close is clean") {
  Lab lab;
  Server server(lab, kEcho);
  for (const char* url : {kUrl, "ws://[fd77:0:0:1::1]:8000/"}) {
    const Finished ended = lab.sluice({"ws", "--wait", "200ms", url}, "hello\nGr\xc3\xbc\xc3\x9f\x65\n\nlast");
    INFO(ended.err);
    CHECK(ended.status == 0);
    CHECK(ended.out == "hello\nGr\xc3\xbc\xc3\x9f\x65\n\nlast\n");
    CHECK(ended.err.empty());
  }
}

TEST_CASE("ws: megabytes of binary messages come back byte for byte, over a bad link, too") {
  Lab lab;
  Server server(lab, kEcho);
  const std::string text = noise(3'000'000);
  CHECK(lab.sluice({"ws", "--binary", "--raw", "--wait", "300ms", kUrl}, text).out == text);
  const Finished lossy = lab.sluice({"ws", "--binary", "--raw", "--chunk", "300KiB", "--wait", "2s", "--loss", "1%",
                                     "--delay", "5ms", "--seed", "w", kUrl},
                                    text);
  CHECK(lossy.status == 0);
  CHECK(lossy.out == text);
}

TEST_CASE("ws: the chosen subprotocol, our fields and our origin are what the server sees") {
  Lab lab;
  Server server(lab,
                "    seen = ws.request_headers\n"
                "    for name in ('X-Test', 'Cookie', 'Origin', 'Host'): await ws.send(seen[name])\n",
                ", subprotocols=['chat.v2', 'chat.v1']");
  const Finished ended = lab.sluice({"ws", "-n", "--json", "--subprotocol", "none", "--subprotocol", "chat.v1", "-H",
                                     "X-Test:  two words ", "--cookie", "a=1", "--cookie", "b=2", "--origin",
                                     "https://example.org", kUrl});
  INFO(ended.err);
  CHECK(ended.status == 0);
  const std::vector<Json> events = events_of(ended);
  REQUIRE(events.size() == 6);
  CHECK(events[0].at("subprotocol") == "chat.v1");
  CHECK(events[1].at("text") == "two words");
  CHECK(events[2].at("text") == "a=1; b=2");
  CHECK(events[3].at("text") == "https://example.org");
  CHECK(events[4].at("text") == "10.77.1.1:8000");
  CHECK(events[5] == Json{{"type", "close"}, {"code", 1000}, {"reason", ""}, {"clean", true}});
}

TEST_CASE("ws: basic authentication opens the door, and without it one sentence says why it stayed shut") {
  Lab lab;
  Server server(
      lab, kEcho,
      ", create_protocol=websockets.basic_auth_protocol_factory(realm='here', credentials=('ann', 'se:cret'))");
  const Finished refused = lab.sluice({"ws", kUrl}, "x\n");
  CHECK(refused.status == 1);
  CHECK(refused.out.empty());
  CHECK(refused.err == "sluice ws: no WebSocket: the server answers 401 Unauthorized\n");
  const Finished welcome = lab.sluice({"ws", "--one", "--user", "ann:se:cret", kUrl}, "x\n");
  CHECK(welcome.status == 0);
  CHECK(welcome.out == "x\n");
}

TEST_CASE("ws: a close by the server is told with its code and reason, and is a clean end") {
  Lab lab;
  Server server(lab, "    await ws.send('last words')\n    await ws.close(4001, 'gone fishing')\n");
  const Finished ended = lab.sluice({"ws", "-n", kUrl});
  CHECK(ended.status == 0);
  CHECK(ended.out == "last words\n");
  CHECK(ended.err == "sluice ws: the server closed with 4001 gone fishing\n");
}

TEST_CASE("ws: our close says what it is told to say") {
  Lab lab;
  Server server(lab,
                "    try: await ws.recv()\n    except websockets.ConnectionClosed: print(ws.close_code, "
                "ws.close_reason)\n");
  CHECK(lab.sluice({"ws", "--wait", "0", "--close", "4002:that's all", kUrl}).status == 0);
  CHECK(server.program->wait_for("4002 that's all"));
}

TEST_CASE("ws: Pings go both ways") {
  Lab lab;
  Server server(lab, "    await (await ws.ping(b'there?'))\n    async for message in ws: await ws.send('ponged')\n");
  const Finished ended = lab.sluice({"ws", "--json", "--ping", "50ms", "--wait", "400ms", kUrl}, "x\n");
  CHECK(ended.status == 0);
  CHECK(ended.out.find(R"({"type":"ping","hex":"74686572653f"})") != std::string::npos);
  CHECK(ended.out.find(R"({"type":"message","kind":"text","text":"ponged"})") != std::string::npos);
  CHECK(ended.out.find(R"({"type":"pong","hex":"31","ms":)") != std::string::npos);
}

TEST_CASE("ws: without answer, without WebSocket and without Close it ends with 1 and a sentence") {
  Lab lab;
  const Finished nobody = lab.sluice({"ws", "ws://10.77.1.1:9/"});
  CHECK(nobody.status == 1);
  CHECK(nobody.err == "sluice ws: 10.77.1.1:9: connection refused\n");
  const Finished silent = lab.sluice({"ws", "--connect-timeout", "200ms", "ws://10.77.1.77/"});
  CHECK(silent.status == 1);
  CHECK(silent.err == "sluice ws: 10.77.1.77:80: no answer within 200 ms\n");
  Server server(lab, "    ws.transport.abort()\n");
  const Finished broken = lab.sluice({"ws", "-n", kUrl});
  CHECK(broken.status == 1);
  CHECK(broken.err.starts_with("sluice ws: the connection broke off: 1006"));
}

TEST_CASE("ws: it comes back when the server says later, and gives up after so many attempts") {
  Lab lab;
  Server server(lab,
                "    global visits\n    visits += 1\n"
                "    if visits == 1: return await ws.close(1012, 'restart')\n"
                "    await ws.send('again')\n    await ws.wait_closed()\n"
                "visits = 0\n");
  const Finished ended = lab.sluice({"ws", "--reconnect=3", "--one", "-v", kUrl});
  CHECK(ended.status == 0);
  CHECK(ended.out == "again\n");
  CHECK(ended.err.find("the server closed with 1012 restart\nsluice ws: again in ") != std::string::npos);
  const Finished gone = lab.sluice({"ws", "--reconnect=1", "-v", "ws://10.77.1.1:9/"});
  CHECK(gone.status == 1);
  CHECK(gone.err.find("again in ") == gone.err.rfind("again in "));
}

TEST_CASE("ws: SIGINT closes in good order") {
  Lab lab;
  Server server(lab,
                "    await ws.send('hello')\n    try: await ws.recv()\n    except websockets.ConnectionClosed: "
                "print('closed', ws.close_code)\n");
  auto client = lab.start({SLUICE_COMMAND, "ws", "-n", kUrl});
  REQUIRE(client->wait_for("hello"));
  client->signal(SIGINT);
  CHECK(server.program->wait_for("closed 1000"));
  CHECK(client->wait().status == 0);
}

}  // namespace sluice::interop
