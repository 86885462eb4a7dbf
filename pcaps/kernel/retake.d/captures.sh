# The captures, a function each; retake has the verbs.

take:linux-linux() {
  over_veth
  serve serve-echo
  tap tcp
  ask echo 10.78.0.2 9000
  served
  keep 20
}

take:linux-linux-loss() {
  over_link --lose 6,7,12,20
  serve serve-echo
  tap tcp
  ask echo 10.78.0.2 14000 0 cubic
  served
  keep 30
}

take:linux-linux-http-get() {
  over_link
  serve serve-files
  tap tcp
  in_a curl -s -A curl -o "$scratch/got" http://10.78.0.2:7/
  served
  keep 10
}

take:linux-linux-http-keep-alive() {
  over_link
  serve serve-files
  tap tcp
  in_a curl -s -A curl -o "$scratch/got" http://10.78.0.2:7/one -o "$scratch/got" http://10.78.0.2:7/two
  served
  keep 12
}

take:linux-linux-http-upload() {
  over_link
  head -c 6000 /dev/zero | tr '\0' u >"$scratch/up"
  serve serve-files
  tap tcp
  in_a curl -s -A curl -T "$scratch/up" -o "$scratch/got" http://10.78.0.2:7/up
  served
  keep 10
}

take:linux-linux-interactive() {
  over_link
  serve serve-shell
  tap tcp
  ask type-keys 10.78.0.2
  served
  keep 20
}

take:linux-linux-tls() {
  over_link
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj /CN=sluice.test \
    -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
  start "$b" server.log openssl s_server -accept 7 -cert "$scratch/cert.pem" -key "$scratch/key.pem" -rev
  wait_for in_b sh -c 'ss -ltn | grep -q :7'
  tap tcp
  { echo hello; wait_for grep -q olleh "$scratch/tls.log"; } |
    in_a openssl s_client -connect 10.78.0.2:7 -servername sluice.test >"$scratch/tls.log" 2>&1
  keep 15
}

take:linux-linux-zero-window() {
  over_link
  serve serve-slow-reader
  tap tcp
  ask send 10.78.0.2 16000
  served
  keep 20
}

take:linux-linux-reset() {
  over_link
  serve serve-echo
  tap tcp
  ask reset 10.78.0.2
  served || true  # its connection is gone
  keep 8
}

take:linux-linux-close-simultaneous() {
  over_link --delay 20
  serve serve-last-word
  tap tcp
  ask last-word 10.78.0.2
  served
  keep 9
}

take:linux-linux-close-half() {
  over_link
  serve serve-long-answer
  tap tcp
  ask long-answer 10.78.0.2
  served
  keep 10
}

take:linux-linux-fast-open() {
  over_link
  both net.ipv4.tcp_fastopen=3
  serve serve-fast-open
  tap tcp
  ask fast-open 10.78.0.2
  served
  keep 12
}

take:linux-linux-ecn() {
  over_link --mark 6,7
  both net.ipv4.tcp_ecn=1
  serve serve-echo
  tap tcp
  ask echo 10.78.0.2 14000
  served
  keep 20
}

take:linux-linux-ipv6() {
  over_veth
  serve serve-echo
  tap tcp
  ask echo fd78::2 6000
  served
  keep 15
}

take:linux-linux-udp() {
  over_link
  serve serve-datagrams 2
  tap ip
  ask datagrams 10.78.0.2 100 4000
  served
  keep 10
}

take:linux-linux-udp-ipv6() {
  over_link
  serve serve-datagrams 2
  tap 'ip6 and (udp or ip6[6] = 44 or icmp6[0] = 1)'
  ask datagrams fd78::2 100 4000
  served
  keep 10
}

take:linux-linux-dns() {
  over_veth
  serve serve-names
  tap udp
  ask names 10.78.0.2
  served
  keep 4
}

take:linux-linux-ping() {
  over_link
  tap 'icmp or icmp6[0] = 128 or icmp6[0] = 129'
  in_a ping -c 2 -i 0.2 10.78.0.2 >/dev/null
  in_a ping -c 2 -i 0.2 fd78::2 >/dev/null
  in_a ping -c 1 -s 2000 -M dont 10.78.0.2 >/dev/null
  keep 10
}

take:linux-linux-refused() {
  over_link
  tap tcp
  ask refused 10.78.0.2
  keep 2
}

take:linux-linux-keep-alive() {
  over_link
  serve serve-silence
  tap tcp
  ask keep-alive 10.78.0.2
  served
  keep 14
}

take:linux-linux-nagle() {
  over_link
  serve serve-sink
  tap tcp
  ask small-writes 10.78.0.2
  served
  keep 10
}

take:linux-linux-large-window() {
  over_link
  serve serve-echo
  tap tcp
  ask echo 10.78.0.2 9000 268435456
  served
  keep 15
}

