# The scene of `tools/demo --tap`, sourced by it: a LAN with a bridge of the kernel's, dnsmasq as its DHCP, DNS and
# router-advertisement server, and sluice as one more host that knows nothing but its MAC address.

heading "A bridge with the kernel's host and dnsmasq on it"
inside ip link add br0 type bridge
inside ip addr add 10.88.0.1/24 dev br0
inside ip addr add fd88::1/64 dev br0 nodad
inside ip link set br0 up
nsenter --net="/run/netns/$ns" -- dnsmasq --no-daemon --conf-file=/dev/null --user=root --pid-file --interface=br0 \
  --bind-interfaces --no-resolv --no-hosts --dhcp-leasefile="$scratch/leases" --dhcp-authoritative \
  --dhcp-range=10.88.0.50,10.88.0.99,1h --enable-ra --dhcp-range=fd88::,ra-stateless \
  --host-record=page.test,10.88.0.1,fd88::1 >"$scratch/dnsmasq.log" 2>&1 &
helpers+=($!)
nsenter --net="/run/netns/$ns" -- "$python" -m http.server 8000 --bind :: --directory "$site" \
  >/dev/null 2>&1 &
helpers+=($!)
inside ip -br addr show dev br0 | sed 's/^/   /'

heading "sluice serve --tap --dhcp, a port of that bridge"
nsenter --net="/run/netns/$ns" -- "$sluice" serve --tap --bridge br0 --dev lan0 --name "$ns" --dhcp --host-name sluice \
  --http 80 --root "$site" --ws-echo /echo --tcp-echo 7 --capture "$capture" >"$log" 2>&1 &
server=$!
await_ready

# address_with PREFIX: waits until sluice has an address that begins so, and prints it.
address_with() {
  local tenths found
  for ((tenths = 0; tenths < 300; ++tenths)); do
    found=$(sed -n "s/^address *added *\\($1.*\\)\$/\\1/p" "$log" | head -n 1)
    if [[ -n $found ]]; then echo "$found"; return 0; fi
    sleep 0.1
  done
  return 1
}
four=$(address_with '10\.88\.0\.') && status=0 || status=$?
verdict "a lease from dnsmasq, probed by ARP before it is used: ${four:-none}" "$status"
six=$(address_with 'fd88:') && status=0 || status=$?
verdict "an IPv6 address of the advertised prefix: ${six:-none}" "$status"
sed 's/^/   /' "$log"
((wrong == 0)) || { cat "$scratch/dnsmasq.log"; fail "without addresses there is nothing to show"; }

heading "ping, by the kernel, which finds it by ARP and by neighbour discovery"
shown ping -c 3 -i 0.2 -W 5 "$four" && status=0 || status=$?
verdict "IPv4 echo replies" "$status"
shown ping -6 -c 3 -i 0.2 -W 5 "$six" && status=0 || status=$?
verdict "IPv6 echo replies" "$status"

heading "curl across the bridge"
shown curl -sS --max-time 20 -g "http://[$six]/" && status=0 || status=$?
cmp -s "$scratch/out" "$site/index.html" || status=1
verdict "a page, over IPv6" "$status"

heading "A name, by our resolver at the server that DHCP named, and the page behind it"
shown "$sluice" get --tap --bridge br0 --dhcp http://page.test:8000/ && status=0 || status=$?
grep -q 'This page came' "$scratch/out" || status=1
verdict "http://page.test:8000/ of the kernel's host, by another sluice with a lease of its own" "$status"

heading "A WebSocket, by python3-websockets"
shown "$python" -c "
import asyncio, websockets
async def talk():
    async with websockets.connect('ws://$four/echo', open_timeout=10) as socket:
        await socket.send('Grüße aus dem Kernel')
        print('echoed:', await asyncio.wait_for(socket.recv(), 10))
    assert socket.close_code == 1000
asyncio.run(talk())
" && status=0 || status=$?
verdict "text and close" "$status"

heading "What sluice knows of its LAN"
shown "$sluice" ip "$ns" && status=0 || status=$?
grep -Eq '^10\.88\.0\.1 +lan0 +[0-9a-f:]+ ' "$scratch/out" || status=1
verdict "its addresses, routes and neighbours" "$status"
