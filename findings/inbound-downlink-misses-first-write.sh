#!/usr/bin/env bash
# Xray 26.3.27: the downlink counter of a VLESS inbound leaves out the first write to each client, that is the answer
# header with the first piece of the download. The counter of the user has it.
#
# Short answers are all first piece, so an inbound may serve requests all day while its counter says 0, and the counters
# of an inbound and of its users can't be checked against each other. The first write leaves by the flush of a buffered
# writer, which adds nothing to the connection's counter; each later write does.
#
# Seen: after an answer in one piece, user 127 and inbound 0; after one in two pieces, of which the second has 6 bytes,
# user 261 and inbound 6.
# One Xray is client and server at once, on loopback: HTTP inbound -> VLESS without TLS -> a web server.
#
# Needs Go 1.26, Node and curl. XRAY=path takes a built Xray of that version instead of building one.
set -euo pipefail
version=26.3.27 module_version=v1.260327.0
expected_inbound="0, then 6"

dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"

xray=${XRAY:-}
if [[ -z $xray ]]; then
  GOBIN=$dir go install "github.com/xtls/xray-core/main@$module_version"
  xray=$dir/main
fi
[[ $("$xray" version) == "Xray $version "* ]] || { echo "not Xray $version: $xray"; exit 2; }

# A web server that answers /two in two pieces; it prints its port and three free ones.
cat > server.js <<'JS'
const web = require("node:http").createServer((request, response) => {
  if (request.url !== "/two") return response.end("hello");
  response.setHeader("content-length", 11);
  response.write("hello");
  setTimeout(() => response.end(" world"), 500);
});
const spare = [1, 2, 3].map(() => require("node:net").createServer());
const ports = [web, ...spare].map(
  (server) => new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(server.address().port))),
);
Promise.all(ports).then((all) => {
  for (const server of spare) server.close();
  console.log(...all);
});
JS
node server.js > ports & until [[ -s ports ]]; do sleep 0.1; done
read -r web local_port vless_port api_port < ports
uuid=$("$xray" uuid)

cat > config.json <<JSON
{
  "log": { "loglevel": "warning", "access": "none" },
  "stats": {},
  "api": { "tag": "api", "listen": "127.0.0.1:$api_port", "services": ["StatsService"] },
  "policy": { "levels": { "0": { "statsUserDownlink": true } }, "system": { "statsInboundDownlink": true } },
  "inbounds": [
    { "tag": "local", "listen": "127.0.0.1", "port": $local_port, "protocol": "http" },
    {
      "tag": "plain", "listen": "127.0.0.1", "port": $vless_port, "protocol": "vless",
      "settings": { "decryption": "none", "clients": [{ "id": "$uuid", "email": "ann" }] }
    }
  ],
  "outbounds": [
    { "tag": "direct", "protocol": "freedom" },
    {
      "tag": "tunnel", "protocol": "vless",
      "settings": { "address": "127.0.0.1", "port": $vless_port, "id": "$uuid", "encryption": "none" }
    }
  ],
  "routing": { "rules": [{ "inboundTag": ["local"], "outboundTag": "tunnel" }] }
}
JSON
"$xray" run -c config.json > log &
for port in "$local_port" "$api_port"; do
  timeout 10 bash -c "until (: < /dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done"
done

download() { # path
  curl -sf -m 20 --proxytunnel -o body -x "http://127.0.0.1:$local_port" "http://127.0.0.1:$web$1"
  sleep 1
}
downlink() { # counter; a counter of 0 is printed without a value
  "$xray" api statsquery --server="127.0.0.1:$api_port" -pattern "$1>>>traffic>>>downlink" > stats.json
  node -p 'JSON.parse(require("node:fs").readFileSync("stats.json")).stat[0].value ?? 0'
}

echo "Xray $version"
download /one
first=$(downlink "inbound>>>plain")
user=$(downlink "user>>>ann")
echo "one piece: user $user, inbound $first"
download /two
second=$(downlink "inbound>>>plain")
echo "another in two pieces: user $(downlink "user>>>ann"), inbound $second"
[[ $user -gt 0 && "$first, then $second" == "$expected_inbound" ]] || {
  echo "CHANGED: expected inbound $expected_inbound; saw $first, then $second"
  exit 1
}
echo "As described"
