#!/usr/bin/env bash
# mihomo 1.19.27: a proxy provider ignores what a link of Trojan says of Reality, without a word.
#
# Of `security=reality&pbk=…&sid=…` in a `vless://` link it makes `reality-opts`; of the same in a `trojan://` link it makes
# nothing (`common/convert/converter.go`), so that the proxy is there and speaks plain TLS: it refuses what it then takes for the
# server's certificate. Its own format has `reality-opts` for Trojan, and connects with them.
#
# Seen: VLESS by link 200, Trojan by link 502, Trojan in its own format 200 (HTTP status of a download through the tunnel).
# An Xray with both inbounds is the server, on loopback.
#
# Needs Go 1.26, Node, openssl and curl. XRAY=path and MIHOMO=path take built ones of these versions instead of building them.
set -euo pipefail
xray_version=26.3.27 module_version=v1.260327.0 mihomo_version=v1.19.27
expected="VLESS by link 200, Trojan by link 502, Trojan in its own format 200"

repo=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"

xray=${XRAY:-}
if [[ -z $xray ]]; then
  GOBIN=$dir go install "github.com/xtls/xray-core/main@$module_version"
  xray=$dir/main
fi
[[ $("$xray" version) == "Xray $xray_version "* ]] || { echo "not Xray $xray_version: $xray"; exit 2; }
mihomo=${MIHOMO:-}
if [[ -z $mihomo ]]; then
  # `go install` refuses it, since its go.mod replaces a dependency; built from our lockfile of it, checked against go.sum.
  CGO_ENABLED=0 go build -C "$repo/libs/testing/real-clients/mihomo" -mod=readonly -trimpath -o "$dir/mihomo" \
    -ldflags "-X github.com/metacubex/mihomo/constant.Version=$mihomo_version" github.com/metacubex/mihomo
  mihomo=$dir/mihomo
fi
[[ $("$mihomo" -v) == "Mihomo Meta $mihomo_version "* ]] || { echo "not mihomo $mihomo_version: $mihomo"; exit 2; }

# A website with TLS 1.3, which is what Reality imitates, and a web server to download from; it prints their ports
# and three free ones.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=site.test \
  -addext subjectAltName=DNS:site.test 2>/dev/null
cat > servers.js <<'JS'
const { readFileSync } = require("node:fs");
const pem = { key: readFileSync("key.pem"), cert: readFileSync("cert.pem"), minVersion: "TLSv1.3" };
const site = require("node:tls").createServer(pem, (socket) => socket.on("error", () => {}));
site.on("tlsClientError", () => {});
const web = require("node:http").createServer((_, response) => response.end("hello"));
const spare = [1, 2, 3].map(() => require("node:net").createServer());
const ports = [site, web, ...spare].map(
  (server) => new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(server.address().port))),
);
Promise.all(ports).then((all) => {
  for (const server of spare) server.close();
  console.log(...all);
});
JS
node servers.js > ports & until [[ -s ports ]]; do sleep 0.1; done
read -r site web local_port vless_port trojan_port < ports

keys=$("$xray" x25519)
private_key=$(awk '/^PrivateKey/ { print $NF }' <<< "$keys")
public_key=$(awk '/PublicKey/ { print $NF }' <<< "$keys")
uuid=$("$xray" uuid)
stream="{ \"security\": \"reality\", \"realitySettings\": { \"target\": \"127.0.0.1:$site\",
  \"serverNames\": [\"site.test\"], \"privateKey\": \"$private_key\", \"shortIds\": [\"01\"], \"minClientVer\": \"0.0.0\" } }"
cat > server.json <<JSON
{
  "log": { "loglevel": "warning", "access": "none" },
  "inbounds": [
    { "listen": "127.0.0.1", "port": $vless_port, "protocol": "vless", "streamSettings": $stream,
      "settings": { "decryption": "none", "clients": [{ "id": "$uuid" }] } },
    { "listen": "127.0.0.1", "port": $trojan_port, "protocol": "trojan", "streamSettings": $stream,
      "settings": { "clients": [{ "password": "$uuid" }] } }
  ],
  "outbounds": [{ "protocol": "freedom" }]
}
JSON
"$xray" run -c server.json > server.log &
timeout 20 bash -c "until grep -q started server.log; do sleep 0.2; done"

# The HTTP status of a download through the one proxy that mihomo makes of a provider's file.
status_with() { # file
  mkdir -p home
  cp "$1" home/provider
  cat > home/config.yaml <<YAML
mixed-port: $local_port
log-level: warning
proxy-providers:
  one: { type: file, path: ./provider, health-check: { enable: false } }
proxy-groups:
  - { name: tunnel, type: select, use: [one], empty-fallback: REJECT }
rules: ["MATCH,tunnel"]
YAML
  "$mihomo" -d home > mihomo.log & pid=$!
  timeout 20 bash -c "until grep -q 'initial provider one' mihomo.log || curl -s -m 1 -o /dev/null 127.0.0.1:$local_port; do sleep 0.2; done"
  sleep 1
  curl -s -m 20 -o /dev/null -w '%{http_code}' -x "http://127.0.0.1:$local_port" "http://127.0.0.1:$web/" || true
  kill "$pid"; wait "$pid" || true
}

reality="type=tcp&security=reality&sni=site.test&fp=chrome&pbk=$public_key&sid=01"
echo "vless://$uuid@127.0.0.1:$vless_port?encryption=none&$reality#one" > vless.txt
echo "trojan://$uuid@127.0.0.1:$trojan_port?$reality#one" > trojan.txt
cat > own.yaml <<YAML
proxies:
  - { name: one, type: trojan, server: 127.0.0.1, port: $trojan_port, password: $uuid, sni: site.test, client-fingerprint: chrome,
      reality-opts: { public-key: "$public_key", short-id: "01" } }
YAML

echo "mihomo $mihomo_version, Xray $xray_version"
seen="VLESS by link $(status_with vless.txt)"
seen+=", Trojan by link $(status_with trojan.txt)"
grep -o 'error: .*' mihomo.log | head -1 || true
seen+=", Trojan in its own format $(status_with own.yaml)"
echo "$seen"
[[ $seen == "$expected" ]] || { echo "CHANGED: expected $expected"; exit 1; }
echo "As described"
