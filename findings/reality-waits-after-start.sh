#!/usr/bin/env bash
# Xray 26.3.27: a connection that begins within five seconds of a start of a Reality server waits five seconds for its
# first byte. After that it takes milliseconds.
#
# After each start Xray connects to the target website itself and listens for five seconds to what the website sends
# after its handshake, to send records of the same sizes to clients. A client that comes meanwhile is held back, and
# checked every five seconds. A website that keeps idle connections open, as nearly all do, makes this last the whole five
# seconds. It needs a target whose certificate Xray trusts, which is why a trial with a self-signed one hardly shows it.
# Nothing is logged. Health checks and app tests that give up within five seconds take a restarted server for dead.
#
# Seen: begun 0.5 s after the start, first byte after 5.06 s; begun 7 s after it, first byte after 0.01 s.
# One Xray is client and server at once, on loopback: HTTP inbound -> VLESS with Reality -> a web server.
#
# Needs Go 1.26, Node, openssl and curl, on Linux (elsewhere Go reads no SSL_CERT_FILE). XRAY=path takes a built Xray of
# that version instead of building one.
set -euo pipefail
version=26.3.27 module_version=v1.260327.0
early_at_least=3.5 late_at_most=1.5 # seconds; wide, for busy machines

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

cat > config.json <<JSON
{
  "log": { "loglevel": "warning", "access": "none" },
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
        "serverName": "site.test", "fingerprint": "chrome", "password": "$public_key", "shortId": "01" } }
    }
  ],
  "routing": { "rules": [{ "inboundTag": ["local"], "outboundTag": "tunnel" }] }
}
JSON

echo "Xray $version"
SSL_CERT_FILE=$dir/cert.pem "$xray" run -c config.json > log &
timeout 10 bash -c "until (: < /dev/tcp/127.0.0.1/$local_port) 2>/dev/null; do sleep 0.1; done"

first_byte() { # file, seconds after the start at which it begins
  sleep "$2"
  curl -sf -m 20 -o "body-$1" -w '%{time_starttransfer}' -x "http://127.0.0.1:$local_port" "http://127.0.0.1:$web/" > "$1"
}
first_byte early 0.5 & early=$!
first_byte late 7 & late=$!
wait "$early" "$late"
echo "begun 0.5 s after the start: first byte after $(< early) s"
echo "begun 7 s after the start: first byte after $(< late) s"
awk -v early="$(< early)" -v late="$(< late)" -v least="$early_at_least" -v most="$late_at_most" \
  'BEGIN { exit !(early >= least && late <= most) }' || { echo "CHANGED: expected five seconds, then none"; exit 1; }
echo "As described"
