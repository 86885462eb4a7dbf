"""What tests/bench/device compares: the systems, the figures that each of them is measured by, and the goals."""
import os
import shutil
from dataclasses import dataclass

import device_lab

SLUICE, SLUICE_PLAIN, BARE, BARE_PLAIN = "sluice", "sluice, no offloads", "bare", "bare, no offloads"
VETH, VETH_PLAIN, NGINX = "veth", "veth, no offloads", "nginx"
RELAYS = {"slirp4netns": "slirp4netns", "pasta": "passt"}  # and the packages that have them; at MTU 65520
JUMBO = ", MTU 65535"
URING = ", io_uring"  # with --uring: frames leave by it

BULK_IN, BULK_OUT = "bulk in", "bulk out"
P50, P99 = "1-byte ping-pong p50", "1-byte ping-pong p99"
MANY, ONE = "connections/s, 32 at once", "connections/s, one at a time"
SMALL, PIPELINED = "HTTP, 612 B", "HTTP, 612 B, 16 pipelined"
FILE, TLS_SMALL, TLS_FILE = "HTTP, 10 MiB", "HTTPS, 612 B", "HTTPS, 10 MiB"

UNITS = {BULK_IN: "Gbit/s", BULK_OUT: "Gbit/s", P50: "µs", P99: "µs", MANY: "/s", ONE: "/s", SMALL: "/s", PIPELINED: "/s",
         FILE: "Gbit/s", TLS_SMALL: "/s", TLS_FILE: "Gbit/s"}
LOWER_IS_BETTER = {P50, P99}

# figure of sluice, its system, the figure and the system beside it, and the ratio that is wanted
COMPARISONS = [
    (BULK_IN, SLUICE, BULK_IN, BARE, 0.9),
    (BULK_OUT, SLUICE, BULK_OUT, BARE, 0.9),
    (BULK_IN, SLUICE, BULK_IN, VETH, 1.1),
    (BULK_OUT, SLUICE, BULK_OUT, VETH, 1.7),
    (BULK_IN, SLUICE_PLAIN, BULK_IN, BARE_PLAIN, 0.95),
    (BULK_OUT, SLUICE_PLAIN, BULK_OUT, BARE_PLAIN, 0.95),
    (P50, SLUICE, P50, BARE, 1.1),
    (MANY, SLUICE, MANY, BARE, 0.85),
    (MANY, SLUICE, MANY, VETH, 1.3),
    (SMALL, SLUICE, SMALL, NGINX, 1.2),
    (PIPELINED, SLUICE, PIPELINED, NGINX, 1.2),
    (FILE, SLUICE, FILE, NGINX, 1.2),
    (TLS_FILE, SLUICE, TLS_FILE, NGINX, 1.0),
    # Nobody set a goal for these.
    (BULK_IN, SLUICE, BULK_IN, SLUICE_PLAIN, None),
    (BULK_OUT, SLUICE, BULK_OUT, SLUICE_PLAIN, None),
    (BULK_IN, SLUICE_PLAIN, BULK_IN, VETH_PLAIN, None),
    (BULK_OUT, SLUICE_PLAIN, BULK_OUT, VETH_PLAIN, None),
    (BULK_IN, SLUICE + JUMBO, BULK_IN, BARE + JUMBO, None),
    (BULK_OUT, SLUICE + JUMBO, BULK_OUT, BARE + JUMBO, None),
    (BULK_IN, SLUICE_PLAIN + JUMBO, BULK_IN, BARE_PLAIN + JUMBO, None),
    (BULK_OUT, SLUICE_PLAIN + JUMBO, BULK_OUT, BARE_PLAIN + JUMBO, None),
    *((figure, SLUICE, figure, relay, None) for relay in RELAYS for figure in (BULK_IN, BULK_OUT, P50, MANY)),
    (P99, SLUICE, P99, BARE, None),
    (P50, SLUICE, P50, VETH, None),
    (P50, SLUICE_PLAIN, P50, BARE_PLAIN, None),
    (ONE, SLUICE, ONE, BARE, None),
    (ONE, SLUICE, ONE, VETH, None),
    (MANY, SLUICE_PLAIN, MANY, BARE_PLAIN, None),
    (FILE, SLUICE, BULK_OUT, BARE, None),
    (TLS_SMALL, SLUICE, TLS_SMALL, NGINX, None),
    *((figure, name + URING, figure, name, None) for name in (SLUICE, SLUICE_PLAIN) for figure in (BULK_IN, BULK_OUT, P50, MANY, ONE)),
    (BULK_OUT, SLUICE_PLAIN + URING, BULK_OUT, BARE_PLAIN, None),
    *((figure, SLUICE + URING, figure, SLUICE, None) for figure in (SMALL, PIPELINED, FILE)),
]


def is_met(figure, goal, ratio):
    return ratio <= goal if figure in LOWER_IS_BETTER else ratio >= goal


@dataclass
class System:
    name: str
    address: str
    server: device_lab.Server
    kinds: set  # of STEPS that it takes part in
    source: tuple = None  # address and server of its source, where that is another one

    def at(self, kind):
        return self.source if kind == BULK_OUT and self.source else (self.address, self.server)


