#!/usr/bin/env bash
# Xray 26.3.27: users of a hysteria inbound have no counters while inbounds have some.
#
# With `statsInboundUplink` or `statsInboundDownlink` the connection is wrapped in one that counts, and the hysteria inbound
# (`proxy/hysteria/server.go`) then finds no user in it: `user>>>…>>>traffic` is never made, and who sells traffic sells it for
# nothing. Of VLESS, VMess, Trojan and Shadowsocks both are counted side by side.
#
# Seen: a download of 1,000,000 bytes is 1000128 of the user without inbound counters, and none with them.
# One Xray is client and server at once, on loopback: HTTP inbound -> Hysteria 2 -> a web server.
#
# Needs Go 1.26, Node, openssl and curl. XRAY=path takes a built Xray of that version instead of building one.
set -euo pipefail
version=26.3.27 module_version=v1.260327.0
expected="without inbound counters: counted, with them: none"

dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"

xray=${XRAY:-}
if [[ -z $xray ]]; then
  GOBIN=$dir go install "github.com/xtls/xray-core/main@$module_version"
  xray=$dir/main
fi
[[ $("$xray" version) == "Xray $version "* ]] || { echo "not Xray $version: $xray"; exit 2; }

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=server.test \
  -addext subjectAltName=DNS:server.test 2>/dev/null
pin=$(openssl x509 -in cert.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g')
cat > server.js <<'JS'
const web = require("node:http").createServer((_, response) => response.end(Buffer.alloc(1_000_000)));
const spare = [1, 2].map(() => require("node:net").createServer());
const udp = require("node:dgram").createSocket("udp4");
const ports = [web, ...spare].map(
  (server) => new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(server.address().port))),
);
ports.push(new Promise((bound) => udp.bind(0, "127.0.0.1", () => bound(udp.address().port))));
Promise.all(ports).then((all) => {
  for (const server of [...spare, udp]) server.close();
  console.log(...all);
});
JS
node server.js > ports & until [[ -s ports ]]; do sleep 0.1; done
read -r web local_port api_port hysteria_port < ports

# What of a download is counted for its user. A counter of 0 is printed without a value.
counted_with() { # what inbounds count: true or false
  cat > config.json <<JSON
{
  "log": { "loglevel": "warning", "access": "none" },
  "stats": {},
  "api": { "tag": "api", "listen": "127.0.0.1:$api_port", "services": ["StatsService"] },
  "policy": { "levels": { "0": { "statsUserDownlink": true } }, "system": { "statsInboundDownlink": $1 } },
  "inbounds": [
    { "tag": "local", "listen": "127.0.0.1", "port": $local_port, "protocol": "http" },
    {
      "tag": "hysteria", "listen": "127.0.0.1", "port": $hysteria_port, "protocol": "hysteria",
      "settings": { "version": 2, "clients": [{ "auth": "secret", "email": "ann" }] },
      "streamSettings": {
        "network": "hysteria", "hysteriaSettings": { "version": 2 }, "security": "tls",
        "tlsSettings": { "alpn": ["h3"], "certificates": [{ "certificateFile": "$dir/cert.pem", "keyFile": "$dir/key.pem" }] }
      }
    }
  ],
  "outbounds": [
    { "tag": "direct", "protocol": "freedom" },
    {
      "tag": "tunnel", "protocol": "hysteria",
      "settings": { "version": 2, "address": "127.0.0.1", "port": $hysteria_port },
      "streamSettings": {
        "network": "hysteria", "hysteriaSettings": { "version": 2, "auth": "secret" }, "security": "tls",
        "tlsSettings": { "serverName": "server.test", "alpn": ["h3"], "pinnedPeerCertSha256": "$pin" }
      }
    }
  ],
  "routing": { "rules": [{ "inboundTag": ["local"], "outboundTag": "tunnel" }] }
}
JSON
  "$xray" run -c config.json > log & pid=$!
  for port in "$local_port" "$api_port"; do
    timeout 10 bash -c "until (: < /dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.1; done"
  done
  curl -sf -m 20 --proxytunnel -o body -x "http://127.0.0.1:$local_port" "http://127.0.0.1:$web/"
  [[ $(wc -c < body) == 1000000 ]] || { cat log >&2; echo broken; return; }
  sleep 1
  "$xray" api statsquery --server="127.0.0.1:$api_port" -pattern "user>>>ann>>>traffic>>>downlink" > stats.json
  kill "$pid"; wait "$pid" || true
  node -p 'const { stat = [] } = JSON.parse(require("node:fs").readFileSync("stats.json")); stat[0]?.value ?? "none"'
}

echo "Xray $version"
without=$(counted_with false)
with=$(counted_with true)
echo "without inbound counters: $without, with them: $with"
[[ $without != none ]] && (( without >= 1000000 )) && without=counted
seen="without inbound counters: $without, with them: $with"
[[ $seen == "$expected" ]] || { echo "CHANGED: expected $expected"; exit 1; }
echo "As described"
