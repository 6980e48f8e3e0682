#!/usr/bin/env bash
# mihomo 1.19.27: a proxy provider loses a link whose name another link got by de-duplication, without a word.
#
# Links of one name are distinguished by a suffix: of two links "twin", the second becomes "twin-01". That name is not
# checked against the names of the list: a link that is really called "twin-01" then has a duplicate, and only one of the
# two is kept. The log says nothing, even at level "debug". Reported as issue 2931 of MetaCubeX/mihomo; open.
#
# Seen: a file with the links "twin", "twin", "twin-01" gives 2 proxies, "twin twin-01"; with "twin", "twin", "other"
# it gives 3, "other twin twin-01".
#
# Needs Go 1.24, Node and curl. MIHOMO=path takes a built mihomo of that version instead of building one.
set -euo pipefail
version=v1.19.27
expected_collision="twin twin-01" expected_control="other twin twin-01"

repo=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"

mihomo=${MIHOMO:-}
if [[ -z $mihomo ]]; then
  # `go install` refuses it, since its go.mod replaces a dependency; built from our lockfile of it, checked against go.sum.
  CGO_ENABLED=0 go build -C "$repo/libs/testing/real-clients/mihomo" -mod=readonly -trimpath -o "$dir/mihomo" \
    -ldflags "-X github.com/metacubex/mihomo/constant.Version=$version" github.com/metacubex/mihomo
  mihomo=$dir/mihomo
fi
[[ $("$mihomo" -v) == "Mihomo Meta $version "* ]] || { echo "not mihomo $version: $mihomo"; exit 2; }

secret=$RANDOM$RANDOM$RANDOM

# Names of the proxies that a provider makes of three links with these names.
names_kept() { # name name name
  local port pid id=1 name
  port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
    console.log(s.address().port); s.close(); })')
  mkdir -p home
  for name; do
    echo "vless://$id$id$id$id$id$id$id$id-0000-4000-8000-000000000000@127.0.0.1:1000$id?type=tcp&encryption=none#$name"
    id=$((id + 1))
  done > home/links.txt
  cat > home/config.yaml <<YAML
external-controller: 127.0.0.1:$port
secret: "$secret"
log-level: debug
proxy-providers:
  links: { type: file, path: ./links.txt }
YAML
  "$mihomo" -d home > log & pid=$!
  timeout 20 bash -c "until grep -q 'initial provider links' log; do sleep 0.2; done; sleep 1"
  curl -sf -m 10 -H "Authorization: Bearer $secret" -o provider.json "http://127.0.0.1:$port/providers/proxies/links"
  kill "$pid"; wait "$pid" || true
  node -p 'const { proxies } = JSON.parse(require("node:fs").readFileSync("provider.json"));
    proxies.map(({ name }) => name).sort().join(" ")'
}

echo "mihomo $version"
collision=$(names_kept twin twin twin-01)
echo "links twin, twin, twin-01: proxies $collision"
grep -E 'level=(warning|error)|twin' log | grep -v 'shutting down' || echo "its log: no warning, no error, and no mention of a twin"
control=$(names_kept twin twin other)
echo "links twin, twin, other: proxies $control"
[[ $collision == "$expected_collision" && $control == "$expected_control" ]] || {
  echo "CHANGED: expected $expected_collision and $expected_control"
  exit 1
}
echo "As described"