def start_systems(lab, options):
    """Those of the wanted groups, and why the others are missing."""
    systems, skipped = [], []
    groups = set(options.only)
    small = {kind for kind in (P50, MANY, ONE) if GROUP_OF[kind] in groups}
    bulk = {kind for kind in (BULK_IN, BULK_OUT) if GROUP_OF[kind] in groups}
    http = set()
    if "http" in groups:
        http = {FILE}
        if shutil.which("wrk"):
            http |= WRK
        else:
            skipped.append("small requests and HTTPS: wrk is not installed (apt-get install wrk)")

    for offload, mtu in ((True, 1500), (False, 1500), (True, 65535), (False, 65535)):
        label = lambda name: name + ("" if offload else ", no offloads") + (JUMBO if mtu > 1500 else "")
        kinds = bulk if mtu > 1500 else bulk | small
        web = http if offload and mtu == 1500 else set()
        if kinds | web:
            source = lab.source(offload, mtu, options.spin) if bulk else None
            systems.append(System(label(SLUICE), *lab.serve(offload, mtu), kinds | web, source))
            if options.uring and mtu == 1500:
                source = lab.source(offload, mtu, options.spin, True) if bulk else None
                systems.append(System(label(SLUICE) + URING, *lab.serve(offload, mtu, True), kinds | web, source))
        if kinds:
            systems.append(System(label(BARE), *lab.bare(offload, mtu, options.spin), kinds))
    if bulk | small:
        systems.append(System(VETH, *lab.kernel(1), bulk | small))
        systems.append(System(VETH_PLAIN, *lab.kernel(2), bulk | small))
    if bulk | small:
        start_relays(lab, bulk | small, systems, skipped)
        skipped.append("lwIP: there is no program on it here")
    if http and not shutil.which("nginx"):
        skipped.append("nginx: not installed (apt-get install nginx-light)")
    elif http:
        systems.append(System(NGINX, *lab.nginx("10.91.1.2"), http))
    return systems, skipped


def start_relays(lab, kinds, systems, skipped):
    """They are guests: one that doesn't start keeps nobody from measuring the others."""
    for number, (name, package) in enumerate(RELAYS.items(), 1):
        if not shutil.which(name):
            skipped.append(f"{name}: not installed (apt-get install {package})")
            continue
        try:
            systems.append(System(name, *lab.relay(name, number), kinds))
        except device_lab.Failed as failure:
            skipped.append(f"{name}: {failure}")


# --- how each figure is taken ------------------------------------------------------------------------------------------


def wrk_seconds(options):
    return max(1, round(options.seconds))


def wrk(lab, address, options, scheme, path, connections, depth):
    """Requests a second, and Gbit/s of what arrived."""
    seconds = wrk_seconds(options)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "device_load.lua")
    output = lab.client_process(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, f"{scheme}://{address}/",
                                 "--", path, str(depth)], seconds)
    figures = next((line.split()[1:] for line in output.splitlines() if line.startswith("figures ")), None)
    if figures is None:
        raise device_lab.Failed("wrk said nothing: " + output.strip()[-200:])
    requests, microseconds, size, errors = (float(word) for word in figures)
    if errors or not requests:
        raise device_lab.Failed(f"wrk counted {errors:.0f} errors and {requests:.0f} answers")
    return requests * 1e6 / microseconds, size * 8 / microseconds / 1e3


def own(verb, *more):
    return lambda lab, address, options: lab.client(verb, address, str(options.seconds), *more)


def small(scheme, depth):
    return lambda lab, address, options: wrk(lab, address, options, scheme, "/small.html", 16, depth)[:1]


# kind: (group, the figures that it gives, how)
STEPS = {
    BULK_IN: ("bulk", [BULK_IN], own("bulk-in")),
    BULK_OUT: ("bulk", [BULK_OUT], own("bulk-out")),
    P50: ("ping", [P50, P99], own("ping")),
    MANY: ("connections", [MANY], own("connect", "32")),
    ONE: ("connections", [ONE], own("connect", "1")),
    SMALL: ("http", [SMALL], small("http", 1)),
    PIPELINED: ("http", [PIPELINED], small("http", 16)),
    FILE: ("http", [FILE], own("http-bulk", "/10m.bin")),
    TLS_SMALL: ("http", [TLS_SMALL], small("https", 1)),
    TLS_FILE: ("http", [TLS_FILE], lambda lab, address, options: wrk(lab, address, options, "https", "/10m.bin", 2, 1)[1:]),
}
WRK = {SMALL, PIPELINED, TLS_SMALL, TLS_FILE}
GROUP_OF = {kind: group for kind, (group, _, _) in STEPS.items()}
GROUPS = list(dict.fromkeys(GROUP_OF.values()))


def cost_text(figure, value, processor):
    """A server's processor time for what it did: `processor` seconds a second while the figure was `value`."""
    if UNITS[figure] == "Gbit/s":
        return f"{processor * 8 / value:.3f} s/GB"
    if UNITS[figure] == "/s":
        return f"{processor / value * 1e6:.1f} µs each"
    return f"{100 * processor:.0f} %"


def measure(lab, system, kind, options):
    """One run: rows of figure, system, value, processor seconds of its server a second, its peak memory in MiB."""
    address, server = system.at(kind)
    if not server.is_alive():
        raise device_lab.Failed("the server ended: " + server.complaint())
    server.forget_peak()
    before = server.processor_seconds()
    values = STEPS[kind][2](lab, address, options)
    seconds = wrk_seconds(options) if kind in WRK else options.seconds
    cost = {"processor": (server.processor_seconds() - before) / seconds, "memory": server.peak_memory()}
    return [{"figure": figure, "system": system.name, "value": value, **cost} for figure, value in zip(STEPS[kind][1], values)]
