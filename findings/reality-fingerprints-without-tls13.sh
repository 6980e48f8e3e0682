#!/usr/bin/env bash
# Xray 26.3.27: two of the fingerprints it accepts for a Reality client can never connect.
#
# Reality runs on TLS 1.3. The browsers behind the fingerprints "android" (Android 11) and "360" (360 Browser 7.5) offer
# no TLS 1.3, so the client gives up before it sends anything. Yet `xray run -test` says "Configuration OK." and Xray
# starts; the reason appears only at log level "info", after five attempts in two seconds, as
# "Current fingerprint Android11 does not support TLS 1.3, REALITY handshake cannot establish."
#
# Seen: chrome 200, android 503, 360 503 (HTTP status of a download through the tunnel; all three pass `run -test`).
# One Xray is client and server at once, on loopback: HTTP inbound -> VLESS with Reality -> a web server.
#
# Needs Go 1.26, Node, openssl and curl. XRAY=path takes a built Xray of that version instead of building one.
set -euo pipefail
version=26.3.27 module_version=v1.260327.0
expected="chrome 200, android 503, 360 503"

dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"

xray=${XRAY:-}
if [[ -z $xray ]]; then
  GOBIN=$dir go install "github.com/xtls/xray-core/main@$module_version"
  xray=$dir/main
fi
[[ $("$xray" version) == "Xray $version "* ]] || { echo "not Xray $version: $xray"; exit 2; }

# A website with TLS 1.3, which is what Reality imitates, and a web server to download from; it prints their ports
# and two free ones.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=site.test \
  -addext subjectAltName=DNS:site.test 2>/dev/null
cat > servers.js <<'JS'
const { readFileSync } = require("node:fs");
const pem = { key: readFileSync("key.pem"), cert: readFileSync("cert.pem"), minVersion: "TLSv1.3" };
const site = require("node:tls").createServer(pem, (socket) => socket.on("error", () => {}));
const web = require("node:http").createServer((_, response) => response.end("hello"));
const spare = [1, 2].map(() => require("node:net").createServer());
const ports = [site, web, ...spare].map(
  (server) => new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(server.address().port))),
);
Promise.all(ports).then((all) => {
  for (const server of spare) server.close();
  console.log(...all);
});
JS
node servers.js > ports & until [[ -s ports ]]; do sleep 0.1; done
read -r site web local_port reality_port < ports

keys=$("$xray" x25519)
private_key=$(awk '/^PrivateKey/ { print $NF }' <<< "$keys")
public_key=$(awk '/PublicKey/ { print $NF }' <<< "$keys")
uuid=$("$xray" uuid)

write_config() { # fingerprint
  cat > config.json <<JSON
{
  "log": { "loglevel": "info", "access": "none" },
  "inbounds": [
    { "tag": "local", "listen": "127.0.0.1", "port": $local_port, "protocol": "http" },
    {
      "tag": "reality", "listen": "127.0.0.1", "port": $reality_port, "protocol": "vless",
      "settings": { "decryption": "none", "clients": [{ "id": "$uuid" }] },
      "streamSettings": { "security": "reality", "realitySettings": {
        "target": "127.0.0.1:$site", "serverNames": ["site.test"], "privateKey": "$private_key", "shortIds": ["01"] } }
    }
  ],
  "outbounds": [
    { "tag": "direct", "protocol": "freedom" },
    {
      "tag": "tunnel", "protocol": "vless",
      "settings": { "address": "127.0.0.1", "port": $reality_port, "id": "$uuid", "encryption": "none" },
      "streamSettings": { "security": "reality", "realitySettings": {
        "serverName": "site.test", "fingerprint": "$1", "password": "$public_key", "shortId": "01" } }
    }
  ],
  "routing": { "rules": [{ "inboundTag": ["local"], "outboundTag": "tunnel" }] }
}
JSON
}

echo "Xray $version"
seen=""
for fingerprint in chrome android 360; do
  write_config "$fingerprint"
  tested=$("$xray" run -test -c config.json || true)
  [[ $tested == *"Configuration OK."* ]] || { echo "CHANGED: $fingerprint is refused: $tested"; exit 1; }
  "$xray" run -c config.json > log & pid=$!
  timeout 10 bash -c "until (: < /dev/tcp/127.0.0.1/$local_port) 2>/dev/null; do sleep 0.1; done"
  status=$(curl -s -m 20 -o body -w '%{http_code}' -x "http://127.0.0.1:$local_port" "http://127.0.0.1:$web/" || true)
  kill "$pid"; wait "$pid" || true
  echo "$fingerprint: configuration OK, download $status"
  grep -o 'Current fingerprint [^]]*' log || true
  seen+="${seen:+, }$fingerprint $status"
done
[[ $seen == "$expected" ]] || { echo "CHANGED: expected $expected; saw $seen"; exit 1; }
echo "As described: $seen"
