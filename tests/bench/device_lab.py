"""What tests/bench/device builds to measure in: two network namespaces, the links between them, and the servers."""
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time

READY = 15  # seconds that a server may take until it answers
TICK = os.sysconf("SC_CLK_TCK")
NGINX = """
daemon off; master_process off; worker_processes 1; user root;
pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_requests 1000000000;
  server {{
    listen {address}:80 backlog=1024; listen {address}:443 ssl backlog=1024;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.3;
    root {folder}/www;
  }}
}}
"""


class Failed(Exception):
    """A measurement, or a server's start, came to nothing; says why."""


def sh(*words):
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    except FileNotFoundError as missing:
        raise Failed(f"{words[0]} is not installed") from missing
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}: {done.stderr.strip()}")


class Server:
    """A process that serves, and what it costs."""

    def __init__(self, words, log):
        self.log = log
        with open(log, "wb") as file:
            # A session of its own: Ctrl-C reaches the bench, which ends it in its turn.
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True)

    def complaint(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read().strip()[-500:]

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def peak_memory(self):
        """MiB that were resident at most since forget_peak()."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Lab:
    """A client's namespace with a TUN for each stack in user space, and a server's behind two veth pairs."""

    def __init__(self, build, web):
        self.web = web  # whether anybody will ask for files
        self.programs = {name: os.path.join(build, "tests", name) for name in ("device_peer", "bare_responder")}
        self.programs["sluice"] = os.path.join(build, "sluice")
        for program in self.programs.values():
            if not os.access(program, os.X_OK):
                raise Failed(f"no {program}; build the targets device_peer, bare_responder and sluice_command")
        self.client_ns = f"sluice-bench-a-{os.getpid()}"
        self.server_ns = f"sluice-bench-b-{os.getpid()}"
        self.servers = []
        self.relayed = None  # the server behind relays
        self.tuns = 0
        self.folder = None

    def __enter__(self):
        try:
            self.folder = tempfile.mkdtemp(prefix="sluice-bench-")
            if self.web:
                self.make_files()
            self.make_links()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # A second Ctrl-C must not leave namespaces behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for server in self.servers:
            server.stop()
        for name in (self.client_ns, self.server_ns):
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def make_files(self):
        """What is served, and a certificate."""
        os.mkdir(self.path("www"))
        for name, size in (("small.html", 612), ("10m.bin", 10 << 20)):
            with open(self.path("www", name), "wb") as file:
                file.write(os.urandom(size))
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
           "-subj", "/CN=bench", "-keyout", self.path("key.pem"), "-out", self.path("cert.pem"))

    def make_links(self):
        for name in (self.client_ns, self.server_ns):
            sh("ip", "netns", "add", name)
            sh("ip", "-n", name, "link", "set", "lo", "up")
            # No TIME-WAIT at the client: tens of thousands of them slow each new connect() down to milliseconds.
            sh("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.tcp_max_tw_buckets=0")
        for number in (1, 2):
            ends = (self.client_ns, f"va{number}", f"10.91.{number}.1"), (self.server_ns, f"vb{number}", f"10.91.{number}.2")
            sh("ip", "link", "add", ends[0][1], "netns", self.client_ns, "type", "veth",
               "peer", "name", ends[1][1], "netns", self.server_ns)
            for name, device, address in ends:
                sh("ip", "-n", name, "addr", "add", address + "/24", "dev", device)
                sh("ip", "-n", name, "link", "set", device, "up")
                # Who can't choose for himself gets CUBIC, as sluice has it: the kernel's default may be BBR, which paces.
                sh("ip", "-n", name, "route", "replace", f"10.91.{number}.0/24", "dev", device, "proto", "kernel",
                   "scope", "link", "src", address, "congctl", "cubic")
                if number == 2:
                    sh("ip", "netns", "exec", name, self.programs["device_peer"], "offloads-off", device)

    def next_tun(self):
        """A name and the network of a TUN to come; the stack gets .2."""
        self.tuns += 1
        return f"tun{self.tuns}", f"10.92.{self.tuns}"

    def start(self, where, words, address, port):
        """Returns when the server takes connections; with no address, at once."""
        server = Server(["ip", "netns", "exec", where, *words], self.path(f"server-{len(self.servers)}.log"))
        self.servers.append(server)
        if address is None:
            return server
        limit = time.monotonic() + READY
        while True:
            if not server.is_alive():
                raise Failed(f"{os.path.basename(words[0])} ended at once: {server.complaint()}")
            try:
                self.client("probe", address, str(port))
                return server
            except Failed as failure:
                if time.monotonic() > limit:
                    raise Failed(f"{os.path.basename(words[0])} does not answer: {failure} {server.complaint()}") from failure
            time.sleep(0.05)

    def client_process(self, words, seconds):
        try:
            done = subprocess.run(["ip", "netns", "exec", self.client_ns, *words], capture_output=True, text=True,
                                  timeout=seconds + 20)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"{os.path.basename(words[0])} did not end in time") from late
        if done.returncode != 0:
            raise Failed(done.stderr.strip() or f"{os.path.basename(words[0])} failed")
        return done.stdout

    def client(self, *words):
        """The figures of one run of our own client."""
        output = self.client_process([self.programs["device_peer"], *words], 10)
        return [float(word) for word in output.split()]

    # --- the systems -------------------------------------------------------------------------------------------------

    def kernel(self, number):
        address = f"10.91.{number}.2"
        return address, self.start(self.server_ns, [self.programs["device_peer"], "serve-kernel", address], address, 9)

    def bare(self, offload, mtu, spin):
        device, network = self.next_tun()
        words = [self.programs["bare_responder"], device, network + ".2/24", str(mtu), str(spin), *(["offload"] if offload else [])]
        return network + ".2", self.start(self.client_ns, words, network + ".2", 9)

    def serve(self, offload, mtu, uring=False):
        """`sluice serve` with its defaults."""
        device, network = self.next_tun()
        words = [self.programs["sluice"], "serve", "--name", f"bench-{os.getpid()}-{device}", "--dev", device,
                 "--local", network + ".2/24", "--mtu", str(mtu), "--tcp-echo", "7", "--tcp-discard", "9",
                 *([] if offload else ["--no-offload"]), *(["--backend", "uring"] if uring else [])]
        if self.web:
            words += ["--http", "80", "--https", "443", "--root", self.path("www"),
                      "--tls-cert", self.path("cert.pem"), "--tls-key", self.path("key.pem")]
        return network + ".2", self.start(self.client_ns, words, network + ".2", 9)

    def source(self, offload, mtu, spin, uring=False):
        """The same stack and loop with a source, which `sluice serve` has not."""
        device, network = self.next_tun()
        words = [self.programs["device_peer"], "serve-sluice", device, network + ".2/24", str(mtu), str(spin),
                 *(["offload"] if offload else []), *(["uring"] if uring else [])]
        return network + ".2", self.start(self.client_ns, words, network + ".2", 9)

    def relay(self, name, number):
        """Another TCP in user space, which hands each connection on to a kernel's socket in the server's namespace."""
        network, device = f"10.94.{number}", f"relay{number}"
        if not self.relayed:
            self.relayed = self.start(self.server_ns, [self.programs["device_peer"], "serve-kernel", "127.0.0.1"], None, 9)
        words = {
            "slirp4netns": ["slirp4netns", "--configure", "--mtu=65520", f"--cidr={network}.0/24", "--netns-type=path",
                            "/run/netns/" + self.client_ns, device],
            "pasta": ["pasta", "--runas", "0", "--foreground", "--config-net", "--netns", "/run/netns/" + self.client_ns,
                      "--ns-ifname", device, "--address", network + ".1", "--netmask", "24", "--gateway", network + ".2",
                      "--mtu", "65520", "--interface", "vb1", "--ipv4-only", "-t", "none", "-u", "none", "-T", "none", "-U", "none"],
        }[name]
        return network + ".2", self.start(self.server_ns, words, network + ".2", 9)

    def nginx(self, address):
        with open(self.path("nginx.conf"), "w", encoding="ascii") as file:
            file.write(NGINX.format(folder=self.folder, address=address))
        return address, self.start(self.server_ns, ["nginx", "-p", self.folder, "-c", self.path("nginx.conf")], address, 80)


def raise_descriptor_limit():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