take:linux-linux-no-options() {
  over_link
  both net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0 net.ipv4.tcp_window_scaling=0
  serve serve-echo
  tap tcp
  ask echo 10.78.0.2 9000
  served
  keep 15
}

take:linux-linux-loss-reno() {
  over_link --lose 8,11
  both net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0
  serve serve-sink
  tap tcp
  ask send 10.78.0.2 24000
  served
  keep 20
}

# on_all_devices LINK_TYPE: an echo, taken by -i any.
on_all_devices() {
  over_veth
  serve serve-echo
  tap tcp -i any -y "$1"
  ask echo 10.78.0.2 3000
  served
  keep 10
}

take:linux-linux-any-sll() { on_all_devices LINUX_SLL; }
take:linux-linux-any-sll2() { on_all_devices LINUX_SLL2; }

take:linux-linux-loopback() {
  quiet_space "$a"
  in_a ip address add 10.78.0.1/32 dev lo
  in_a ip address add 10.78.0.2/32 dev lo
  in_a ip route replace local 10.78.0.2 dev lo table local src 10.78.0.1
  start "$a" server.log python3 -u "$helpers/peer.py" serve-echo
  wait_for grep -q '^ready' "$scratch/server.log"
  tap tcp -i lo
  ask echo 10.78.0.2 9000
  keep 10
}

take:linux-linux-nanoseconds() {
  over_link
  serve serve-echo
  tap tcp --nano
  ask echo 10.78.0.2 3000
  served
  keep 10
}

take:linux-linux-cut() {
  over_link
  serve serve-echo
  tap tcp -s 96
  ask echo 10.78.0.2 3000
  served
  keep 10
}

take:linux-linux-path-mtu() {
  over_router
  serve serve-sink
  tap 'tcp or icmp'
  ask send 10.78.2.2 8000
  served
  keep 15
}

take:linux-linux-reordering() {
  over_link --hold 6,11
  serve serve-sink
  tap tcp
  ask send 10.78.0.2 24000
  served
  keep 20
}

take:linux-linux-duplicates() {
  over_link --copy 5,8
  serve serve-echo
  tap tcp
  ask echo 10.78.0.2 12000
  served
  keep 20
}

take:linux-linux-both-ways() {
  over_link
  serve serve-both-ways 12000
  tap tcp
  ask echo 10.78.0.2 12000
  served
  keep 20
}

take:linux-sluice() {
  sluice_serves --tcp-echo 7
  in_b python3 "$helpers/peer.py" echo 10.79.0.2 9000
  keep_of_sluice
}

take:linux-sluice-loss() {
  sluice_serves --tcp-echo 7 --loss 10% --delay 5ms --seed loss
  in_b python3 "$helpers/peer.py" echo 10.79.0.2 12000
  keep_of_sluice
}

take:linux-sluice-http() {
  mkdir "$scratch/public"
  head -c 4000 /dev/zero | tr '\0' d >"$scratch/public/page"
  sluice_serves --http 80 --root "$scratch/public"
  in_b curl -s -A curl -o "$scratch/got" http://10.79.0.2/page -o "$scratch/got" http://10.79.0.2/none
  in_b curl -s -A curl -T "$scratch/public/page" -o "$scratch/got" http://10.79.0.2/upload
  keep_of_sluice
}

take:linux-sluice-websocket() {
  sluice_serves --http 80 --ws-echo /echo
  in_b python3 "$helpers/peer.py" websocket 10.79.0.2
  keep_of_sluice
}

take:linux-sluice-udp() {
  sluice_serves --udp-echo 7
  in_b python3 "$helpers/peer.py" datagrams 10.79.0.2 100 1200
  keep_of_sluice
}

take:linux-sluice-reset() {
  sluice_serves --tcp-echo 7 --delay 10ms
  in_b python3 "$helpers/peer.py" reset 10.79.0.2
  keep_of_sluice
}

take:sluice-linux-http() {
  quiet_space "$b"
  serve serve-files
  in_b "$sluice" get --dev link0 --local 10.79.0.2/24 --peer 10.79.0.1 --capture "$scratch/$name.pcapng" \
    -o "$scratch/got" http://10.79.0.1:7/
  served
  mv "$scratch/$name.pcapng" "$here/$name.pcapng"
}

take:sluice-linux-echo() {
  quiet_space "$b"
  serve serve-echo
  head -c 9000 /dev/zero | tr '\0' e |
    in_b "$sluice" nc --delay 10ms --dev link0 --local 10.79.0.2/24 --peer 10.79.0.1 \
      --capture "$scratch/$name.pcapng" 10.79.0.1 7 >"$scratch/got"
  served
  mv "$scratch/$name.pcapng" "$here/$name.pcapng"
}
