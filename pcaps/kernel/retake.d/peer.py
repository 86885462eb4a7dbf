"""Both ends of the conversations that are taken: peer.py ROLE [ADDRESS] [NUMBER]. A server says `ready` and ends with its
connection; its clients connect to port 7."""
import base64
import http.server
import os
import socket
import struct
import sys
import threading
import time

PORT = 7
SO_RCVBUFFORCE = 33  # not in Python's socket


def pattern(size):
    return bytes(i * 7 % 251 for i in range(size))


def read_all(s):
    text = b""
    while chunk := s.recv(65536):
        text += chunk
    return text


def read(s, size):
    text = b""
    while len(text) < size:
        chunk = s.recv(size - len(text))
        assert chunk, (len(text), size)
        text += chunk
    return text


def listen(buffer=0, fast_open=False):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    if fast_open:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 4)
    s.bind(("::", PORT))
    s.listen()
    print("ready")
    return s


def accept(**how):
    return listen(**how).accept()[0]


def connect(address):
    return socket.create_connection((address, PORT))


def no_delay(s):
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


# --- servers


def serve_echo():
    with accept() as s:
        while chunk := s.recv(65536):
            s.sendall(chunk)


def serve_sink():
    """Reads everything, then says a word."""
    with accept() as s:
        read_all(s)
        s.sendall(b"done")


def serve_slow_reader():
    with accept(buffer=4096) as s:
        time.sleep(1.5)
        read_all(s)
        s.sendall(b"done")


def serve_shell():
    """Echoes each key, and answers a line with output, as a terminal's other end does."""
    with no_delay(accept()) as s:
        s.sendall(b"SSH-2.0-sluice.test\r\n$ ")
        line = b""
        while key := s.recv(1):
            s.sendall(b"\r\n" if key == b"\r" else key)
            line += key
            if key == b"\r":
                s.sendall(b"".join(b"%d %s\r\n" % (i, line[:-1]) for i in range(12)) + b"$ ")
                line = b""


def serve_last_word():
    """Says goodbye and finishes when that has crossed the link (20 ms), just as the client does."""
    with accept() as s:
        read(s, 5)
        s.sendall(b"goodbye")
        time.sleep(0.02)
        s.shutdown(socket.SHUT_WR)
        read_all(s)


def serve_long_answer():
    """Goes on for a while after the client has finished."""
    with accept() as s:
        read_all(s)
        for _ in range(5):
            s.sendall(pattern(400))
            time.sleep(0.02)


def serve_silence():
    with accept() as s:
        read(s, 5)
        time.sleep(3.5)
        s.sendall(b"still here")
        read_all(s)


def serve_fast_open():
    listener = listen(fast_open=True)
    for _ in range(2):
        with listener.accept()[0] as s:
            s.sendall(read(s, 11))
            read_all(s)


def serve_both_ways(size):
    with accept() as s:
        exchange(s, int(size))


def serve_datagrams(count):
    """An echo, whatever the size."""
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", PORT))
    print("ready")
    for _ in range(int(count)):
        text, sender = s.recvfrom(65536)
        s.sendto(text, sender)


def serve_names():
    """Answers one DNS question with an A record."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", PORT))
    print("ready")
    for last in (5, 6):
        question, sender = s.recvfrom(512)
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes((192, 0, 2, last))
        s.sendto(question[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + question[12:] + answer, sender)


class Files(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "sluice.test", ""

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.answer(200, pattern(4000))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201, b"%d bytes\n" % len(body))


def serve_files():
    with http.server.HTTPServer(("0.0.0.0", PORT), Files) as server:
        print("ready")
        server.handle_request()


# --- clients


def exchange(s, size):
    """Sends and finishes, and reads at the same time; answers what came."""
    def send():
        s.sendall(pattern(size))
        s.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    text = read_all(s)
    sender.join()
    assert text == pattern(size), (len(text), size)


def echo(address, size, buffer="0", congestion=""):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    if buffer != "0":
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, int(buffer))
    if congestion:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
    s.connect((address, PORT))
    with s:
        exchange(s, int(size))


def send(address, size):
    with connect(address) as s:
        s.sendall(pattern(int(size)))
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == b"done"


def type_keys(address):
    with no_delay(connect(address)) as s:
        s.recv(100)
        for key in b"ls\rdate\r":
            s.sendall(bytes((key,)))
            time.sleep(0.01)
            s.recv(4096)
        s.shutdown(socket.SHUT_WR)
        read_all(s)


def small_writes(address):
    """Many small writes with Nagle on: those behind the first wait for its ACK."""
    with connect(address) as s:
        for _ in range(10):
            s.sendall(b"a few bytes ")
            time.sleep(0.002)
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == b"done"


def reset(address):
    """Resets when nothing is under way, so that both sides know the same of it: two full segments were echoed."""
    with connect(address) as s:
        s.sendall(pattern(2896))
        read(s, 2896)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def last_word(address):
    with connect(address) as s:
        s.sendall(b"hello")
        read(s, 7)
        s.shutdown(socket.SHUT_WR)
        assert read_all(s) == b""


def long_answer(address):
    with connect(address) as s:
        s.sendall(b"all I have")
        s.shutdown(socket.SHUT_WR)
        assert len(read_all(s)) == 2000


def keep_alive(address):
    with connect(address) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        s.sendall(b"hello")
        read(s, 10)


def fast_open(address):
    """The first connection asks for a cookie, the second has text in its SYN."""
    for _ in range(2):
        with socket.socket() as s:
            s.sendto(b"in the SYN?", socket.MSG_FASTOPEN, (address, PORT))
            assert read(s, 11) == b"in the SYN?"
        time.sleep(0.05)


def refused(address):
    try:
        connect(address)
    except ConnectionRefusedError:
        return
    raise SystemExit("somebody was there")


def datagrams(address, *sizes):
    """An echo of each, then one to a port that nobody is at."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as s:
        for size in sizes:
            s.sendto(pattern(int(size)), (address, PORT))
            assert s.recv(65536) == pattern(int(size))
        s.connect((address, 9))
        s.send(b"is anybody there?")
        try:
            s.recv(100)
        except ConnectionRefusedError:
            return
        raise SystemExit("somebody was there")


def names(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for number, name in ((0x1234, b"\3www\6sluice\4test\0"), (0x1235, b"\2ws\6sluice\4test\0")):
            s.sendto(struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", 1, 1), (address, PORT))
            assert s.recv(512)[:2] == struct.pack("!H", number)


def websocket(address):
    """The upgrade, then text, a Ping and binary, each echoed, and Close."""
    def frame(opcode, text):
        mask = b"\x11\x22\x33\x44"
        head = bytes((0x80 | opcode, 0x80 | len(text))) if len(text) < 126 else \
            struct.pack("!BBH", 0x80 | opcode, 0xFE, len(text))
        return head + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(text))

    with socket.create_connection((address, 80)) as s:
        key = base64.b64encode(bytes(range(16))).decode()
        s.sendall(f"GET /echo HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += read(s, 1)
        assert head.startswith(b"HTTP/1.1 101"), head
        for opcode, text in ((1, b"Hello"), (9, b"still there?"), (2, pattern(300)), (8, struct.pack("!H", 1000))):
            s.sendall(frame(opcode, text))
            read(s, len(frame(opcode, text)) - 4)  # nobody masks towards a client
        assert read_all(s) == b""


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:])
