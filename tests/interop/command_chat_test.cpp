// `sluice serve --ws-chat` with python3-websockets as its guests.
#include <doctest/doctest.h>

#include "tests/interop/command.hpp"

namespace sluice::interop {
namespace {

struct ChatLab : Lab {
  std::unique_ptr<Program> server = serve({"--http", "80", "--ws-chat", "/chat", "--ws-echo", "/echo"});

  /// Runs `body`, the inside of an async function, with guests at hand; what it prints must be "done".
  void talk(const std::string& body) {
    const Finished client = python(R"(
import asyncio, json, websockets
URL = "ws://10.77.0.2/chat/ws"
class Guest:
    async def enter(name=None, **options):
        guest = Guest()
        guest.ws = await websockets.connect(URL + (f"?name={name}" if name else ""), open_timeout=10, **options)
        if name: guest.welcome = await guest.hear("welcome")
        return guest
    async def say(self, **what): await self.ws.send(json.dumps(what))
    async def next(self): return json.loads(await asyncio.wait_for(self.ws.recv(), 20))
    async def hear(self, kind):
        while True:
            event = await self.next()
            if event["type"] == kind: return event
async def main():
)" + body + "\nasyncio.run(main())\nprint('done')\n");
    INFO(client.err);
    CHECK(client.out == "done\n");
  }
};

}  // namespace

TEST_CASE("chat: what one says reaches all, with name and time, markup as the text that it is") {
  ChatLab lab;
  lab.talk(R"(
    import time
    guests = [await Guest.enter(f"guest+{i}") for i in range(20)]
    markup = "<script>alert(1)</script> & \u2028 \U0001f600"
    await guests[7].say(type="message", text=markup)
    for guest in guests:
        event = await guest.hear("message")
        assert event["name"] == "guest 7" and event["text"] == markup, event
        assert abs(event["time"] / 1000 - time.time()) < 60
)");
}

TEST_CASE("chat: who comes and goes is told and counted, and a name is held by one") {
  ChatLab lab;
  lab.talk(R"(
    ann = await Guest.enter("Ann")
    assert ann.welcome["present"] == 1
    other = await Guest.enter("Ann")
    assert other.welcome["name"] == "Ann 2" and other.welcome["present"] == 2
    came = await ann.hear("join")
    assert came["name"] == "Ann 2" and came["present"] == 2
    await other.ws.close()
    left = await ann.hear("leave")
    assert left["name"] == "Ann 2" and left["present"] == 1
    third = await Guest.enter("Ann")
    third.ws.transport.abort()
    assert (await ann.hear("leave"))["present"] == 1
)");
}

TEST_CASE("chat: the first message can bring the name, as JSON or as it is") {
  ChatLab lab;
  lab.talk(R"(
    plain = await Guest.enter()
    await plain.ws.send("  Bob\x07 ")
    assert (await plain.next())["name"] == "Bob"
    await plain.ws.send("hello")
    assert (await plain.hear("message"))["text"] == "hello"
    both = await Guest.enter()
    await both.say(type="message", name="Eve", text="hi")
    assert (await plain.hear("message"))["name"] == "Eve"
    await both.say(type="message")
    assert (await both.hear("error"))["text"] == "a message has a text"
    nameless = await Guest.enter()
    await nameless.say(type="message", text="who am I?")
    assert (await nameless.next())["text"] == "say your name first"
)");
}

TEST_CASE("chat: a newcomer sees the last 50 messages, however many there were") {
  ChatLab lab;
  lab.talk(R"(
    ann = await Guest.enter("Ann")
    for i in range(120): await ann.say(text=f"message {i}")
    for i in range(120): await ann.hear("message")
    late = await Guest.enter("Late")
    texts = [(await late.next())["text"] for _ in range(50)]
    assert texts == [f"message {i}" for i in range(70, 120)], texts
)");
}

TEST_CASE("chat: too large a message is closed with 1009, a binary one with 1003") {
  ChatLab lab;
  lab.talk(R"(
    for what, code in (("x" * 9000, 1009), (b"x", 1003)):
        guest = await Guest.enter("Ann")
        await guest.ws.send(what)
        await asyncio.wait_for(guest.ws.wait_closed(), 20)
        assert guest.ws.close_code == code, guest.ws.close_code
)");
}

TEST_CASE("chat: who does not read holds up nobody, and is put out in the end") {
  ChatLab lab;
  lab.talk(R"(
    import socket
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.connect(("10.77.0.2", 80))
    lazy.sendall(b"GET /chat/ws?name=Lazy HTTP/1.1\r\nHost: 10.77.0.2\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    ann, bob = await Guest.enter("Ann"), await Guest.enter("Bob")
    for start in range(0, 400, 20):
        for i in range(start, start + 20): await ann.say(text=f"{i} " + "x" * 7000)
        for guest in (ann, bob):
            for i in range(start, start + 20):
                assert (await guest.hear("message"))["text"].startswith(f"{i} ")
    assert (await bob.hear("leave"))["name"] == "Lazy"
)");
}

TEST_CASE("chat: a burst of one member reaches the others, whatever its size") {
  ChatLab lab;
  lab.talk(R"(
    ann, bob = await Guest.enter("Ann"), await Guest.enter("Bob", max_queue=None)
    sent = asyncio.gather(*(ann.say(text="x" * 7000) for i in range(100)))
    heard = 0
    async def listen(guest):
        for i in range(100): await guest.hear("message")
    await asyncio.gather(sent, listen(ann), listen(bob))
)");
}

TEST_CASE("chat: the page is whole in itself, and only there") {
  ChatLab lab;
  const auto curl = [&](const Words& words) {
    Words command{"curl", "-sS", "--max-time", "20"};
    command.insert(command.end(), words.begin(), words.end());
    return lab.run(command).out;
  };
  const std::string page = curl({"-i", "http://10.77.0.2/chat"});
  CHECK(page.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(page.find("Content-Security-Policy: default-src 'none'") != std::string::npos);
  CHECK(page.find("src=\"") == std::string::npos);
  CHECK(page.find("innerHTML") == std::string::npos);
  const auto status_of = [&](const Words& words) {
    Words all{"-o", "/dev/null", "-w", "%{http_code}"};
    all.insert(all.end(), words.begin(), words.end());
    return curl(all);
  };
  CHECK(status_of({"http://10.77.0.2/chat/"}) == "200");
  CHECK(status_of({"-I", "http://10.77.0.2/chat"}) == "200");
  CHECK(status_of({"-d", "x", "http://10.77.0.2/chat"}) == "405");
  CHECK(status_of({"http://10.77.0.2/chat/ws"}) == "426");
  CHECK(status_of({"http://10.77.0.2/chatter"}) == "404");
}

}  // namespace sluice::interop
