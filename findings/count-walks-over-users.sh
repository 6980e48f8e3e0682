#!/usr/bin/env bash
# Xray 26.3.27: GetInboundUsersCount walks over all users of a VLESS inbound to count them, so that a call that answers with one
# number costs the server more with every user.
#
# It looks like the cheap question beside GetInboundUsers, and invites one call a second as a health check. With tens of thousands of
# users, and several programs that ask, that is a part of a core for a number that hardly ever changes; the uptime of GetSysStats tells
# of a restart at no such cost.
#
# Seen: 50 calls took the server 1,060 ms of CPU for an inbound of 200,000 users and 40 ms for one of a single user.
#
# Needs Go 1.26 and Node, on Linux (CPU time is read from /proc). XRAY=path takes a built Xray of that version instead of building one.
set -euo pipefail
version=26.3.27 module_version=v1.260327.0
users=200000 calls=50 times_at_least=5

dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"

xray=${XRAY:-}
if [[ -z $xray ]]; then
  GOBIN=$dir go install "github.com/xtls/xray-core/main@$module_version"
  xray=$dir/main
fi
[[ $("$xray" version) == "Xray $version "* ]] || { echo "not Xray $version: $xray"; exit 2; }

# Three free ports, and a config whose inbounds have a single user and many.
cat > config.js <<'JS'
const { randomUUID } = require("node:crypto");
const { writeFileSync } = require("node:fs");
const [, , users] = process.argv;
const spare = [1, 2, 3].map(() => require("node:net").createServer());
const ports = spare.map(
  (server) => new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(server.address().port))),
);
Promise.all(ports).then(([few, many, api]) => {
  const inbound = (tag, port, count) => ({
    ...{ tag, listen: "127.0.0.1", port, protocol: "vless" },
    settings: {
      decryption: "none",
      clients: Array.from({ length: count }, (_, n) => ({ id: randomUUID(), email: `${n}@${tag}` })),
    },
  });
  writeFileSync("config.json", JSON.stringify({
    log: { loglevel: "warning", access: "none" },
    api: { tag: "api", listen: `127.0.0.1:${api}`, services: ["HandlerService"] },
    inbounds: [inbound("few", few, 1), inbound("many", many, Number(users))],
    outbounds: [{ protocol: "freedom" }],
  }));
  for (const server of spare) server.close();
  console.log(api);
});
JS
api_port=$(node config.js "$users")
"$xray" run -c config.json > log &
server=$!
timeout 120 bash -c "until (: < /dev/tcp/127.0.0.1/$api_port) 2>/dev/null; do sleep 0.5; done"
sleep 5 # what the start left to collect

cpu_ms() {
  local fields
  read -r -a fields < "/proc/$server/stat"
  echo $(((fields[13] + fields[14]) * 1000 / $(getconf CLK_TCK)))
}
count() { "$xray" api inboundusercount --server="127.0.0.1:$api_port" -tag="$1"; }
cost() { # tag
  local before
  before=$(cpu_ms)
  for ((n = 0; n < calls; n++)); do count "$1" > /dev/null; done
  echo $(($(cpu_ms) - before))
}

echo "Xray $version: $(count many | tr -d '{}\n ') in one inbound, $(count few | tr -d '{}\n ') in the other"
few=$(cost few)
many=$(cost many)
echo "$calls calls: $many ms of the server's CPU for $users users, $few ms for one"
((many >= times_at_least * (few + 10))) || {
  echo "CHANGED: expected at least $times_at_least times as much for $users users"
  exit 1
}
echo "As described"
