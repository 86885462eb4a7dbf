"""A TUN named link0 here and one in another namespace, and between them what a bad link does to TCP packets from here."""
import argparse
import contextlib
import ctypes
import fcntl
import heapq
import os
import select
import struct
import time


def numbers(text):
    return {int(one) for one in text.split(",")}


parser = argparse.ArgumentParser()
parser.add_argument("namespace")
parser.add_argument("--delay", type=float, default=5, help="each way, milliseconds")
for name, what in (("lose", "lost"), ("hold", "overtaken by those of 3 ms later"), ("copy", "delivered twice"),
                   ("mark", "marked CE")):
    parser.add_argument("--" + name, type=numbers, default=set(), help=f"{what}, by the number from here: 4,7")
options = parser.parse_args()


def tun():
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", b"link0", 0x1001))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
    return fd


def marked(packet):
    """An IPv4 packet with CE, its header's checksum made anew."""
    head = bytearray(packet[:20])
    head[1] |= 3
    head[10:12] = b"\0\0"
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    head[10:12] = struct.pack("!H", ~total & 0xFFFF)
    return bytes(head) + packet[20:]


def is_tcp(packet):
    return packet[9] == 6 if packet[0] >> 4 == 4 else packet[6] == 6


here = tun()
there_space = os.open(options.namespace, os.O_RDONLY)
assert ctypes.CDLL(None).setns(there_space, 0) == 0
there = tun()
other = {here: there, there: here}
held, order, sent = [], 0, 0


def carry(packet, to, later=0.0):
    global order
    order += 1
    heapq.heappush(held, (time.monotonic() + options.delay / 1000 + later, order, to, packet))


while True:
    wait = max(0, held[0][0] - time.monotonic()) if held else None
    for fd in select.select([here, there], [], [], wait)[0]:
        packet = os.read(fd, 65536)
        number = 0
        if fd == here and is_tcp(packet):
            sent += 1
            number = sent
        if number in options.lose:
            continue
        if number in options.mark:
            packet = marked(packet)
        carry(packet, other[fd], 0.003 if number in options.hold else 0)
        if number in options.copy:
            carry(packet, other[fd], 0.001)
    while held and held[0][0] <= time.monotonic():
        _, _, to, packet = heapq.heappop(held)
        with contextlib.suppress(OSError):  # not up yet
            os.write(to, packet)
